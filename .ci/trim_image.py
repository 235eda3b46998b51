# ruff: noqa: INP001 - a script, in no package
"""Make the environment of the image small: `python .ci/trim_image.py ENVIRONMENT`.

Run once, by the Dockerfile, when everything is installed. Takes away what the bot never imports, and then
writes the byte code of what it does import, so that a start on a read-only root is as quick as it would be
with a cache. `tests/test_trimmed_image.py` runs a bot on what is left.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

UNUSED = (
    # The client's generated calls and models: the bot sends its few requests itself (`bot/cluster`).
    "kubernetes/aio/client/api",
    "kubernetes/client/api",
    "kubernetes/aio/client/models/[!_]*.py",
    "kubernetes/client/models/[!_]*.py",
    # Colours for terminals: typer and structlog do without.
    "rich",
    "pygments",
    "markdown_it",
    "mdurl",
    # For `demo` alone, which needs a simulated cluster.
    "jsonpatch*",
    "jsonpointer*",
    "bin/*json*",
    # What packages bring along of their own tests and stubs.
    "**/tests",
    "**/*_test.py",
    "**/*.pyi",
)
PROGRAMS = ("bot.app", "bot.cli", "bot.check", "bot.terminal.restores", "bot.terminal.audit")
"""What the commands of the image import."""
_COMPILED = """
import importlib, py_compile, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
for module in list(sys.modules.values()):
    file = getattr(module, "__file__", None)
    if file and file.endswith(".py") and file.startswith(sys.prefix):
        # The files never change, so their byte code is never compared with them.
        py_compile.compile(file, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
"""


def trim(environment: Path) -> None:
    """Take away what is unused, and compile the rest as far as it is imported."""
    (packages,) = environment.glob("lib/python3*/site-packages")
    for pattern in UNUSED:
        for found in packages.glob(pattern):
            if found.is_dir():
                shutil.rmtree(found)
            else:
                found.unlink()
    for cache in packages.glob("**/__pycache__"):
        shutil.rmtree(cache)
    python = environment / "bin" / "python"
    # The command is fixed, and what it runs was installed from the lock file.
    quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([python, "-c", _COMPILED, *PROGRAMS], check=True, env=quiet, cwd="/")  # noqa: S603


if __name__ == "__main__":
    trim(Path(sys.argv[1]).absolute())
