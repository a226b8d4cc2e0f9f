"""The manifest of a placeholder for queued work: of the work's own shape, named after the piece of work that it is for.

It is told apart from placeholders for forecast replicas by its role, so that each is swept and counted by who made it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from autoscaler.placeholder.manifest import DOMAIN, PLACEHOLDER, PLAN, ROLE, SLOT, House, Seat, placeholder
from autoscaler.placeholder.pod import Json, labels, metadata
from autoscaler.placeholder.shape import Shape

QUEUED = "queued"
"""Value of the role label."""
ITEM = f"{DOMAIN}/item"
POD_SET = f"{DOMAIN}/pod-set"
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class QueueSeat:
    """Whose placeholder it is, and until when.

    uid: of the piece of work, which makes its name unique with pod_set, index and pool. owner, expires: as of `Seat`.
    """

    policy: str
    pool: str
    uid: str
    pod_set: str
    index: int
    owner: Json
    expires: datetime


def queued_name(seat: QueueSeat) -> str:
    """`que-<policy>-<pool>-<hash>-<index>`, a valid label of at most 63 characters: the same seat has the same name."""
    parts = "/".join((seat.policy, seat.pool, seat.uid, seat.pod_set))
    tail = f"-{hashlib.sha256(parts.encode()).hexdigest()[:12]}-{seat.index}"
    return f"que-{seat.policy}-{seat.pool}"[: _LONGEST - len(tail)].rstrip("-") + tail


def queued_placeholder(shape: Shape, seat: QueueSeat, house: House) -> dict[str, Any]:
    """The manifest of the placeholder of this seat. The same arguments give the same manifest."""
    whole = placeholder(shape, Seat(seat.policy, seat.pool, seat.index, seat.owner, seat.expires), house)
    meta, spec = whole["metadata"], whole["spec"]
    fellows = {ROLE: QUEUED, ITEM: seat.uid}
    own = {"name": queued_name(seat), "labels": meta["labels"] | fellows}
    notes = meta["annotations"] | {POD_SET: seat.pod_set}
    affinity = _among({ROLE: PLACEHOLDER, PLAN: seat.policy}, fellows, spec["affinity"])
    return {**whole, "metadata": {**meta, **own, "annotations": notes}, "spec": {**spec, "affinity": affinity}}


def seat_of(pod: Json) -> tuple[str, str, int] | None:
    """(uid of the work, pod set, index) of a placeholder for queued work; None where its object does not tell."""
    notes = metadata(pod).get("annotations") or {}
    uid, index = labels(pod).get(ITEM, ""), str(notes.get(SLOT, ""))
    if not uid or POD_SET not in notes or not (index.isascii() and index.isdecimal()):
        return None
    return uid, str(notes[POD_SET]), int(index)


def _among(theirs: Json, ours: Json, part: Any) -> Any:
    """With rules about other placeholders of the plan made ones about those of the same piece of work."""
    if isinstance(part, dict):
        return dict(ours) if part == theirs else {key: _among(theirs, ours, value) for key, value in part.items()}
    return [_among(theirs, ours, one) for one in part] if isinstance(part, list) else part
