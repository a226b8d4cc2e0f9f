"""How far a simulated start came, stage by stage, from the times at which its stages end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.domain.lead_time import Stage
from autoscaler.simulator.objects import Node

Ends = Sequence[tuple[Stage, float]]
"""Stages in the order in which they pass, and when each ends; infinite where it never does."""
_ROUNDING = 1e-6
_NODE_STAGES = (Stage.ORDERED, Stage.JOINED, Stage.GPU)


@dataclass(frozen=True, slots=True)
class Passed:
    """Seconds of each stage, and the one that is not over; None where all are. until_s: when the last of them ended."""

    stages: Mapping[Stage, float]
    in_stage: Stage | None
    until_s: float


def passed(begin_s: float, ends: Ends, until_s: float, resolution_s: float) -> Passed:
    """What passed until `until_s`, told from times that are cut to `resolution_s` (0: as they are).

    So a stage is up to one `resolution_s` off either way, and the stages add up to the whole. `until_s` itself is not
    cut: who looks has a clock.
    """
    stages: dict[Stage, float] = {}
    at_s = cut(begin_s, resolution_s)
    for stage, end_s in ends:
        is_open = end_s > until_s
        edge_s = max(until_s if is_open else cut(end_s, resolution_s), at_s)
        stages[stage] = stages.get(stage, 0.0) + edge_s - at_s
        at_s = edge_s
        if is_open:
            return Passed(stages, stage, at_s)
    return Passed(stages, None, at_s)


def cut(at_s: float, resolution_s: float) -> float:
    """As an object of that resolution would say it."""
    return math.floor(at_s / resolution_s + _ROUNDING) * resolution_s if resolution_s > 0.0 else at_s


def node_ends(node: Node) -> Ends:
    """Of a node that was asked for: ordered, joined and, where its pool has more stages than the boot, its GPUs."""
    if not node.granted:
        return ((Stage.ORDERED, math.inf),)
    last = len(_NODE_STAGES) - 1
    return tuple((_NODE_STAGES[min(number, last)], end_s) for number, end_s in enumerate(node.edges_s))
