"""What a request is about, as RBAC names it."""

import pytest

from bot.cluster.paths import asked

NS = "/apis/kubevirt.io/v1/namespaces/production"


@pytest.mark.parametrize(
    ("method", "path", "about"),
    [
        ("GET", f"{NS}/virtualmachines/database-01", ("get", "virtualmachines")),
        ("GET", f"{NS}/virtualmachines", ("list", "virtualmachines")),
        ("GET", "/apis/kubevirt.io/v1/virtualmachines", ("list", "virtualmachines")),
        ("PUT", f"{NS}/virtualmachines/db/stop", ("update", "virtualmachines/stop")),
        ("DELETE", f"{NS}/virtualmachineinstances/db", ("delete", "virtualmachineinstances")),
        ("POST", f"{NS}/virtualmachinerestores", ("create", "virtualmachinerestores")),
        ("GET", "/api/v1/namespaces/production/pods", ("list", "pods")),
        ("GET", "/api/v1/namespaces/kube-system", ("get", "namespaces")),
        ("GET", "/api/v1/namespaces", ("list", "namespaces")),
        ("GET", "/version", ("get", "version")),
        ("GET", "/apis/snapshot.kubevirt.io/v1beta1", ("get", "apis")),
        ("GET", "/apis", ("get", "apis")),
    ],
)
def test_verb_and_resource(method: str, path: str, about: tuple[str, str]) -> None:
    assert asked(method, path) == about
