"""Of what is to change, only that is done which belongs to policies that act and are not paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.act.mode import by_mode
from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder, SetFloor

if TYPE_CHECKING:
    from tests.unit.conftest import Core

ACTIONS: list[Action] = [CreatePlaceholder(0, 0, 0), SetFloor(1, 4), SetFloor(2, 5), DeletePlaceholder(1, 0, 0)]


@pytest.mark.parametrize(
    ("acts", "paused", "done"),
    [
        pytest.param([True] * 3, None, [0, 1, 2, 3], id="all act"),
        pytest.param([True, False, True], None, [0, 2], id="one observes"),
        pytest.param([True] * 3, [False, True, False], [0, 2], id="one is paused"),
        pytest.param([True, True, False], [True, False, False], [1, 3], id="one each"),
        pytest.param([True] * 3, [False] * 3, [0, 1, 2, 3], id="none is paused"),
    ],
)
def test_what_is_withheld(core: Core, acts: list[bool], paused: list[bool] | None, done: list[int]) -> None:
    fleet = core.fleet(3, acts=acts)
    found = by_mode(ACTIONS, fleet, None if paused is None else np.array(paused))
    assert found == ([ACTIONS[n] for n in done], [one for n, one in enumerate(ACTIONS) if n not in done])


def test_a_floor_that_is_only_published_is_set_by_nobody(core: Core) -> None:
    fleet = core.fleet(3, moves=[True, False, True], acts=[True, True, False])
    done, withheld = by_mode(ACTIONS, fleet)
    assert done == [CreatePlaceholder(0, 0, 0), DeletePlaceholder(1, 0, 0)]
    assert withheld == [SetFloor(2, 5)]
