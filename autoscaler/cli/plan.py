"""`autoscaler plan`: what one tick would do on the live cluster, with reasons; nothing is written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.cli.process import CLUSTER, with_settings
from autoscaler.cli.queued import queue_action
from autoscaler.cli.tables import table
from autoscaler.compose import live
from autoscaler.controller.tick import Tick
from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder, SetFloor
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.lead_time import WakeUp
from autoscaler.domain.observation import NO_SOURCE
from autoscaler.domain.signal import SignalKind
from autoscaler.policy.folder import PolicySet, read_paths
from autoscaler.settings import Settings
from autoscaler.telemetry.decisions import decisions
from autoscaler.telemetry.waking import wake_ups
from autoscaler.telemetry.wishes import words

FINDINGS = 1
HEADINGS = ("policy", "mode", "demand", "from", "ready", "floor", "planned", "placeholders")


@with_settings(*CLUSTER)
def plan(
    settings: Settings,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Prints what one tick would do on the live cluster, and why. Writes nothing, whatever mode a policy is in.

    Exit code 0 where all of it could be planned, 1 where signals or policies have problems, 3 where the cluster does
    not answer.

    Every setting is also an environment variable, GPU_AUTOSCALER_ and its name; docs/settings.md has them all.

    Example: autoscaler plan --policies policies/ --prometheus http://localhost:9090
    """
    tick = live.plan(settings, _read(settings.policies))
    if output is options.OutputFormat.JSON:
        print(json.dumps(summary(tick)))
    else:
        show(tick)
    raise typer.Exit(FINDINGS if tick.problems or tick.policy_problems else 0)


def _read(folder: Path) -> PolicySet:
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder; name a folder of YAML files with --policies")
    found = read_paths([folder])
    if not (found.policies or found.queues):
        said = "; ".join(str(problem) for problem in found.problems)
        raise InputError(f"{folder}: no usable policy in it{f': {said}' if said else ''}")
    return found


def summary(tick: Tick) -> dict[str, object]:
    """The tick for programs."""
    return {
        "policies": list(_rows(tick)),
        "queued": list(_queued(tick)),
        "actions": [{"action": said, "withheld": bool(withheld)} for said, withheld in _actions(tick)],
        "problems": [*tick.policy_problems, *tick.problems],
        "notes": list(tick.notes),
    }


def show(tick: Tick) -> None:
    """The tick for people."""
    out = Console(soft_wrap=True, highlight=False)
    rows = list(_rows(tick))
    if rows:
        Console().print(table("What one tick would do; nothing is written", HEADINGS, [_cells(row) for row in rows]))
    for row in rows:
        out.print(f"{row['policy']}: {row['reason'] or 'nothing to decide'}", markup=False)
        waking = row["wakeUp"]
        for said in (row["wish"], waking["said"] if isinstance(waking, dict) else None):
            if said:
                out.print(f"{row['policy']}: {said}", markup=False)
    for work in _queued(tick):
        out.print(f"{work['policy']}: {work['work']}: {work['reason']}", markup=False)
    for said, withheld in _actions(tick):
        out.print(f"would {said}{f' if it were not {withheld}' if withheld else ''}", markup=False)
    for line in tick.notes:
        out.print(line, markup=False, style="dim")
    for line in (*tick.policy_problems, *tick.problems):
        out.print(line, markup=False, style="red")


def _rows(tick: Tick) -> Iterator[dict[str, object]]:
    if tick.in_force is None or tick.report is None or tick.report.observation is None:
        return
    seen = tick.report.observation
    wakes = wake_ups(tick)
    for w, (policy, decision) in enumerate(decisions(tick)):
        demand, source = float(seen.demand[w]), int(seen.demand_source[w])
        waking, wish = wakes.get(policy), tick.in_force.policies.wish(w, tick.now_s)
        yield {
            "policy": policy,
            "mode": "act" if decision.acts else "observe",
            "demand": None if math.isnan(demand) else round(demand, 2),
            "signal": None if source == NO_SOURCE else SignalKind(source).name.lower(),
            "ready": int(seen.inventory.ready[w].sum()),
            "floor": int(seen.inventory.floor[w]),
            "planned": decision.floor,
            "placeholders": dict(decision.placeholders),
            "reason": decision.reason,
            "wakeUp": None if waking is None else _wake_up(waking),
            "wish": words(wish) or None,
        }


def _wake_up(found: WakeUp) -> dict[str, object]:
    return {"expectedSeconds": round(found.expected_s), "p90Seconds": round(found.p90_s), "said": str(found)}


def _cells(row: dict[str, object]) -> Sequence[str | Text]:
    placeholders = row["placeholders"]
    assert isinstance(placeholders, dict)
    told = ", ".join(f"{count} {pool}" for pool, count in placeholders.items()) or "-"
    demand = "unknown" if row["demand"] is None else str(row["demand"])
    signal = "-" if row["signal"] is None else str(row["signal"])
    numbers = [str(row[name]) for name in ("ready", "floor", "planned")]
    return [str(row["policy"]), str(row["mode"]), demand, signal, *numbers, told]


def _actions(tick: Tick) -> Iterator[tuple[str, str]]:
    """(what would be done, why it is withheld; empty where it is not)."""
    if tick.in_force is None or tick.report is None:
        return
    fleet = tick.in_force.policies.fleet
    for outcome in tick.report.outcomes:
        yield _said(outcome.action, fleet), ""
    for action in tick.report.withheld:
        yield _said(action, fleet), "paused" if fleet.acts[action.workload] else "in mode observe"
    queue, rules = tick.report.queue, tick.in_force.policies.queues
    if queue is not None:
        for done in queue.outcomes:
            yield queue_action(done.action, rules, fleet), ""
        for held in queue.withheld:
            yield queue_action(held, rules, fleet), "paused" if rules[held.rule].acts else "in mode observe"


def _queued(tick: Tick) -> Iterator[dict[str, object]]:
    """Work that waits, in the order in which it gets its nodes."""
    if tick.in_force is None or tick.report is None or tick.report.queue is None:
        return
    for one in tick.report.queue.decisions:
        yield {
            "policy": tick.in_force.policies.queues[one.item.rule].name,
            "work": one.item.title,
            "waitsSince": one.item.queued_s,
            "state": one.stand.value,
            "reason": one.reason,
        }


def _said(action: Action, fleet: Fleet) -> str:
    policy = fleet.names[action.workload]
    match action:
        case SetFloor():
            return f"ask for at least {action.replicas} replicas of {policy}"
        case CreatePlaceholder():
            return f"create placeholder {action.slot} of {policy} in {fleet.pools[action.pool].name}"
        case DeletePlaceholder():
            return f"delete placeholder {action.slot} of {policy} in {fleet.pools[action.pool].name}"
