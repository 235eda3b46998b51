"""Who may do what: users by bearer token, allow rules, impersonation, and access reviews.

Authorization comes first, as in life: who may not ask for an unknown group gets 403, not 404.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.playground.kubevirt.problems import ApiError
from bot.playground.kubevirt.resources import SERVED

Json = dict[str, Any]
ALL = ("*",)
AUTHENTICATED = "system:authenticated"
_OPEN_PATHS = (
    "/api",
    "/apis",
    "/healthz",
    "/livez",
    "/openapi",
    "/readyz",
    "/version",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One allow rule. `namespaces` None is everywhere, cluster scope included; "" is cluster scope."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    namespaces: tuple[str, ...] | None = None
    names: tuple[str, ...] = ()

    def allows(self, asked: "Attributes") -> bool:
        """Whether the rule covers the request."""
        resource = asked.resource + (f"/{asked.subresource}" if asked.subresource else "")
        return (
            _in(asked.verb, self.verbs)
            and _in(asked.group, self.groups)
            and _in(resource, self.resources)
            and (self.namespaces is None or asked.namespace in self.namespaces)
            and (not self.names or asked.name in self.names)
        )


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is asked for; `path` alone for a path that is no resource."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is authenticated."""

    name: str
    groups: tuple[str, ...] = (AUTHENTICATED,)


@dataclass(slots=True)
class Account:
    """A user the cluster knows: a token, and rules of its own."""

    user: User
    token: str
    rules: list[Rule] = field(default_factory=list)
    denied: list[Attributes] = field(default_factory=list)


READ = ("get", "list")
WATCH = ("get", "list", "watch")
# The least the bot needs, and the deletion of a VMI that a guest left behind.
BOT_RULES = (
    Rule(WATCH, ("kubevirt.io",), ("virtualmachines", "virtualmachineinstances")),
    Rule(("delete",), ("kubevirt.io",), ("virtualmachineinstances",)),
    Rule(
        WATCH,
        ("snapshot.kubevirt.io",),
        ("virtualmachinesnapshots", "virtualmachinesnapshotcontents", "virtualmachinerestores"),
    ),
    Rule(("create", "delete", "patch"), ("snapshot.kubevirt.io",), ("virtualmachinerestores",)),
    Rule(("create",), ("snapshot.kubevirt.io",), ("virtualmachinesnapshots",)),
    Rule(
        ("update",),
        ("subresources.kubevirt.io",),
        ("virtualmachines/stop", "virtualmachines/start"),
    ),
    Rule(
        READ, ("",), ("persistentvolumeclaims", "pods", "events", "resourcequotas", "limitranges")
    ),
    Rule(("create", "watch"), ("",), ("events",)),
    Rule(READ, ("cdi.kubevirt.io",), ("datavolumes",)),
    Rule(READ, ("snapshot.storage.k8s.io",), ("volumesnapshots",)),
    Rule(("get",), ("",), ("namespaces",), names=("kube-system",)),
    Rule(READ, ("storage.k8s.io",), ("storageclasses",)),
    Rule(("get",), ("apiextensions.k8s.io",), ("customresourcedefinitions",)),
)
ADMIN_RULES = (Rule(ALL, ALL, ALL),)
_EVERYBODY_RULES = (
    Rule(READ, ("kubevirt.io",), ("kubevirts",)),
    Rule(READ, ("subresources.kubevirt.io",), ("version", "guestfs")),
    Rule(
        ("create",),
        ("authorization.k8s.io",),
        ("selfsubjectaccessreviews", "selfsubjectrulesreviews"),
    ),
    Rule(("create",), ("authentication.k8s.io",), ("selfsubjectreviews",)),
)


class Authorizer:
    """The accounts of the cluster, and the answers to "may this user do that"."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.add("admin", ADMIN_RULES, groups=("system:masters",))
        self.add("vm-restore-bot", BOT_RULES)

    def add(self, name: str, rules: tuple[Rule, ...] = (), groups: tuple[str, ...] = ()) -> Account:
        """Know a user; the token follows from the name."""
        user = User(name, (*groups, AUTHENTICATED))
        self.accounts[name] = Account(user, f"token-of-{name}", list(rules))
        return self.accounts[name]

    def authenticate(self, token: str) -> User:
        """The user of a bearer token, or 401."""
        for account in self.accounts.values():
            if token and account.token == token:
                return account.user
        raise unauthorized()

    def impersonated(self, user: User, name: str, groups: tuple[str, ...]) -> User:
        """Who the request is to count for; the asker needs the right to impersonate."""
        self.check(user, Attributes("impersonate", "", "users", name=name))
        for group in groups:
            self.check(user, Attributes("impersonate", "", "groups", name=group))
        return User(name, (*groups, AUTHENTICATED))

    def allows(self, user: User, asked: Attributes) -> bool:
        """The verdict."""
        if asked.path:
            return asked.path == "/" or any(
                asked.path == known or asked.path.startswith(f"{known}/") for known in _OPEN_PATHS
            )
        account = self.accounts.get(user.name)
        if account is not None and any(_covers(held, asked) for held in account.denied):
            return False
        return any(rule.allows(asked) for rule in self.rules_of(user))

    def rules_of(self, user: User) -> list[Rule]:
        """All rules that hold for a user: own ones, those of groups, everybody's."""
        rules = list(_EVERYBODY_RULES) if AUTHENTICATED in user.groups else []
        for name in (user.name, *(f"group:{group}" for group in user.groups)):
            account = self.accounts.get(name)
            rules += account.rules if account is not None else []
        if "system:masters" in user.groups:
            rules += ADMIN_RULES
        return rules

    def left_of(self, user: User, rule: Rule, resource: str, namespace: str) -> list[str]:
        """The verbs of a rule for one of its resources, without those that were taken away."""
        account = self.accounts.get(user.name)
        kind, _, sub = resource.partition("/")
        return [
            verb
            for verb in rule.verbs
            if account is None
            or not any(
                _covers(held, Attributes(verb, rule.groups[0], kind, sub, namespace))
                for held in account.denied
            )
        ]

    def check(self, user: User, asked: Attributes) -> None:
        """403 in Kubernetes' words if it is not allowed."""
        if not self.allows(user, asked):
            raise _forbidden(user, asked)

    def deny(self, name: str, asked: Attributes) -> None:
        """Take one right away; empty fields of `asked` match anything."""
        self.accounts[name].denied.append(asked)

    def undeny(self, name: str) -> None:
        """Give back what was taken away."""
        self.accounts[name].denied.clear()


