"""A histogram that forgets."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.observe.decaying import BOUNDS, BUCKETS, GROWTH, HALF_LIFE_S, Decaying

NOW_S = 1_700_000_000.0


def seen(*shares: float, at_s: float = NOW_S) -> Decaying:
    found = Decaying.empty()
    for share in shares:
        found = found.added(share, at_s)
    return found


def test_buckets_reach_from_nothing_to_all_and_grow() -> None:
    assert BOUNDS[-1] == 1.0
    widths = np.diff(BOUNDS[:-1])
    assert widths[1:] / widths[:-1] == pytest.approx(GROWTH)
    assert BUCKETS < 50


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_a_quantile_is_that_of_what_was_seen_to_the_width_of_a_bucket(shares: list[float], part: float) -> None:
    exact = float(np.quantile(shares, part, method="inverted_cdf"))
    told = seen(*shares).quantile(part)
    assert told is not None
    assert exact <= told + 1e-12
    assert told <= exact * GROWTH + 0.011


def test_what_was_seen_a_half_life_ago_weighs_half() -> None:
    found = seen(*[0.2] * 100).added(0.9, NOW_S + HALF_LIFE_S)
    assert found.weight == pytest.approx(51.0)
    later = found
    for _ in range(49):
        later = later.added(0.9, NOW_S + HALF_LIFE_S)
    half = later.quantile(0.49)
    assert half is not None
    assert half < 0.25
    assert later.quantile(0.51) == pytest.approx(0.9, rel=0.06)


def test_a_clock_that_goes_back_makes_nothing_younger_and_loses_nothing() -> None:
    found = seen(0.5, 0.5).added(0.5, NOW_S - 1e6)
    assert found.weight == 3.0
    assert found.at_s == NOW_S


def test_shares_beyond_the_ends_count_as_the_ends_and_nothing_seen_is_nothing_told() -> None:
    assert seen(1.7).quantile(0.5) == 1.0
    assert seen(-0.1).quantile(0.5) == BOUNDS[0]
    assert Decaying.empty().quantile(0.5) is None
    assert seen(0.5).at(NOW_S + 2000 * HALF_LIFE_S).quantile(0.5) is None


def test_a_record_is_short_and_read_as_it_was_written() -> None:
    found = seen(*np.random.default_rng(1).uniform(0.0, 1.0, 5000).tolist())
    text = json.dumps(found.to_record())
    assert len(text) < 700
    read = Decaying.from_record(json.loads(text))
    assert [read.quantile(part) for part in (0.5, 0.9, 0.99)] == [found.quantile(part) for part in (0.5, 0.9, 0.99)]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"at": 0, "weights": {"99": 1.0}},
        {"at": 0, "weights": {"-1": 1.0}},
        {"at": 0, "weights": {"a": 1.0}},
        {"at": 0, "weights": {"1": -1.0}},
        {"at": 0, "weights": {"1": "much"}},
        {"at": 0, "weights": [1.0]},
        {"at": "NaN", "weights": {}},
        {"at": 10**400, "weights": {}},
        {"at": 0, "weights": {"1": 10**400}},
    ],
    ids=lambda record: str(record)[:60],
)
def test_what_is_no_record_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a histogram"):
        Decaying.from_record(record)
