"""The loop: its rhythm, its health, and errors of its own."""

from __future__ import annotations

import io
import json
from threading import Event

from autoscaler.agent.log import LineLog
from autoscaler.agent.loop import Loop
from autoscaler.agent.view import View
from autoscaler.domain.gpu import GpuSight
from tests.stepped_clock import SteppedClock


class World:
    """Looks that take so long, or fail; it ends after so many. `at_s`: when they began."""

    def __init__(self, *takes_s: float, fails: tuple[int, ...] = (), problems: tuple[str, ...] = ()) -> None:
        self.clock = SteppedClock()
        self.takes_s, self.fails, self.problems = list(takes_s), fails, list(problems)
        self.at_s: list[float] = []
        self.stopping = Event()
        self.to = io.StringIO()
        self.loop = Loop(self.look, self.clock, 1.0, LineLog(self.to, self.clock))

    def look(self) -> View:
        number = len(self.at_s)
        self.at_s.append(self.clock.monotonic_s())
        self.clock.move(self.takes_s[number])
        if len(self.at_s) == len(self.takes_s):
            self.stopping.set()
        if number in self.fails:
            raise RuntimeError("strange")
        why = self.problems[number] if self.problems else ""
        return View(self.clock.wall_s(), "node-1", GpuSight((), "", why), {}, (), ())

    @property
    def said(self) -> list[tuple[str, str]]:
        lines = [json.loads(line) for line in self.to.getvalue().splitlines()]
        return [(line["event"], line.get("problem", line.get("error", ""))) for line in lines]


def test_looks_keep_their_rhythm_whatever_they_take() -> None:
    world = World(0.2, 0.4, 0.1, 0.3)
    world.loop.run(world.stopping)
    assert [round(at_s, 6) for at_s in world.at_s] == [0.0, 1.0, 2.0, 3.0]
    assert (world.loop.looks, world.loop.late) == (4, 0)


def test_a_look_that_takes_long_leaves_out_those_it_covers_and_counts_them() -> None:
    world = World(3.7, 0.1, 0.1)
    world.loop.run(world.stopping)
    assert [round(at_s, 6) for at_s in world.at_s] == [0.0, 3.7, 4.0]
    assert (world.loop.looks, world.loop.late) == (3, 3)


def test_an_error_of_a_look_is_told_once_and_does_not_end_the_loop() -> None:
    world = World(*[0.1] * 5, fails=(1, 2, 3))
    world.loop.run(world.stopping)
    assert len(world.at_s) == 5
    assert (world.loop.looks, world.loop.failed) == (5, 3)
    assert world.said == [("look failed", "RuntimeError: strange")]


def test_problems_are_said_when_they_come_and_when_they_go() -> None:
    world = World(*[0.1] * 5, problems=("", "no driver", "no driver", "lost", ""))
    world.loop.run(world.stopping)
    assert world.said == [
        ("problem", "no driver"), ("problem", "lost"), ("no longer a problem", "no driver"),
        ("no longer a problem", "lost"),
    ]  # fmt: skip


def test_it_is_not_well_once_looks_stop_or_fail_for_long() -> None:
    world = World(*[0.1] * 60, fails=tuple(range(5, 60)))
    for _ in range(30):
        world.loop.look()
        world.clock.move(0.9)
    assert world.loop.why_not_alive() is None
    for _ in range(10):
        world.loop.look()
        world.clock.move(0.9)
    assert world.loop.why_not_alive() == "no look at the GPUs for 36 s"
