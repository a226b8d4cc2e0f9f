"""Names are valid, and no two seats share one."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.placeholder.naming import placeholder_name

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SHORT = st.from_regex(r"[ab](-?[ab]){0,3}", fullmatch=True)
SEATS = st.tuples(SHORT, SHORT, st.integers(0, 120), st.none() | st.integers(0, 20))


@given(NAMES, NAMES, st.integers(0, 10**9), st.none() | st.integers(0, 10**4))
def test_valid_at_any_length(plan: str, pool: str, slot: int, member: int | None) -> None:
    name = placeholder_name(plan, pool, slot, member)
    assert LABEL.fullmatch(name)
    assert len(name) <= 63
    assert name == placeholder_name(plan, pool, slot, member)


@given(st.sets(SEATS, min_size=2, max_size=40))
def test_unique(seats: set[tuple[str, str, int, int | None]]) -> None:
    assert len({placeholder_name(*seat) for seat in seats}) == len(seats)


def test_readable_and_apart_where_the_readable_part_is_not() -> None:
    assert re.fullmatch(r"cap-chat-h100-[0-9a-f]{8}-3", placeholder_name("chat", "h100", 3))
    assert re.fullmatch(r"cap-chat-h100-[0-9a-f]{8}-3-1", placeholder_name("chat", "h100", 3, 1))
    assert placeholder_name("a-b", "c", 0) != placeholder_name("a", "b-c", 0)
    assert placeholder_name("x" * 63, "p", 0) != placeholder_name("x" * 63, "q", 0)
