"""Runs the service on a schedule until it is told to stop, then ends it in order and within a bound."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from threading import Event

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from autoscaler.controller.service import Service
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.leadership import LeadershipPort

ATTEND_S = 1.0
"""A pod that the scheduler cannot help waits so much longer, at most."""


def run(
    service: Service, leadership: LeadershipPort, clock: ClockPort, tick_s: float, stop_s: float, stopping: Event
) -> bool:
    """Ticks every `tick_s` seconds from now until `stopping` is set; whether the last one ended within `stop_s`
    seconds.

    Ticks never overlap, and those that were missed are not made up for. The lead is given away when the last tick has
    ended, so that the next leader sees all that it did; where it does not end in time, at once: it writes nothing more.
    """
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
    scheduler.add_job(
        service.tick, "interval", seconds=tick_s, coalesce=True, max_instances=1, misfire_grace_time=None,
        next_run_time=datetime.fromtimestamp(clock.wall_s(), UTC),
    )  # fmt: skip
    scheduler.add_job(
        service.attend, "interval", seconds=min(ATTEND_S, tick_s), coalesce=True, max_instances=1,
        misfire_grace_time=None,
    )  # fmt: skip
    leadership.start()
    scheduler.start()
    try:
        stopping.wait()
    finally:
        scheduler.pause()
        ended = service.end(stop_s)
        scheduler.shutdown(wait=False)
        leadership.stop()
    return ended
