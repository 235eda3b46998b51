"""The image without what `.ci/trim_image.py` takes away: no engine is needed to know that a bot runs on it."""

import asyncio
import importlib.util
import os
import sys
from pathlib import Path

from bot.playground.stage import set_stage
from bot.playground.world import world

HOUSE = Path(__file__).parent.parent
BLOCKER = """
import sys

GONE = {gone!r}


class Gone:
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in GONE):
            raise ModuleNotFoundError(f"it is not in the image: {{name}}", name=name)


sys.meta_path.insert(0, Gone())
"""


def gone() -> list[str]:
    """The modules that are taken away."""
    path = HOUSE / ".ci" / "trim_image.py"
    spec = importlib.util.spec_from_file_location("trim_image", path)
    assert spec is not None
    assert spec.loader is not None
    trim = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(trim)
    named = [each.split("*")[0].split("/[")[0] for each in trim.UNUSED if each[0] not in "*b"]
    # Of the models only the files go: the package says which there are.
    modules = [each.replace("/", ".") for each in named if not each.endswith("/models")]
    return [*modules, *(f"{each.replace('/', '.')}.v1_pod" for each in named if "models" in each)]


async def test_the_commands_of_the_image_need_nothing_that_is_taken_away(tmp_path: Path) -> None:
    """`check` signs in everywhere; `run` imports the same and the receivers."""
    blocked = gone()
    assert {"rich", "pygments", "kubernetes.aio.client.api", "jsonpatch"} <= set(blocked)
    (tmp_path / "sitecustomize.py").write_text(BLOCKER.format(gone=blocked))
    async with world(tmp_path) as made:
        await set_stage(made)
        env = {
            **made.environment(),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{tmp_path}:{HOUSE}",
        }
        for command in (["-m", "bot", "check"], ["-c", "import bot.app, rich"]):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *command),
                env=env,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            out, err = await process.communicate()
            if "check" in command:
                assert (process.returncode, err.decode()) == (0, ""), out.decode()
            else:
                assert "it is not in the image: rich" in err.decode()
