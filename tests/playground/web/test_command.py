"""The command as it is typed: one address, and nothing left behind after Ctrl-C."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

HOUSE = Path(__file__).parents[3]


def servers(directory: Path) -> list[str]:
    """The command lines of processes that work in this directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in words:
            found.append(words)
    return found


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path) -> None:
    """No traceback, no directory, no Redis."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "playground"],
        cwd=HOUSE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        address = line.removeprefix("The playground is at ").strip()
        assert address.startswith("http://127.0.0.1:"), line
        with urlopen(address) as page:  # noqa: S310 - ours, as it has just been printed
            assert page.status == 200
        if sys.platform == "linux":
            assert servers(tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "Ctrl-C ends it.\n"
        assert process.stderr.read() == ""
        assert process.wait() == 0
    assert list(tmp_path.iterdir()) == []
    if sys.platform == "linux":
        assert servers(tmp_path) == []
