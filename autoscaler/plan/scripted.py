"""A path known in advance, asked for the lead time early: the clairvoyant as a strategy."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.plan.planner import Proposal, View


class Scripted:
    """`path`: int [W, T], replicas that should serve in each tick. The knob is not used: the path is the answer."""

    uses_forecast = False
    holds = False

    def __init__(self, path: Ints) -> None:
        self._path = path

    def propose(self, view: View) -> Proposal:
        """The largest need from now until what is asked for now would serve."""
        first = round(view.now_s / view.tick_s)
        lead_s = view.fleet.node_lead_s + view.fleet.replica_lead_s
        ahead = np.ceil(lead_s / view.tick_s - 1e-9).astype(np.int64)
        last = self._path.shape[1] - 1
        rows = zip(self._path, ahead, strict=True)
        wanted: Floats = np.array([row[min(first, last) : first + n + 1].max() for row, n in rows], dtype=np.float64)
        return Proposal.of(wanted, wanted)
