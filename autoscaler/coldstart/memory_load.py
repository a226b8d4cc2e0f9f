"""Which runs of growth are the weights' way to the GPU, and which are allocations after it.

Memory alone does not say what it holds. Allocation (KV cache, work space, graphs) is told from a copy by what a copy
cannot do: be faster than a bus, or several times faster than this load ever was; go on while the bus is idle; come
after a rest in which the host, which had read before, read nothing. What cannot be told is said to be unsure:

- A jump within one or two looks may be a copy of seconds' fractions or the allocation of empty weights that are copied
  into later (engines do that). It is sure only where the bus was seen busy, or the host's memory had held as much.
- A jump after one even run and a rest is taken to be the KV cache where no more runs follow. The last shard of a loader
  that copies whole shards, each within one look, looks the same, unless the bus or the host's reads are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from autoscaler.coldstart.memory_growth import BUS_BYTES_S, FASTER, Run
from autoscaler.coldstart.memory_sample import GIB, Edge
from autoscaler.coldstart.memory_traffic import Traffic

LEAST_BYTES = 0.75 * GIB
"""Less is no model that anybody waits for: contexts, libraries' buffers, buffers for communication."""
LEAST_RUN_BYTES = 0.2 * GIB
FAST_BYTES_S = 8e9
"""Storage is slower: what came that fast came out of memory, and that does not rest."""
QUIET_S = 3.0
"""A host that reads for a load does not rest that long before the next part comes."""
NEAR_S = 1.5
"""Two signs of one edge are not further apart than looks are."""
LEAST_LOOKS = 2
STEADY_LOOKS = 6
"""What grew evenly over so many looks is a load, whose pace is known."""
KNOWN_RUNS, KNOWN_FASTER = 4, 2.5
"""After so many runs, or so long an even one, or many looks at the bus, it is known how fast the load can be."""
MOSTLY = 0.85
"""Where nearly every look saw the bus busy, a copy is hardly missed."""
SLOW = 10.0
"""Capture of graphs grows so many times slower than the load that came before."""


class Kind(Enum):
    """What a run of growth is: a copy of weights, or other. A "perhaps" fits both, and is taken for what it says."""

    COPY = "copy"
    PERHAPS_COPY = "perhaps copy"
    PERHAPS_OTHER = "perhaps other"
    OTHER = "other"


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
    copied, edge_kind = _copied(runs)
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
    begin, end = copied[0].begin, _later(copied[-1], traffic)
    has_been_held = host_bytes >= grown / 2
    is_copied = is_gradual or any(run.busy for run in copied) or (has_been_held and not has_host_read_on)
    is_sure = is_copied and edge_kind in (Kind.COPY, Kind.OTHER)
    return Load(_earlier(begin, traffic), end, grown, is_sure, is_over, is_gradual)


def _earlier(begin: Edge, traffic: Traffic) -> Edge:
    """The bus may have been seen busy while the context still grew."""
    seen = traffic.begin
    return seen if seen is not None and seen.at_s < begin.at_s - NEAR_S else begin


def _later(last: Run, traffic: Traffic) -> Edge:
    """Where the bus was busy still as memory had jumped ahead, the end of that."""
    seen = traffic.end
    return last.end if seen is None or last.is_gradual or traffic.last_busy_s < last.until_s else seen


def _into_allocated(runs: Sequence[Run], copied: Sequence[Run], traffic: Traffic) -> Load | None:
    """The load as the bus tells it, where the bus went on after memory had grown: into weights that were allocated."""
    begin, end = traffic.begin, traffic.end
    grown = sum(run.grown_bytes for run in copied or runs[:1])
    if begin is None or end is None or grown < LEAST_BYTES or traffic.moved_bytes < grown / 4:
        return None
    if not _is_filled(runs[0]) and (copied or traffic.busy < LEAST_LOOKS):
        return None
    return Load(begin, end, grown, is_sure=True, is_over=len(copied) < len(runs) and len(runs) > 1, is_going_on=True)


def _is_filled(run: Run) -> bool:
    """The bus was busy while memory rested after it: it was allocated empty, and is being filled."""
    return not run.is_gradual and run.busy_after >= LEAST_LOOKS


def _is_beside(run: Run, following: Sequence[Run]) -> bool:
    """A small first run before much larger ones: a library's buffer."""
    larger = sum(other.grown_bytes for other in following) / len(following)
    return not run.busy and run.grown_bytes < LEAST_RUN_BYTES and 4 * run.grown_bytes < larger


