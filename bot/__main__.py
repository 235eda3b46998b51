"""`python -m bot` is the command `vm-restore-bot`."""

from bot.cli import main

main()
