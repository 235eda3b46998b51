"""Every error the bot raises on purpose. Adapters translate what they meet into one of these.

    BotError
    ├── Temporary    the far side is away, busy or slow; the same call may work later
    │   ├── NotTaken           the request was not sent, or turned away: it is not carried out late
    │   ├── StoreUnavailable   Redis cannot be reached: nothing may be decided until it is back
    │   └── AnotherCluster     not the cluster that a name stands for: nothing is done there
    ├── Permanent    the far side said no, and will say no again; `reason` is a stable code
    └── Misconfigured  a setting is wrong; the text names the key and the fix

The core decides what a Temporary or a Permanent means for a restore; adapters only tell them apart.
No text in here may hold a token or the words of a Slack message.
"""


class BotError(Exception):
    """Root of the tree; never raised itself."""


class Temporary(BotError):
    """The far side did not answer, or asked to come back later.

    `retry_after` is in seconds; None means that the far side named no time.
    """

    def __init__(self, what: str, retry_after: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.retry_after = retry_after


class NotTaken(Temporary):
    """The far side has not taken the request, and will not carry it out later."""


class StoreUnavailable(Temporary):
    """Redis cannot be reached or refuses to write."""


class AnotherCluster(Temporary):
    """A cluster is not the one that its name stands for. It counts as away until somebody decides."""

    def __init__(self, cluster: str, installation: str, kind: str, known: str, found: str) -> None:
        super().__init__(
            f'cluster {cluster}: installation "{installation}" knows another cluster by this name '
            f"({kind} had the UID {known}, here it is {found}); set another `installation`, or, if "
            "the cluster was rebuilt under its old name, run "
            f"`vm-restore-bot clusters forget {cluster}`"
        )


class NotTrusted(NotTaken):
    """It is there, and its certificate is not one that this bot trusts."""


class Permanent(BotError):
    """The far side refused for good. `reason` is a stable code, `text` is what it said."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(f"{reason}: {text}" if text else reason)
        self.reason = reason
        self.text = text


class Misconfigured(BotError):
    """A setting that cannot work. The text names the key and what to write instead."""