def _copied(runs: Sequence[Run]) -> tuple[Sequence[Run], Kind]:
    """The first of the runs, up to one that no copy can be; and what the last of them, or that one, is."""
    past: list[Run] = []
    kinds: list[Kind] = []
    for number, run in enumerate(runs):
        kind = kinds[-1] if kinds else Kind.COPY
        if run.grown_bytes >= LEAST_RUN_BYTES or run.busy:
            rest_s = run.before_s - runs[number - 1].until_s if number else 0.0
            kind = Kind.OTHER if _is_allocated(run) else _kind(run, past, rest_s) if past else Kind.COPY
            if kind is Kind.OTHER or (kind is Kind.PERHAPS_OTHER and not _goes_on(runs[number + 1 :], past)):
                doubted = kinds and kinds[-1] is Kind.PERHAPS_COPY
                return runs[:number], Kind.PERHAPS_COPY if doubted else kind
            past.append(run)
        kinds.append(kind)
    kept = _without_slow_end(runs, max((run.peak_bytes_s for run in past), default=0.0))
    return runs[:kept], kinds[kept - 1] if kept else Kind.COPY


def _goes_on(later: Sequence[Run], past: Sequence[Run]) -> bool:
    """Copies that nobody doubts come after."""
    peak = max(run.peak_bytes_s for run in past)
    return any(run.busy or (run.is_gradual and not _is_slow(run, peak)) for run in later)


def _is_allocated(run: Run) -> bool:
    """Faster than any bus, or on an idle one."""
    return run.least_bytes_s > BUS_BYTES_S or (run.told >= 3 and run.is_gradual and not run.busy)


def _kind(run: Run, past: Sequence[Run], rest_s: float) -> Kind:
    """Whether it is of the load of these runs before it."""
    if run.busy or run.is_gradual:
        return Kind.COPY
    if any(_is_filled(other) for other in past):
        return Kind.OTHER
    if run.quiet_s is not None and rest_s > 0:
        if run.quiet_s >= min(rest_s, QUIET_S):
            return Kind.OTHER
        if run.quiet_s < rest_s / 2:
            return Kind.COPY  # the host read through the rest, for this
    if run.grown_bytes >= GIB and run.least_bytes_s > _most_bytes_s(run, past):
        return Kind.OTHER
    return _by_looks(run, past, rest_s)


def _by_looks(run: Run, past: Sequence[Run], rest_s: float) -> Kind:
    """A jump that nothing but its size and the runs before it tell of."""
    if rest_s <= 0:
        return Kind.COPY
    told, busy = _looks(past)
    if run.told and told and busy >= MOSTLY * told and run.grown_bytes >= GIB:
        return Kind.PERHAPS_OTHER
    is_fast = max(other.least_bytes_s for other in past) >= FAST_BYTES_S
    is_largest = run.grown_bytes > 1.5 * max(other.grown_bytes for other in past)
    is_second = len(past) == 1 and past[0].is_even and (is_fast or run.grown_bytes > past[0].grown_bytes / 2)
    if is_second or (is_fast and is_largest and len(past) > 1):
        return Kind.PERHAPS_OTHER
    return Kind.PERHAPS_COPY if run.grown_bytes >= GIB else Kind.COPY


def _looks(runs: Sequence[Run]) -> tuple[int, int]:
    """Looks at the bus during these runs, and how many of them saw a copy."""
    return sum(run.told for run in runs), sum(run.busy for run in runs)


def _most_bytes_s(run: Run, past: Sequence[Run]) -> float:
    """How fast a copy of the load may be. Of short runs no more is known than a pace that they had at least."""
    pace = max((other.peak_bytes_s for other in past if other.pace_bytes_s is not None), default=None)
    if pace is None:
        large = [other.least_bytes_s for other in past if other.grown_bytes >= GIB]
        return 1.5 * FASTER * max(large, default=BUS_BYTES_S)
    told, busy = _looks(past)
    was_seen_idle = run.told and told and busy * 2 >= told
    is_known = len(past) >= KNOWN_RUNS or (past[0].is_even and past[0].intervals >= STEADY_LOOKS)
    return pace * (KNOWN_FASTER if is_known or was_seen_idle else FASTER)


def _without_slow_end(runs: Sequence[Run], peak: float) -> int:
    kept = len(runs)
    while kept > 1 and _is_slow(runs[kept - 1], peak):
        kept -= 1
    return kept


def _is_slow(run: Run, peak: float) -> bool:
    return not run.busy and run.is_gradual and run.peak_bytes_s * SLOW < peak
