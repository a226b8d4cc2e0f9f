"""What starts are told apart by."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from autoscaler.domain.lead_time import Part, Start
from autoscaler.domain.pool import Pool

Labels = tuple[tuple[str, str], ...]
"""(what, value) pairs that all starts of a group share; a value is empty where nobody tells."""


class By(StrEnum):
    """What makes a group. All but POOL look at each workload apart, and PATH at nothing else: start paths are always
    told apart within a group."""

    WORKLOAD = "workload"
    POOL = "pool"
    ZONE = "zone"
    CAPACITY_TYPE = "capacity-type"
    IMAGE = "image"
    FORMAT = "format"
    PATH = "path"


_OF_REPLICAS = (By.IMAGE, By.FORMAT)
"""A node has no image and no model."""
_WORDS = {"workload": "", "pool": "pool", "zone": "zone", "capacityType": "", "image": "image", "format": "format"}
_UNKNOWN = {"capacityType": "capacity type"}


def labels(start: Start, by: By, pools: Mapping[str, Pool]) -> Labels | None:
    """The group of a start; None where it belongs to none."""
    workload = ("workload", start.policy)
    if by in _OF_REPLICAS and start.part is Part.NODE:
        return None
    match by:
        case By.WORKLOAD:
            return (workload, ("pool", start.pool))
        case By.POOL:
            return (("pool", start.pool),)
        case By.ZONE:
            return (workload, ("zone", start.zone))
        case By.CAPACITY_TYPE:
            pool = pools.get(start.pool)
            return (workload, ("capacityType", "" if pool is None else pool.capacity_type.value))
        case By.IMAGE:
            return (workload, ("image", start.digest or start.image))
        case By.FORMAT:
            return (workload, ("format", start.model_format))
        case By.PATH:
            return (workload,)


def title(group: Labels) -> str:
    """`chat, pool h100`; `chat, zone not known`."""
    return ", ".join(
        f"{_WORDS[what]} {value}".strip() if value else f"{_UNKNOWN.get(what, what)} not known" for what, value in group
    )
