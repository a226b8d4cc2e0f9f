"""How many events many notices become, and how often the API server hears of them."""

from __future__ import annotations

import pytest

from autoscaler.adapters.kubernetes.event_series import Allowance, SeriesBook
from autoscaler.ports.events import Notice, ObjectReference

PLAN = ObjectReference("gpu-autoscaler.io/v1alpha1", "CapacityPlan", "gpu", "chat", "u1")
WINDOW_S, REFRESH_S, WALL_S = 600.0, 60.0, 1_800_000_000.0


def notice(note: str = "no room", reason: str = "PoolFull") -> Notice:
    return Notice(PLAN, reason, note)


@pytest.fixture
def book() -> SeriesBook:
    return SeriesBook(WINDOW_S, REFRESH_S, most=3)


def test_equal_notices_are_one_series_with_a_count(book: SeriesBook) -> None:
    for at_s in (0.0, 15.0, 30.0):
        book.add(notice(), at_s, WALL_S + at_s)
    [series] = book.unsaid()
    assert (series.count, series.first_wall_s, series.last_wall_s) == (3, WALL_S, WALL_S + 30.0)


def test_another_reason_or_note_is_another_series(book: SeriesBook) -> None:
    for one in (notice(), notice("no zone"), notice(reason="StockOut")):
        book.add(one, 0.0, WALL_S)
    assert len({series.name for series in book.unsaid()}) == 3


def test_after_a_silence_of_a_window_it_is_news_again(book: SeriesBook) -> None:
    book.add(notice(), 0.0, WALL_S)
    [first] = book.unsaid()
    first.said = 1
    book.add(notice(), WINDOW_S + 1.0, WALL_S + WINDOW_S + 1.0)
    [second] = book.unsaid()
    assert second.count == 1
    assert second.name != first.name


def test_a_new_one_is_due_at_once_and_its_count_later(book: SeriesBook) -> None:
    book.add(notice(), 5.0, WALL_S)
    [series] = book.unsaid()
    assert series.due_s(REFRESH_S) == 5.0
    series.said, series.said_s = 1, 6.0
    assert book.unsaid() == []
    book.add(notice(), 20.0, WALL_S)
    assert book.unsaid() == [series]
    assert series.due_s(REFRESH_S) == 66.0


def test_what_found_no_room_is_counted_and_room_comes_back(book: SeriesBook) -> None:
    for number in range(5):
        book.add(notice(str(number)), 0.0, WALL_S)
    assert book.lost == 2
    for series in book.unsaid():
        series.said = series.count
    book.add(notice("later"), WINDOW_S + 1.0, WALL_S)
    assert [series.notice.note for series in book.unsaid()] == ["later"]
    assert book.lost == 2


def test_the_name_fits_whatever_the_object_is_called(book: SeriesBook) -> None:
    long = Notice(ObjectReference("v1", "Pod", "gpu", "x" * 253, "u"), "A", "b")
    book.add(long, 0.0, WALL_S)
    [series] = book.unsaid()
    assert len(series.name) <= 253


def test_an_allowance_is_a_burst_and_then_a_rate() -> None:
    allowance = Allowance(per_s=2.0, burst=3.0)
    assert [allowance.wait_s(0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert allowance.wait_s(0.5) == 0.0
    assert allowance.wait_s(0.5) == 0.5
    assert [allowance.wait_s(1000.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
