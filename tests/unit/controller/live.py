"""A live service on a simulated cluster: policy files in a folder, a clock that is stepped, a lead that can be lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from autoscaler.compose.trace_fleet import SIGNALS
from autoscaler.controller.beginning import Rhythm
from autoscaler.controller.cycle import Ports
from autoscaler.controller.in_force import InForce, Leads, Swept, Uses
from autoscaler.controller.keeper import Keeper
from autoscaler.controller.records import Records
from autoscaler.controller.service import Service
from autoscaler.controller.succession import Background, Begun
from autoscaler.controller.tick import Outlet, Tick
from autoscaler.domain.arrays import Ints
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.signal import SignalReadings
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.folder import PolicyFolder, PolicySet
from autoscaler.policy.governed import Governed, ScheduleBook
from autoscaler.ports.errors import PortError
from autoscaler.ports.events import Notice, ObjectReference
from autoscaler.ports.past import PastPort
from autoscaler.ports.replicas import FieldReading, FloorField, OwnerReport
from autoscaler.simulator.simple import SimpleWorld
from autoscaler.simulator.store import MemoryStore
from tests.stepped_clock import SteppedClock

NAMES = ("chat", "code", "voice")
TICK_S = 60.0
MINUTES = 1500
NODE_S, REPLICA_S = 180.0, 120.0
POOL = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: h100}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 1
  pricePerGpuHour: 2
"""


def policy(name: str, mode: str = "act", more: str = "") -> str:
    """A policy document; a replica carries one request a second."""
    return f"""\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {{name: {name}}}
spec:
  mode: {mode}
  workload: {{namespace: inference, name: {name}}}
  demand: {{arrivals: {{query: rate}}, perReplica: {{arrivals: 1}}}}
  pools: {{primary: [h100]}}
  {more}
"""


@dataclass
class Lead:
    """The leadership port as a switch."""

    leads: bool = True
    stopped: bool = False

    def start(self) -> None: ...

    def is_leader(self) -> bool:
        return self.leads

    def stop(self) -> None:
        self.leads, self.stopped = False, True


@dataclass
class Kept:
    """An outlet that keeps all."""

    ticks: list[Tick] = field(default_factory=list)

    def tell(self, tick: Tick) -> None:
        self.ticks.append(tick)


@dataclass
class Said:
    """The events port as a list."""

    notices: list[Notice] = field(default_factory=list)

    def record(self, notice: Notice) -> None:
        self.notices.append(notice)


class Town:
    """The world of all `NAMES`; `ports` shows the part of it that some of them see, by their own rows.

    writes: what was written, by name. broken: raised by every call, until it is None again. ended: as in `Inventory`.
    """

    def __init__(self, demand: dict[str, Sequence[float]], clock: SteppedClock) -> None:
        rows = np.full((len(NAMES), MINUTES), 2.0)
        for name, known in demand.items():
            rows[NAMES.index(name)] = known[-1]
            rows[NAMES.index(name), : len(known)] = known
        leads = (np.full(len(NAMES), NODE_S), np.full(len(NAMES), REPLICA_S))
        self.world = SimpleWorld(rows * TICK_S, np.full(len(NAMES), TICK_S), TICK_S, *leads, SIGNALS["arrivals"])
        self.clock, self.begin_s = clock, clock.wall_s()
        self.writes: list[tuple[str, str, int | None]] = []
        self.by: dict[str, str] = {}
        self.owner_most: int | None = None
        self.broken: Exception | None = None
        self.ended: tuple[PlaceholderEnd, ...] = ()

    def advance(self) -> None:
        self.clock.move(TICK_S)
        self.world.advance(self.clock.wall_s() - self.begin_s)

    def read(self, workload: ObjectReference, via: str) -> FieldReading:
        self.check()
        return self._reading(FloorField(workload, f"{via}.replicas"))

    def give_back(self, field: FloorField, value: int | None) -> FieldReading:
        self.check()
        reading = self._reading(field)
        if reading.is_ours:
            self.writes.append(("back", field.owner.name, value))
            self.world.set_floor(NAMES.index(field.owner.name), value or 0)
        return reading

    def edit(self, workload: str, replicas: int) -> None:
        """Somebody else sets the floor of a workload."""
        self.world.set_floor(NAMES.index(workload), replicas)
        self.by[workload] = "kubectl-edit"

    def _reading(self, field: FloorField) -> FieldReading:
        by = self.by.get(field.owner.name, "")
        value = int(self.world.inventory(0.0).floor[NAMES.index(field.owner.name)])
        return FieldReading(field, value, not by, by)

    def check(self) -> None:
        if self.broken is not None:
            raise self.broken


