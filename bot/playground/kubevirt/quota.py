"""ResourceQuota: what a namespace uses, and the refusal of what would exceed it."""

from decimal import Decimal
from typing import Any

from bot.playground.kubevirt.metadata import dig
from bot.playground.kubevirt.problems import forbidden
from bot.playground.kubevirt.quantities import parse, render
from bot.playground.kubevirt.resources import BY_PLURAL, PVCS, Resource
from bot.playground.kubevirt.storage import Storage

Json = dict[str, Any]
_PER_CLASS = ".storageclass.storage.k8s.io/"
Amounts = dict[str, Decimal]


def charges(resource: Resource, obj: Json) -> Amounts:
    """What one object costs, by the names quotas use."""
    costs: Amounts = {f"count/{resource.qualified}": Decimal(1)}
    if resource.plural != PVCS.plural:
        return costs
    size = parse(dig(obj, "spec", "resources", "requests", "storage", default="0"))
    costs |= {"persistentvolumeclaims": Decimal(1), "requests.storage": size}
    storage_class = dig(obj, "spec", "storageClassName")
    if storage_class:
        prefix = f"{storage_class}{_PER_CLASS}"
        costs |= {f"{prefix}requests.storage": size, f"{prefix}persistentvolumeclaims": Decimal(1)}
    return costs


def used(storage: Storage, namespace: str) -> Amounts:
    """What everything in a namespace costs together."""
    total: Amounts = {}
    for plural in storage.resources():
        resource = BY_PLURAL[plural]
        for obj in storage.view(plural, namespace) if resource.namespaced else ():
            for name, amount in charges(resource, obj).items():
                total[name] = total.get(name, Decimal(0)) + amount
    return total


def usage_of(quota: Json, total: Amounts) -> Json:
    """The `status.used` of a quota."""
    hard = dig(quota, "spec", "hard", default={})
    return {name: render(total.get(name, Decimal(0))) for name in hard}


def refuse_excess(storage: Storage, resource: Resource, obj: Json) -> None:
    """403 if creating the object would exceed a quota of its namespace."""
    namespace = obj["metadata"].get("namespace", "")
    quotas = list(storage.view("resourcequotas", namespace)) if namespace else []
    if not quotas:
        return
    total = used(storage, namespace)
    wanted = charges(resource, obj)
    for quota in quotas:
        hard = {
            name: parse(limit) for name, limit in dig(quota, "spec", "hard", default={}).items()
        }
        over = [n for n in sorted(hard) if n in wanted and total.get(n, 0) + wanted[n] > hard[n]]
        if over:
            raise forbidden(resource, obj["metadata"]["name"], _excess(quota, over, wanted, total))


def _excess(quota: Json, over: list[str], wanted: Amounts, total: Amounts) -> str:
    def listed(amounts: Amounts) -> str:
        return ",".join(f"{name}={render(amounts.get(name, Decimal(0)))}" for name in over)

    limits = quota["spec"]["hard"]
    limited = ",".join(f"{name}={limits[name]}" for name in over)
    return (
        f"exceeded quota: {quota['metadata']['name']}, requested: {listed(wanted)}, "
        f"used: {listed(total)}, limited: {limited}"
    )
