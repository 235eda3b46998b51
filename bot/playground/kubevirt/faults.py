"""Trouble on order: rules that match requests, and what happens to those instead.

    sim.faults.add(Answer(503, "ServiceUnavailable", "..."), verb="create", resource="virtualmachinerestores")
    sim.faults.add(DropAfter(), times=1, verb="update", subresource="stop")

Rules are asked in the order they were added; the first that matches is used up by one. Network
faults come before authentication, as in life. `WebhookDown` hits the controllers' writes as well.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with this instead of doing anything."""

    code: int
    reason: str = ""
    message: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class DropBefore:
    """The connection breaks before the request is read."""


@dataclass(frozen=True, slots=True)
class DropAfter:
    """The request is applied, the answer is lost."""


@dataclass(frozen=True, slots=True)
class Delay:
    """The request waits this long on the cluster's clock, then is applied as usual."""

    seconds: float


@dataclass(frozen=True, slots=True)
class SlowAnswer:
    """The request is applied at once, the answer comes this much later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ApplyLate:
    """The client hears nothing any more; the request is carried out this much later."""

    seconds: float


@dataclass(frozen=True, slots=True)
class WebhookDown:
    """The admission webhook of the resource cannot be called."""


Effect = Answer | DropBefore | DropAfter | Delay | SlowAnswer | ApplyLate | WebhookDown


@dataclass(slots=True)
class Rule:
    """When an effect strikes. Empty matchers match everything but watches, which must be named."""

    effect: Effect
    verb: str = ""
    method: str = ""
    resource: str = ""
    subresource: str | None = None
    namespace: str = ""
    name: str = ""
    user: str = ""
    dry_run: bool | None = None
    times: int | None = 1
    skip: int = 0

    def matches(self, call: "Traits") -> bool:
        """Whether the rule speaks of this request."""
        if call.verb == "watch" and self.verb != "watch":
            return False
        if self.dry_run not in (None, call.dry_run):
            return False
        if self.subresource not in (None, call.subresource):
            return False
        mine = (self.verb, self.method, self.resource, self.namespace, self.name, self.user)
        theirs = (call.verb, call.method, call.resource, call.namespace, call.name, call.user)
        return all(wanted in ("", got) for wanted, got in zip(mine, theirs, strict=True))


@dataclass(frozen=True, slots=True)
class Traits:
    """What a rule can look at."""

    verb: str = ""
    method: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    user: str = ""
    dry_run: bool = False


@dataclass(slots=True)
class Faults:
    """The rules in force."""

    rules: list[Rule] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    """Names of objects whose creates are carried out late."""

    def add(self, rule: Rule) -> Rule:
        """Put a rule in force; keep what is returned to `remove` it."""
        self.rules.append(rule)
        return rule

    def remove(self, rule: Rule) -> None:
        """Take a rule out; no harm if it is used up."""
        self.rules = [held for held in self.rules if held is not rule]

    def clear(self) -> None:
        """No more trouble."""
        self.rules.clear()

    def take(self, traits: Traits) -> Effect | None:
        """The effect that strikes this request, if any; uses its rule up by one."""
        rules = [rule for rule in self.rules if not isinstance(rule.effect, WebhookDown)]
        return self._first(rules, traits)

    def webhook_is_down(self, traits: Traits) -> bool:
        """Whether the webhook for this write cannot be called."""
        rules = [rule for rule in self.rules if isinstance(rule.effect, WebhookDown)]
        return self._first(rules, traits) is not None

    def _first(self, rules: list[Rule], traits: Traits) -> Effect | None:
        for rule in rules:
            if not rule.matches(traits):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            self._use_up(rule)
            return rule.effect
        return None

    def _use_up(self, rule: Rule) -> None:
        if rule.times is None:
            return
        rule.times -= 1
        if rule.times <= 0:
            self.remove(rule)
