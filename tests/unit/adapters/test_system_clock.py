"""The machine's clock: two kinds of time, and waits that can be cut short."""

from __future__ import annotations

from threading import Event

from autoscaler.adapters.system_clock import SystemClock


def test_monotonic_time_goes_on_and_wall_time_is_of_this_century() -> None:
    clock = SystemClock()
    first = clock.monotonic_s()
    assert clock.monotonic_s() >= first
    assert 1.6e9 < clock.wall_s() < 4e9


def test_a_wait_ends_when_it_is_told_to_or_after_its_time() -> None:
    clock, told = SystemClock(), Event()
    begin = clock.monotonic_s()
    assert not clock.wait(0.01, told)
    assert not clock.wait(-1.0, told)
    told.set()
    assert clock.wait(60.0, told)
    assert clock.monotonic_s() - begin < 10.0
