"""Rules about other pods: copied on one host, resolved to domains beyond it, and never a way to keep others out."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.placeholder.neighbour import Distance, distance, exclusive_topology
from autoscaler.placeholder.refusal import Cause, Refusal
from tests.unit.placeholder.objects import HOST, REQUIRED, ZONE, apart, beside, expressions, node, peer, pod

IN_A = node("n1", {ZONE: "a"})
IN_B = node("n2", {ZONE: "b"})
CHAT = {"matchLabels": {"app": "chat"}}


def kept(of: dict[str, Any], *peers: Any) -> Distance:
    found = distance(of, peers)
    assert isinstance(found, Distance)
    return found


def test_nothing_is_demanded_by_default() -> None:
    assert kept(pod(), peer({"app": "chat"}, IN_A)) == Distance((), (), (), False, ())


def test_one_a_host_holds_towards_the_workload_and_among_placeholders() -> None:
    found = kept(pod(affinity=apart(HOST)), peer({"app": "chat"}, IN_A))
    assert found.apart == ({"labelSelector": CHAT, "topologyKey": HOST, "namespaces": ["inference"]},)
    assert found.one_per == (HOST,)
    assert found.now == ()


def test_apart_from_others_on_a_host_is_copied_with_its_namespaces() -> None:
    rule = apart(HOST, {"matchLabels": {"app": "train"}}, namespaces=["training"], namespaceSelector={})
    term = rule["podAntiAffinity"][REQUIRED][0]
    found = kept(pod(affinity=rule))
    assert found.apart == (term,)
    assert found.one_per == ()


def test_one_a_zone_excludes_the_zones_taken_and_holds_among_placeholders() -> None:
    found = kept(pod(affinity=apart(ZONE)), peer({"app": "chat"}, IN_A), peer({"app": "other"}, IN_B))
    assert found.apart == ()
    assert found.one_per == (ZONE,)
    assert found.now == ({"key": ZONE, "operator": "NotIn", "values": ["a"]},)


@pytest.mark.parametrize(
    ("term", "excluded"),
    [
        pytest.param({}, [], id="own namespace alone"),
        pytest.param({"namespaces": ["training"]}, ["b"], id="named"),
        pytest.param({"namespaceSelector": {}}, ["b"], id="all"),
        pytest.param(
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "training"}}}, ["b"], id="label"
        ),
        pytest.param({"namespaces": [], "namespaceSelector": {"matchLabels": {"x": "y"}}}, [], id="another label"),
    ],
)
def test_zones_of_others_are_excluded_within_the_rules_namespaces(term: dict[str, Any], excluded: list[str]) -> None:
    rule = apart(ZONE, {"matchLabels": {"app": "train"}}, **term)
    found = kept(pod(affinity=rule), peer({"app": "train"}, IN_B, namespace="training"))
    assert [r["values"] for r in found.now] == [excluded] * bool(excluded)
    assert found.one_per == ()


def test_label_keys_are_resolved_as_the_api_server_does() -> None:
    rule = apart(HOST, {**CHAT}, matchLabelKeys=["pod-template-hash", "absent"], mismatchLabelKeys=["tenant"])
    found = kept(pod({"app": "chat", "pod-template-hash": "5f", "tenant": "t1"}, affinity=rule))
    merged = {**CHAT, **expressions(("pod-template-hash", "In", ["5f"]), ("tenant", "NotIn", ["t1"]))}
    assert [t["labelSelector"] for t in found.apart] == [merged]
    assert "matchLabelKeys" not in found.apart[0]
    assert found.one_per == ()


def test_a_rule_that_selects_nothing_says_nothing() -> None:
    rule = {"podAntiAffinity": {REQUIRED: [{"topologyKey": ZONE}]}}
    assert kept(pod(affinity=rule), peer({}, IN_A)) == kept(pod())


def test_preferences_are_dropped() -> None:
    soft = {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": ZONE}}]
    }
    rules = {"podAffinity": soft, "podAntiAffinity": soft}
    loose = [{"maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": CHAT}]
    assert kept(pod(affinity=rules, topologySpreadConstraints=loose)) == kept(pod())


def test_beside_others_means_where_they_stand() -> None:
    found = kept(pod(affinity=beside(ZONE, app="cache")), peer({"app": "cache"}, IN_B), peer({"app": "x"}, IN_A))
    assert found.now == ({"key": ZONE, "operator": "In", "values": ["b"]},)


def test_beside_pods_that_stand_nowhere_is_refused() -> None:
    refused = distance(pod(affinity=beside(ZONE, app="cache")), [])
    assert isinstance(refused, Refusal)
    assert refused.cause is Cause.NEIGHBOURS
    assert "cache" in refused.reason


def test_the_first_of_its_kind_may_stand_anywhere_and_the_next_beside_it() -> None:
    together = pod(affinity=beside(ZONE, app="chat"))
    assert kept(together).now == ()
    assert kept(together, peer({"app": "chat"}, IN_A)).now == ({"key": ZONE, "operator": "In", "values": ["a"]},)


def test_a_pod_of_every_node_comes_with_a_new_one() -> None:
    with_agent = pod(affinity=beside(HOST, app="agent"))
    assert kept(with_agent, peer({"app": "agent"}, IN_A, owner="DaemonSet")).now == ()
    assert kept(with_agent, peer({"app": "agent"}, IN_A)).now == ({"key": HOST, "operator": "In", "values": ["n1"]},)


def test_hard_spread_over_zones_is_a_zone_a_slot_and_any_other_is_left_out() -> None:
    rules = [{"maxSkew": 1, "topologyKey": k, "labelSelector": CHAT} for k in (ZONE, HOST)]
    found = kept(pod(topologySpreadConstraints=rules))
    assert found.spread_over_zones
    assert found.left_out == (f"even spread over {HOST}",)


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}]},
        {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}], "hostNetwork": True},
        {"initContainers": [{"name": "s", "restartPolicy": "Always", "ports": [{"hostPort": 80}]}]},
    ],
    ids=["host port", "host network", "sidecar"],
)
def test_a_port_of_the_host_is_one_a_host(spec: dict[str, Any]) -> None:
    found = kept(pod({"app": "chat", "pod-template-hash": "5f"}, **spec))
    assert found.one_per == (HOST,)
    assert found.apart == ({"labelSelector": CHAT, "topologyKey": HOST, "namespaces": ["inference"]},)
    assert found == kept(pod({"app": "chat", "pod-template-hash": "5f"}, **spec, affinity=apart(HOST)))


def test_without_a_host_port_there_is_no_such_rule() -> None:
    ports = [{"name": "c", "ports": [{"containerPort": 80}]}]
    assert kept(pod(containers=ports)).one_per == ()


def test_an_exclusive_group_keeps_out_of_domains_of_other_groups() -> None:
    key = "leaderworkerset.sigs.k8s.io/group-key"
    mine = {"podAffinity": {REQUIRED: [{"labelSelector": expressions((key, "In", ["g1"])), "topologyKey": ZONE}]}}
    others = expressions((key, "Exists", []), (key, "NotIn", ["g1"]))
    leader = pod({"app": "chat", key: "g1"}, affinity={**mine, **apart(ZONE, others)})
    leader["metadata"]["annotations"] = {"leaderworkerset.sigs.k8s.io/exclusive-topology": ZONE}
    found = kept(leader, peer({key: "g1"}, IN_A), peer({"app": "x"}, IN_B))
    assert found.now == ({"key": ZONE, "operator": "NotIn", "values": ["a"]},)
    assert found.one_per == ()
    assert exclusive_topology(leader) == ZONE
    assert exclusive_topology(pod()) is None
