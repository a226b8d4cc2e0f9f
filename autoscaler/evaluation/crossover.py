"""Cost and lateness over the lead time: where prediction pays, and where waiting for demand is as good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.evaluation.page.markup import SPACE
from autoscaler.evaluation.report.verdict import allowed, change, listed, percent
from autoscaler.evaluation.score import Summary

NODE_SHARE = 0.6
"""Part of a whole lead time that the node takes; the rest is the replica's."""
WAITING = ("reactive+loop", "reactive")
"""Strategies that the others are measured at, the first that is among them: waiting for demand, with headroom that the
same outer loop keeps at the same objective, so that lateness is paid for alike; or without."""
_LESS = 0.995  # of the other's number: what is nearer is no difference


@dataclass(frozen=True, slots=True)
class CrossoverRow:
    """One strategy at one lead time: from asking for a node to a serving replica, seconds."""

    lead_s: float
    summary: Summary

    @property
    def node_lead_s(self) -> float:
        """The node's part of the lead time."""
        return NODE_SHARE * self.lead_s

    @property
    def replica_lead_s(self) -> float:
        """The replica's part of the lead time."""
        return self.lead_s - self.node_lead_s

    def to_dict(self) -> dict[str, str | float | int | None]:
        """Fields in order, ready for JSON: what the machine's speed tells is left out, so equal from run to run."""
        leads = {"lead_s": self.lead_s, "node_lead_s": self.node_lead_s, "replica_lead_s": self.replica_lead_s}
        return leads | {k: v for k, v in self.summary.to_dict().items() if k != "ticks_per_second"}


def conclusion(rows: Sequence[CrossoverRow], late_target: float) -> list[str]:
    """Sentences on where each other strategy beats waiting for demand, and where it does not; none for one strategy.

    Beating on cost is a smaller ratio to the optimum at the late share that each of them reached.
    """
    table = {(row.lead_s, row.summary.strategy): row.summary for row in rows}
    leads = sorted({row.lead_s for row in rows})
    names = list(dict.fromkeys(row.summary.strategy for row in rows))
    base = next((name for name in WAITING if name in names), names[0])
    pairs = {name: [(lead, table[lead, name], table[lead, base]) for lead in leads] for name in names}
    others = [name for name in names if name != base and (base not in WAITING or name not in WAITING)]
    if not others:
        return []
    said = [sentence(pairs[name]) for name in others for sentence in (_on_cost, _on_lateness)]
    kept = "; ".join(_kept(pairs[name], late_target) for name in names)
    return [*said, f"Within the {allowed(late_target)} allowed: {kept}."]


Pair = tuple[float, Summary, Summary]
"""A lead time, the strategy that is asked about, and the one that it is measured at."""


def _on_cost(pairs: Sequence[Pair]) -> str:
    cheaper = [p for p in pairs if p[1].ratio_at_achieved < _LESS * p[2].ratio_at_achieved]
    lead_s, ours, theirs = (cheaper or pairs)[-1]
    ratios = f"{ours.ratio_at_achieved:.2f} against {theirs.ratio_at_achieved:.2f} times the optimum at {_lead(lead_s)}"
    reached = f"cheaper than {theirs.strategy} for the late share that it reaches ({ratios})"
    if not cheaper:
        return f"{ours.strategy} does not pay on cost: at none of these lead times is it {reached}."
    return f"{ours.strategy} pays {_where(pairs, cheaper)}: it is {reached}."


def _on_lateness(pairs: Sequence[Pair]) -> str:
    less = [p for p in pairs if p[1].late_share < _LESS * p[2].late_share]
    lead_s, ours, theirs = (less or pairs)[-1]
    shares = f"{percent(ours.late_share)} against {percent(theirs.late_share)} at {_lead(lead_s)}"
    hours = change(ours.gpu_hours, theirs.gpu_hours, "GPU-hours")
    return f"{ours.strategy} is less late than {theirs.strategy} {_where(pairs, less)} ({shares}, with {hours})."


def _kept(pairs: Sequence[Pair], late_target: float) -> str:
    within = [p for p in pairs if p[1].late_share <= late_target]
    return f"{pairs[0][1].strategy} {_where(pairs, within)}"


def _where(pairs: Sequence[Pair], chosen: Sequence[Pair]) -> str:
    """At which of the lead times, in words; both rise."""
    every, leads = [lead for lead, _, _ in pairs], [lead for lead, _, _ in chosen]
    if not leads:
        return "at none of these lead times"
    if leads == every:
        return "at every one of these lead times"
    if leads == every[-len(leads) :]:
        return f"from {_lead(leads[0])} on"
    if leads == every[: len(leads)] and len(leads) > 1:
        return f"up to {_lead(leads[-1])}"
    return f"at {listed([_lead(lead) for lead in leads])} only"


def _lead(seconds: float) -> str:
    return f"{seconds:g}{SPACE}s"
