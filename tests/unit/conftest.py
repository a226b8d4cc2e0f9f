"""A small scenario, a small trace, and a small fleet, that several folders of tests begin with and change."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoscaler.compose.trace_fleet import trace_fleet
from autoscaler.compose.trace_run import TraceRun
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind, SignalReadings

GOOD = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: 4
  zones: [a, b]
  nodes: {max: 2}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: cheap}
spec:
  capacityType: spot
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: 1.5
  zones: [a, b]
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: batch}
spec:
  mode: act
  priority: -10
  workload: {namespace: inference, name: batch}
  demand:
    arrivals: {query: 'sum(rate(batch_total[1m]))'}
    perReplica: {arrivals: 6}
  objective: {lateRequests: 5%, lateAfter: 30s}
  pools: {primary: [steady], burst: [cheap]}
  replicas: {min: 0, via: scale}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  mode: act
  workload: {namespace: inference, name: chat}
  demand:
    arrivals: {query: 'sum(rate(chat_total[1m]))'}
    perReplica: {arrivals: 4}
  objective: {lateRequests: 2%, lateAfter: 5s}
  pools: {primary: [steady], burst: [cheap]}
  replicas: {min: 0, via: scale}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: Scenario
metadata: {name: small}
spec:
  seed: 3
  tick: 60s
  warmup: 12h
  score: 12h
  strategies: [ours, hpa-70]
  nodeAutoscaler: {profile: karpenter, expander: [steady, cheap]}
  pools:
    - {pool: steady, boot: {median: 90s, p90: 120s}, driver: {median: 30s, p90: 40s}}
    - pool: cheap
      boot: {median: 60s, p90: 80s}
      driver: {median: 30s, p90: 40s}
      spot: {meanUp: 6h, notice: 2m}
  workloads:
    - policy: batch
      traffic: {trace: traffic.csv, series: batch}
      peak: 7
      image: {median: 20s, p90: 30s}
      weights: {median: 20s, p90: 30s}
      cuda: {median: 10s, p90: 15s}
      transfer: {median: 10s, p90: 15s}
    - policy: chat
      traffic: {trace: traffic.csv, series: chat}
      peak: 9
      gpusPerReplica: 2
      image: {median: 40s, p90: 60s}
      weights: {median: 40s, p90: 60s}
      cuda: {median: 20s, p90: 30s}
      transfer: {median: 20s, p90: 30s}
"""
"""Two workloads on nodes of eight GPUs. The file names `batch` first, by priority `chat` comes first."""

Scenario = Callable[..., Path]
"""(folder, changes as (old, new) of the text) -> the file, its traffic beside it."""


@pytest.fixture(scope="session")
def good() -> str:
    """The text of a scenario without mistakes."""
    return GOOD


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """Writes the scenario with changes, each of a text that stands in it once."""

    def write(folder: Path, *changes: tuple[str, str]) -> Path:
        text = GOOD
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "traffic.csv").write_text(traffic(25 * 60))
        (folder / "scenario.yaml").write_text(text)
        return folder / "scenario.yaml"

    return write


def traffic(minutes: int) -> str:
    """`chat` in a wave of three hours, `batch` for half an hour of each hour and a half, both a little uneven."""
    rows = ["series,minute,requests"]
    rows += [f"batch,{m},{(3000 if m % 90 < 30 else 240) + 7 * m % 60}" for m in range(minutes)]
    rows += [f"chat,{m},{900 + round(800 * math.sin(m / 180 * 2 * math.pi)) + 37 * m % 90}" for m in range(minutes)]
    return "\n".join([*rows, ""])


Trace = Callable[..., Path]
"""(folder, days=…, gaps=minutes left empty) -> a trace of minutes of one workload."""


@pytest.fixture(scope="session")
def trace() -> Trace:
    """Writes `requests.csv`: a wave of three hours between 40 and 160 requests a minute."""

    def write(folder: Path, days: float = 2.0, gaps: range = range(0)) -> Path:
        rows = [
            f"{minute},{'' if minute in gaps else round(100 + 60 * math.sin(minute / 180 * 2 * math.pi))}"
            for minute in range(round(days * 1440))
        ]
        path = folder / "requests.csv"
        path.write_text("\n".join(["minute,requests", *rows, ""]))
        return path

    return write


class Core:
    """What the core works on. Every replica has one GPU and carries one request a second; a start takes 180 s for the
    node and 120 s for the replica. On-demand pools are primary, spot pools are burst.
    """

    @staticmethod
    def pool(name: str = "steady", spot: bool = False, **changes: Any) -> Pool:
        return Pool(name, CapacityType.SPOT if spot else CapacityType.ON_DEMAND, **changes)

    def fleet(self, workloads: int = 1, pools: Sequence[Pool] | None = None, **changes: Any) -> Fleet:
        """`workloads` alike; a change is one number for all of them or a list."""
        plain = trace_fleet([f"w{n}" for n in range(workloads)], np.ones(workloads), TraceRun(trace=Path("none")))
        pools = pools or (self.pool(),)
        spot = np.array([pool.capacity_type is CapacityType.SPOT for pool in pools])
        plain = replace(
            plain, pools=tuple(pools), primary=np.tile(~spot, (workloads, 1)), burst=np.tile(spot, (workloads, 1))
        )
        arrays: dict[str, Any] = {}
        for name, value in changes.items():
            like = getattr(plain, name)
            arrays[name] = np.broadcast_to(np.asarray(value, dtype=like.dtype), like.shape).copy()
        return replace(plain, **arrays)

    @staticmethod
    def inventory(ready: Any, floor: Any = None, placeholders: Sequence[tuple[int, int, int, bool]] = (),
                  **changes: Any) -> Inventory:  # fmt: skip
        """ready: [W] on one pool or [W, P]. floor: what is ready where not said. placeholders: (w, p, slot, bound)."""
        standing = np.array(ready, dtype=np.int64)
        standing = standing[:, None] if standing.ndim == 1 else standing
        asked = standing.sum(axis=1) if floor is None else np.array(floor, dtype=np.int64)
        workloads, pools = standing.shape
        none = np.zeros(pools, dtype=np.int64)
        plain = Inventory(
            ready=standing,
            starting=np.zeros_like(standing),
            pending=np.zeros(workloads, dtype=np.int64),
            floor=asked,
            placeholders=tuple(Placeholder(*one) for one in placeholders),
            free_gpus=none,
            nodes=none,
            nodes_starting=none,
            obtainable=np.ones(pools, dtype=bool),
        )
        arrays: dict[str, Any] = {name: np.array(value) for name, value in changes.items()}
        return replace(plain, **arrays)

    @staticmethod
    def readings(age_s: float = 0.0, **signals: float | Sequence[float]) -> SignalReadings:
        """Signals by the names of `SignalKind` in small letters, a number or a list by workload; others are missing."""
        rows = {name: np.atleast_1d(np.array(value, dtype=np.float64)) for name, value in signals.items()}
        workloads = max((row.size for row in rows.values()), default=1)
        empty = SignalReadings.empty(workloads)
        for name, row in rows.items():
            kind = SignalKind[name.upper()]
            empty.values[:, kind] = row
            empty.age_s[:, kind] = age_s
        return empty


@pytest.fixture(scope="session")
def core() -> Core:
    """Builds fleets, inventories and readings with changes."""
    return Core()
