"""Starts for the tests of waterfalls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.evaluation.waterfall.seen import Seen

NOW_S = 10_000.0
POOLS = {
    "h100": Pool("h100", CapacityType.ON_DEMAND, price_per_gpu_hour_dollars=3.6),
    "h100-spot": Pool("h100-spot", CapacityType.SPOT, price_per_gpu_hour_dollars=1.8),
}


def replica(
    uid: str, image_s: float, weights_s: float | None = None, transfer_s: float | None = None,
    warm_up_s: float | None = None, **more: Any,
) -> Start:  # fmt: skip
    """A replica's start that came as far as seconds are given, complete where not said."""
    seconds = {
        Stage.IMAGE: image_s, Stage.WEIGHTS: weights_s, Stage.TRANSFER: transfer_s, Stage.WARM_UP: warm_up_s,
    }  # fmt: skip
    return start(uid, Part.REPLICA, {stage: s for stage, s in seconds.items() if s is not None}, **more)


def node(uid: str, ordered_s: float, joined_s: float | None = None, ready_s: float | None = None, **more: Any) -> Start:
    """A node's start that came as far as seconds are given, complete where not said."""
    seconds = {Stage.ORDERED: ordered_s, Stage.JOINED: joined_s, Stage.NODE_READY: ready_s}
    return start(uid, Part.NODE, {stage: s for stage, s in seconds.items() if s is not None}, **more)


def start(uid: str, part: Part, stages: dict[Stage, float], **more: Any) -> Start:
    given: dict[str, Any] = {
        "policy": "chat", "pool": "h100", "path": StartPath.COLD_NODE, "ended_s": NOW_S - 60.0,
        "end": StartEnd.COMPLETE,
    }  # fmt: skip
    return Start(uid=uid, part=part, stages=stages, **(given | more))


def seen(starts: Iterable[Start], now_s: float = NOW_S) -> Seen:
    """Two pools; chat's replicas have 2 GPUs, search's 1."""
    return Seen(tuple(starts), POOLS, {"chat": 2, "search": 1}, now_s)


def known() -> Seen:
    """Cold and warm starts of chat, a failed node, a stuck replica, one that goes on, and one start of search."""
    cold = [
        *(node(f"n{n}", 20.0 + n, 40.0, 10.0 + n, ended_s=9000.0 + n, zone="a") for n in range(5)),
        node("n9", 900.0, end=StartEnd.FAILED, ended_s=9500.0, zone="", why="InsufficientCapacity in zone b"),
        *(replica(f"r{n}", 30.0, 100.0 + 2.0 * n, 8.0, 12.0, ended_s=9100.0 + n, pod=f"ml/chat-{n}") for n in range(5)),
    ]
    warm = [
        *(replica(f"w{n}", 1.0, 95.0 + n, 8.0, 12.0, path=StartPath.WARM_NODE, ended_s=9200.0 + n) for n in range(3)),
        replica(
            "w8", 1.0, 700.0, path=StartPath.WARM_NODE, end=StartEnd.WAITING, ended_s=NOW_S, zone="a", pod="ml/chat-8",
            why="reads s3://models at 2 MB/s",
        ),
        replica("w9", 1.0, 20.0, path=StartPath.WARM_NODE, end=StartEnd.WAITING, ended_s=NOW_S, pod="ml/chat-9"),
    ]  # fmt: skip
    other = replica("s1", 5.0, 4.0, 3.0, 31.0, policy="search", pool="h100-spot", path=StartPath.IMAGE_PRESENT)
    return seen([*cold, *warm, other])