def unauthorized() -> ApiError:
    """401."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def _in(value: str, allowed: tuple[str, ...]) -> bool:
    return allowed == ALL or value in allowed


def _covers(denied: Attributes, asked: Attributes) -> bool:
    resource = asked.resource + (f"/{asked.subresource}" if asked.subresource else "")
    pairs = (
        (denied.verb, asked.verb),
        (denied.resource, resource),
        (denied.namespace, asked.namespace),
        (denied.group, asked.group),
    )
    return all(wanted in ("", got) for wanted, got in pairs)


def _forbidden(user: User, asked: Attributes) -> ApiError:
    if asked.path:
        text = f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"'
        return ApiError(403, "Forbidden", text, {})
    qualified = f"{asked.resource}.{asked.group}" if asked.group else asked.resource
    subject = f'{qualified} "{asked.name}"' if asked.name else qualified
    resource = asked.resource + (f"/{asked.subresource}" if asked.subresource else "")
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    text = (
        f'{subject} is forbidden: User "{user.name}" cannot {asked.verb} resource "{resource}" '
        f'in API group "{asked.group}" {where}'
    )
    details = {"name": asked.name} if asked.name else {}
    group = {"group": asked.group} if asked.group else {}
    return ApiError(403, "Forbidden", text, {**details, **group, "kind": asked.resource})


def review(authorizer: Authorizer, user: User, plural: str, sent: Json) -> Json:
    """Answer an access review; nothing is stored."""
    spec = sent.get("spec") or {}
    status: Json
    if plural == "selfsubjectreviews":
        status = {"userInfo": {"username": user.name, "groups": list(user.groups)}}
    elif plural == "selfsubjectrulesreviews":
        status = _rules_review(authorizer, user, str(spec.get("namespace", "")))
    else:
        subject = user
        if plural != "selfsubjectaccessreviews":
            subject = User(spec.get("user", ""), (*spec.get("groups", ()), AUTHENTICATED))
        allowed = authorizer.allows(subject, _asked_in(spec))
        status = {"allowed": allowed} if allowed else {"allowed": False, "reason": ""}
    return {**sent, "metadata": sent.get("metadata") or {}, "status": status}


def _asked_in(spec: Json) -> Attributes:
    path = spec.get("nonResourceAttributes") or {}
    if path:
        return Attributes(path.get("verb", ""), path=path.get("path", ""))
    asked = spec.get("resourceAttributes") or {}
    resource, _, subresource = str(asked.get("resource", "")).partition("/")
    return Attributes(
        verb=asked.get("verb", ""),
        group=asked.get("group", ""),
        resource=resource,
        subresource=asked.get("subresource", "") or subresource,
        namespace=asked.get("namespace", ""),
        name=asked.get("name", ""),
    )


def _rules_review(authorizer: Authorizer, user: User, namespace: str) -> Json:
    rules = [
        {
            "verbs": verbs,
            "apiGroups": list(rule.groups),
            "resources": [resource],
            **({"resourceNames": list(rule.names)} if rule.names else {}),
        }
        for rule in authorizer.rules_of(user)
        if rule.namespaces is None or namespace in rule.namespaces
        for resource in rule.resources
        if (verbs := authorizer.left_of(user, rule, resource, namespace))
    ]
    return {"resourceRules": rules, "nonResourceRules": [], "incomplete": False}


def in_namespaces(rules: tuple[Rule, ...], namespaces: tuple[str, ...]) -> tuple[Rule, ...]:
    """The same rules as namespaced roles; those for cluster-scoped kinds stay as they are."""
    cluster_wide = {resource.plural for resource in SERVED if not resource.namespaced}
    return tuple(
        rule if set(rule.resources) <= cluster_wide else replace(rule, namespaces=namespaces)
        for rule in rules
    )
