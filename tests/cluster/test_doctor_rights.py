"""The table of permissions that `doctor` checks: what the chart grants and the controller needs, and nothing else."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from autoscaler.doctor.finding import Finding, Level
from autoscaler.doctor.needs import NEEDS, Permission, WorkloadKind, permissions
from tests.cluster.api import Json
from tests.cluster.clock import wait_until
from tests.cluster.credentials import PRODUCT
from tests.cluster.examined import SOON_S, Office, found
from tests.cluster.helm import DEFAULT, Helm

RBAC = "rbac.authorization.k8s.io/v1"


def asked(office: Office) -> tuple[Permission, ...]:
    kinds = [WorkloadKind(office.cluster.namespace, "apps", "deployments")]
    return permissions(office.house, "gpu-autoscaler", kinds)


def grant(office: Office, ends: ExitStack, without: str = "") -> None:
    """Gives the product's user what the table says, but for one `resource verb`."""
    for n, one in enumerate(asked(office)):
        if f"{one.resource} {one.verb}" == without:
            continue
        place = {} if one.namespace is None else {"namespace": one.namespace}
        kinds = ("clusterroles", "clusterrolebindings") if one.namespace is None else ("roles", "rolebindings")
        rule: Json = {"apiGroups": [one.group], "resources": [one.resource], "verbs": [one.verb]}
        rule |= {"resourceNames": [one.name]} if one.name else {}
        named = {"metadata": {"name": f"examined-{n}", **place}}
        role = {"apiGroup": RBAC.partition("/")[0], "kind": "Role" if place else "ClusterRole", "name": f"examined-{n}"}
        subject = {"kind": "User", "name": PRODUCT, "apiGroup": RBAC.partition("/")[0]}
        ends.enter_context(office.planted(f"{RBAC}/{kinds[0]}", named | {"rules": [rule]}))
        ends.enter_context(office.planted(f"{RBAC}/{kinds[1]}", named | {"roleRef": role, "subjects": [subject]}))


@pytest.mark.parametrize(
    ("without", "said"),
    [
        pytest.param("deployments/scale patch", "may not patch deployments.apps/scale (for floors)", id="floors"),
        pytest.param("pods create", "may not create pods (for placeholders)", id="placeholders"),
        pytest.param("capacityplans/status patch", "may not patch capacityplans.gpu-autoscaler.io/status", id="plans"),
    ],
)
def test_a_permission_that_is_missing(office: Office, without: str, said: str) -> None:
    user = str(office.cluster.control_plane.kubeconfig(PRODUCT))
    with ExitStack() as ends:
        grant(office, ends, without)

        def look() -> list[Finding] | None:
            missing = found(office.look(kubeconfig=user), "PermissionMissing")
            return missing if len(missing) == 1 else None

        [finding] = wait_until(look, "the roles to be heeded", SOON_S, 0.2)
    assert finding.what.startswith(said)


def test_with_the_controllers_rights_alone_nothing_is_wrong(office: Office) -> None:
    user = str(office.cluster.control_plane.kubeconfig(PRODUCT))
    with ExitStack() as ends:
        grant(office, ends)

        def fine() -> bool:
            states = {one.state for one in office.look(kubeconfig=user)}
            return not states & {Level.WARNING, Level.ERROR}

        wait_until(fine, "nothing but what may not be read", SOON_S, 0.2)
        [unread] = [one for one in office.look(kubeconfig=user) if one.state == Level.UNKNOWN]
    assert (unread.topic, unread.about) == ("pools", "cheap")  # Karpenter's NodePools are not the controller's to read


def test_the_table_of_permissions_is_the_charts(helm: Helm) -> None:
    space = "gpu-capacity"
    said_by_chart = set()
    for role in helm.template(DEFAULT, space):
        if role["kind"] not in ("Role", "ClusterRole"):
            continue
        scope = {space: "H", "default": "E"}.get(role["metadata"].get("namespace"), "")
        scope = scope or ("W" if role["metadata"]["name"].endswith("-workloads") else "C")
        for rule in role["rules"]:
            names = rule.get("resourceNames", [""])
            said_by_chart |= {
                (scope, group, resource, name, verb)
                for group in rule["apiGroups"] for resource in rule["resources"] for name in names
                for verb in rule["verbs"]
            }  # fmt: skip
    kinds = [
        WorkloadKind("w", "apps", "deployments", owner=("autoscaling", "horizontalpodautoscalers")),
        WorkloadKind("w", "apps", "statefulsets", owner=("keda.sh", "scaledobjects")),
        *(
            WorkloadKind("w", "serving.kserve.io", plural, False, ("serving.kserve.io", plural))
            for plural in ("inferenceservices", "llminferenceservices")
        ),
    ]
    letters = {space: "H", "default": "E", None: "C", "w": "W"}
    ours = {
        (letters[one.namespace], one.group, one.resource, one.name, one.verb)
        for one in permissions(space, "gpu-autoscaler", kinds)
    }
    assert ours == said_by_chart
    assert len(NEEDS) > 15
