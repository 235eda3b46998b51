"""Is there a loopback interface, and is a port of it free? Asked before a world is made."""

import socket

from bot.errors import Misconfigured

PATIENCE = 60.0
"""Real seconds for one connection."""
LOOPBACK = "127.0.0.1"


def must_reach_itself() -> None:
    """Everything in a world talks over loopback; without it nothing else is at fault."""
    with socket.socket() as held, socket.socket() as caller:
        try:
            held.bind((LOOPBACK, 0))
            held.listen(1)
            caller.settimeout(PATIENCE)
            caller.connect(held.getsockname())
        except OSError as error:
            raise Misconfigured(
                f"This machine cannot reach itself at {LOOPBACK} ({error.strerror}), and the demo"
                " plays there. Bring the loopback interface up: ip link set lo up"
            ) from error


def must_be_free(port: int) -> None:
    """The port that was asked for, told from a fault of the playground."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((LOOPBACK, port))
        except OSError as error:
            raise Misconfigured(
                f"--port: {port} cannot be had on {LOOPBACK} ({error.strerror}); choose another"
                " with --port NUMBER, or leave it out to take a free one"
            ) from error
