"""Observe first: what a policy would have done that only observes, or is paused, is told apart from what is done."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoscaler.domain.action import Action, SetFloor
from autoscaler.domain.arrays import Bools
from autoscaler.domain.fleet import Fleet


def by_mode(actions: Sequence[Action], fleet: Fleet, paused: Bools | None = None) -> tuple[list[Action], list[Action]]:
    """(to be done, withheld because the policy only observes or is paused), each in the order given.

    paused: bool [W], None where none is. Floors that are only published are in neither: nobody sets them.
    """
    if np.count_nonzero(fleet.moves) < fleet.size:
        actions = [one for one in actions if fleet.moves[one.workload] or not isinstance(one, SetFloor)]
    acts = fleet.acts if paused is None else fleet.acts & ~paused
    if np.count_nonzero(acts) == fleet.size:
        return list(actions), []
    done = [action for action in actions if acts[action.workload]]
    return done, [action for action in actions if not acts[action.workload]]