class Quarter:
    """Metrics and cluster port of some workloads of a town."""

    def __init__(self, town: Town, names: Sequence[str]) -> None:
        self._town = town
        self._rows: Ints = np.array([NAMES.index(name) for name in names], dtype=np.int64)

    def read(self, now_s: float) -> SignalReadings:
        self._town.check()
        readings = self._town.world.read(now_s)
        return SignalReadings(readings.values[self._rows], readings.age_s[self._rows])

    def inventory(self, now_s: float) -> Inventory:
        self._town.check()
        all_of_it = self._town.world.inventory(now_s - self._town.begin_s)
        here = {int(row): n for n, row in enumerate(self._rows)}
        parts = {name: getattr(all_of_it, name)[self._rows] for name in ("ready", "starting", "pending", "floor")}
        seats = tuple(Placeholder(here[p.workload], p.pool, p.slot, p.bound) for p in all_of_it.placeholders
                      if p.workload in here)  # fmt: skip
        if self._town.owner_most is not None:
            parts["owner_most"] = np.full(len(self._rows), self._town.owner_most)
        return replace(all_of_it, placeholders=seats, ended=self._town.ended, **parts)

    def set_floor(self, workload: int, replicas: int) -> None:
        self._write("floor", workload, replicas)
        self._town.by.pop(NAMES[int(self._rows[workload])], None)
        self._town.world.set_floor(int(self._rows[workload]), replicas)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._write("create", workload, slot)
        self._town.world.create_placeholder(int(self._rows[workload]), pool, slot)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._write("delete", workload, slot)
        self._town.world.delete_placeholder(int(self._rows[workload]), pool, slot)

    def _write(self, what: str, workload: int, value: int) -> None:
        self._town.check()
        self._town.writes.append((what, NAMES[self._rows[workload]], value))


class Raising:
    """A book of schedules with a defect."""

    def at_least(self, from_s: float, until_s: float) -> int | None:
        raise ZeroDivisionError("a defect")

    def at_most(self, at_s: float) -> int | None:
        return None

    def multiply(self, from_s: float, until_s: float) -> tuple[float, float] | None:
        return None

    def multiplies(self) -> bool:
        return False


def named(governed: Governed) -> Iterator[tuple[str, ScheduleBook | None]]:
    """The book of each policy, by name."""
    return zip(governed.fleet.names, governed.schedules, strict=True)


def at_once(what: Callable[[], Begun]) -> Future[Begun]:
    """A background that is done before anything else."""
    future: Future[Begun] = Future()
    future.set_result(what())
    return future


class Live:
    """A service, its town, and the files that govern it."""

    def __init__(self, folder: Path, demand: dict[str, Sequence[float]] | None = None, town: Town | None = None,
                 past: PastPort | None = None, lead: Lead | None = None,
                 outlets: Sequence[Outlet] = (), store: MemoryStore | None = None,
                 background: Background | None = None) -> None:  # fmt: skip
        self.clock = town.clock if town else SteppedClock()
        self.town = town or Town(demand or {}, self.clock)
        self.folder, self.lead, self.kept = folder, lead or Lead(), Kept()
        self.past, self.refuses, self.closed, self.swept, self.attended = past, None, 0, 0, 0
        self.waiting: tuple[str, ...] = ()
        self.ended: tuple[PlaceholderEnd, ...] = ()
        self.raising: set[str] = set()
        self.leads: Leads | None = None
        self.uses: Uses | None = None
        self.owners: dict[str, OwnerReport] = {}
        (folder / "pool.yaml").write_text(POOL)
        self.service = Service(
            PolicyFolder(folder), self.govern, self.lead, self.clock, (self.kept, *outlets), Rhythm(TICK_S, 5.0),
            Keeper(Records(store or MemoryStore()), self.town), background or at_once,
        )  # fmt: skip

    refuses: PortError | None

    def govern(self, found: PolicySet) -> InForce:
        if self.refuses is not None:
            raise self.refuses
        names = [document.name for document in found.policies]
        shapes, leads = dict.fromkeys(names, 1), dict.fromkeys(names, (NODE_S, REPLICA_S))
        governed = compile_fleet(found.policies, found.pools, shapes, leads, budgets=found.budgets)
        books = [Raising() if name in self.raising else book for name, book in named(governed)]
        governed = replace(governed, schedules=tuple(books))
        quarter = Quarter(self.town, governed.fleet.names)
        workloads = {document.name: document.model.workload.name for document in found.policies}
        targets = [workloads[name] for name in governed.fleet.names]
        about = tuple(ObjectReference("apps/v1", "Deployment", "inference", name, "") for name in targets)
        ways = (self._sweep, self._attend, lambda: False, self._close)
        via = ("auto",) * len(about)
        return InForce(
            governed, Ports(quarter, quarter), about, self.past, lambda: (), *ways, self.leads, via,
            lambda: self.owners, self.uses,
        )  # fmt: skip

    def _sweep(self, now_s: float) -> Swept:
        self.swept += 1
        ended, self.ended = self.ended, ()
        return Swept(ended)

    def _attend(self, now_s: float) -> tuple[str, ...]:
        self.attended += 1
        if self.town.broken is not None:
            raise self.town.broken
        return self.waiting

    def _close(self) -> None:
        self.closed += 1

    def write(self, name: str, *texts: str) -> None:
        """Writes a file of documents, complete at once, as an editor that renames does."""
        path = self.folder / name
        new = path.with_suffix(".new")
        new.write_text("---\n".join(texts))
        os.utime(new, (0.0, len(self.kept.ticks) + 1.0))
        new.rename(path)

    def run(self, ticks: int, before: Callable[[int], None] = lambda _: None) -> list[Tick]:
        """So many ticks; the clock goes on after each."""
        first = len(self.kept.ticks)
        for n in range(ticks):
            before(n)
            self.service.tick()
            self.town.advance()
        return self.kept.ticks[first:]

    def floors(self) -> dict[str, int]:
        """What is asked for now."""
        floor = self.town.world.inventory(0.0).floor
        return dict(zip(NAMES, floor.tolist(), strict=True))
