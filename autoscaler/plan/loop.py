"""The outer loop: moves a planner's knob so that the realised late share meets the objective.

    knob += GAIN_PER_MINUTE * minutes * (late / alpha - demand) / max(mean demand, demand / LARGEST_PEAK)

late and demand in replica units, alpha the allowed late share: online conformal risk control (the update of Gibbs and
Candes 2021 on a bounded loss), whose long-run late share tends to alpha wherever more capacity helps. At alpha = 1 %
a minute in which all is late adds 0.25, an hour without late work takes off 0.15.

The knob has the unit of the planner that it moves: a headroom factor (1 + knob) by default, a normal score for
quantile planners. It stands still while demand is unknown, or while a bound and not the planner sets the floor. It does
not fall while a schedule or a minimum lifts the floor, since nobody knows what the planner alone would have come to. It
does not rise for what came out of next to nothing a moment ago, which no headroom on nothing would have met; that is
owed, so that no lateness beside it is bought.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.forecast.smoothing import smoothed_toward

GAIN_PER_MINUTE = 0.0025
MEAN_HALF_LIFE_S = 86_400.0
LARGEST_PEAK = 16.0
"""After a night without demand its mean says nothing of the day: one minute would move the knob from end to end."""
OUT_OF_NOTHING = 0.05
"""Demand that was less than this share of itself a moment ago: twenty times, where the knob doubles at its end."""
A_MOMENT = 3.0
"""Lead times: one until what was asked for at once serves, and as long again until the backlog is served."""
RISE_A_LEAD_TIME = 1.0
"""What is late now was decided a lead time ago: the knob rises no more than this above its value then."""
MOST_OWED = 1.0
"""Some seven hours without late work at alpha = 1 %: what nobody could foresee is not paid for all week."""


@dataclass(slots=True)
class OuterLoop:
    """knob: float [W] (or [C, W] for C loops on the same demand) within `limits`, two bounds that broadcast to it.

    mean_demand: float [W]. owed: of the knob's shape, what was held back of its rise: the knob falls only after that
    is paid, so that a burst counts in full and no more is bought at once. past: knobs of the last lead time,
    oldest first. seen: demand of the last `A_MOMENT`, float [W] each, oldest first.
    """

    knob: Floats
    mean_demand: Floats
    owed: Floats
    limits: tuple[Floats | float, Floats | float]
    past: deque[tuple[float, Floats]] = field(default_factory=deque)
    seen: deque[tuple[float, Floats]] = field(default_factory=deque)

    @staticmethod
    def fresh(shape: tuple[int, ...], limits: Floats) -> OuterLoop:
        """Loops at knob 0, the planner's own setting; `limits` [..., 2, 1], the last axis but one low and high."""
        bounds = (limits[..., 0, :], limits[..., 1, :])
        return OuterLoop(np.zeros(shape), np.full(shape[-1], np.nan), np.zeros(shape), bounds)

    def update(
        self, now_s: float, tick_s: float, lead_s: float, late: Floats, demand: Floats, alpha: Floats, frozen: Bools,
        severity: Floats, lifted: Bools | None = None,
    ) -> None:  # fmt: skip
        """One tick of realised lateness; `frozen` [W] stands still, `lifted` [W] does not fall.

        severity: float [W], see `Severity`.
        """
        seen = np.where(frozen, np.nan, demand) if np.count_nonzero(frozen) else demand
        rate = 1.0 - 0.5 ** (tick_s / MEAN_HALF_LIFE_S)
        self.mean_demand = smoothed_toward(self.mean_demand, seen, rate)
        gain = GAIN_PER_MINUTE * tick_s / 60.0
        usual = np.maximum(np.fmax(self.mean_demand, seen / LARGEST_PEAK), 1e-9)
        step = gain / severity * (late / alpha - seen) / usual
        _keep(self.past, now_s, self.knob, lead_s)
        _keep(self.seen, now_s, demand, A_MOMENT * lead_s)
        if lifted is not None and np.count_nonzero(lifted):
            step = np.where(lifted, np.maximum(step, 0.0), step)
        woken = np.fmin.reduce([then for _, then in self.seen]) < OUT_OF_NOTHING * demand
        held = np.where(woken, np.fmax(step, 0.0), 0.0)
        step = step - held
        moves = np.isfinite(step) & (self.mean_demand > 0.0)
        if np.count_nonzero(moves) < moves.size:
            step = np.where(moves, step, 0.0)
        paid = np.minimum(self.owed, np.maximum(-step, 0.0))
        wanted = self.knob + step + paid
        knob = np.minimum(wanted, self.past[0][1] + RISE_A_LEAD_TIME)
        self.owed = np.minimum(self.owed - paid + (wanted - knob) + held, MOST_OWED)
        self.knob = np.minimum(np.maximum(knob, self.limits[0]), self.limits[1])

    def go_on_from(self, knob: Floats) -> None:
        """Another planner leads where the knob (float [W]) differs: it is its own there, now and a lead time ago."""
        moved = knob != self.knob
        self.past = deque((at_s, np.where(moved, knob, past)) for at_s, past in self.past)
        self.knob = knob


def _keep(past: deque[tuple[float, Floats]], now_s: float, value: Floats, length_s: float) -> None:
    past.append((now_s, value))
    while past[0][0] < now_s - length_s:
        past.popleft()
