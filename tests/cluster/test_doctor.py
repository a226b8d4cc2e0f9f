"""`autoscaler doctor` on a real control plane and a real Prometheus: nothing where nothing is wrong, and each mistake
that is planted.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.doctor.finding import Finding, Level
from autoscaler.settings import PREFIX
from tests.cluster import objects
from tests.cluster.api import Json
from tests.cluster.clock import now_s, wait_until
from tests.cluster.control_plane import CRDS
from tests.cluster.examined import HARD, NODE_POOLS, SOON_S, Office, found, said
from tests.cluster.external_metrics import HPAS, ExternalMetrics
from tests.cluster.manifests import everything
from tests.cluster.pools import BURST, node_pool

ROOT = Path(__file__).parents[2]
SCRAPED_S = 30.0
DEFINITION = "capacityplans.gpu-autoscaler.io"


def only(findings: list[Finding]) -> Finding:
    """The one finding, which says where and what to do."""
    [finding] = findings
    assert finding.where
    assert finding.what
    assert finding.cure
    return finding


def test_nothing_is_found_where_nothing_is_wrong_and_nothing_is_kept(
    office: Office, measured: Callable[[str, float, str], None]
) -> None:
    before = everything(office.cluster.api)
    begin = now_s()
    checks = office.look()
    measured("doctor: one policy, two pools", now_s() - begin, "none")
    assert said(checks) == []
    assert {one.topic for one in checks} == {
        "policy files", "permissions", "definition", "clocks", "prometheus", "signals", "priority", "pools",
        "workloads", "placement", "placeholders", "gitops", "waking",
    }  # fmt: skip
    assert len(checks) > 12
    assert everything(office.cluster.api) == before


ARRIVALS = 'sum(rate(requests_total{model="chat"}[10s]))'
BUSY = 'avg(gpu_busy{model="chat"})'


@pytest.mark.parametrize(
    ("kind", "old", "new", "what"),
    [
        pytest.param("QueryEmpty", ARRIVALS, "sum(rate(request_total[1m]))", "no series", id="no such metric"),
        pytest.param("QueryRefused", ARRIVALS, "sum(rate(requests_total[1m])", "unclosed", id="not PromQL"),
        pytest.param("QuerySeveral", ARRIVALS, "rate(twins_total[10s])", "2 series that differ in pod", id="several"),
        pytest.param("QueryNoNumber", BUSY, "avg(gpu_busy) * (0/0)", "no number", id="NaN"),
        pytest.param("QueryNegative", ARRIVALS, f"-{ARRIVALS}", "it answers -", id="negative"),
        pytest.param("ShareAboveOne", BUSY, "100 * avg(gpu_busy)", "up to 50", id="per cent"),
        pytest.param(
            "CounterWithoutRate", ARRIVALS, "sum(requests_total)", "requests_total is a counter", id="no rate"
        ),
        pytest.param(
            "IncreaseNotRate", ARRIVALS, "sum(increase(requests_total[1m]))", "without a division", id="a minute"
        ),
    ],
)
def test_a_query_that_does_not_tell_demand(office: Office, kind: str, old: str, new: str, what: str) -> None:
    for pod in ("a", "b"):
        office.exporter.rate("twins_total", 1.0, pod=pod)
    office.prometheus.wait_for("count(rate(twins_total[10s])) == 2", SCRAPED_S)
    finding = only(found(office.look((old, new)), kind))
    assert what in finding.what
    assert "policies.yaml:" in finding.where


def test_samples_that_are_old(office: Office) -> None:
    office.exporter.set("left", 3.0)
    office.prometheus.wait_for("left", SCRAPED_S)
    office.exporter.remove("left")
    office.prometheus.wait_for("absent(left)", SCRAPED_S)
    changes = ((BUSY, "avg(last_over_time(left[1h])) / 10"), ("perReplica:", "staleAfter: 2s\n    perReplica:"))
    wait_until(lambda: found(office.look(*changes), "QueryOld"), "samples to grow old", SOON_S, 0.2)


def test_a_prometheus_that_is_not_there(office: Office) -> None:
    checks = office.look(prometheus="http://127.0.0.1:9")
    assert "http://127.0.0.1:9" in only(found(checks, "PrometheusUnreachable")).what
    states = {one.about: one.state for one in checks if one.topic == "signals"}
    assert set(states.values()) == {Level.UNKNOWN}


@pytest.mark.parametrize(
    ("kind", "value", "more"),
    [
        pytest.param("PriorityTooLow", -11, {}, id="below the cutoff"),
        pytest.param("PriorityTooHigh", 0, {}, id="yields to nobody"),
        pytest.param("PlaceholdersPreempt", -10, {"preemptionPolicy": "PreemptLowerPriority"}, id="preempts"),
        pytest.param("PriorityClassIsDefault", -10, {"globalDefault": True}, id="default of all"),
    ],
)
def test_a_priority_class_that_does_not_do(office: Office, kind: str, value: int, more: Json) -> None:
    body = objects.priority_class("examined-wrong", value) | more
    with office.planted("scheduling.k8s.io/v1/priorityclasses", body):
        only(found(office.look(placeholder_priority_class="examined-wrong"), kind))


def test_a_priority_class_that_is_not_there(office: Office) -> None:
    checks = office.look(placeholder_priority_class="nope")
    assert "PriorityClass nope" in only(found(checks, "PriorityClassMissing")).where
    assert not found(checks, "PlaceholderRefused")


def test_a_cutoff_above_the_placeholders(office: Office) -> None:
    autoscaler = {"name": "ca", "image": "ca", "args": ["cluster-autoscaler", "--expendable-pods-priority-cutoff=-5"]}
    labels = {"matchLabels": {"app": "ca"}}
    pod = {"metadata": {"labels": labels["matchLabels"]}, "spec": {"containers": [autoscaler]}}
    body = {"metadata": {"name": "ca", "namespace": "kube-system"}, "spec": {"replicas": 0, "selector": labels}}
    body["spec"]["template"] = pod  # type: ignore[index]
    with office.planted("apps/v1/deployments", body):
        assert "the cutoff is -5 in this cluster" in only(found(office.look(), "PriorityTooLow")).what


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        pytest.param("PoolUnobtainable", "values: [spot]", "values: [reserved]", id="no NodePool"),
        pytest.param(
            "LabelAfterBoot", "{key: rig.test/capacity-type, operator: In, values: [spot]}",
            "{key: nvidia.com/gpu.product, operator: In, values: [H100]}", id="label after boot",
        ),
        pytest.param("GpuCountDiffers", "gpusPerNode: 8\n  pricePerGpuHour: 3", "gpusPerNode: 4\n  pricePerGpuHour: 3",
                     id="GPUs of a node"),
        pytest.param("NoGpusOffered", "gpusPerNode: 8", "gpusPerNode: 8\n  gpuResource: amd.com/gpu", id="other GPU"),
        pytest.param("NoGpuAsked", "gpusPerNode: 8", "gpusPerNode: 8\n  gpuResource: amd.com/gpu", id="asks for other"),
        pytest.param("TaintNotNamed", "key: nvidia.com/gpu, operator", "key: other, operator", id="taint"),
        pytest.param(
            "PoolsOverlap", "{key: rig.test/capacity-type, operator: In, values: [spot]}",
            "{key: rig.test/capacity-type, operator: Exists}", id="two pools of one node",
        ),
        pytest.param("WorkloadMissing", "name: chat}\n  demand", "name: chatt}\n  demand", id="no workload"),
        pytest.param(
            "KindMissing", "{namespace: NAMESPACE, name: chat}", "{namespace: NAMESPACE, name: chat, kind: Deploy}",
            id="no kind",
        ),
        pytest.param(
            "ScaleMissing", "{namespace: NAMESPACE, name: chat}", "{namespace: NAMESPACE, name: chat, kind: DaemonSet}",
            id="no scale",
        ),
        pytest.param("OwnerMissing", "via: auto", "via: keda", id="no owner"),
        pytest.param("PolicyProblem", "max: 20", "max: twenty", id="file"),
    ],
)  # fmt: skip
def test_a_policy_that_does_not_fit_the_cluster(office: Office, kind: str, old: str, new: str) -> None:
    findings = found(office.look((old, new)), kind)
    assert findings
    assert all("policies.yaml:" in finding.where for finding in findings)


def test_a_node_pool_that_consolidates(office: Office) -> None:
    policy = {"spec": {"disruption": {"consolidationPolicy": "WhenEmptyOrUnderutilized"}}}
    office.cluster.api.patch(NODE_POOLS, BURST.name, policy)
    try:
        assert BURST.name in only(found(office.look(), "KarpenterConsolidates")).where
    finally:
        policy["spec"]["disruption"] = node_pool(BURST)["spec"]["disruption"]
        office.cluster.api.patch(NODE_POOLS, BURST.name, policy)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        pytest.param("SoftPlacement", {}, id="soft"),
        pytest.param("PoolExcluded", {"nodeSelector": {"gpu": "b200"}}, id="other nodes"),
        pytest.param("PoolExcluded", HARD | {"tolerations": []}, id="taint of the pool"),
        pytest.param("NoGpuAsked", HARD | {"containers": [{"name": "serve", "image": "i"}]}, id="no GPU"),
        pytest.param("PodsHeldBack", HARD | {"schedulingGates": [{"name": "wait"}]}, id="gate"),
        pytest.param(
            "DeviceClaims", HARD | {"resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "gpu"}]}, id="DRA"
        ),
    ],
)
def test_pods_that_do_not_go_where_placeholders_stand(office: Office, kind: str, spec: Json) -> None:
    office.deploy("odd", **spec)
    try:
        findings = found(office.look(("name: chat}\n  demand", "name: odd}\n  demand")), kind)
    finally:
        office.cluster.api.delete("apps/v1/deployments", "odd", office.cluster.namespace)
    assert findings
    assert all(finding.what for finding in findings)


@pytest.mark.parametrize(
    ("kind", "value", "preemption"),
    [
        pytest.param("WorkloadNotAbove", -10, "PreemptLowerPriority", id="not above"),
        pytest.param("WorkloadNeverPreempts", 5, "Never", id="never"),
    ],
)
def test_priorities_of_workloads_are_noted(office: Office, kind: str, value: int, preemption: str) -> None:
    body = objects.priority_class("examined-workload", value, preemption)
    with office.planted("scheduling.k8s.io/v1/priorityclasses", body):
        office.deploy("low", priorityClassName="examined-workload", **HARD)
        try:
            checks = office.look(("name: chat}\n  demand", "name: low}\n  demand"))
        finally:
            office.cluster.api.delete("apps/v1/deployments", "low", office.cluster.namespace)
    only(found(checks, kind))
    assert said(checks) == []


def hpa(office: Office, least: int, most: int, target: str) -> Json:
    metric = {"metric": {"name": "requests_per_second"}, "target": {"type": "AverageValue", "averageValue": target}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"},
        "minReplicas": least, "maxReplicas": most, "metrics": [{"type": "External", "external": metric}],
    }  # fmt: skip
    return office.in_namespace("chat", spec=spec)


@pytest.mark.parametrize(
    ("kind", "via", "given", "what"),
    [
        pytest.param("OwnerInTheWay", "scale", (1, 9, "4"), "HorizontalPodAutoscaler chat moves it", id="scale"),
        pytest.param("HpaPinned", "hpa", (1, 1, "4"), "minReplicas is 1, maxReplicas 1", id="pinned"),
        pytest.param(
            "HpaWantsMore", "hpa", (1, 9, "2500m"), "2.5 of requests_per_second, perReplica says 4", id="more"
        ),
    ],
)
def test_an_hpa_in_the_way(office: Office, kind: str, via: str, given: tuple[int, int, str], what: str) -> None:
    changes = [("via: auto", f"via: {via}"), ("min: 0", "min: 1")]
    with office.planted(HPAS, hpa(office, *given)):
        finding = only(found(office.look(*changes), kind))
    assert what in finding.what


def test_an_hpa_without_its_metric_is_noted(office: Office) -> None:
    with office.planted(HPAS, hpa(office, 1, 9, "4")):
        findings = office.wait_found("OwnerBlind")
    assert "HorizontalPodAutoscaler chat" in only(findings).where


def test_an_hpa_that_reads_its_metric_is_fine(office: Office, external_metrics: ExternalMetrics) -> None:
    external_metrics.set("requests_per_second", 4.0)
    with office.planted(HPAS, hpa(office, 1, 9, "4")):
        wait_until(lambda: is_active(office), "the HPA to read its metric", SOON_S)
        assert said(office.look(("via: auto", "via: hpa"), ("min: 0", "min: 1"))) == []


def is_active(office: Office) -> bool:
    return objects.is_true(office.cluster.api.get(HPAS, "chat", office.cluster.namespace), "ScalingActive")


def cpu_limit() -> Json:
    return {"limits": [{"type": "Container", "max": {"cpu": "500m"}}]}


@pytest.mark.parametrize(
    ("kind", "resource", "spec", "what"),
    [
        pytest.param("QuotaRefuses", "resourcequotas", {"hard": {"pods": "0"}}, "exceeded quota", id="quota"),
        pytest.param("LimitRangeRefuses", "limitranges", cpu_limit(), "maximum cpu usage", id="limit"),
    ],
)
def test_limits_of_the_namespace(office: Office, kind: str, resource: str, spec: Json, what: str) -> None:
    with office.planted(resource, office.in_house("tight", spec=spec)):
        findings = office.wait_found(kind)
    assert len(findings) == 2  # one for each pool
    assert all(what in finding.what for finding in findings)


def test_an_admission_policy_that_refuses_placeholders(office: Office) -> None:
    kind = "admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    here = {"matchLabels": {"kubernetes.io/metadata.name": office.house}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    spec: Json = {
        "failurePolicy": "Fail", "matchConstraints": {"namespaceSelector": here, "resourceRules": [rule]},
        "validations": [{"expression": "has(object.metadata.labels.team)", "message": "name a team"}],
    }  # fmt: skip
    binding: Json = {"policyName": "examined-team", "validationActions": ["Deny"]}
    named = {"metadata": {"name": "examined-team"}}
    with (
        office.planted(kind, named | {"spec": spec}),
        office.planted(f"{kind[:-8]}policybindings", named | {"spec": binding}),
    ):
        findings = office.wait_found("AdmissionRefuses")
        assert all("name a team" in finding.what for finding in findings)
        assert said(office.look(placeholder_labels='{"team": "search"}')) == []


def test_a_namespace_that_is_not_there(office: Office) -> None:
    assert "Namespace nowhere" in only(found(office.look(namespace="nowhere"), "NamespaceMissing")).where


def test_a_namespace_that_is_being_deleted(office: Office) -> None:
    api = office.cluster.api
    name = office.cluster.add_namespace("leaving")
    body = {"metadata": {"name": "stays", "namespace": name, "finalizers": ["rig.test/stays"]}}
    api.create("configmaps", body)
    api.delete("namespaces", name)
    try:
        assert office.wait_found("NamespaceTerminating", namespace=name)
    finally:
        api.patch("configmaps", "stays", {"metadata": {"finalizers": None}}, name)
        office.cluster.namespaces.remove(name)


def test_a_definition_of_an_earlier_version(office: Office) -> None:
    api = office.cluster.api
    whole = api.get(CRDS, DEFINITION)["spec"]["versions"]
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/latePercent"
    kind = "application/json-patch+json"
    column = [n for n, one in enumerate(whole[0]["additionalPrinterColumns"]) if "latePercent" in one["jsonPath"]]
    steps = [{"op": "remove", "path": f"/spec/versions/0/additionalPrinterColumns/{n}"} for n in column]
    api.patch(CRDS, DEFINITION, [{"op": "remove", "path": path}, *steps], kind=kind)
    try:
        assert "its status lacks latePercent" in only(office.wait_found("DefinitionOld")).what
    finally:
        api.patch(CRDS, DEFINITION, [{"op": "replace", "path": "/spec/versions", "value": whole}], kind=kind)
        wait_until(lambda: said(office.look()) == [], "the definition to be whole again", SOON_S, 0.2)


@pytest.mark.parametrize("sign", ["argocd.argoproj.io/tracking-id", "kustomize.toolkit.fluxcd.io/name"])
def test_a_tool_that_writes_the_replicas_back(office: Office, sign: str) -> None:
    where = "labels" if "flux" in sign else "annotations"
    kept: dict[str, Any] = {"metadata": {where: {sign: "apps"}}}
    office.cluster.api.patch("apps/v1/deployments", "chat", kept, office.cluster.namespace)
    try:
        assert "spec.replicas" in only(found(office.look(), "GitOpsReverts")).what
    finally:
        kept["metadata"][where][sign] = None
        office.cluster.api.patch("apps/v1/deployments", "chat", kept, office.cluster.namespace)


class FastClock(SystemClock):
    """A minute ahead of all others."""

    def wall_s(self) -> float:
        return super().wall_s() + 60.0


def test_a_clock_that_is_ahead(office: Office) -> None:
    findings = found(office.look(clock=FastClock()), "ClocksApart")
    assert [finding.where for finding in findings] == ["API server", "Prometheus"]
    assert all(re.fullmatch("its clock is (5[5-9]|6[0-5]) s behind ours", finding.what) for finding in findings)


def run(office: Office, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {name: value for name, value in office.settings().model_dump().items() if value not in (None, {})}
    environment = {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "autoscaler", "doctor", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120.0)


def test_the_command_says_it_in_lines_and_for_programs(office: Office) -> None:
    office.write()
    done = run(office)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith(" ok")
    done = run(office, "--namespace", "nowhere", "--format", "json")
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    [finding] = [f for one in told["checks"] for f in one["findings"] if f["finding"] == "NamespaceMissing"]
    assert finding["where"] == "Namespace nowhere"
    assert "--namespace" in finding["do"]
    assert told["states"]["error"] > 0
