"""Which runs of growth are the weights' way to the GPU, and which are allocations after it.

Memory alone does not say what it holds. Allocation (KV cache, work space, graphs) is told from a copy by what a copy
cannot do: be faster than a bus, or several times faster than this load ever was; go on while the bus is idle; come
after a rest in which the host, which had read before, read nothing. What cannot be told is said to be unsure:

- A jump within one or two looks may be a copy of seconds' fractions or the allocation of empty weights that are copied
  into later (engines do that). It is sure only where the bus was seen busy, or the host's memory had held as much.
- After a fast first jump, a second one is taken to be the KV cache. A loader that copies whole shards, each within one
  look, looks the same, unless the bus is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.coldstart.memory_growth import BUS_BYTES_S, FASTER, Run
from autoscaler.coldstart.memory_sample import GIB, Edge
from autoscaler.coldstart.memory_traffic import Traffic

LEAST_BYTES = 0.75 * GIB
"""Less is no model that anybody waits for: contexts, libraries' buffers, buffers for communication."""
LEAST_RUN_BYTES = 0.25 * GIB
FAST_BYTES_S = 8e9
"""Storage is slower: what came that fast came out of memory, and that does not rest."""
QUIET_S = 3.0
"""A host that reads for a load does not rest that long before the next part comes."""
NEAR_S = 1.5
"""Two signs of one edge are not further apart than looks are."""
STEADY_LOOKS, STEADY_FASTER = 6, 1.2
"""A load that went on for so many looks without a rest does not rest and then get so much faster."""
SLOW = 10.0
"""Capture of graphs grows so many times slower than the load that came before."""


@dataclass(frozen=True, slots=True)
class Load:
    """A transfer, so far. is_over: what came after it was no part of it. is_going_on: sure enough to be announced while
    it lasts. Edges are of the steady clock."""

    begin: Edge
    end: Edge
    loaded_bytes: float
    is_sure: bool
    is_over: bool
    is_going_on: bool


def load(runs: Sequence[Run], traffic: Traffic, host_bytes: float, has_host_read_on: bool) -> Load | None:
    """What `runs`, those after the context, say. None: nothing that is large enough.

    host_bytes: by how much the host's memory had grown before the first run. has_host_read_on: it read on for seconds
    after the last run.
    """
    copied = _copied(runs)
    is_over = len(copied) < len(runs)
    while len(copied) > 1 and _is_beside(copied[0], copied[1:]):
        copied = copied[1:]
    grown = sum(run.grown_bytes for run in copied)
    is_gradual = any(run.is_gradual for run in copied)
    into_empty = _into_allocated(runs, copied, traffic)
    if into_empty is not None:
        return into_empty
    if not copied or grown < LEAST_BYTES:
        return None
    begin, end = copied[0].begin, copied[-1].end
    has_been_held = host_bytes >= grown / 2
    is_sure = is_gradual or any(run.busy for run in copied) or (has_been_held and not has_host_read_on)
    is_doubtful = len(copied) == 2 and copied[0].intervals >= STEADY_LOOKS and not _is_seen(copied[1])
    return Load(begin, end, grown, is_sure and not is_doubtful, is_over, is_gradual)


def _is_seen(run: Run) -> bool:
    return run.is_gradual or run.busy > 0


def _into_allocated(runs: Sequence[Run], copied: Sequence[Run], traffic: Traffic) -> Load | None:
    """The load as the bus tells it, where the bus went on after memory had grown: into weights that were allocated."""
    begin, end = traffic.begin, traffic.end
    grown = sum(run.grown_bytes for run in copied or runs[:1])
    if begin is None or end is None or traffic.busy < 2 or grown < LEAST_BYTES:
        return None
    last = copied[-1].end if copied else None
    if traffic.moved_bytes < grown / 4 or (last is not None and end.at_s < last.at_s + NEAR_S):
        return None
    if copied and abs(copied[0].begin.at_s - begin.at_s) <= NEAR_S / 2:
        begin = copied[0].begin
    return Load(begin, end, grown, is_sure=True, is_over=False, is_going_on=True)


def _is_beside(run: Run, following: Sequence[Run]) -> bool:
    """A small first run before much larger ones: a library's buffer."""
    larger = sum(other.grown_bytes for other in following) / len(following)
    return not run.busy and run.grown_bytes < LEAST_RUN_BYTES and 4 * run.grown_bytes < larger


def _copied(runs: Sequence[Run]) -> Sequence[Run]:
    """The first of the runs, up to one that no copy can be."""
    past: list[Run] = []
    for number, run in enumerate(runs):
        if run.grown_bytes >= LEAST_RUN_BYTES or run.busy:
            if _is_allocated(run) or (past and _differs(run, past)):
                return runs[:number]
            past.append(run)
    return runs[: _without_slow_end(runs, max((run.peak_bytes_s for run in past), default=0.0))]


def _is_allocated(run: Run) -> bool:
    """Faster than any bus, or on an idle one."""
    return run.least_bytes_s > BUS_BYTES_S or (run.told >= 3 and run.is_gradual and not run.busy)


def _differs(run: Run, past: Sequence[Run]) -> bool:
    """Not of the load of these runs before it. A short one that the bus does not tell of may be both."""
    if run.busy or run.is_gradual:
        return False
    peak = max(other.least_bytes_s for other in past)
    pace = max((other.peak_bytes_s for other in past if other.pace_bytes_s is not None), default=None)
    if pace is not None and run.least_bytes_s > _most(run, past) * pace and run.grown_bytes >= GIB:
        return True
    if run.quiet_s is not None and run.quiet_s >= QUIET_S:
        return True
    is_first_of_its_size = len(past) == 1 or run.grown_bytes > 1.5 * max(other.grown_bytes for other in past)
    return peak >= FAST_BYTES_S and is_first_of_its_size


def _most(run: Run, past: Sequence[Run]) -> float:
    """How many times faster than the load a copy may be: not much where the bus was seen idle before and after it, or
    the load had never rested."""
    was_seen_idle = run.told > 0 and sum(other.busy for other in past) * 2 >= sum(other.told for other in past) > 0
    return STEADY_FASTER if was_seen_idle or (len(past) == 1 and past[0].intervals >= STEADY_LOOKS) else FASTER


def _without_slow_end(runs: Sequence[Run], peak: float) -> int:
    kept = len(runs)
    while kept > 1 and _is_slow(runs[kept - 1], peak):
        kept -= 1
    return kept


def _is_slow(run: Run, peak: float) -> bool:
    return not run.busy and run.is_gradual and run.peak_bytes_s * SLOW < peak
