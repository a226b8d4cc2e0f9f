"""Starts for the tests of what is learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath


def node(
    uid: str, seconds: float, ended_s: float = 1000.0, end: StartEnd = StartEnd.COMPLETE,
    policy: str = "chat", pool: str = "h100",
) -> Start:  # fmt: skip
    """A node's start that spent half its time on order and half until Ready, and no time on its devices."""
    stages = {Stage.ORDERED: seconds / 2.0, Stage.NODE_READY: seconds / 2.0, Stage.GPU: 0.0}
    if end is not StartEnd.COMPLETE:
        stages = {Stage.ORDERED: seconds}
    return Start(uid, Part.NODE, policy, pool, StartPath.COLD_NODE, stages, ended_s, end)


def replica(
    uid: str, image_s: float, start_s: float, ended_s: float = 1000.0, end: StartEnd = StartEnd.COMPLETE,
    policy: str = "chat", pool: str = "h100", path: StartPath = StartPath.WARM_NODE, image: str = "",
) -> Start:  # fmt: skip
    """A replica's start, on a warm node where not said."""
    stages = {Stage.IMAGE: image_s, Stage.START: start_s}
    return Start(uid, Part.REPLICA, policy, pool, path, stages, ended_s, end, image)


def nodes(seconds: Sequence[float], begin_s: float = 1000.0, policy: str = "chat", pool: str = "h100") -> list[Start]:
    """One after another, a minute apart, of uids as different as real ones."""
    uids = (sha256(f"{policy} {pool} {begin_s} {n}".encode()).hexdigest() for n in range(len(seconds)))
    return [
        node(uid, s, begin_s + 60.0 * n, policy=policy, pool=pool)
        for n, (uid, s) in enumerate(zip(uids, seconds, strict=True))
    ]
