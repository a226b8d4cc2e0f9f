"""What people wish reaches the bounds of a tick, in the time of the world, and only while it is in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.policy.governed import Governed

if TYPE_CHECKING:
    from tests.unit.conftest import Core

EPOCH_S = 1_000_000.0


@dataclass
class Wishes:
    given: dict[str, Wish] = field(default_factory=dict)

    def wish(self, policy: str) -> Wish:
        return self.given.get(policy, NOTHING)


def governed(core: Core, wishes: Wishes | None) -> Governed:
    fleet = core.fleet(3)
    return Governed(fleet, (None,) * 3, EPOCH_S, wishes)


def test_each_wish_is_of_its_own_policy(core: Core) -> None:
    names = core.fleet(3).names
    wishes = Wishes({names[0]: Wish(paused=True), names[2]: Wish(override=Override(8, EPOCH_S + 100.0))})
    bounds = governed(core, wishes).bounds(50.0)
    assert bounds.paused is not None
    assert bounds.override is not None
    assert bounds.paused.tolist() == [True, False, False]
    np.testing.assert_array_equal(bounds.override, [np.nan, np.nan, 8.0])


@pytest.mark.parametrize(("now_s", "floor"), [(99.0, 8.0), (100.0, np.nan), (101.0, np.nan)])
def test_an_override_ends_when_it_says_so_and_a_pause_beside_it_goes_on(
    core: Core, now_s: float, floor: float
) -> None:  # fmt: skip
    name = core.fleet(3).names[1]
    found = governed(core, Wishes({name: Wish(True, Override(8, EPOCH_S + 100.0))}))
    bounds = found.bounds(now_s)
    assert bounds.paused is not None
    assert bounds.override is not None
    assert bounds.paused.tolist() == [False, True, False]
    np.testing.assert_array_equal(bounds.override, [np.nan, floor, np.nan])
    assert (found.wish(1, now_s).override is None) == np.isnan(floor)


@pytest.mark.parametrize("wishes", [None, Wishes()], ids=["nobody can", "nobody does"])
def test_without_wishes_nothing_is_bound(core: Core, wishes: Wishes | None) -> None:
    bounds = governed(core, wishes).bounds(50.0)
    assert bounds.paused is None
    assert bounds.override is None


def test_a_wish_is_read_in_every_tick(core: Core) -> None:
    wishes = Wishes()
    found = governed(core, wishes)
    assert found.bounds(0.0).paused is None
    wishes.given[found.fleet.names[1]] = Wish(paused=True)
    bounds = found.bounds(1.0)
    assert bounds.paused is not None
    assert bounds.paused.tolist() == [False, True, False]
