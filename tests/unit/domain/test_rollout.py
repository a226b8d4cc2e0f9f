"""What a rollout takes away and puts beside, as Kubernetes counts it."""

from __future__ import annotations

import pytest

from autoscaler.domain.rollout import Allowance, Rollout

QUARTER_MORE, QUARTER_FEWER = Allowance(percent=25, rounds_up=True), Allowance(percent=25)


def rollout(
    surge: Allowance, unavailable: Allowance, replicas: int = 10, standing: int = 10, moves: bool = True
) -> Rollout:
    return Rollout(surge, unavailable, replicas, standing, left=10, moves=moves)


@pytest.mark.parametrize(
    ("replicas", "extra", "missing"),
    [
        pytest.param(10, 3, 2, id="surge up, unavailable down"),
        pytest.param(3, 1, 0, id="none of three"),
        pytest.param(0, 0, 0, id="nothing runs"),
    ],
)
def test_shares_are_rounded_as_kubernetes_does(replicas: int, extra: int, missing: int) -> None:
    defaults = rollout(QUARTER_MORE, QUARTER_FEWER)
    assert (defaults.extra(replicas), defaults.missing(replicas)) == (extra, missing)


def test_where_both_come_to_nothing_one_is_taken_away() -> None:
    assert rollout(Allowance(), Allowance(percent=25)).missing(3) == 1


def test_never_more_are_missing_than_there_are() -> None:
    assert rollout(Allowance(), Allowance(count=4)).missing(3) == 3


@pytest.mark.parametrize(
    ("unavailable", "replicas"),
    [(Allowance(count=1), 1), (Allowance(count=2), 10), (Allowance(percent=25), 10), (Allowance(percent=50), 7)],
)
def test_a_lift_is_the_least_that_keeps_them_all(unavailable: Allowance, replicas: int) -> None:
    one = rollout(Allowance(), unavailable)
    more = one.lift(replicas)
    assert replicas + more - one.missing(replicas + more) >= replicas
    assert replicas + more - 1 - one.missing(replicas + more - 1) < replicas


def test_a_lift_is_never_more_than_as_many_again() -> None:
    assert rollout(Allowance(), Allowance(percent=100)).lift(4) == 4


def test_no_lift_where_more_come_before_any_goes() -> None:
    assert rollout(Allowance(count=1), Allowance()).lift(10) == 0


@pytest.mark.parametrize(("standing", "to_come"), [(9, 3), (10, 3), (12, 1), (13, 0), (15, 0)])
def test_of_those_beyond_the_ones_that_stand_are_there(standing: int, to_come: int) -> None:
    assert rollout(QUARTER_MORE, QUARTER_FEWER, 10, standing).to_come == to_come


def test_nothing_of_it_while_nothing_moves() -> None:
    still = rollout(QUARTER_MORE, QUARTER_FEWER, moves=False)
    assert (still.extra(10), still.missing(10), still.lift(10), still.to_come) == (0, 0, 0, 0)
