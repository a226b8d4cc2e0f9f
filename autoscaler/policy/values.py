"""The kinds of value that documents hold: durations, shares, names, counts, dates, and the mapping that holds them.

Numbers are never read from text nor text from numbers: a value of the wrong kind is an error at its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from autoscaler.policy.problem import nearest
from autoscaler.policy.quantity import duration_s, share

LONGEST = "31d"
"""No duration of a policy is longer: it bounds what schedules and holds must look back on."""
MOST = 1_000_000
"""No count of replicas, nodes or GPUs is larger: a slip of the keyboard must not overflow an array."""
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Part(BaseModel):
    """A mapping of a document: camelCase in YAML, frozen, unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, allow_inf_nan=False)


def no_longer_than(most: str) -> Callable[[float | None], float | None]:
    """A validator that refuses longer durations; None (auto) passes."""
    most_s = duration_s(most)

    def check(value: float | None) -> float | None:
        if value is not None and value > most_s:
            raise ValueError(f"longer than {most}; write at most `{most}`")
        return value

    return check


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"a duration needs a unit; write `{value}s` if seconds are meant")
    if not isinstance(value, str):
        raise ValueError("not a duration; write 90s, 5m, 2h or 1d")
    return duration_s(value)


def _seconds_or_auto(value: object) -> float | None:
    return None if value == "auto" else _seconds(value)


def _longer_than_nothing(value: float) -> float:
    if value <= 0.0:
        raise ValueError("must be longer than nothing; write for example `60s`")
    return value


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("not a share; write `1%` or 0.01")
    if isinstance(value, int) and value >= 1:
        all_of_it = ", or `1.0` for all" if value == 1 else ""
        raise ValueError(f"per cent or share; write `{value}%`{all_of_it}")
    return share(str(value))


def _label(value: str) -> str:
    if _LABEL.fullmatch(value):
        return value
    wanted = re.sub(r"[^a-z0-9]+", "-", value.lower())[:63].strip("-") or "chat"
    raise ValueError(f"a name has 1 to 63 lower-case letters, digits and `-` inside; write `{wanted}`")


def _local_date(value: object) -> object:
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise ValueError("not a date; write for example `2026-12-25`")
    try:
        return value if isinstance(value, date) else date.fromisoformat(value)
    except ValueError:
        raise ValueError("not a date; write for example `2026-12-25`") from None


def _local_time(value: object) -> object:
    hint = "write for example `2026-12-01T18:00`"
    if isinstance(value, str) and "T" in value.upper():
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"not a date and time; {hint}") from None
    if not isinstance(value, datetime):
        raise ValueError(f"not a date and time; {hint}")
    if value.tzinfo is not None:
        raise ValueError(f"a local time has no offset, `timezone` says it; write `{value:%Y-%m-%dT%H:%M}`")
    return value


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(value: str) -> str:
    if value not in _zones():
        close = nearest(value, _zones())
        hint = close if close.startswith("did") else "write a name such as `Europe/Berlin`"
        raise ValueError(f"no time zone of this name; {hint}")
    return value


_SECONDS = {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?(ms|[dhms]))+\s*$"}

Duration = Annotated[
    float, BeforeValidator(_seconds), AfterValidator(no_longer_than(LONGEST)), WithJsonSchema(_SECONDS)
]
"""Seconds of `90s`, `5m`, `2h`, `1d`; nothing (`0s`) is allowed."""
PositiveDuration = Annotated[
    Duration, AfterValidator(_longer_than_nothing), WithJsonSchema(_SECONDS | {"not": {"pattern": r"^[0.dhms\s]*$"}})
]
"""Seconds, more than nothing."""
AutoDuration = Annotated[
    float | None,
    BeforeValidator(_seconds_or_auto),
    AfterValidator(no_longer_than(LONGEST)),
    WithJsonSchema({"anyOf": [_SECONDS, {"const": "auto"}]}),
]
"""Seconds, or None for `auto`."""
Share = Annotated[
    float,
    BeforeValidator(_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*(\d{1,2}(\.\d*)?|100(\.0*)?)%\s*$"},
                {"type": "number", "minimum": 0, "maximum": 1},
            ]
        }
    ),
]
"""0..1 of `1%` or `0.01`."""
Name = Annotated[str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": f"^{_LABEL.pattern}$"})]
"""A name that may become part of the name of a Kubernetes object (an RFC 1123 label)."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that is not empty."""
Number = Annotated[float, Field(strict=True)]
Whole = Annotated[int, Field(strict=True, ge=0, le=MOST)]
"""0 or more."""
Count = Annotated[int, Field(strict=True, ge=1, le=MOST)]
"""1 or more."""
LocalDate = Annotated[
    date, BeforeValidator(_local_date), WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"})
]
LocalTime = Annotated[
    datetime,
    BeforeValidator(_local_time),
    WithJsonSchema({"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2})?$"}),
]
"""A date and time by the clock of a place, which the time zone beside it says."""
ZoneName = Annotated[str, AfterValidator(_zone), WithJsonSchema({"type": "string", "minLength": 1})]
"""A name of the IANA time zone database."""
