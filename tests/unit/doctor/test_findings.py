"""What the examination finds in facts, each beside facts in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoscaler.adapters.prometheus.answer import QueryState
from autoscaler.doctor.examination import TOPICS, examine, kinds, reference
from autoscaler.doctor.facts import Definition, Facts, Trial, Unread, Why
from autoscaler.doctor.finding import OK, Finding, Level
from autoscaler.doctor.signals import OF_STATE
from autoscaler.policy.problem import Problem
from tests.unit.doctor.conftest import CLASS, DEPLOYMENT, NODE, PLACEHOLDER, POD, signal, workload

DOCUMENT = Path(__file__).parents[3] / "docs" / "doctor.md"
SILENT = Unread(Why.SILENT, "nobody answers")
FORBIDDEN = Unread(Why.FORBIDDEN, "may not")


def within(thing: Mapping[str, Any], *path: str, **values: Any) -> dict[str, Any]:
    """A copy with values put into the mapping at the path."""
    if not path:
        return {**thing, **values}
    return {**thing, path[0]: within(thing.get(path[0]) or {}, *path[1:], **values)}


def found(facts: Facts) -> dict[str, list[Finding]]:
    """Findings by the name of their kind."""
    by_kind: dict[str, list[Finding]] = {}
    for one in examine(facts):
        for finding in one.findings:
            by_kind.setdefault(finding.kind.name, []).append(finding)
    return by_kind


def test_nothing_is_found_where_nothing_is_wrong(facts: Facts) -> None:
    checks = examine(facts)
    assert found(facts) == {}
    assert {one.state for one in checks} == {OK}
    assert {one.topic for one in checks} == {topic.TOPIC for topic in TOPICS}


SAID = "sum(rate(requests_total[1m]))"


@pytest.mark.parametrize(
    ("name", "given", "kind"),
    [
        pytest.param("arrivals", {"state": "empty", "problem": "no series"}, "QueryEmpty", id="empty"),
        pytest.param("arrivals", {"state": "several", "problem": "2 series"}, "QuerySeveral", id="several"),
        pytest.param("arrivals", {"state": "no-number", "problem": "NaN"}, "QueryNoNumber", id="NaN"),
        pytest.param("arrivals", {"state": "partial", "problem": "parts"}, "QueryPartial", id="partial"),
        pytest.param("arrivals", {"state": "invalid", "problem": "parse error"}, "QueryRefused", id="refused"),
        pytest.param("arrivals", {"state": "late", "problem": "too slow"}, "QuerySlow", id="slow"),
        pytest.param("arrivals", {"state": "unavailable", "problem": "gone"}, "NotTold", id="nobody"),
        pytest.param("arrivals", {"value": -1.0}, "QueryNegative", id="negative"),
        pytest.param("arrivals", {"age_s": 121.0}, "QueryOld", id="old"),
        pytest.param("arrivals", {"problem": "the age is unknown"}, "AgeUnknown", id="age"),
        pytest.param("gpuUtilization", {"value": 63.0}, "ShareAboveOne", id="per cent now"),
        pytest.param("gpuUtilization", {"value": 0.0, "highest": 63.0}, "ShareAboveOne", id="per cent an hour ago"),
        pytest.param("measured", {"value": 1.5}, "ShareAboveOne", id="late share"),
        pytest.param("arrivals", {"query": "sum(requests_total)"}, "CounterWithoutRate", id="counter"),
        pytest.param("arrivals", {"query": "sum by (a_total) (x_count)"}, "CounterWithoutRate", id="count"),
        pytest.param("running", {"query": "sum(started_total)"}, "CounterWithoutRate", id="level of a counter"),
        pytest.param("measured", {"query": "sum(late_total) / sum(all_total)"}, "CounterWithoutRate", id="since ever"),
        pytest.param("arrivals", {"query": "sum(increase(x_total[1m]))"}, "IncreaseNotRate", id="increase"),
    ],
)  # fmt: skip
def test_queries(facts: Facts, name: str, given: dict[str, Any], kind: str) -> None:
    changed = replace(facts, signals=(signal(name, **given),))
    [finding] = found(changed)[kind]
    assert list(found(changed)) == [kind]
    assert finding.where.startswith("chat.yaml:")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        pytest.param("arrivals", {"query": "sum(increase(x_total[1m])) / 60"}, id="increase by the second"),
        pytest.param("arrivals", {"query": "sum by (requests_total) (job:requests:rate1m)"}, id="label of that name"),
        pytest.param("arrivals", {"query": 'sum(rps{of="requests_total"}) # requests_total'}, id="text and comment"),
        pytest.param("running", {"query": "sum(queue_count)"}, id="a level that is called count"),
        pytest.param("running", {"value": 0.0}, id="a true zero"),
        pytest.param("gpuUtilization", {"value": 1.0}, id="full"),
        pytest.param("gpuUtilization", {"query": "avg(x_sum) / avg(x_count)"}, id="mean of a summary"),
        pytest.param("arrivals", {"age_s": 119.0}, id="young enough"),
    ],
)
def test_queries_that_are_fine(facts: Facts, name: str, given: dict[str, Any]) -> None:
    assert found(replace(facts, signals=(signal(name, **given),))) == {}


def test_every_state_of_a_query_is_judged() -> None:
    nobody = {QueryState.FORBIDDEN, QueryState.UNAVAILABLE}
    assert set(OF_STATE) == {str(state) for state in QueryState if state not in nobody}


def test_a_store_that_does_not_answer_is_one_finding(facts: Facts) -> None:
    told = found(replace(facts, store=SILENT, store_ahead_s=SILENT))
    assert len(told["PrometheusUnreachable"]) == 1
    assert len(told["WaitsForAnother"]) == len(facts.signals) + 1
    assert "PrometheusRefuses" in found(replace(facts, store=FORBIDDEN))


def trial(admitted: Any) -> dict[str, Any]:
    return {"trials": (Trial("steady", PLACEHOLDER, admitted),)}


def pod(**spec: Any) -> dict[str, Any]:
    return {"pod": within(POD, "spec", **spec)}


MANAGED = [{"manager": "argocd-controller", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
BY_US = [{**MANAGED[0], "manager": "gpu-autoscaler"}, {**MANAGED[0], "manager": "kubectl", "subresource": "scale"}]
ARGO = {"annotations": {"argocd.argoproj.io/tracking-id": "chat"}}


def hpa(name: str = "chat", least: int = 1, owners: tuple[Any, ...] = (), target: str = "4") -> dict[str, Any]:
    metric = {"metric": {"name": "requests_total"}, "target": {"averageValue": target}}
    spec = {"minReplicas": least, "maxReplicas": 9, "metrics": [{"type": "Pods", "pods": metric}]}
    return {"metadata": {"name": name, "ownerReferences": list(owners)}, "spec": spec}


def scaled(threshold: str) -> dict[str, Any]:
    trigger = {"type": "prometheus", "metadata": {"query": SAID, "threshold": threshold}}
    return {"metadata": {"name": "chat"}, "spec": {"triggers": [trigger, {"type": "cron", "metadata": {}}]}}


SERVED = ("serving.kserve.io/v1beta1", "InferenceService")


def conditioned(owner: dict[str, Any], kind: str, reason: str) -> dict[str, Any]:
    """With a condition that is not met."""
    return owner | {"status": {"conditions": [{"type": kind, "status": "False", "reason": reason}]}}


def outside(hpa: dict[str, Any], least: int = 1) -> dict[str, Any]:
    """With a metric that is not of its pods."""
    metric = {"type": "External", "external": {"metric": {"name": "waiting"}, "target": {"averageValue": "4"}}}
    return within(hpa, "spec", metrics=[metric], minReplicas=least)


def knative() -> dict[str, Any]:
    annotations = {"serving.kserve.io/deploymentMode": "Knative"}
    owner = {"apiVersion": SERVED[0], "kind": SERVED[1], "name": "chat", "controller": True}
    return {"whole": within(DEPLOYMENT, "metadata", ownerReferences=[owner], annotations=annotations)}


def made_by(api_version: str, kind: str) -> dict[str, Any]:
    owner = {"apiVersion": api_version, "kind": kind, "name": "chat", "controller": True}
    return {"whole": within(DEPLOYMENT, "metadata", ownerReferences=[owner])}


@pytest.mark.parametrize(
    ("via", "given", "kind"),
    [
        pytest.param("auto", {"kind": None}, "KindMissing", id="no kind"),
        pytest.param("auto", {"whole": None, "pod": Unread(Why.MISSING, "none")}, "WorkloadMissing", id="no workload"),
        pytest.param("auto", {"whole": FORBIDDEN}, "NotTold", id="workload not to be read"),
        pytest.param("auto", {"hpas": FORBIDDEN}, "NotTold", id="HPAs not to be read"),
        pytest.param("auto", made_by("apps.example/v1", "Model"), "FloorNotMoved", id="made by whom we do not know"),
        pytest.param("scale", made_by(*SERVED), "OwnerInTheWay", id="KServe under scale"),
        pytest.param("keda", made_by(*SERVED), "OwnerMissing", id="KServe under keda"),
        pytest.param("auto", {"hpas": (conditioned(hpa(), "ScalingActive", "FailedGetExternalMetric"),)}, "OwnerBlind",
                     id="HPA without its metric"),
        pytest.param("auto", {"scaled_objects": (conditioned(scaled("4"), "Ready", "TriggerError"),)}, "OwnerBlind",
                     id="KEDA without its trigger"),
        pytest.param("hpa", {"whole": within(DEPLOYMENT, "spec", replicas=0),
                     "hpas": (conditioned(hpa(), "ScalingActive", "ScalingDisabled"),)}, "HpaOffAtZero", id="off"),
        pytest.param("scale", {"scaled_objects": (scaled("4"),)}, "OwnerInTheWay", id="KEDA under scale"),
        pytest.param("keda", {}, "OwnerMissing", id="no KEDA"),
        pytest.param("hpa", {"hpas": (hpa(), hpa("other"))}, "SeveralOwners", id="two HPAs"),
        pytest.param("hpa", {"hpas": (hpa(least=9),)}, "HpaPinned", id="pinned"),
        pytest.param("hpa", {"hpas": (hpa(target="3900m"),)}, "HpaWantsMore", id="lower target"),
        pytest.param("keda", {"scaled_objects": (scaled("2"),)}, "HpaWantsMore", id="lower threshold"),
        pytest.param("auto, min: 0", {"hpas": (hpa(),)}, "ZeroRefused", id="zero and an HPA of its pods' metrics"),
        pytest.param("auto, min: 0", {"hpas": (outside(hpa()),)}, "ZeroNotReached", id="zero and an HPA from one"),
        pytest.param("auto, min: 0", {"scaled_objects": (within(scaled("4"), "spec", minReplicaCount=2),)},
                     "ZeroNotReached", id="zero and KEDA from two"),
        pytest.param("kserve, min: 0", knative(), "ZeroByKnative", id="zero and Knative"),
        pytest.param("auto", pod(nodeSelector={"zone": "a"}), "SoftPlacement", id="soft"),
        pytest.param("auto", pod(containers=[{"name": "x"}]), "NoGpuAsked", id="no GPU"),
        pytest.param("auto", pod(schedulingGates=[{"name": "g"}]), "PodsHeldBack", id="gate"),
        pytest.param("auto", pod(resourceClaims=[{"name": "c", "resourceClaimTemplateName": "gpu"}]), "DeviceClaims",
                     id="DRA"),
        pytest.param("auto", pod(resourceClaims=[{"name": "c", "resourceClaimName": "gpu"}]), "SharedDeviceClaim",
                     id="DRA, one claim for all"),
        pytest.param(
            "auto", {"pod": within(POD, "status", extendedResourceClaimStatus={"resourceClaimName": "made"})},
            "ExtendedResourceByClaims", id="DRA behind an extended resource",
        ),
        pytest.param("auto", pod(tolerations=[]), "NodesNotTolerated", id="taint"),
        pytest.param("auto", pod(priority=-10), "WorkloadNotAbove", id="not above"),
        pytest.param("auto", pod(preemptionPolicy="Never"), "WorkloadNeverPreempts", id="never"),
        pytest.param("auto", {"pod": SILENT}, "NotTold", id="pods not to be read"),
        pytest.param("auto", {"whole": within(DEPLOYMENT, "spec", suspend=True)}, "PodsHeldBack", id="suspended"),
        pytest.param(
            "auto", {"trials": (Trial("steady", Unread(Why.INVALID, "NodeLabels: ..."), SILENT),)}, "PoolExcluded",
            id="excluded",
        ),
        pytest.param("auto", trial(Unread(Why.QUOTA, "exceeded quota")), "QuotaRefuses", id="quota"),
        pytest.param(
            "auto", trial(Unread(Why.FORBIDDEN, 'violates PodSecurity "restricted:latest": x')), "PodSecurityRefuses",
            id="Pod Security",
        ),
        pytest.param(
            "auto", trial(Unread(Why.FORBIDDEN, "[maximum cpu usage per Pod is 1]")), "LimitRangeRefuses", id="limit"
        ),
        pytest.param(
            "auto", trial(Unread(Why.SILENT, 'failed calling webhook "x"')), "AdmissionRefuses", id="webhook is gone"
        ),
        pytest.param("auto", trial(Unread(Why.INVALID, "spec.x: Invalid")), "PlaceholderRefused", id="refused"),
        pytest.param("auto", trial(SILENT), "NotTold", id="no answer to a try"),
        pytest.param(
            "auto", trial(Unread(Why.FORBIDDEN, 'User "x" cannot create resource "pods"')), "WaitsForAnother",
            id="right",
        ),
        pytest.param(
            "auto", trial(within(PLACEHOLDER, "spec", nodeSelector={"a": "b"})), "PlaceholderChanged", id="changed"
        ),
        pytest.param(
            "auto", trial(within(PLACEHOLDER, "spec", affinity={"nodeAffinity": {}})), "PlaceholderChanged", id="moved"
        ),
        pytest.param(
            "auto", trial(within(PLACEHOLDER, "spec", initContainers=[{"name": "mesh"}])), "PlaceholderChanged",
            id="sidecar",
        ),
        pytest.param(
            "auto", trial(within(PLACEHOLDER, "spec", schedulingGates=[{"name": "kueue"}])), "PlaceholderGated",
            id="placeholder gated",
        ),
        pytest.param(
            "auto", {"whole": within(DEPLOYMENT, "metadata", managedFields=MANAGED, **ARGO)}, "GitOpsReverts",
            id="Argo CD",
        ),
    ],
)  # fmt: skip
def test_workloads(facts: Facts, via: str, given: dict[str, Any], kind: str) -> None:
    told = found(replace(facts, workloads=(workload(via, **given),)))
    assert kind in told
    assert set(told) <= {kind, "WaitsForAnother"}


@pytest.mark.parametrize(
    ("via", "given"),
    [
        pytest.param("hpa", {"hpas": (hpa(),)}, id="the HPA that is named, of our figure"),
        pytest.param("auto", {"hpas": (hpa(),)}, id="the HPA that is found"),
        pytest.param("auto", made_by(*SERVED), id="KServe, which made it"),
        pytest.param("kserve", made_by(*SERVED), id="KServe, which is named"),
        pytest.param("hpa", {"hpas": (hpa(target="40"),)}, id="a higher target saves nothing more, and costs nothing"),
        pytest.param("metric", {"hpas": (hpa(),)}, id="whoever reads what we publish"),
        pytest.param(
            "keda", {"hpas": (hpa(target="1", owners=({"kind": "ScaledObject"},)),), "scaled_objects": (scaled("4"),)},
            id="KEDA and the HPA that it made",
        ),
        pytest.param("auto", {"whole": within(DEPLOYMENT, "metadata", **ARGO)}, id="Argo CD without replicas"),
        pytest.param(
            "auto", {"whole": within(DEPLOYMENT, "metadata", managedFields=BY_US, **ARGO)}, id="replicas by us alone"
        ),
        pytest.param(
            "auto", {"whole": within(DEPLOYMENT, "metadata", managedFields=MANAGED)}, id="written once, by no tool"
        ),
    ],
)  # fmt: skip
def test_workloads_that_are_fine(facts: Facts, via: str, given: dict[str, Any]) -> None:
    assert found(replace(facts, workloads=(workload(via, **given),))) == {}


def node(gpus: str = "8", ready: str = "True", **labels: str) -> dict[str, Any]:
    status = {"allocatable": {"nvidia.com/gpu": gpus}, "conditions": [{"type": "Ready", "status": ready}]}
    return {**within(NODE, "metadata", "labels", **labels), "status": status}


BOOTING = [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
PASSES = within(NODE, "spec", taints=[*NODE["spec"]["taints"], *BOOTING])
OTHER_TAINT = within(NODE, "spec", taints=[{"key": "team", "value": "a", "effect": "NoSchedule"}])
MAKER = {
    "metadata": {"name": "h100"},
    "spec": {
        "template": {"metadata": {"labels": {"gpu": "h100"}}, "spec": {}},
        "disruption": {"consolidationPolicy": "WhenEmpty"},
    },
}
DEFAULT_MAKER = {"metadata": {"name": "h100"}, "spec": {"template": {"metadata": {"labels": {"gpu": "h100"}}}}}
OTHER_MAKER = {"metadata": {"name": "cpu"}, "spec": {"template": {"spec": {}}}}


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        pytest.param({"nodes": (PASSES, node(ready="False", gpus="0"))}, set(), id="nodes that start"),
        pytest.param({"nodes": (node("4"),)}, {"GpuCountDiffers"}, id="other number"),
        pytest.param({"nodes": (node("0"),)}, {"NoGpusOffered"}, id="no GPUs"),
        pytest.param({"nodes": (OTHER_TAINT,)}, {"TaintNotNamed", "NodesNotTolerated"}, id="another taint"),
        pytest.param({"nodes": ()}, {"FromZeroNotTold"}, id="no node, no Karpenter"),
        pytest.param({"nodes": (), "node_pools": FORBIDDEN}, {"FromZeroNotTold"}, id="NodePools not to be read"),
        pytest.param({"nodes": (), "node_pools": (MAKER,)}, set(), id="no node, but a NodePool"),
        pytest.param({"nodes": (), "node_pools": (OTHER_MAKER,)}, {"PoolUnobtainable"}, id="no NodePool of this kind"),
        pytest.param({"node_pools": (DEFAULT_MAKER,)}, {"KarpenterConsolidates"}, id="consolidation by default"),
        pytest.param({"nodes": FORBIDDEN}, {"NotTold"}, id="nodes not to be read"),
        pytest.param({"cutoff": -10}, {"AcceleratorLabelMissing"}, id="Cluster Autoscaler without label"),
        pytest.param({"cutoff": -10, "nodes": (node(accelerator="h100"),)}, set(), id="with label"),
        pytest.param({"cutoff": -5, "nodes": (node(accelerator="h100"),)}, {"PriorityTooLow"}, id="cutoff"),
        pytest.param({"priority_class": None}, {"PriorityClassMissing"}, id="no class"),
        pytest.param({"priority_class": {**CLASS, "value": -11}}, {"PriorityTooLow"}, id="low"),
        pytest.param({"priority_class": {**CLASS, "value": -1}}, set(), id="highest"),
        pytest.param({"priority_class": {"value": -10}}, {"PlaceholdersPreempt"}, id="preempts"),
        pytest.param({"priority_class": {**CLASS, "globalDefault": True}}, {"PriorityClassIsDefault"}, id="default"),
        pytest.param(
            {"problems": (Problem("x.yaml", 3, 5, "spec.mode", "unknown", "write act"),)}, {"PolicyProblem"}, id="file"
        ),
        pytest.param({"api_server_ahead_s": -6.0}, {"ClocksApart"}, id="clock of the API server"),
        pytest.param({"store_ahead_s": 6.0}, {"ClocksApart"}, id="clock of Prometheus"),
        pytest.param({"definition": None}, {"DefinitionMissing"}, id="no definition"),
        pytest.param(
            {"definition": Definition(("v1beta1",), SILENT, frozenset())}, {"DefinitionOfOtherVersion"}, id="version"
        ),
        pytest.param(
            {"definition": Definition(("v1alpha1",), frozenset({"mode"}), frozenset({"mode", "reason"}))},
            {"DefinitionOld"}, id="old definition",
        ),
        pytest.param({"namespace": None}, {"NamespaceMissing"}, id="no namespace"),
        pytest.param(
            {"namespace": {"metadata": {"deletionTimestamp": "now"}}}, {"NamespaceTerminating"}, id="namespace goes"
        ),
    ],
)  # fmt: skip
def test_the_cluster(facts: Facts, given: dict[str, Any], kinds: set[str]) -> None:
    assert set(found(replace(facts, **given))) == kinds


def test_the_class_is_judged_by_a_placeholder_where_it_may_not_be_read(facts: Facts) -> None:
    admitted = within(PLACEHOLDER, "spec", priority=-11, preemptionPolicy="Never")
    blind = replace(facts, priority_class=FORBIDDEN)
    assert set(found(replace(blind, workloads=(workload(**trial(admitted)),)))) == {"PriorityTooLow"}
    assert set(found(replace(blind, workloads=()))) == {"NotTold"}


def test_verbs_that_are_missing_are_told_together(facts: Facts) -> None:
    lacking = {
        ("configmaps", "patch"),
        ("configmaps", "list"),
        ("nodeclaims", "watch"),
        ("capacityplans/status", "patch"),
    }
    told = [(one, (one.resource, one.verb) not in lacking) for one in (one for one, _ in facts.permissions)]
    findings = found(replace(facts, permissions=tuple(told)))
    assert [finding.what for finding in findings["PermissionMissing"]] == [
        "may not list, patch configmaps (for records that survive a restart)",
        "may not patch capacityplans.gpu-autoscaler.io/status (for showing decisions in `kubectl get cplan`)",
    ]
    [optional] = findings["OptionalPermissionMissing"]
    assert optional.what.startswith("may not watch nodeclaims.karpenter.sh")


def test_the_worst_finding_is_the_state_of_a_check(facts: Facts) -> None:
    noted = examine(replace(facts, workloads=(workload(**pod(priority=-10)),)))
    assert {one.state for one in noted} == {OK}
    states = {one.about: one.state for one in examine(replace(facts, nodes=(node("4"), OTHER_TAINT)))}
    assert states["steady"] == Level.ERROR


def test_names_are_unique_and_every_finding_says_what_to_do() -> None:
    names = [kind.name for kind in kinds()]
    assert len(set(names)) == len(names) > 50
    assert all(kind.cause.endswith(".") and kind.cure for kind in kinds())


def test_the_page_has_every_finding() -> None:
    assert DOCUMENT.read_text().partition("## Findings\n")[2] == reference()
