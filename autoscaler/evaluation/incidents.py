"""What went wrong in a run: faults that a scenario asked for, and what the cloud did by itself."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autoscaler.simulator.journal import Journal
from autoscaler.simulator.settings import ClusterSetting


@dataclass(frozen=True, slots=True)
class Incident:
    """`what`, in words, from `from_s` until `until_s` (equal: at one moment). pool, zone, workload: names, empty where
    it is not of one alone. nodes: how many it took or refused, 0 where that is not counted."""

    what: str
    from_s: float
    until_s: float
    pool: str = ""
    zone: str = ""
    nodes: int = 0
    workload: str = ""

    @property
    def where(self) -> str:
        """What it touched, in words."""
        place = f"{self.pool}, zone {self.zone}" if self.zone else self.pool
        return place or self.workload or "all"


def faults_of(setting: ClusterSetting) -> tuple[Incident, ...]:
    """The faults of a cluster in the order of time, named after their classes."""
    pools = [p.pool for p in setting.pools]
    found = []
    for fault in setting.faults:
        values: dict[str, Any] = dataclasses.asdict(fault)
        at_s = values.get("from_s", values.get("at_s", 0.0))
        pool = None if values.get("pool") is None else pools[values["pool"]]
        zone = "" if pool is None or values.get("zone") is None else pool.zones[values["zone"]]
        workload = "" if values.get("workload") is None else setting.workloads[values["workload"]].name
        words = " ".join(re.findall("[A-Z][a-z]+", type(fault).__name__)).lower()
        until_s, name = values.get("until_s", at_s), "" if pool is None else pool.name
        found.append(Incident(words, at_s, until_s, name, zone, workload=workload))
    return tuple(sorted(found, key=lambda incident: (incident.from_s, incident.what, incident.pool, incident.zone)))


def cloud_incidents(journal: Journal, pools: Sequence[str], zones: Sequence[Sequence[str]]) -> tuple[Incident, ...]:
    """What the cloud did, in the order of time. zones: names by pool."""
    return tuple(
        Incident(one.what.value, one.at_s, one.at_s, pools[one.pool], zones[one.pool][one.zone], one.nodes)
        for one in journal.events
    )


def within(incidents: Sequence[Incident], from_s: float, until_s: float) -> list[Incident]:
    """Those that touch [from_s, until_s)."""
    last = math.nextafter(until_s, -math.inf)
    return [one for one in incidents if one.from_s <= last and one.until_s >= from_s]
