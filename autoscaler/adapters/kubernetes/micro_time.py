"""Times with microseconds, as Lease and Event objects carry them."""

from __future__ import annotations

from datetime import UTC, datetime


def micro_time(wall_s: float) -> str:
    """Seconds since the epoch as the API's MicroTime."""
    return datetime.fromtimestamp(wall_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text: object) -> float:
    """Seconds since the epoch; 0 where it is no time."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
