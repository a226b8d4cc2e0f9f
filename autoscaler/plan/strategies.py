"""The strategies by name: ours and those that we compare with. Adding one is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscaler.domain.arrays import Ints
from autoscaler.plan.cron import Cron
from autoscaler.plan.guards import AGAINST_LATE, BARE_GUARDS, GUARDS, Guard, rollout
from autoscaler.plan.holt_winters import HoltWinters
from autoscaler.plan.hpa import Hpa
from autoscaler.plan.ours import Ours
from autoscaler.plan.parts import PlanPart
from autoscaler.plan.planner import Planner
from autoscaler.plan.quantile import Quantile
from autoscaler.plan.reactive import Reactive
from autoscaler.plan.recurring import Recurring
from autoscaler.plan.scripted import Scripted
from autoscaler.plan.seasonal_naive import SeasonalNaive
from autoscaler.plan.static_peak import StaticPeak

LOOP_SUFFIX = "+loop"
OURS = {"ours": Ours.knob_limits, "quantile": Quantile.knob_limits, "recurring": Recurring.knob_limits}
"""Strategies that run under the outer loop and all guards, with the limits of their knob."""
HEADROOM_LIMITS = (-0.5, 3.0)
SPARE_SHARE = 0.2
OF_PARTS = {PlanPart.REACTIVE: AGAINST_LATE, PlanPart.ROLLOUT: (rollout,)}
"""Guards that are left out with a part."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a strategy may need to know of the run: the end of its training time (seconds), whether nodes are shared
    by several replicas, and for the clairvoyant the path, int [W, T]."""

    train_s: float
    shared_nodes: bool
    path: Ints | None = None


@dataclass(frozen=True, slots=True)
class Strategy:
    """A planner with the loop and the guards that it runs under; without: parts that are switched off."""

    name: str
    planner: Planner
    looped: bool
    knob_limits: tuple[float, float]
    guards: tuple[Guard, ...]
    without: frozenset[PlanPart] = frozenset()

    def has(self, part: PlanPart) -> bool:
        """Whether a part is not switched off."""
        return part not in self.without

    @property
    def holds(self) -> bool:
        """Whether the loop's hold keeps what was wanted."""
        return self.planner.holds and self.has(PlanPart.HOLD)


def _clairvoyant(setting: Setting) -> Planner:
    if setting.path is None:
        raise ValueError("strategy clairvoyant needs the demand in advance: it runs on recorded traces only")
    return Scripted(setting.path)


PLANNERS: Mapping[str, Callable[[Setting], Planner]] = {
    "ours": lambda s: Ours(s.shared_nodes),
    "quantile": lambda s: Quantile(s.shared_nodes),
    "recurring": lambda _: Recurring(),
    "reactive": lambda _: Reactive(),
    "static-peak": lambda s: StaticPeak(s.train_s),
    "hpa-50": lambda _: Hpa(0.5),
    "hpa-70": lambda _: Hpa(0.7),
    "hpa-90": lambda _: Hpa(0.9),
    "hpa-placeholders": lambda _: Hpa(0.7, SPARE_SHARE),
    "cron": lambda _: Cron(),
    "seasonal-naive": lambda _: SeasonalNaive(),
    "holt-winters": lambda _: HoltWinters(),
    "clairvoyant": _clairvoyant,
}


def names() -> list[str]:
    """Every strategy that can be named, without the suffix."""
    return list(PLANNERS)


def strategy(name: str, setting: Setting, without: frozenset[PlanPart] = frozenset()) -> Strategy:
    """The strategy of this name; `+loop` gives any of them our outer loop. Raises ValueError naming all.

    without: parts of ours to switch off; the strategies that we compare with are what they are.
    """
    base = name.removesuffix(LOOP_SUFFIX)
    if base not in PLANNERS:
        raise ValueError(f"no strategy '{name}'; there are: {', '.join(PLANNERS)}, each also with {LOOP_SUFFIX}")
    if base in OURS:
        left_out = {g for part, some in OF_PARTS.items() if part in without for g in some}
        guards = tuple(g for g in GUARDS if g not in left_out)
        return Strategy(name, _ours(base, setting, without), PlanPart.LOOP not in without, OURS[base], guards, without)
    return Strategy(name, PLANNERS[base](setting), name != base, HEADROOM_LIMITS, BARE_GUARDS)


def _ours(base: str, setting: Setting, without: frozenset[PlanPart]) -> Planner:
    """One of `OURS`; the demand now where the part that it is made of is off."""
    if base == "ours":
        return Ours(setting.shared_nodes, without)
    needs = PlanPart.FORECAST if base == "quantile" else PlanPart.RECURRING
    return Reactive() if needs in without else PLANNERS[base](setting)
