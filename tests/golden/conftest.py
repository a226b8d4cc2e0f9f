"""Golden plans: reads what is given in a case, runs it through `cycle`, and tells the plan as text.

See README.md for the form of a file and how the plans are renewed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from autoscaler.controller.cycle import CycleReport, Ports, cycle, start
from autoscaler.domain.action import Action, CreatePlaceholder, SetFloor
from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.observation import NO_SOURCE
from autoscaler.domain.plan import reason_text
from autoscaler.domain.signal import SignalKind, SignalReadings, SignalState
from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.residuals import LEVELS_KEPT
from autoscaler.plan.groups import Groups
from autoscaler.plan.quantile import quantile_level
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.governed import Governed
from autoscaler.policy.load import of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool

TICK_S = 60.0
SCORES = np.linspace(-4.0, 4.0, 4001)
NORMAL: Floats = np.interp(np.linspace(0.0, 1.0, LEVELS_KEPT), quantile_level(SCORES), SCORES)
"""Errors of a given forecast, in deviations: a normal law, so that knob k stands for 1 + k deviations."""


class GivenForecaster(Forecaster):
    """A forecaster that does not learn: what is forecast is given in the case."""

    def learn(self, now_s: float, demand: Floats) -> None:
        """Keeps the forecast that was given."""
        self.history.add(now_s, demand)


@dataclass
class Paper:
    """Both ports, as a tick of a case describes them; writes are taken down."""

    fleet: Fleet
    readings: SignalReadings
    standing: Inventory
    writes: list[Action] = field(default_factory=list)

    def read(self, now_s: float) -> SignalReadings:
        return self.readings

    def inventory(self, now_s: float) -> Inventory:
        return self.standing

    def set_floor(self, workload: int, replicas: int) -> None:
        """Done when the next tick says so."""

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """Done when the next tick says so."""

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """Done when the next tick says so."""


def solve(given: dict[str, Any], folder: Path) -> str:
    """The plan of the last tick of a case as YAML. folder: where its policies are written to be read."""
    policies = _policies(given, folder)
    fleet = policies.fleet
    shared = fleet.size > 1 or any(pool.gpus_per_node > 1 for pool in fleet.pools)
    state = start(fleet, strategy("ours", Setting(0.0, shared)), TICK_S, shared)
    assert state.forecaster is not None
    forecaster = GivenForecaster(**{f.name: getattr(state.forecaster, f.name) for f in fields(Forecaster)})
    state.forecaster = forecaster
    said: dict[str, Any] = {}
    for tick in given["ticks"]:
        said = said | tick
        forecaster.current = _forecast(said, fleet)
        paper = Paper(fleet, _readings(said, fleet), _inventory(said["cluster"], fleet))
        now_s = datetime.fromisoformat(said["at"]).timestamp()
        state, report = cycle(now_s, state, policies, Ports(paper, paper))
    return "\n".join(_told(report, fleet)) + "\n"


def _policies(given: dict[str, Any], folder: Path) -> Governed:
    file = folder / "policies.yaml"
    file.write_text(given["policies"])
    documents = read_documents(file, KINDS)
    starts = given["replica"]
    governed = compile_fleet(
        of_kind(documents, CapacityPolicy),
        of_kind(documents, GpuPool),
        {name: one["gpus"] for name, one in starts.items()},
        {name: (one["nodeLead"], one["replicaLead"]) for name, one in starts.items()},
    )
    return replace(governed, wishes=Wishes({name: _wish(one) for name, one in given.get("wishes", {}).items()}))


@dataclass(frozen=True)
class Wishes:
    """What people wish in a case."""

    given: Mapping[str, Wish]

    def wish(self, policy: str) -> Wish:
        return self.given.get(policy, NOTHING)


def _wish(said: dict[str, Any]) -> Wish:
    floor = said.get("override")
    until = None if floor is None else Override(floor["floor"], datetime.fromisoformat(floor["until"]).timestamp())
    return Wish(said.get("paused", False), until)


def _readings(said: dict[str, Any], fleet: Fleet) -> SignalReadings:
    readings = SignalReadings.empty(fleet.size)
    for name, signals in said["signals"].items():
        for signal, value in signals.items():
            if value is not None:
                at = fleet.names.index(name), SignalKind[signal.upper()]
                readings.values[at], readings.age_s[at] = value, 0.0
    return readings


def _forecast(said: dict[str, Any], fleet: Fleet) -> Forecast:
    """Centre and deviation of each workload, and of the groups after them, at both leads."""
    groups = Groups.of(fleet).member.shape[0]
    rows = [said["forecast"][name] for name in [*fleet.names, *["together"] * groups]]
    table = np.array([[row["replicaLead"], row["wholeLead"]] for row in rows], dtype=np.float64)
    errors = np.broadcast_to(NORMAL, (*table.shape[:2], LEVELS_KEPT))
    return Forecast(table[:, :, 0], table[:, :, 1], errors, np.full(table.shape[0], 1e6))


def _inventory(cluster: dict[str, Any], fleet: Fleet) -> Inventory:
    """What is not said is not there."""
    pools = [pool.name for pool in fleet.pools]
    empty: dict[str, Any] = {}

    def by_pool(counts: str) -> Ints:
        table = [cluster.get(name, empty).get(counts, empty) for name in fleet.names]
        return np.array([[row.get(pool, 0) for pool in pools] for row in table], dtype=np.int64)

    def by_name(count: str) -> Ints:
        return np.array([cluster.get(name, empty).get(count, 0) for name in fleet.names], dtype=np.int64)

    held = [
        Placeholder(w, pools.index(pool), slot, state == "bound")
        for w, name in enumerate(fleet.names)
        for pool, states in cluster.get(name, empty).get("placeholders", empty).items()
        for slot, state in enumerate(states)
    ]
    none = np.zeros(len(pools), dtype=np.int64)
    out_of_stock = cluster.get("outOfStock", [])
    return Inventory(
        ready=by_pool("ready"),
        starting=by_pool("starting"),
        pending=by_name("pending"),
        floor=by_name("floor"),
        placeholders=tuple(held),
        free_gpus=none,
        nodes=none,
        nodes_starting=none,
        obtainable=np.array([pool not in out_of_stock for pool in pools]),
    )


def _told(report: CycleReport, fleet: Fleet) -> list[str]:
    assert report.plan is not None
    assert report.observation is not None
    plan, seen = report.plan, report.observation
    lines = []
    for w, name in enumerate(fleet.names):
        source = int(seen.demand_source[w])
        held = {fleet.pools[p].name: int(n) for p, n in enumerate(plan.placeholders[w]) if n}
        floor = int(plan.floor[w])
        lines += [
            f"{name}:",
            "  seen:",
            f"    demand: {_number(float(seen.demand[w]))}",
            f"    from: {'nothing' if source == NO_SOURCE else SignalKind(source).name.lower()}",
            f"    state: {SignalState(int(seen.demand_state[w])).name.lower()}",
            f"    late: {_number(float(seen.late[w]))}",
            f"    pressed: {str(bool(seen.pressed[w])).lower()}",
            "  plan:",
            f"    wanted: {_number(float(plan.target[w]))}",
            f"    floor: {floor}",
            f"    room: {floor + sum(held.values())}",
            f"    placeholders: {{{', '.join(f'{pool}: {n}' for pool, n in held.items())}}}",
            f"    reasons: [{', '.join(reason_text(int(plan.reasons[w])).split('; '))}]",
            f"    knob: {_number(float(plan.level[w]))}",
        ]
    actions = [f"  - {_words(outcome.action, fleet)}" for outcome in report.outcomes]
    return [*lines, *(["actions:", *actions] if actions else ["actions: []"])]


def _number(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{round(value, 4) + 0.0:.4g}"


def _words(action: Action, fleet: Fleet) -> str:
    name = fleet.names[action.workload]
    if isinstance(action, SetFloor):
        return f"set the floor of {name} to {action.replicas}"
    what = "create" if isinstance(action, CreatePlaceholder) else "delete"
    return f"{what} placeholder {action.slot} of {name} in {fleet.pools[action.pool].name}"


@dataclass(frozen=True, slots=True)
class Case:
    """One file: what is given, byte for byte, and the plan as it is written there."""

    file: Path
    head: str
    plan: str

    @staticmethod
    def read(file: Path) -> Case:
        """Raises ValueError where the two documents cannot be told apart."""
        head, mark, plan = file.read_text().partition("\n---\n")
        if not mark:
            raise ValueError(f"{file}: no line `---` between what is given and the plan")
        return Case(file, head, plan)

    def renew(self, plan: str) -> None:
        """Writes another plan below what is given."""
        self.file.write_text(f"{self.head}\n---\n{plan}")

    def solve(self, folder: Path) -> str:
        """The plan as it is today."""
        return solve(YAML(typ="safe").load(self.head), folder)


@pytest.fixture(scope="session")
def read_case() -> Callable[[Path], Case]:
    """Reads the file of a case."""
    return Case.read
