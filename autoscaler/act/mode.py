"""Observe first: what a policy in mode `observe` would have done is told apart from what is done."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoscaler.domain.action import Action
from autoscaler.domain.fleet import Fleet


def by_mode(actions: Sequence[Action], fleet: Fleet) -> tuple[list[Action], list[Action]]:
    """(to be done, withheld because the policy only observes), each in the order given."""
    if np.count_nonzero(fleet.acts) == fleet.size:
        return list(actions), []
    done = [action for action in actions if fleet.acts[action.workload]]
    return done, [action for action in actions if not fleet.acts[action.workload]]
