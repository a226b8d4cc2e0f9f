"""Clocks: ours, the API server's and the metric store's. Ages of samples and ends of placeholders are differences."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.doctor.facts import Facts, Told, Unread
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told, waits

TOPIC = "clocks"
MOST_S = 5.0
"""The header that tells the API server's time has whole seconds, and an answer may take some."""
APART = Kind(
    "ClocksApart",
    Level.WARNING,
    f"Two clocks differ by more than {MOST_S:g} s: samples look older or newer than they are, schedules begin early or "
    "late, and placeholders end at the wrong time.",
    "Let both machines follow the same time servers (chrony, systemd-timesyncd).",
)
KINDS = (APART,)


def checks(facts: Facts) -> Iterator[Check]:
    """One for each other clock."""
    yield check(TOPIC, "API server", _apart("API server", facts.api_server_ahead_s))
    if facts.store is None:
        yield check(TOPIC, "Prometheus", _apart("Prometheus", facts.store_ahead_s))
    else:
        yield check(TOPIC, "Prometheus", waits("Prometheus", "it does not answer"))


def _apart(whose: str, ahead_s: Told[float]) -> Iterator[Finding]:
    if isinstance(ahead_s, Unread):
        yield from not_told(whose, ahead_s.said)
    elif abs(ahead_s) > MOST_S:
        way = "ahead of" if ahead_s > 0 else "behind"
        yield Finding(APART, whose, f"its clock is {abs(ahead_s):.0f} s {way} ours")
