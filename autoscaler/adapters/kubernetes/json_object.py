"""Objects as the API says them: decoded JSON, read by key."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def uid(thing: Json) -> str:
    return str(thing["metadata"]["uid"])


def version(thing: Json) -> str:
    """The resourceVersion: it names one state of the object, or of a whole list."""
    return str(thing["metadata"]["resourceVersion"])
