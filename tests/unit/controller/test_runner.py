"""The runner: ticks until it is told to stop, and ends in order and within its bound."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread

import pytest

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.controller.runner import run
from autoscaler.controller.tick import Tick
from tests.unit.controller.live import Live, policy

PATIENCE_S = 30.0


class Until:
    """An outlet that sets `reached` at the tick of this number, and holds each tick until `free`."""

    def __init__(self, ticks: int) -> None:
        self.left, self.reached, self.free = ticks, Event(), Event()

    def tell(self, tick: Tick) -> None:
        self.left -= 1
        if self.left == 0:
            self.reached.set()
        assert self.free.wait(PATIENCE_S)


class Runs:
    """A runner in a thread of its own."""

    def __init__(self, live: Live, stop_s: float) -> None:
        self.stopping, self.live, self.ended = Event(), live, None
        self._arguments = (live.service, live.lead, SystemClock(), 0.05, stop_s, self.stopping)
        self._thread = Thread(target=self._run)
        self._thread.start()

    ended: bool | None

    def _run(self) -> None:
        self.ended = run(*self._arguments)

    def stop(self) -> None:
        self.stopping.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def begun(folder: Path, until: Until) -> Live:
    live = Live(folder, outlets=(until,))
    live.write("chat.yaml", policy("chat"))
    return live


def test_it_ticks_until_it_is_stopped_and_gives_the_lead_away(tmp_path: Path) -> None:
    until = Until(3)
    until.free.set()
    runs = Runs(begun(tmp_path, until), PATIENCE_S)
    assert until.reached.wait(PATIENCE_S)
    assert not runs.live.lead.stopped
    runs.stop()
    assert runs.ended is True
    assert runs.live.lead.stopped
    assert runs.live.closed == 1
    ticks = len(runs.live.kept.ticks)
    runs.live.service.tick()
    assert len(runs.live.kept.ticks) == ticks


def test_a_tick_that_hangs_does_not_keep_the_lead(tmp_path: Path) -> None:
    until = Until(1)
    runs = Runs(begun(tmp_path, until), 0.05)
    assert until.reached.wait(PATIENCE_S)
    runs.stop()
    assert runs.ended is False
    assert runs.live.lead.stopped
    until.free.set()


@pytest.mark.parametrize("ticks", [1, 5])
def test_ticks_never_overlap(tmp_path: Path, ticks: int) -> None:
    until = Until(ticks)
    until.free.set()
    runs = Runs(begun(tmp_path, until), PATIENCE_S)
    assert until.reached.wait(PATIENCE_S)
    runs.stop()
    began = [tick.now_s for tick in runs.live.kept.ticks]
    assert began == sorted(began)
    assert all(tick.failure is None for tick in runs.live.kept.ticks)
