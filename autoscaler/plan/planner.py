"""The interface of every strategy: ours, and those that we compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.observation import Observation
from autoscaler.forecast.history import History


@dataclass(frozen=True, slots=True)
class View:
    """What a planner may look at in one tick.

    demand: float [W], the demand now, or the last one known while the signal is missing; NaN before the first.
    level: float [W], the knob of the outer loop (0 = the planner's own setting, see `OuterLoop`); planners that run in
    shadow are asked for several knobs at once, float [K, W], and answer each.
    forecast: demand of the W workloads (and of the pooled groups after them) at two horizons: the replica lead and
    the whole lead; None for planners that do not ask for it. severity: float [W], see `Severity`.
    """

    now_s: float
    tick_s: float
    fleet: Fleet
    observation: Observation
    history: History
    forecast: Forecast | None
    demand: Floats
    level: Floats
    severity: Floats


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a planner wants, in replicas, before rounding up; NaN = no opinion (what stands, stays).

    floor: float [W], replicas that should be asked for now.
    room: float [W], replicas for which GPUs should be warm or on order, at least `floor`.
    burst: float [W], replicas wanted for a narrow window only, 0 for none: given up at once when it has passed.
    knob: float [W], where the outer loop goes on from; None: from where it is.
    """

    floor: Floats
    room: Floats
    burst: Floats
    knob: Floats | None = None

    @staticmethod
    def of(floor: Floats, room: Floats) -> Proposal:
        """A proposal without a burst."""
        return Proposal(floor, room, np.zeros(floor.shape))


class Planner(Protocol):
    """One strategy over all workloads at once. May keep state of its own; owned by the loop that runs it."""

    uses_forecast: bool
    """Ask for `View.forecast`."""
    holds: bool
    """Releases by the break-even hold of the loop; False where the strategy has a release rule of its own."""

    def propose(self, view: View) -> Proposal:
        """What this strategy wants at this tick."""
        ...


def with_level(view: View, level: Floats) -> View:
    """The same view at other knobs, float [W] or [K, W]."""
    return View(
        view.now_s, view.tick_s, view.fleet, view.observation, view.history, view.forecast, view.demand, level,
        view.severity,
    )  # fmt: skip


def with_headroom(replicas: Floats, level: Floats) -> Floats:
    """The knob's meaning for planners without one of their own: a headroom factor 1 + level on what they want."""
    return replicas * (1.0 + level)


def floor_only(replicas: Floats, level: Floats) -> Proposal:
    """A proposal of floors with the knob as headroom, and no room beyond them."""
    wanted = with_headroom(replicas, level)
    return Proposal.of(wanted, wanted)
