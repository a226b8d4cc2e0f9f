"""Carries what the loop remembers over to another set of policies, workload by workload."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoscaler.controller.cycle import LoopState, teach
from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.signal import VALUE
from autoscaler.plan.groups import Groups
from autoscaler.plan.hold import Hold
from autoscaler.plan.planner import Proposal
from autoscaler.plan.remembered import recall, remembered


def is_alike(before: Fleet, fleet: Fleet) -> bool:
    """Whether what a loop remembers of one fleet is of the same form for the other: the same workloads, pools in
    common, lead times and holds."""
    same = before.names == fleet.names and bool(
        np.array_equal(Groups.of(before).member, Groups.of(fleet).member)
        and np.array_equal(before.hold_s, fleet.hold_s, equal_nan=True)
    )
    leads = ("node_lead_s", "replica_lead_s")
    return same and all(np.array_equal(getattr(before, name), getattr(fleet, name)) for name in leads)


def carry(old: LoopState, before: Fleet, new: LoopState, fleet: Fleet) -> None:
    """Gives `new`, a fresh state for `fleet`, what `old` remembers of the workloads of `before` that stay.

    What was wanted, judged and asked of them is taken over by name. Of history `new` learns, bin by bin, what is later
    than all that it knows: derived state is rebuilt.
    """
    names = [name for name in fleet.names if name in before.names]
    to = np.array([fleet.names.index(name) for name in names], dtype=np.int64)
    of = np.array([before.names.index(name) for name in names], dtype=np.int64)
    _learn_again(old, new, fleet, to, of)
    _take_memory(old, new, to, of)
    _take_planning(old, new, to, of)


def _learn_again(old: LoopState, new: LoopState, fleet: Fleet, to: Ints, of: Ints) -> None:
    """Every later bin that is kept, from the first in which anything was known where there is none before."""
    history, healthy = old.history, np.full(fleet.size, VALUE)
    kept = min(history.ring.shape[1], history.last_bin + 1)
    first = max(history.last_bin + 1 - kept, new.history.last_bin + 1)
    kept = history.last_bin + 1 - first
    grid = history.span(first, max(kept, 0))[of]
    known = np.isfinite(grid).any(axis=0)
    if not known.any():
        return
    begin = 0 if new.history.last_bin >= 0 else int(known.argmax())
    for n in range(begin, kept):
        demand = np.full(fleet.size, np.nan)
        demand[to] = grid[:, n]
        teach(new, fleet, (first + n + 1) * history.bin_s, demand, healthy)


def _take_memory(old: LoopState, new: LoopState, to: Ints, of: Ints) -> None:
    new.memory.recovered_s = old.memory.recovered_s
    names = ("missing", "seen", "recovering_until_s", "queue", "queue_at_s", "growth", "ready")
    _take(old.memory, new.memory, names, to, of)


def _take_planning(old: LoopState, new: LoopState, to: Ints, of: Ints) -> None:
    was, now = old.planning, new.planning
    _take(was, now, ("demand", "bound", "lifted"), to, of)
    for new_row, old_row in zip(to.tolist(), of.tolist(), strict=True):
        memory = remembered(was, old_row)
        if memory is not None:
            recall(now, new_row, memory)
    parts = ("floor", "room", "burst")
    now.proposal = Proposal(*(_taken(getattr(now.proposal, n), getattr(was.proposal, n), to, of) for n in parts))
    _take_hold(was.floor_hold, now.floor_hold, to, of)
    _take_hold(was.room_hold, now.room_hold, to, of)


def _take(old: object, new: object, names: Sequence[str], to: Ints, of: Ints) -> None:
    for name in names:
        setattr(new, name, _taken(getattr(new, name), getattr(old, name), to, of))


def _taken(new: Floats, old: Floats, to: Ints, of: Ints) -> Floats:
    """A copy: fresh states share arrays."""
    both = new.copy()
    both[to] = old[of]
    return both


def _take_hold(old: Hold, new: Hold, to: Ints, of: Ints) -> None:
    """What was wanted in each tick, oldest first."""
    for n in range(old.newest + 1, old.newest + 1 + old.at_s.size):
        at_s = float(old.at_s[n % old.at_s.size].item())
        if np.isfinite(at_s):
            wanted: Floats = np.zeros(new.wanted.shape[-1])
            wanted[to] = old.wanted[n % old.at_s.size][of]
            new.keep(at_s, wanted, np.zeros(wanted.size))
