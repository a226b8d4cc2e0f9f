"""Starts as JSON, as the command writes them for programs, and reads them again."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.evaluation.waterfall.seen import Seen

_TEXTS = {"image": "image", "zone": "zone", "digest": "digest", "modelFormat": "model_format", "pod": "pod",
          "why": "why"}  # fmt: skip
"""Name in JSON -> field of `Start`."""


def written(seen: Seen) -> dict[str, object]:
    """All but the problems."""
    return {
        "nowSeconds": seen.now_s,
        "pools": {
            name: {"capacityType": pool.capacity_type.value, "pricePerGpuHour": pool.price_per_gpu_hour_dollars}
            for name, pool in sorted(seen.pools.items())
        },
        "gpusPerReplica": dict(sorted(seen.gpus.items())),
        "starts": [_written(start) for start in sorted(seen.starts, key=lambda start: (start.ended_s, start.uid))],
    }


def read(found: object) -> Seen:
    """What was written; fields that are not known are passed over. Raises ValueError where it is something else."""
    try:
        if not isinstance(found, Mapping):
            raise TypeError("not an object")
        return Seen(
            starts=tuple(_start(row) for row in found["starts"]),
            now_s=_seconds(found["nowSeconds"]),
            pools={str(name): _pool(str(name), pool) for name, pool in found.get("pools", {}).items()},
            gpus={str(policy): _count(gpus) for policy, gpus in found.get("gpusPerReplica", {}).items()},
        )
    except KeyError as error:
        raise ValueError(f"no {error} in it") from error
    except (AttributeError, OverflowError, TypeError) as error:
        raise ValueError(str(error)) from error


def _written(start: Start) -> dict[str, object]:
    row: dict[str, object] = {
        "uid": start.uid,
        "part": start.part.value,
        "policy": start.policy,
        "pool": start.pool,
        "path": start.path.value,
        "stages": {stage.value: round(start.stages[stage], 3) for stage in start.part.stages if stage in start.stages},
        "endedSeconds": start.ended_s,
        "end": start.end.value,
    }
    if start.in_stage is not None:
        row["inStage"] = start.in_stage.value
    return row | {name: getattr(start, field) for name, field in _TEXTS.items() if getattr(start, field)}


def _start(row: Any) -> Start:
    stages = {Stage(name): _seconds(value) for name, value in row["stages"].items()}
    part = Part(row["part"])
    if not stages or not stages.keys() <= set(part.stages):
        raise ValueError(f"start {row['uid']}: {', '.join(row['stages']) or 'nothing'} are no stages of a {part.value}")
    return Start(
        uid=str(row["uid"]),
        part=part,
        policy=str(row["policy"]),
        pool=str(row["pool"]),
        path=StartPath(row["path"]),
        stages=stages,
        ended_s=_seconds(row["endedSeconds"]),
        end=StartEnd(row["end"]),
        in_stage=Stage(row["inStage"]) if "inStage" in row else None,
        **{field: str(row.get(name, "")) for name, field in _TEXTS.items()},
    )


def _pool(name: str, found: Any) -> Pool:
    return Pool(
        name,
        CapacityType(found["capacityType"]),
        price_per_gpu_hour_dollars=_seconds(found["pricePerGpuHour"]),
    )


def _seconds(value: object) -> float:
    """A number from 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0.0:
        raise ValueError(f"{value!r} is not a number from 0")
    return float(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a whole number from 0")
    return value
