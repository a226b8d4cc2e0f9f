"""Starts of a simulated scenario, as a controller there would have seen them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from autoscaler.compose.scenario import replayed
from autoscaler.domain.lead_time import Start, StartEnd
from autoscaler.evaluation.parallel import Watch
from autoscaler.evaluation.replay import Look
from autoscaler.evaluation.scenario.prepare import ScenarioRun
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.simulator.full import FullWorld

MOST = 10_000
"""Starts that are kept where nothing else is said: a month of a large fleet has more than anybody reads."""


def simulated_starts(scenario: ScenarioRun, watch: Watch, most: int = MOST) -> Seen:
    """Starts of a whole run under the scenario's first strategy.

    Of those that ended the newest `most`, then those under way at its end. Times are seconds since its begin, cut as
    those of API objects are.
    """
    world = FullWorld(scenario.cluster)
    tick_s, told = scenario.spec.tick_s, _Told(world.starts_reader().starts, most)
    replayed(
        scenario, scenario.spec.strategies[0], lambda done, of: watch([done / of]), told.looks(tick_s), details=False,
        world=world,
    )  # fmt: skip
    fleet = scenario.policies.fleet
    gpus = zip(fleet.names, fleet.gpus_per_replica.tolist(), strict=True)
    return Seen(told.starts, {pool.name: pool for pool in fleet.pools}, dict(gpus), scenario.spec.end_s)


class _Told:
    """What a reader of starts told in all its looks, one a tick."""

    def __init__(self, read: Callable[[float], list[Start]], most: int) -> None:
        self._read = read
        self._ended: deque[Start] = deque(maxlen=most)
        self._waiting: list[Start] = []

    @property
    def starts(self) -> tuple[Start, ...]:
        """The newest that ended, and what goes on at the last look."""
        return (*self._ended, *self._waiting)

    def looks(self, tick_s: float) -> Look:
        """What to call at the end of each tick."""
        ticks = 0

        def look(*_: object) -> None:
            nonlocal ticks
            ticks += 1
            found = self._read(ticks * tick_s)
            self._ended += [start for start in found if start.end is not StartEnd.WAITING]
            self._waiting = [start for start in found if start.end is StartEnd.WAITING]

        return look
