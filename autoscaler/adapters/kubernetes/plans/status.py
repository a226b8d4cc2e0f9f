"""A plan's status as the API has it. Numbers are rounded to what a person reads, so that noise is no change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.plans.plan import Since
from autoscaler.domain.lead_time import WakeUp
from autoscaler.domain.wish import Wish
from autoscaler.ports.plans import Condition, PlanFigures, PlanStatus, PoolPlaceholders, QueueFigures

WORDS = {True: "True", False: "False", None: "Unknown"}
MOST_MESSAGE, MOST_REASON = 1024, 512
"""Characters that the definition of the kind allows."""


def content(status: PlanStatus, generation: int) -> Json:
    """All that is shown, but for times of its own: `observedAt`, and since when conditions are as they are."""
    return {
        "mode": "act" if status.acts else "observe",
        **({} if status.figures is None else _figures(status.figures)),
        "observedGeneration": generation,
        "wish": _wish(status.wish),
        "conditions": [_condition(one, generation) for one in status.conditions],
    }


def timed(shown: Json, now_s: float, before: Mapping[str, Since]) -> tuple[Json, dict[str, Since]]:
    """The content with its times, and the conditions by type; one whose status is as before keeps its time."""
    now = stamp(now_s)
    since = {}
    for one in shown["conditions"]:
        old = before.get(one["type"])
        stays = old is not None and old.status == one["status"]
        since[one["type"]] = Since(one["status"], old.time if old is not None and stays else now)
    conditions = [one | {"lastTransitionTime": since[one["type"]].time} for one in shown["conditions"]]
    return shown | {"conditions": conditions, "observedAt": now}, since


def stamp(at_s: float) -> str:
    """Seconds since the epoch as the API writes a time."""
    return datetime.fromtimestamp(int(at_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _figures(figures: PlanFigures | QueueFigures) -> Json:
    if isinstance(figures, QueueFigures):
        return _queue(figures)
    shown = {
        "readyReplicas": figures.ready_replicas,
        "floorReplicas": figures.floor_replicas,
        "plannedFloorReplicas": figures.planned_floor_replicas,
        "placeholders": _placeholders(figures.placeholders),
        "warmGpus": figures.warm_gpus,
        "demandReplicas": _two_digits(figures.demand_replicas),
        "leadP90Seconds": None if figures.lead_p90_s is None else round(figures.lead_p90_s),
        "wakeUp": None if figures.wake_up is None else _wake_up(figures.wake_up),
        "latePercent": _two_digits(figures.late_percent),
        "reason": figures.reason[:MOST_REASON],
    }
    return {key: value for key, value in shown.items() if value is not None}


def _wake_up(found: WakeUp) -> Json:
    seconds = {"expectedSeconds": round(found.expected_s), "p90Seconds": round(found.p90_s)}
    return seconds | {"message": str(found)[:MOST_REASON]}


def _queue(figures: QueueFigures) -> Json:
    waiting = {"items": figures.waiting, "gpus": figures.gpus, "heldBack": figures.held_back}
    return {
        "waiting": waiting,
        "placeholders": _placeholders(figures.placeholders),
        "warmGpus": figures.warm_gpus,
        "reason": figures.reason[:MOST_REASON],
    }


def _placeholders(found: Sequence[PoolPlaceholders]) -> list[Json]:
    return [{"pool": one.pool, "bound": one.bound, "pending": one.pending} for one in found]


def _two_digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.2g}")


def _wish(wish: Wish) -> Json:
    shown: Json = {"paused": wish.paused, **({"pausedBy": wish.paused_by} if wish.paused_by else {})}
    if wish.override is not None:
        one = wish.override
        said = {key: value for key, value in (("reason", one.reason), ("by", one.by)) if value}
        shown["override"] = {"floor": one.floor, "until": stamp(one.until_s), **said}
    return shown


def _condition(one: Condition, generation: int) -> Json:
    return {
        "type": one.kind,
        "status": WORDS[one.holds],
        "observedGeneration": generation,
        "reason": one.reason,
        "message": one.message[:MOST_MESSAGE],
    }
