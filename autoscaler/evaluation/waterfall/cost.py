"""What one start costs: GPUs that are paid and serve nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.domain.lead_time import Stage, Start
from autoscaler.evaluation.waterfall.part import PartTime
from autoscaler.evaluation.waterfall.seen import Seen

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of the middle start. gpu_seconds: of the GPUs that one replica needs, from the launch of the node. dollars: at
    the prices of the pools, None where one is not known."""

    gpu_seconds: float
    dollars: float | None


def cost(parts: Sequence[PartTime], seen: Seen) -> Cost | None:
    """None where it is not known how many GPUs a replica has."""
    starts = [start for part in parts for start, _ in part.middle.starts]
    if not all(start.policy in seen.gpus for start in starts):
        return None
    is_priced = all(start.pool in seen.pools for start in starts)
    return Cost(
        gpu_seconds=sum(part.middle.mean(lambda start: _gpu_seconds(start, seen)) for part in parts),
        dollars=sum(part.middle.mean(lambda start: _dollars(start, seen)) for part in parts) if is_priced else None,
    )


def _gpu_seconds(start: Start, seen: Seen) -> float:
    """Nobody pays for a node that is not launched yet."""
    return (start.seconds - start.stages.get(Stage.ORDERED, 0.0)) * seen.gpus[start.policy]


def _dollars(start: Start, seen: Seen) -> float:
    return _gpu_seconds(start, seen) * seen.pools[start.pool].price_per_gpu_hour_dollars / HOUR_S
