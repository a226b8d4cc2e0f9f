"""A loop that begins knows what the metric store remembers, as if it had been there."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.testing import assert_allclose

from autoscaler.controller.succession import Begun
from autoscaler.domain.arrays import Floats
from autoscaler.domain.signal import SignalKind
from autoscaler.ports.errors import Unavailable
from autoscaler.ports.past import PastReadings
from tests.stepped_clock import SteppedClock
from tests.unit.controller.live import TICK_S, Live, Town, policy

WAVE = list(10.0 + 6.0 * np.sin(np.arange(400) / 60.0))


@dataclass
class Remembers:
    """The past of one town, scraped at the end of every minute."""

    town: Town
    series: Floats
    lost: frozenset[int] = frozenset()
    silent: bool = False
    asked: tuple[float, ...] = ()

    def past(self, from_s: float, until_s: float, step_s: float, within_s: float) -> PastReadings:
        self.asked = (from_s, until_s, step_s, within_s)
        if self.silent:
            raise Unavailable("prometheus: no connection in time")
        at_s = np.arange(from_s, until_s + 1.0, step_s)
        minute = np.rint((at_s - self.town.begin_s) / TICK_S).astype(np.int64) - 1
        inside = (minute >= 0) & (minute < self.series.size) & ~np.isin(minute, list(self.lost))
        values = np.where(inside, self.series[np.clip(minute, 0, self.series.size - 1)], np.nan)
        return PastReadings(at_s, {(0, SignalKind.ARRIVALS): values}, ("chat queue: no answer within 5 s",))


def test_history_and_forecast_are_those_of_a_loop_that_was_there(tmp_path: Path) -> None:
    there = Live(tmp_path, {"chat": WAVE})
    there.write("chat.yaml", policy("chat"))
    there.run(300)
    begins = Live(tmp_path, town=there.town, past=Remembers(there.town, np.array(WAVE)))
    for one in (there, begins):
        one.service.tick()
    old, new = there.service.state, begins.service.state
    assert old is not None
    assert new is not None
    first = old.history.last_bin - 250
    assert_allclose(new.history.span(first, 250), old.history.span(first, 250), rtol=1e-9)
    assert old.forecaster is not None
    assert new.forecaster is not None
    assert_allclose(new.forecaster.forecast().centre, old.forecaster.forecast().centre, rtol=0.02)
    assert begins.kept.ticks[0].notes == (
        "policies in force: 1",
        "left out of history: chat queue: no answer within 5 s",
        "history: 300 of 21600 bins of 60 s are known",
    )


def test_it_asks_for_fifteen_days_on_whole_bins_and_within_its_time(tmp_path: Path) -> None:
    clock = SteppedClock(1_800_000_031.0)
    town = Town({}, clock)
    past = Remembers(town, np.zeros(1))
    live = Live(tmp_path, town=town, past=past)
    live.write("chat.yaml", policy("chat"))
    live.service.tick()
    assert past.asked == (1_800_000_000.0 - 15 * 86_400.0 + 60.0, 1_800_000_000.0, 60.0, 5.0)


def test_a_store_that_is_silent_lets_the_loop_begin_cold_and_says_so(tmp_path: Path) -> None:
    town = Town({}, SteppedClock())
    live = Live(tmp_path, town=town, past=Remembers(town, np.zeros(1), silent=True))
    live.write("chat.yaml", policy("chat"))
    (tick,) = live.run(1)
    assert tick.failure is None
    assert tick.notes[-1] == "history begins now: prometheus: no connection in time"
    assert tick.report is not None
    assert tick.report.plan is not None


def test_what_came_after_a_gap_teaches_nothing(tmp_path: Path) -> None:
    town = Town({"chat": WAVE}, SteppedClock())
    live = Live(tmp_path, town=town, past=Remembers(town, np.array(WAVE), lost=frozenset(range(100, 110))))
    live.write("chat.yaml", policy("chat"))
    for _ in range(300):
        town.advance()
    live.service.tick()
    state = live.service.state
    assert state is not None
    span = state.history.span(round(town.begin_s / TICK_S), 300)[0]
    unknown = np.flatnonzero(np.isnan(span))
    assert unknown.tolist() == [*range(100, 112)]  # the gap, and two minutes of recovering


def test_a_workload_that_is_added_while_it_runs_has_a_past_too(tmp_path: Path) -> None:
    there = Live(tmp_path, {"chat": WAVE})
    there.write("code.yaml", policy("code"))
    there.run(200)
    there.past = Remembers(there.town, np.array(WAVE))
    there.write("chat.yaml", policy("chat"))
    there.run(1)
    state = there.service.state
    assert state is not None
    assert np.isfinite(state.history.span(state.history.last_bin - 150, 150)[0]).all()


class Later:
    """A background that does what it is asked when told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Begun], Future[Begun]]] = []

    def __call__(self, what: Callable[[], Begun]) -> Future[Begun]:
        self.waiting.append((what, Future()))
        return self.waiting[-1][1]

    def do(self) -> None:
        for what, future in self.waiting:
            future.set_result(what())
        self.waiting.clear()


def test_ticks_go_on_while_the_past_is_read_and_are_learned_on_top_of_it(tmp_path: Path) -> None:
    there = Live(tmp_path, {"chat": WAVE})
    there.write("chat.yaml", policy("chat"))
    there.run(300)
    later = Later()
    (tmp_path / "next").mkdir()
    past = Remembers(there.town, np.array(WAVE))
    begins = Live(tmp_path / "next", town=there.town, past=past, background=later)
    begins.write("chat.yaml", policy("chat"))
    for n in range(40):
        there.service.tick()
        if n == 20:
            later.do()
            past.series = past.series[:300]  # whoever asked then knows no more
        (tick,) = begins.run(1)
        assert tick.report is not None
        assert tick.report.plan is not None
    old, new = there.service.state, begins.service.state
    assert old is not None
    assert new is not None
    first = old.history.last_bin - 320
    assert_allclose(new.history.span(first, 320), old.history.span(first, 320), rtol=1e-9)
    assert old.forecaster is not None
    assert new.forecaster is not None
    assert_allclose(new.forecaster.forecast().centre, old.forecaster.forecast().centre, rtol=0.02)
    assert begins.kept.ticks[20].notes[-1].startswith("history: 3")


def test_a_past_that_cannot_be_learned_is_told_and_ticks_go_on(tmp_path: Path) -> None:
    town = Town({"chat": WAVE}, SteppedClock())
    later = Later()
    live = Live(tmp_path, town=town, past=Remembers(town, np.array(WAVE)), background=later)
    live.write("chat.yaml", policy("chat"))
    live.run(2)
    later.waiting[0][1].set_exception(ZeroDivisionError("a defect"))
    tick, after = live.run(2)
    assert isinstance(tick.failure, ZeroDivisionError)
    assert tick.report is not None
    assert after.failure is None
