"""Starts of a live cluster: what its objects, the records and whoever stamps stages tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.domain.lead_time import Start
from autoscaler.domain.pool import Pool


@dataclass(frozen=True, slots=True)
class Seen:
    """Starts that are known at `now_s`, seconds since the epoch: those that are remembered, and those under way.

    pools: by name. gpus: GPUs a replica, by policy. problems: what could not be read, one line each.
    """

    starts: tuple[Start, ...]
    pools: Mapping[str, Pool]
    gpus: Mapping[str, int]
    now_s: float
    problems: tuple[str, ...] = ()
