"""Lead times in force: what they begin with, when they change, and what a restart gives back."""

from __future__ import annotations

import pytest

from autoscaler.controller.leads import CHANGE_EVERY_S, LeadsInForce
from tests.unit.observe.starts import nodes, replica

NODE_S, REPLICA_S = 180.0, 120.0
HOMES = {"chat": "h100", "code": "h100-spot"}
PRIOR = pytest.approx((NODE_S, REPLICA_S))


@pytest.fixture
def leads() -> LeadsInForce:
    found = LeadsInForce(NODE_S, REPLICA_S)
    found.take(HOMES, 0.0)
    return found


def test_the_priors_are_in_force_until_something_is_learned(leads: LeadsInForce) -> None:
    assert leads.take(HOMES, 0.0) == {"chat": PRIOR, "code": PRIOR}
    assert not leads.is_outdated(1e9)
    assert leads.p90_s("chat") == pytest.approx(NODE_S + REPLICA_S)


def test_what_was_learned_comes_into_force(leads: LeadsInForce) -> None:
    leads.learn(nodes([60.0] * 20))
    assert leads.is_outdated(15.0)
    taken = leads.take(HOMES, 15.0)
    assert taken["chat"][0] == pytest.approx(60.0, rel=0.05)
    assert taken["code"] == PRIOR
    assert leads.p90_s("chat") == pytest.approx(60.0 + REPLICA_S, rel=0.05)
    assert not leads.is_outdated(1e9)


def test_a_policy_is_planned_for_in_the_pool_that_it_fills_first(leads: LeadsInForce) -> None:
    leads.learn(nodes([60.0] * 20))
    assert leads.take({"chat": "h100-spot"}, 15.0) == {"chat": PRIOR}
    assert leads.take({"chat": "h100"}, 30.0)["chat"][0] == pytest.approx(60.0, rel=0.05)


@pytest.mark.parametrize(
    ("prior_s", "learned_s", "moves"),
    [
        pytest.param(180.0, 200.0, False, id="a tenth longer"),
        pytest.param(180.0, 220.0, True, id="a fifth longer"),
        pytest.param(180.0, 140.0, True, id="a fifth shorter"),
        pytest.param(12.0, 16.0, False, id="a third, and 4 s"),
        pytest.param(12.0, 22.0, True, id="10 s"),
    ],
)
def test_small_moves_change_nothing(prior_s: float, learned_s: float, moves: bool) -> None:
    leads = LeadsInForce(prior_s, REPLICA_S)
    before = leads.take(HOMES, 0.0)
    leads.learn(nodes([learned_s] * 32))
    assert leads.is_outdated(15.0) is moves
    assert (leads.take(HOMES, 15.0) != before) is moves


def test_all_that_moved_change_at_once_and_then_not_for_a_while(leads: LeadsInForce) -> None:
    leads.learn([*nodes([60.0] * 20), *nodes([90.0] * 20, policy="code", pool="h100-spot")])
    first = leads.take(HOMES, 100.0)
    assert first["code"][0] == pytest.approx(90.0, rel=0.05)
    leads.learn(nodes([300.0] * 32, begin_s=1e6))
    assert not leads.is_outdated(100.0 + CHANGE_EVERY_S - 1.0)
    assert leads.take(HOMES, 100.0 + CHANGE_EVERY_S - 1.0) == first
    assert leads.is_outdated(100.0 + CHANGE_EVERY_S)
    assert leads.take(HOMES, 100.0 + CHANGE_EVERY_S)["chat"][0] == pytest.approx(300.0, rel=0.05)


def test_a_new_policy_gets_what_is_known_at_once_and_the_others_keep_theirs(leads: LeadsInForce) -> None:
    leads.learn(nodes([60.0] * 20))
    first = leads.take(HOMES, 100.0)
    leads.learn(nodes([300.0] * 32, begin_s=1e6))
    taken = leads.take({**HOMES, "voice": "h100"}, 115.0)
    assert taken["chat"] == first["chat"]
    assert taken["voice"][0] > 250.0


def test_a_policy_that_goes_changes_nothing_for_those_that_stay(leads: LeadsInForce) -> None:
    leads.learn(nodes([60.0] * 20, policy="code", pool="h100-spot"))
    first = leads.take(HOMES, 100.0)
    assert leads.take({"chat": "h100"}, 1e6) == {"chat": first["chat"]}
    assert leads.record("code") == {}


def test_what_is_remembered_counts_as_soon_as_it_is_read(leads: LeadsInForce) -> None:
    leads.learn([*nodes([60.0] * 20), *(replica(f"r{n}", 10.0, 20.0) for n in range(20))])
    taken = leads.take(HOMES, 100.0)
    again = LeadsInForce(NODE_S, REPLICA_S)
    again.learn(nodes([100.0] * 3, begin_s=1e6, policy="code"))
    again.take(HOMES, 200.0)
    assert again.take(HOMES, 215.0) != taken
    again.restore("chat", leads.record("chat"))
    assert again.is_outdated(230.0)
    assert again.take(HOMES, 230.0)["chat"][1] == taken["chat"][1]
    assert again.record("chat") == leads.record("chat")
