"""`vm-restore-bot run` on a machine whose clock is wrong.

python -m tests.tools.wrong_machine SECONDS
"""

import asyncio
import sys

from bot import process
from bot.app import run
from bot.clock import Clock
from bot.playground.clock import WrongClock
from bot.settings import load
from bot.telemetry import set_up


def main() -> None:
    """As the command line does it."""
    settings = load()
    process.forget_secrets()
    set_up(settings.log.level, settings.log.format)
    asyncio.run(run(settings, WrongClock(Clock(), float(sys.argv[1]))))
    process.end()


if __name__ == "__main__":
    main()
