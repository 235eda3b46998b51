"""The names of all keys, and which of them may live for ever.

All keys of one installation in one Slack workspace begin with one hash tag,
`{vmr:TEAM:INSTALLATION}:`, so that they share a slot of a Redis Cluster and every script may touch them
together. Scripts get the keys they always need in
KEYS and build the others (a second restore, a thread, a history) from the prefix.

    due               sorted set: what is to be looked at, by time in ms; members are "restore:ID",
                      "delivery:KEY" and "task:NAME", which with the prefix name the records
    live              sorted set: ids of the restores that have not ended, by the time of asking
    claims            hash: "cluster/namespace/vm" -> id of the restore that holds the VM
    traces            hash: id -> who owns a live restore, of which VM, where it is told, its phase (JSON)
    audit             stream: one JSON entry each, with its chain, of what belongs to no restore; cut at
                      about 100,000
    audit:ID          stream: the same of one restore, cut at about 1,000
    audit-count       number of the entries ever written to all of these streams
    audits            sorted set: ids of the restores that have one, by the time of the last entry in s
    clusters          hash: name of a cluster -> JSON: UID that it is known by, by kind of object
    restore:ID        hash: doc, version, token (of the last commit), fence, until and again (the
                      lease), live, claim, deferred, and one field card:KEY for each card in Slack
    delivery:KEY      hash: kind, accepted, token, fence, until; and body, until it is completed
    thread:CHANNEL:TS sorted set: ids of the thread's restores, by the time of asking
    history:VM        list: ids of the last ended restores of a VM, newest first
    recent            list: the same of the workspace
    task:NAME         hash: task (its body), fence, until, again, cuts, and newer (scheduled while leased)
    homes             sorted set: the tasks that draw somebody's Home, by when it was opened last
    broken:ID         the record of a restore that does not load, as it was found
    way:ID            string: key of the card told last (or nothing), a space, a response_url
    form:VIEW         string: when the choice was made that it was drawn for, a space, its hash
    said:TOKEN        string: these audit entries are written already

A key has a TTL or is PERMANENT. Two kinds get theirs late: a restore when it ends, a delivery when
it is completed; until then the one stands in `live` and the other in `due`.
"""

import re

from bot.restore import installation as installations

DUE = "due"
LIVE = "live"
CLAIMS = "claims"
TRACES = "traces"
AUDIT = "audit"
AUDITS = "audits"
AUDIT_COUNT = "audit-count"
CLUSTERS = "clusters"
RECENT = "recent"
HOMES = "homes"
PERMANENT = (DUE, LIVE, CLAIMS, TRACES, AUDIT, AUDITS, AUDIT_COUNT, CLUSTERS)

RESTORE = "restore:"
DELIVERY = "delivery:"
TASK = "task:"
LOST = "lost:"
"""What the name of a periodic task begins with that looks into a lost record."""
HOME = "home:"
"""What the name of a periodic task begins with that is due whenever a restore has moved."""

_TEAM = re.compile(r"[A-Za-z0-9_.-]+")


class Keys:
    """The keys of one installation in one Slack workspace."""

    def __init__(self, team: str, installation: str = installations.DEFAULT) -> None:
        # A brace would end the hash tag early and scatter the keys over a cluster.
        if not _TEAM.fullmatch(team):
            raise ValueError(f"not a workspace id: {team!r}")
        if not installations.NAME.fullmatch(installation):
            raise ValueError(f"not a name of an installation: {installation!r}")
        self.prefix = f"{{vmr:{team}:{installation}}}:"
        self.due = self.prefix + DUE
        self.live = self.prefix + LIVE
        self.claims = self.prefix + CLAIMS
        self.traces = self.prefix + TRACES
        self.audit = self.prefix + AUDIT
        self.audits = self.prefix + AUDITS
        self.clusters = self.prefix + CLUSTERS
        self.recent = self.prefix + RECENT
        self.homes = self.prefix + HOMES

    def record(self, member: str) -> str:
        """The record of a member of the due queue."""
        return self.prefix + member

    def queued(self, member: str) -> dict[str, str]:
        """What a script needs of one member of the queue: its record and the queue."""
        return {"record": self.record(member), "due": self.due}

    def indexes(self) -> dict[str, str]:
        """All that may name a restore, and the audit stream."""
        return {
            "due": self.due,
            "living": self.live,
            "claims": self.claims,
            "traces": self.traces,
            "audit": self.audit,
        }

    def restore(self, restore: str) -> str:
        """The record of a restore."""
        return self.prefix + RESTORE + restore

    def audit_of(self, restore: str) -> str:
        """The audit stream of a restore."""
        return f"{self.audit}:{restore}"

    def broken(self, restore: str) -> str:
        """Where the record of a restore is kept that does not load."""
        return f"{self.prefix}broken:{restore}"

    def way(self, restore: str) -> str:
        """The last way to a restore's owner."""
        return f"{self.prefix}way:{restore}"

    def form(self, view: str) -> str:
        """What an open form was drawn for last."""
        return f"{self.prefix}form:{view}"

    def thread(self, channel: str, thread: str) -> str:
        """The index of the restores of a thread."""
        return f"{self.prefix}thread:{channel}:{thread}"

    def history(self, claim: str) -> str:
        """The list of a VM's last restores."""
        return f"{self.prefix}history:{claim}"
