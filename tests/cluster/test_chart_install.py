"""The chart on the real API server: every set of values is taken whole, runs restricted, and goes without a trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.api import Json
from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import CRDS, ControlPlane, Programs
from tests.cluster.credentials import ADMIN
from tests.cluster.helm import CHART, DEFAULT, VALUE_SETS, Helm, documents
from tests.cluster.manifests import everything, keys, try_all

Measured = Callable[[str, float, str], None]
GONE_S = 60.0
LOCKED_DOWN = next(file for file in VALUE_SETS if file.stem == "locked-down")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="module")
def _operator(control_plane: ControlPlane, tools: Programs) -> Iterator[None]:
    """The definitions of Prometheus Operator, served."""
    api = control_plane.api()
    files = sorted((tools.folder / "parts" / "monitoring").glob("*.yaml"))
    made = [body for file in files for body in documents(file.read_text())]
    for body in made:
        api.create(CRDS, body)
    for body in made:
        plural, group = body["spec"]["names"]["plural"], body["spec"]["group"]
        wait_until(lambda p=plural, g=group: _is_served(control_plane, p, g), f"{plural} to be served", 60.0)  # type: ignore[misc]
    yield
    for body in made:
        api.delete(CRDS, body["metadata"]["name"])


def _is_served(control_plane: ControlPlane, plural: str, group: str) -> bool:
    found = control_plane.api().find(CRDS, f"{plural}.{group}")
    conditions = (found or {}).get("status", {}).get("conditions") or ()
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


@pytest.fixture
def on_rig(helm: Helm, cluster: Cluster) -> Helm:
    """Helm on the cluster of the test, as an administrator."""
    return replace(helm, kubeconfig=cluster.control_plane.kubeconfig(ADMIN))


@pytest.fixture
def space(cluster: Cluster) -> str:
    """A namespace that enforces Pod Security `restricted`."""
    name = cluster.add_namespace("capacity")
    cluster.api.patch("namespaces", name, {"metadata": {"labels": RESTRICTED}})
    return name


def running(cluster: Cluster, space: str) -> list[Json]:
    return [pod for pod in cluster.api.list("pods", space) if "deletionTimestamp" not in pod["metadata"]]


@pytest.mark.usefixtures("_operator")
@pytest.mark.parametrize("values", VALUE_SETS, ids=lambda file: file.stem)
def test_each_set_is_taken_whole_and_goes_without_a_trace(
    on_rig: Helm, cluster: Cluster, space: str, values: Path, measured: Measured
) -> None:
    objects = on_rig.template(values, space)
    tests = [one for one in objects if "helm.sh/hook" in one["metadata"].get("annotations", {})]
    lasting = [one for one in objects if one not in tests]
    assert try_all(cluster.api, lasting, space) == []
    before = everything(cluster.api)
    begin = now_s()
    notes = on_rig.install(values, space)
    measured("chart: helm install, as the API server goes", now_s() - begin, "none")
    assert "namespace " + space in notes
    assert try_all(cluster.api, tests, space) == []
    countable = [one for one in lasting if one["kind"] != "Lease"]  # those of nodes come and go
    assert keys(cluster.api, countable, space) <= everything(cluster.api) - before
    [deployment] = [one for one in objects if one["kind"] == "Deployment"]
    replicas = deployment["spec"]["replicas"]
    wait_until(lambda: len(running(cluster, space)) == replicas, f"{replicas} pods past Pod Security", 30.0)
    on_rig.uninstall(space)
    wait_until(lambda: not everything(cluster.api) - before, "nothing to be left", GONE_S, 0.5)
    assert cluster.api.list("coordination.k8s.io/v1/leases", space) == []
    assert cluster.api.find(CRDS, "capacityplans.gpu-autoscaler.io")


def test_pods_of_the_release_need_nothing_that_restricted_forbids(on_rig: Helm, cluster: Cluster, space: str) -> None:

    objects = on_rig.template(LOCKED_DOWN, space)
    [template] = [one["spec"]["template"] for one in objects if one["kind"] == "Deployment"]
    account = template["spec"]["serviceAccountName"]
    cluster.create("serviceaccounts", {"metadata": {"name": account, "namespace": space}})
    pods = [{"metadata": {**template["metadata"], "name": "controller"}, "spec": template["spec"]}]
    pods += [one for one in objects if one["kind"] == "Pod"]
    [job] = [one["spec"]["template"] for one in objects if one["kind"] == "Job"]
    pods.append({"metadata": {**job["metadata"], "name": "release"}, "spec": job["spec"]})
    assert len(pods) == 4
    for pod in pods:
        body = {**pod, "metadata": {**pod["metadata"], "namespace": space}}
        assert cluster.create("pods", body)["spec"]["securityContext"]["runAsNonRoot"]


def test_a_namespace_that_helm_makes_gets_its_labels(on_rig: Helm, cluster: Cluster) -> None:
    name = f"{cluster.namespace}-made"
    cluster.namespaces.append(name)
    notes = on_rig.install(DEFAULT, name, "--create-namespace", "--take-ownership", "--set", "namespace.create=true")
    labels = cluster.api.get("namespaces", name)["metadata"]["labels"]
    assert RESTRICTED.items() <= labels.items()
    assert "kubectl label namespace" not in notes
    on_rig.uninstall(name)
    assert cluster.api.get("namespaces", name)["status"]["phase"] == "Active"


def test_the_notes_say_how_to_label_a_namespace_and_what_comes_next(on_rig: Helm, cluster: Cluster) -> None:
    name = cluster.add_namespace("plain")
    notes = on_rig.install(DEFAULT, name)
    assert f"kubectl label namespace {name} pod-security.kubernetes.io/enforce=restricted" in notes
    assert "--set-file 'policies.files.first\\.yaml=first.yaml'" in notes
    upgraded = on_rig.run("upgrade", "gpu-autoscaler", CHART, "-n", name, "--values", LOCKED_DOWN)
    assert "Helm does not upgrade the definition of CapacityPlan" in upgraded
    assert "helm test gpu-autoscaler" in upgraded
    on_rig.uninstall(name)


def test_a_quota_bounds_placeholders_and_nothing_else(on_rig: Helm, cluster: Cluster, space: str) -> None:
    on_rig.install(LOCKED_DOWN, space)
    [quota] = cluster.api.list("resourcequotas", space)
    [priority_class] = quota["spec"]["scopeSelector"]["matchExpressions"][0]["values"]
    found = cluster.api.get("scheduling.k8s.io/v1/priorityclasses", priority_class)
    assert (found["value"], found["preemptionPolicy"], found.get("globalDefault", False)) == (-5, "Never", False)
    wait_until(lambda: len(running(cluster, space)) == 2, "the controllers' pods", 30.0)
    counted = wait_until(
        lambda: cluster.api.get("resourcequotas", quota["metadata"]["name"], space)["status"].get("used"),
        "the quota to be counted", 30.0,
    )  # fmt: skip
    assert counted == {"pods": "0", "requests.nvidia.com/gpu": "0"}
    on_rig.uninstall(space)


def test_helm_has_the_definition_that_tests_run_with(helm: Helm) -> None:
    [shown] = documents(helm.run("show", "crds", CHART))
    assert shown == documents((CHART / "crds" / "capacityplans.yaml").read_text())[0]
