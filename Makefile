# What to type here. Python 3.11, 3.12 or 3.13 and pip are all that is needed; uv is used if there.
#
#   make demo    the bot on a simulated Slack and a simulated cluster, playing its story
#   make test    everything CI runs: lint, types, tests
#   make test-under-load   the tests, three times, beside two busy loops; TESTS=tests/slack a part of them
#   make lint    only ruff and mypy
#   make chaos   random stories with random faults; RUNS=1000 SEED=1 says how many, and from where on
#   make bench   the budgets, measured; WRITE=1 keeps the table in docs/performance.md
#   make lock    new lock files after a change of dependencies (needs uv)
#   make clean   forget the virtual environment and every cache
#
# PYTHON=/path/to/python3.12 picks the interpreter, VENV=.venv-3.12 the place of the environment.

VENV  ?= .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
FITS  := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
FOUND  = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(FITS)' 2>/dev/null && echo $$python && break; done)
PYTHON ?= $(FOUND)

export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: chaos demo test test-under-load lint lock clean bench

demo: $(READY)
	@$(BIN)/vm-restore-bot demo

test: lint
	$(BIN)/pytest -q -n 2 --dist worksteal

# Each loop ends with the shell that started it, even if that is killed.
TIMES ?= 3
BUSY  := import os; shell = os.getppid(); exec("while os.getppid() == shell: pass")
test-under-load: $(READY)
	@loops=; trap 'kill $$loops' EXIT; trap 'exit 130' INT TERM; \
	for loop in 1 2; do $(BIN)/python -c '$(BUSY)' & loops="$$loops $$!"; done; \
	for run in $$(seq $(TIMES)); do \
	  echo "== run $$run of $(TIMES), beside two busy loops"; \
	  $(BIN)/pytest -q -n 2 --dist worksteal $(TESTS) || exit 1; \
	done

RUNS ?= 100
SEED ?= 1
chaos: $(READY)
	@$(BIN)/python -m bot.playground.chaos --runs $(RUNS) --seed $(SEED)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m bot.playground.bench $(if $(WRITE),--write docs/performance.md)

# The whole environment, from the hashed lock file; again only when what it is made from changes.
$(READY): requirements-dev.lock pyproject.toml
	@python='$(PYTHON)'; "$${python:-false}" -c '$(FITS)' 2>/dev/null || { \
	  echo "This needs Python 3.11, 3.12 or 3.13 with its venv module; found: $$($${python:-python3} --version 2>&1 || true). Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(BIN)/python -c '$(FITS)' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "Installing into $(VENV) (half a minute the first time) ..."
	@if command -v uv >/dev/null && $(call install,uv pip install -q --python $(BIN)/python); then :; \
	  else $(call install,$(BIN)/python -m pip install -qq); fi
	@touch $@

install = { $(1) --require-hashes -r requirements-dev.lock && $(1) --no-deps --no-build-isolation -e .; }

# uv.lock notes which index the files came from, so it is not kept.
EXPORT := uv export -q --frozen --no-header --no-emit-project
lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	uv lock
	$(EXPORT) --only-group build -o requirements-build.lock >/dev/null
	$(EXPORT) --extra demo --no-default-groups -o requirements.lock >/dev/null
	$(EXPORT) --all-extras --all-groups -o requirements-dev.lock >/dev/null
	rm -f uv.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find bot tests -name __pycache__ -type d -exec rm -rf {} +
