"""Starts as JSON, for the durable record: by pool and part, one short row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath

UID_LENGTH = 13
"""So much of an object's random uid tells it from some hundreds of others: 48 bits."""
_LETTERS = {
    (path, end): path.value[0] + end.value[0] for path in StartPath for end in (StartEnd.COMPLETE, StartEnd.FAILED)
}
_ENDS = {letters: both for both, letters in _LETTERS.items()}


def written(starts: Iterable[Start]) -> dict[str, object]:
    """`{pool: {part: [[uid, ended_s, letters, [seconds of each stage, null where there is none], image]]}}`.

    letters: the first of path and end. stages: all of the part. image: left out where it is not known. None of the
    starts is waiting.
    """
    record: dict[str, Any] = {}
    for start in sorted(starts, key=lambda start: (start.ended_s, start.uid)):
        stages = [_number(start.stages[stage]) if stage in start.stages else None for stage in start.part.stages]
        row = [start.uid[:UID_LENGTH], _number(start.ended_s), _LETTERS[start.path, start.end], stages]
        row += [start.image] if start.image else []
        record.setdefault(start.pool, {}).setdefault(start.part.value, []).append(row)
    return record


def read_starts(policy: str, record: Mapping[str, object]) -> list[Start]:
    """What was written. Raises ValueError where it is something else."""
    try:
        return list(_read(policy, record))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"lead times of policy {policy}: not as they are written: {error!r}") from error


def _read(policy: str, record: Mapping[str, Any]) -> Iterator[Start]:
    for pool, parts in record.items():
        for name, rows in parts.items():
            part = Part(name)
            for uid, ended_s, letters, seconds, *image in rows:
                path, end = _ENDS[letters]
                pairs = zip(part.stages, seconds, strict=True)
                stages: dict[Stage, float] = {stage: _seconds(value) for stage, value in pairs if value is not None}
                if not stages:
                    raise ValueError(f"start {uid} has no stage")
                yield Start(str(uid), part, policy, str(pool), path, stages, _seconds(ended_s), end, _image(image))


def _image(rest: list[object]) -> str:
    if any(not isinstance(one, str) for one in rest) or len(rest) > 1:
        raise ValueError(f"{rest!r} is not an image")
    return str(rest[0]) if rest else ""


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not isfinite(value) or value < 0.0:
        raise ValueError(f"{value!r} is not a number of seconds")
    return float(value)


def _number(value: float) -> float:
    """Whole seconds without a fraction: shorter to write."""
    return int(value) if value.is_integer() else value
