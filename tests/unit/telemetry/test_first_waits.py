"""How long the first request waits, as ticks tell it of a workload that may go to zero."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest

from autoscaler.domain.signal import SignalKind
from autoscaler.telemetry.metrics import LoopMetrics
from tests.unit.controller.live import policy
from tests.unit.telemetry.exported import Exported

TICK_S = 15.0
SLEEPS, ASKED, SERVES = (0.0, nan, 0), (2.0, nan, 0), (2.0, nan, 1)


class Sleeper:
    """One workload, of which each tick sees (demand, queue, ready replicas)."""

    def __init__(self, folder: Path) -> None:
        self.exported = Exported(folder)
        self.exported.live.write("chat.yaml", policy("chat", more="replicas: {min: 0}"))
        self.exported.live.run(1)
        self.tick = self.exported.live.kept.ticks[-1]
        self.restart()

    def restart(self) -> None:
        self.exported.metrics = LoopMetrics()

    def see(self, *looks: tuple[float, float, int], after_s: float = TICK_S, leads: bool = True) -> None:
        """A tick each."""
        report = self.tick.report
        assert report is not None
        assert report.observation is not None
        for demand, queue, ready in looks:
            values = report.observation.values.copy()
            values[:, SignalKind.QUEUE] = queue
            inventory = replace(report.observation.inventory, ready=np.array([[ready]]))
            seen = replace(report.observation, demand=np.array([demand]), values=values, inventory=inventory)
            told = replace(report, observation=seen)
            self.tick = replace(self.tick, now_s=self.tick.now_s + after_s, report=told, leads=leads)
            self.exported.metrics.tell(self.tick)

    def blind(self) -> None:
        """A tick that saw nothing."""
        self.tick = replace(self.tick, now_s=self.tick.now_s + TICK_S)
        self.exported.metrics.tell(replace(self.tick, report=None))

    @property
    def waits(self) -> tuple[float, float]:
        """How many waited, and for how many seconds together."""
        found = (self.exported.value(f"first_request_wait_seconds_{part}", policy="chat") for part in ("count", "sum"))
        count, seconds = found
        return count, seconds


@pytest.fixture
def sleeper(tmp_path: Path) -> Sleeper:
    return Sleeper(tmp_path)


def test_a_wait_goes_from_the_tick_that_sees_work_to_the_one_that_sees_it_served(sleeper: Sleeper) -> None:
    sleeper.see(SLEEPS)
    assert sleeper.waits == (0.0, 0.0)
    sleeper.see(ASKED, ASKED, ASKED, SERVES, SERVES)
    assert sleeper.waits == (1.0, 3 * TICK_S)
    sleeper.see(SLEEPS, ASKED, SERVES)
    assert sleeper.waits == (2.0, 4 * TICK_S)
    counts = {le: sleeper.exported.value("first_request_wait_seconds_bucket", policy="chat", le=le)
              for le in ("30.0", "60.0", "+Inf")}  # fmt: skip
    assert counts == {"30.0": 1.0, "60.0": 2.0, "+Inf": 2.0}


def test_work_in_a_queue_alone_waits_too_and_what_is_not_known_ends_no_wait(sleeper: Sleeper) -> None:
    sleeper.see(SLEEPS, (nan, 3.0, 0), (nan, nan, 0))
    sleeper.blind()
    sleeper.see((nan, 3.0, 1))
    assert sleeper.waits == (1.0, 3 * TICK_S)


def test_work_that_went_away_unserved_is_not_counted(sleeper: Sleeper) -> None:
    sleeper.see(SLEEPS, ASKED, ASKED, SLEEPS, SLEEPS, ASKED, SERVES)
    assert sleeper.waits == (1.0, TICK_S)


def test_a_wait_that_goes_on_over_a_restart_or_a_gap_is_not_counted(sleeper: Sleeper) -> None:
    sleeper.see(SLEEPS, ASKED)
    sleeper.restart()
    sleeper.see(ASKED, SERVES)
    assert sleeper.waits == (0.0, 0.0)
    sleeper.see(SLEEPS, ASKED)
    sleeper.see(SERVES, after_s=3600.0)
    assert sleeper.waits == (0.0, 0.0)


def test_who_follows_counts_nothing_and_knows_since_when_work_waits(sleeper: Sleeper) -> None:
    sleeper.see(SLEEPS, ASKED, SERVES, SLEEPS, leads=False)
    assert sleeper.waits == (0.0, 0.0)
    sleeper.see(ASKED, leads=False)
    sleeper.see(SERVES)
    assert sleeper.waits == (1.0, TICK_S)


def test_a_policy_that_is_new_waits_since_nobody_knows_when(sleeper: Sleeper) -> None:
    """Its work may have waited long before its file came; who was there before is not disturbed."""
    sleeper.see(SLEEPS, ASKED)
    sleeper.exported.live.write("code.yaml", policy("code", more="replicas: {min: 0}"))
    sleeper.exported.live.run(1)
    both = sleeper.exported.live.kept.ticks[-1]
    assert both.report is not None
    assert both.report.observation is not None
    for ready in ([[0], [0]], [[1], [1]]):
        inventory = replace(both.report.observation.inventory, ready=np.array(ready))
        seen = replace(both.report.observation, demand=np.array([2.0, 2.0]), inventory=inventory)
        sleeper.tick = replace(both, now_s=sleeper.tick.now_s + TICK_S, report=replace(both.report, observation=seen))
        sleeper.exported.metrics.tell(sleeper.tick)
    assert sleeper.waits == (1.0, 2 * TICK_S)
    assert sleeper.exported.value("first_request_wait_seconds_count", policy="code") == 0.0
