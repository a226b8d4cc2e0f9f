"""Label selectors as the scale subresource writes them: one line of text, read into requirements."""

from __future__ import annotations

import re

from autoscaler.placeholder.pod import Json

_PARTS = re.compile(r",(?![^(]*\))")
_KEY = r"(?P<key>[A-Za-z0-9][A-Za-z0-9._/-]*)"
_SET = re.compile(rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(rf"{_KEY}\s*(?P<operator>!=|==|=)\s*(?P<value>[A-Za-z0-9._-]*)")
_THERE = re.compile(rf"(?P<absent>!?)\s*{_KEY}")


def requirements(text: str) -> tuple[Json, ...]:
    """What a selector such as `app=chat,tier in (a,b),!canary` demands (`key`, `operator`, `values`), all of it.

    Raises ValueError where it cannot be read. An empty one is no selector at all here: it would take every pod.
    """
    parts = [part.strip() for part in _PARTS.split(text)]
    if not any(parts):
        raise ValueError("the selector is empty")
    return tuple(_requirement(part) for part in parts)


def _requirement(part: str) -> Json:
    if found := _SET.fullmatch(part):
        values = [value.strip() for value in found["values"].split(",")]
        return {"key": found["key"], "operator": "In" if found["operator"] == "in" else "NotIn", "values": values}
    if found := _EQUAL.fullmatch(part):
        operator = "NotIn" if found["operator"] == "!=" else "In"
        return {"key": found["key"], "operator": operator, "values": [found["value"]]}
    if found := _THERE.fullmatch(part):
        return {"key": found["key"], "operator": "DoesNotExist" if found["absent"] else "Exists"}
    raise ValueError(f"{part!r} is not a label selector")
