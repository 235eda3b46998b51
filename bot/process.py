"""How the process behaves towards the machine: it ends when it is told to, and keeps its secrets."""

import faulthandler
import gc
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Never

SECRETS: Final = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_VERIFICATION_TOKEN",
    "REDIS_URL",
)
_OF_PROGRAMS: Final = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "KUBECONFIG"}
    | {"XDG_CONFIG_HOME", "XDG_CACHE_HOME"}
    | {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"}
    | {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
)
_OF_CLOUDS: Final = ("AWS_", "AZURE_", "AAD_", "GOOGLE_", "CLOUDSDK_", "OCI_", "LC_")


def keep_what_stands() -> None:
    """Leave what was made at the start to no garbage collection any more.

    Modules and models last as long as the process. Each full collection would go through all of them,
    and whatever Slack brings in that time waits.
    """
    gc.collect()
    gc.freeze()


def environment_of_programs() -> dict[str, str]:
    """What a program gets that the bot starts: the login plugin of a kubeconfig.

    Where programs and files are found, the way out (proxies, authorities), and what a cloud's
    webhook puts into a pod for workload identity (AWS_ROLE_ARN, AZURE_FEDERATED_TOKEN_FILE ...),
    which the author of a kubeconfig cannot know. All else is named in the kubeconfig, `exec.env`.
    A list of what may pass, not of what may not: a secret of the bot is never on it.
    """
    return {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _OF_PROGRAMS or name.startswith(_OF_CLOUDS)
    }


def end_on_sigterm() -> None:
    """SIGTERM ends the process in order from now on: as PID 1 of a pod it would be ignored."""
    signal.signal(signal.SIGTERM, _end)


def _end(*_: object) -> Never:
    raise SystemExit(0)


def forget_secrets() -> None:
    """Take what the settings hold already out of the environment.

    Bolt does not read it on its own account then.
    """
    for name in SECRETS:
        os.environ.pop(name, None)


def have_a_home() -> None:
    """Give a user whom the machine does not know a home directory: Slack's SDK asks for it.

    It asks while it is imported, for a file that the bot never writes.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


class LooseThreads(ThreadPoolExecutor):
    """Threads that nobody waits for at the end: a look-up of a name may hang for a minute."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - as in the library
        """Take no more work; what is under way may stay so."""
        super().shutdown(wait=False, cancel_futures=True)


def end_within(seconds: float) -> None:
    """End with 1 after so many seconds, whatever hangs, and print where every thread stands.

    A thread of the interpreter does it, so that it also works while the event loop is blocked.
    """
    faulthandler.dump_traceback_later(seconds, exit=True)


def give_up() -> Never:
    """End at once with 1: something does not end by itself, and has been told of."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def end() -> None:
    """End at once, now that all is closed. Python itself would wait for threads that hang."""
    faulthandler.cancel_dump_traceback_later()
    if threading.active_count() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
