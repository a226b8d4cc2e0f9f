"""What is kept of a CapacityPlan, and what its spec wishes.

The API server refuses most of what cannot be meant, but not where the definition of the kind is an older one, or was
edited: what cannot be read is no wish, and is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from autoscaler.adapters.kubernetes.json_object import Json, uid, version
from autoscaler.adapters.kubernetes.owners.managed import said, setters
from autoscaler.adapters.kubernetes.resource import Resource
from autoscaler.domain.wish import Override, Wish
from autoscaler.ports.plans import ShownPlan

CAPACITY_PLANS = Resource("gpu-autoscaler.io", "v1alpha1", "capacityplans", "CapacityPlan")
MOST_TEXT = 200
"""Characters of a reason, and of who wished, that the definition of the kind allows."""
POLICY = "gpu-autoscaler.io/policy"
"""Label of the plans that we made: the name of the policy, which is that of the plan."""


@dataclass(frozen=True, slots=True)
class Since:
    """The status of a condition as it was shown last, and since when, as the API writes times."""

    status: str
    time: str


@dataclass(frozen=True, slots=True)
class SeenPlan:
    """A plan. ours: made by us. leaving: it was deleted, and waits for something before it goes.

    problems: what of its spec cannot be read, in words. shown: its conditions by type. status: what the leader shows,
    None where it is not known what is planned.
    """

    name: str
    uid: str
    version: str
    generation: int
    ours: bool
    leaving: bool
    wish: Wish
    problems: tuple[str, ...]
    shown: Mapping[str, Since]
    status: ShownPlan | None = None


def seen_plan(plan: Json) -> SeenPlan:
    """What is kept of a plan."""
    meta, status = plan["metadata"], plan.get("status") or {}
    wish, problems = read_wish(plan.get("spec") or {})
    wish = _authored(wish, plan)
    name = str(meta["name"])
    return SeenPlan(
        name=name,
        uid=uid(plan),
        version=version(plan),
        generation=int(meta.get("generation") or 0),
        ours=(meta.get("labels") or {}).get(POLICY) == name,
        leaving="deletionTimestamp" in meta,
        wish=wish,
        problems=problems,
        shown={
            str(one.get("type")): Since(str(one.get("status")), str(one.get("lastTransitionTime")))
            for one in status.get("conditions") or ()
        },
        status=_shown(status),
    )


def _shown(status: Json) -> ShownPlan | None:
    planned, observed = status.get("plannedFloorReplicas"), status.get("observedAt")
    if planned is None or observed is None:
        return None
    return ShownPlan(
        planned_floor_replicas=int(planned),
        acts=status.get("mode") == "act",
        paused=bool((status.get("wish") or {}).get("paused")),
        reason=str(status.get("reason") or ""),
        observed_at_s=datetime.fromisoformat(str(observed)).timestamp(),
    )


def _authored(wish: Wish, plan: Json) -> Wish:
    """With who wished what. The server keeps the name of the program, such as kubectl-edit, and when it wrote last."""
    override, by = wish.override, {field: said(setters(plan, ("spec", field))[:1]) for field in ("override", "paused")}
    if override is not None:
        override = replace(override, by=by["override"][:MOST_TEXT])
    return Wish(wish.paused, override, by["paused"][:MOST_TEXT] if wish.paused else "")


def read_wish(spec: Json) -> tuple[Wish, tuple[str, ...]]:
    """What a spec wishes, and what of it cannot be read: that is left out."""
    problems = []
    paused = spec.get("paused")
    if paused not in (None, True, False):
        problems.append(f"spec.paused {paused!r} is neither true nor false; write one of the two")
    override = None
    if spec.get("override") is not None:
        try:
            override = _override(spec["override"])
        except ValueError as error:
            problems.append(f"spec.override is ignored: {error}")
    return Wish(paused is True, override), tuple(problems)


def _override(asked: object) -> Override:
    """Raises ValueError with what is wrong."""
    if not isinstance(asked, dict):
        raise ValueError(f"{asked!r} is no pair of floor and until")
    floor, until = asked.get("floor"), asked.get("until")
    if not isinstance(floor, int) or isinstance(floor, bool) or floor < 0:
        raise ValueError(f"floor {floor!r} is no number of replicas; write a whole number of at least 0")
    return Override(floor, _seconds(until), str(asked.get("reason") or "")[:MOST_TEXT])


def _seconds(until: object) -> float:
    if until is None:
        raise ValueError("it has no end; add until: 2026-12-01T18:00:00Z")
    try:
        at = datetime.fromisoformat(str(until))
    except ValueError:
        raise ValueError(f"until {until!r} is no time; write one such as 2026-12-01T18:00:00Z") from None
    if at.tzinfo is None:
        raise ValueError(f"until {until!r} has no time zone; add one, such as Z or +01:00")
    return at.timestamp()
