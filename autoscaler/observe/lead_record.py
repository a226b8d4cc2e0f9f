"""Starts as JSON, for the durable record: by pool and part, one short row each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath

UID_LENGTH = 13
"""So much of an object's random uid tells it from some hundreds of others: 48 bits."""
MOST_TEXT = 120
"""Characters of a text that a row keeps."""
_PATHS = {
    StartPath.COLD_NODE: "c",
    StartPath.WARM_NODE: "w",
    StartPath.IMAGE_PRESENT: "i",
    StartPath.WEIGHTS_PRESENT: "p",
    StartPath.RESTORED: "r",
}
_ENDED = (StartEnd.COMPLETE, StartEnd.FAILED)
_LETTERS = {(path, end): letter + end.value[0] for path, letter in _PATHS.items() for end in _ENDED}
_ENDS = {letters: both for both, letters in _LETTERS.items()}
_TEXTS = {"image": "image", "zone": "zone", "digest": "digest", "format": "model_format", "why": "why"}
"""Texts of a row by their key, and the fields of a start that they are."""
_IN_STAGE = "in"


def written(starts: Iterable[Start]) -> dict[str, object]:
    """`{pool: {part: [[uid, ended_s, letters, {stage: seconds}, {key: text}]]}}`.

    letters: of path and end. The texts are left out where all of them are empty. None of the starts is waiting.
    """
    record: dict[str, Any] = {}
    for start in sorted(starts, key=lambda start: (start.ended_s, start.uid)):
        stages = {stage.value: _number(start.stages[stage]) for stage in start.part.stages if stage in start.stages}
        row = [start.uid[:UID_LENGTH], _number(start.ended_s), _LETTERS[start.path, start.end], stages]
        texts = {key: getattr(start, name)[:MOST_TEXT] for key, name in _TEXTS.items() if getattr(start, name)}
        if start.in_stage is not None:
            texts[_IN_STAGE] = start.in_stage.value
        row += [texts] if texts else []
        record.setdefault(start.pool, {}).setdefault(start.part.value, []).append(row)
    return record


def read_starts(policy: str, record: Mapping[str, object]) -> list[Start]:
    """What was written. Raises ValueError where it is something else."""
    try:
        return list(_read(policy, record))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"lead times of policy {policy}: not as they are written: {error!r}") from error


def _read(policy: str, record: Mapping[str, Any]) -> Iterator[Start]:
    for pool, parts in record.items():
        for name, rows in parts.items():
            part = Part(name)
            for uid, ended_s, letters, seconds, *texts in rows:
                path, end = _ENDS[letters]
                stages = {_stage(part, stage): _seconds(value) for stage, value in seconds.items()}
                if not stages:
                    raise ValueError(f"start {uid} has no stage")
                start = Start(str(uid), part, policy, str(pool), path, stages, _seconds(ended_s), end)
                yield _with_texts(start, *texts)


def _with_texts(start: Start, texts: Mapping[str, Any] | None = None) -> Start:
    told = dict(texts or {})
    stage = told.pop(_IN_STAGE, None)
    known: dict[str, Any] = {_TEXTS[key]: _text(value) for key, value in told.items()}
    return replace(start, in_stage=None if stage is None else _stage(start.part, stage), **known)


def _stage(part: Part, name: object) -> Stage:
    stage = Stage(str(name))
    if stage not in part.stages:
        raise ValueError(f"{name!r} is no stage of a {part.value}")
    return stage


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not isfinite(value) or value < 0.0:
        raise ValueError(f"{value!r} is not a number of seconds")
    return float(value)


def _number(value: float) -> float:
    """Whole seconds without a fraction, others to the hundredth: shorter to write."""
    return int(value) if value.is_integer() else round(value, 2)
