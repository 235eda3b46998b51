# What to type here. Python 3.11, 3.12 or 3.13 with its own pip is all that is needed; uv is used if
# it is on PATH.
#
#   make demo    the bot on a simulated Slack and a simulated cluster, playing its story
#   make playground   the same, to be played in a browser; PORT=8000 picks the port of the page
#   make test    lint, types, tests
#   make test-under-load   the tests, three times, beside two busy loops; TESTS=tests/slack a part of them
#   make coverage   do the fast tests of bot/restore and bot/store reach their branches? CI asks
#   make lint    only ruff and mypy
#   make chaos   random stories with random faults; RUNS=1000 SEED=1 says how many, and from where on
#   make bench   the budgets, measured; WRITE=1 keeps the table in docs/performance.md
#   make mutants   guards taken out one by one: does a fast test notice? FILE=policy a part of them
#   make codes     the tables in docs/slack-codes.md, made anew
#   make diagram   the picture in docs/workflow.md, drawn anew
#   make metrics   the table in docs/metrics.md, written anew
#   make settings   the tables in docs/configuration.md, written anew
#   make pictures   the pictures in docs/pictures, played in the playground and drawn anew
#   make chart   the chart's schema of the settings and its README, written anew
#   make lock    lock files that fit a change of dependencies; UPGRADE=1 takes newer releases, too
#   make clean   forget the virtual environment and every cache
#
# PYTHON=/path/to/python3.12 picks the interpreter, VENV=.venv-3.12 the place of the environment,
# UV= (empty) leaves a uv that is on PATH alone.

VENV  ?= .venv
BIN   := $(VENV)/bin
FITS  := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
FOUND  = $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c '$(FITS)' 2>/dev/null && echo $$python && break; done)
PYTHON ?= $(FOUND)
UV     ?= $(shell command -v uv)

export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Five processes read all tests, and each start of a program imports: from byte code it takes half as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench chaos chart clean codes coverage demo diagram lint lock metrics mutants pictures playground settings test \
	test-under-load

demo: $(VENV)/.demo
	@$(BIN)/vm-restore-bot demo

playground: $(VENV)/.demo
	@$(BIN)/vm-restore-bot playground --port $(or $(PORT),0)

# On two cores. One of the four begins with what waits for leases and deadlines, and is idle for two minutes.
test: lint
	$(BIN)/pytest -q -n 4 --dist worksteal

# Without the long random walks, and on one kind of server: the other tests reach the same branches.
COVERING := tests/restore tests/store tests/test_terminal.py -m "not slow and not another_server" \
	--ignore=tests/restore/test_machine.py --ignore-glob='*_model.py'
coverage: $(VENV)/.test
	$(BIN)/coverage run -m pytest -q -n 0 $(COVERING)
	$(BIN)/coverage report

# Each loop ends with the shell that started it, even if that is killed.
TIMES ?= 3
BUSY  := import os; shell = os.getppid(); exec("while os.getppid() == shell: pass")
test-under-load: $(READY)
	@loops=; trap 'kill $$loops' EXIT; trap 'exit 130' INT TERM; \
	for loop in 1 2; do $(BIN)/python -c '$(BUSY)' & loops="$$loops $$!"; done; \
	for run in $$(seq $(TIMES)); do \
	  echo "== run $$run of $(TIMES), beside two busy loops"; \
	  $(BIN)/pytest -q -n 4 --dist worksteal $(TESTS) || exit 1; \
	done

RUNS ?= 100
SEED ?= 1
chaos: $(VENV)/.test
	@$(BIN)/python -m tests.tools.chaos --runs $(RUNS) --seed $(SEED)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test
	$(BIN)/python -m tests.tools.bench $(if $(WRITE),--write docs/performance.md)

mutants: $(VENV)/.test
	$(BIN)/python -m tests.tools.mutants $(if $(FILE),--file $(FILE))

codes: $(VENV)/.demo
	$(BIN)/python -m docs.slack_codes

diagram: $(VENV)/.demo
	$(BIN)/python -m docs.diagram

metrics: $(VENV)/.demo
	$(BIN)/python -m docs.metrics

settings: $(VENV)/.demo
	$(BIN)/python -m docs.configuration

pictures: $(VENV)/.test
	$(BIN)/python -m tests.tools.pictures

chart: $(VENV)/.demo
	$(BIN)/python -m docs.chart

# The environment, in steps: an interpreter, then what the lock files list, then this project.
#
# A lock file is complete, and --no-deps takes it literally: nothing is resolved, so nothing that an
# index offers later can change what is installed. tests/test_setup.py holds that it is complete.
# Byte code is written when a module is first imported, which is sooner than compiling everything.
LOCKED := --no-deps --require-hashes --only-binary :all:
ifneq ($(UV),)
INSTALL = $(UV) pip install -q --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install -q --no-compile
endif

$(VENV)/.python:
	@python='$(PYTHON)'; "$${python:-false}" -c '$(FITS)' 2>/dev/null || { \
	  echo "This needs Python 3.11, 3.12 or 3.13 with its venv module; found: $$($${python:-python3} --version 2>&1 || true). Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(BIN)/python -c '$(FITS)' 2>/dev/null || "$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.demo-packages: requirements-build.lock requirements.lock | $(VENV)/.python
	@echo "Installing into $(VENV) (half a minute the first time) ..."
	@$(INSTALL) $(LOCKED) $(addprefix -r ,$^)
	@touch $@

$(VENV)/.demo: $(VENV)/.demo-packages pyproject.toml
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test-packages: requirements-dev.lock | $(VENV)/.python
	@echo "Installing the developers' tools into $(VENV) (half a minute the first time) ..."
	@$(INSTALL) $(LOCKED) -r $<
	@touch $@

$(VENV)/.test: $(VENV)/.demo $(VENV)/.test-packages
	@touch $@

# Pins stay as they are while they fit. No file notes which index it came from.
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-strip-extras $(if $(UPGRADE),--upgrade)
lock: $(VENV)/.test
	$(COMPILE) --all-extras --group dev --group deploy pyproject.toml -o requirements-dev.lock >/dev/null
	$(COMPILE) --extra demo -c requirements-dev.lock pyproject.toml -o requirements.lock >/dev/null
	$(COMPILE) --group build -c requirements-dev.lock -o requirements-build.lock >/dev/null

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find bot tests -name __pycache__ -type d -exec rm -rf {} +
