"""Durations and shares as people write them."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(d|h|ms|m|s))")
_UNIT_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}


def duration_s(text: str) -> float:
    """Seconds of `500ms`, `90s`, `5m`, `2h`, `1d` or a sum such as `1h30m`. Raises ValueError with what is accepted."""
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text.strip():
        raise ValueError("not a duration; write 90s, 5m, 2h, 1d or a sum such as 1h30m")
    return sum(float(number) * _UNIT_S[unit] for number, unit in parts)


def share(text: str) -> float:
    """A share 0..1 of `1%` or `0.01`. Raises ValueError with what is accepted."""
    word = text.strip()
    try:
        value = float(word[:-1]) / 100.0 if word.endswith("%") else float(word)
    except ValueError:
        raise ValueError("not a share; write 1% or 0.01") from None
    if not 0.0 <= value <= 1.0:
        raise ValueError("a share lies between 0 and 100 %; write 1% or 0.01")
    return value
