"""The pin goes into every term, what cannot hold is dropped, and a workload that cannot land is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.placeholder.constraints import Constraints, Surroundings, constraints, values_of
from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.refusal import Cause, Refusal
from tests.unit.placeholder.objects import (
    HOST,
    IN_POOL,
    POOL,
    ZONE,
    apart,
    beside,
    expressions,
    node,
    node_affinity,
    peer,
    pod,
)

ALONE = Surroundings()


def kept(of: Json, around: Surroundings = ALONE) -> Constraints:
    found = constraints(of, POOL, around)
    assert isinstance(found, Constraints), found
    return found


def refused(of: Json, around: Surroundings = ALONE) -> Refusal:
    found = constraints(of, POOL, around)
    assert isinstance(found, Refusal), found
    return found


def volume(*terms: Json) -> dict[str, Any]:
    return {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": list(terms)}}}}


def test_without_affinity_the_pin_is_the_only_term() -> None:
    assert kept(pod()).terms == ({"matchExpressions": [IN_POOL]},)
    assert kept(pod(affinity={"nodeAffinity": {}})).terms == ({"matchExpressions": [IN_POOL]},)


def test_the_pin_goes_into_every_alternative_and_fields_are_kept() -> None:
    fields = [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]
    found = kept(pod(affinity=node_affinity(expressions(("gen", "Gt", ["3"])), {"matchFields": fields})))
    gen = {"key": "gen", "operator": "Gt", "values": ["3"]}
    assert found.terms == ({"matchExpressions": [gen, IN_POOL]}, {"matchExpressions": [IN_POOL], "matchFields": fields})


def test_a_term_that_says_nothing_matches_nothing_and_stays_so() -> None:
    found = kept(pod(affinity=node_affinity({}, expressions(("gen", "Exists", [])))))
    assert found.terms == ({"matchExpressions": [{"key": "gen", "operator": "Exists"}, IN_POOL]},)
    assert refused(pod(affinity=node_affinity({}))).cause is Cause.NODE_LABELS


def test_alternatives_that_exclude_the_pool_are_dropped() -> None:
    found = kept(
        pod(affinity=node_affinity(expressions(("pool", "In", ["a100"])), expressions(("pool", "Exists", []))))
    )
    assert found.terms == ({"matchExpressions": [{"key": "pool", "operator": "Exists"}, IN_POOL]},)


def test_the_selector_is_copied_and_preferences_are_not() -> None:
    soft = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]}}
    found = kept(pod(nodeSelector={"disk": "ssd"}, affinity=soft))
    assert found.node_selector == {"disk": "ssd"}
    assert found.terms == ({"matchExpressions": [IN_POOL]},)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"nodeSelector": {"pool": "a100"}}, id="selector"),
        pytest.param({"affinity": node_affinity(expressions(("pool", "In", ["a100"])))}, id="affinity"),
        pytest.param({"affinity": node_affinity(expressions(("pool", "NotIn", ["h100"])))}, id="exclusion"),
        pytest.param({"affinity": node_affinity(expressions(("pool", "DoesNotExist", [])))}, id="absence"),
        pytest.param(
            {"nodeSelector": {"gen": "3"}, "affinity": node_affinity(expressions(("gen", "Gt", ["3"])))}, id="by itself"
        ),
    ],
)
def test_a_workload_that_never_lands_in_the_pool_is_refused_in_words(spec: dict[str, Any]) -> None:
    found = refused(pod(**spec))
    assert found.cause is Cause.NODE_LABELS
    assert "excludes the nodes of pool h100: " in found.reason
    assert " and " in found.reason


def test_an_untolerated_taint_is_refused() -> None:
    assert refused(pod(tolerations=[])).cause is Cause.TAINTS


def test_volumes_hold_it_to_their_zones_in_every_combination() -> None:
    around = Surroundings(
        volumes=(volume(expressions((ZONE, "In", ["a"])), expressions((ZONE, "In", ["b"]))), volume())
    )
    found = kept(
        pod(affinity=node_affinity(expressions(("x", "Exists", [])), expressions(("y", "Exists", [])))), around
    )
    assert [[e["key"] for e in t["matchExpressions"]] for t in found.terms] == [
        ["x", "pool", ZONE],
        ["x", "pool", ZONE],
        ["y", "pool", ZONE],
        ["y", "pool", ZONE],
    ]
    assert found.zones == ("a", "b")


def test_volumes_out_of_reach_are_refused() -> None:
    elsewhere = Surroundings(volumes=(volume(expressions((ZONE, "In", ["z"]))),))
    apart_from_each_other = Surroundings(volumes=tuple(volume(expressions((ZONE, "In", [z]))) for z in "ab"))
    for around in (elsewhere, apart_from_each_other):
        found = refused(pod(), around)
        assert found.cause is Cause.VOLUMES
        assert ZONE in found.reason


def test_zones_are_those_where_it_can_stand() -> None:
    assert kept(pod()).zones == ("a", "b", "c")
    assert kept(pod(nodeSelector={ZONE: "b"})).zones == ("b",)
    assert kept(pod(affinity=node_affinity(expressions((ZONE, "NotIn", ["b"]))))).zones == ("a", "c")
    taken = Surroundings(peers=(peer({"app": "chat"}, node("n", {ZONE: "c"})),))
    assert kept(pod(affinity=apart(ZONE)), taken).zones == ("a", "b")


def test_neighbours_that_leave_no_place_are_refused() -> None:
    taken = Surroundings(peers=(peer({"app": "chat"}, node("n", {ZONE: "a"})),))
    found = refused(pod(nodeSelector={ZONE: "a"}, affinity=apart(ZONE)), taken)
    assert found.cause is Cause.NEIGHBOURS
    assert refused(pod(affinity=beside(HOST, app="cache"))).cause is Cause.NEIGHBOURS


def test_values_under_which_a_group_can_stand() -> None:
    rack = kept(pod(affinity=node_affinity(expressions(("rack", "In", ["r1", "r2"])))))
    taken = Surroundings(peers=(peer({"app": "chat"}, node("n", {"rack": "r1"})),))
    assert values_of("rack", rack, ["r2", "r3"]) == ("r1", "r2")
    assert values_of("rack", kept(pod(affinity=apart("rack")), taken), ["r1", "r3"]) == ("r3",)
    assert values_of(ZONE, kept(pod()), []) == ("a", "b", "c")
    assert values_of("rack", kept(pod()), []) == ()
    assert values_of("rack", kept(pod(nodeSelector={"rack": "r7"})), []) == ("r7",)


def test_nothing_that_was_given_is_changed() -> None:
    given = pod(affinity=node_affinity(expressions(("x", "Exists", []))), nodeSelector={"a": "b"})
    before = repr(given)
    kept(given, Surroundings(volumes=(volume(expressions((ZONE, "In", ["a"]))),)))
    assert repr(given) == before
