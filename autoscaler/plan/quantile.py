"""A quantile of the forecast at the lead time: the level is the knob of an outer loop."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.forecast import REPLICA_LEAD, WHOLE_LEAD
from autoscaler.plan.planner import Proposal, View

START_Z = 1.0
"""Normal score of the quantile at knob 0."""
Z_LIMITS = (-1.6, 2.6)
"""Between these the knob moves the quantile level; above them headroom is multiplied on, since data support no more."""
STEP_BEYOND = 0.25


def quantile_level(z: Floats) -> Floats:
    """Probability of a normal score, by the logistic approximation of Bowling et al. 2009 (error below 1.5e-4)."""
    out: Floats = 1.0 / (1.0 + np.exp(-(0.07056 * z**3 + 1.5976 * z)))
    return out


class Quantile:
    """Floors and room from calibrated quantiles; the knob moves a normal score."""

    knob_limits = (-3.0, 6.0)
    uses_forecast = True
    holds = True

    def __init__(self, shared_nodes: bool) -> None:
        """`shared_nodes`: floors wait for the replica lead, and placeholders hold the room until then."""
        self._shared_nodes = shared_nodes

    def propose(self, view: View) -> Proposal:
        """The demand now where there is no forecast yet."""
        assert view.forecast is not None
        z = START_Z + view.level
        level = quantile_level(np.minimum(np.maximum(z, Z_LIMITS[0]), Z_LIMITS[1]))
        beyond = 1.0 + STEP_BEYOND * np.maximum(z - Z_LIMITS[1], 0.0)
        room = _known(view.forecast.quantile(level, WHOLE_LEAD) * beyond, view.demand)
        if not self._shared_nodes:
            return Proposal.of(room, room)
        floor = _known(view.forecast.quantile(level, REPLICA_LEAD) * beyond, view.demand)
        return Proposal.of(np.minimum(floor, room), room)


def _known(wanted: Floats, demand: Floats) -> Floats:
    unknown = np.isnan(wanted)
    return np.where(unknown, demand, wanted) if np.count_nonzero(unknown) else wanted
