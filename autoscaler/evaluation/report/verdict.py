"""In plain words: how the first strategy of a comparison fared against the objective and the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.page.markup import SPACE
from autoscaler.evaluation.report.outcome import Outcome, Totals

_EQUAL = 0.005  # of a number: what is nearer is called the same
_TIMES = 2.0  # from here on a factor reads better than a percentage


@dataclass(frozen=True, slots=True)
class Verdict:
    """first: how the first strategy did. others: against each other one, a phrase each. kept: who met the objective."""

    first: str
    others: tuple[str, ...]
    kept: str


def verdict(comparison: Comparison, outcomes: list[list[Outcome]]) -> Verdict:
    """What the first strategy cost and how late it was, against the objective and against each other strategy."""
    names = [run.strategy for run in comparison.runs]
    totals = [sum((one.totals for one in run), Totals()) for run in outcomes]
    missed = [_missed(run, comparison.late_target) for run in outcomes]
    first = totals[0]
    return Verdict(
        first=(
            f"{names[0]} was billed {first.gpu_hours:,.0f} GPU-hours and let {percent(first.late_share)} of all "
            f"requests come late, {_against_objective(outcomes[0], missed[0], comparison.late_target)}."
        ),
        others=tuple(
            f"against {name}, {change(first.gpu_hours, other.gpu_hours, 'GPU-hours')} and "
            f"{change(first.late, other.late, 'late requests')}"
            for name, other in zip(names[1:], totals[1:], strict=True)
        ),
        kept=_who_kept(names, missed, totals) if len(names) > 1 else "",
    )


def percent(share: float) -> str:
    """A share 0..1 in percent, to a hundredth."""
    return f"{'<0.01' if 0.0 < share < 0.00005 else f'{100 * share:.2f}'}{SPACE}%"


def allowed(share: float) -> str:
    """An objective 0..1 in percent, as it was given."""
    return f"{100 * share:g}{SPACE}%"


def change(ours: float, theirs: float, what: str) -> str:
    """How much more or less of `what` we have than they, such as `12 % fewer GPU-hours`."""
    if abs(ours - theirs) <= _EQUAL * max(ours, theirs):
        return f"as many {what}"
    if theirs <= 0:
        return f"{ours:,.0f} {what} where that had none"
    ratio = ours / theirs
    if ratio >= _TIMES:
        return f"{ratio:.1f} times as many {what}"
    if ours <= 0:
        return f"no {what} where that had {theirs:,.0f}"
    return f"{100 * abs(ratio - 1):.0f}{SPACE}% {'more' if ratio > 1 else 'fewer'} {what}"


def listed(names: Sequence[str]) -> str:
    """Names as a person lists them: `a`, `a and b`, `a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _missed(run: list[Outcome], late_target: dict[str, float]) -> list[Outcome]:
    return [one for one in run if one.totals.late_share > late_target[one.timeline.workload]]


def _against_objective(run: list[Outcome], missed: list[Outcome], late_target: dict[str, float]) -> str:
    targets = {late_target[one.timeline.workload] for one in run}
    if len(targets) == 1 and (not missed or len(run) == 1):
        return f"{'more than' if missed else 'within'} the {allowed(targets.pop())} allowed"
    if not missed:
        return "within what each workload allows"
    return f"more than allowed for {listed([_excess(one, late_target) for one in missed])}"


def _excess(one: Outcome, late_target: dict[str, float]) -> str:
    name = one.timeline.workload
    return f"{name} ({percent(one.totals.late_share)} where {allowed(late_target[name])} is allowed)"


def _who_kept(names: list[str], missed: list[list[Outcome]], totals: list[Totals]) -> str:
    within = [place for place, exceeded in enumerate(missed) if not exceeded]
    if not within:
        return "None of them kept every workload within its objective."
    cheapest = min(within, key=lambda place: totals[place].gpu_hours)
    if len(within) == 1:
        return f"Only {names[cheapest]} kept every workload within its objective."
    kept = listed([names[place] for place in within])
    return f"{kept} kept every workload within its objective, {names[cheapest]} with the fewest GPU-hours."
