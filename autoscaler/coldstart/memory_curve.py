"""What the memory of one process on a GPU tells of its start: its context, the transfer of weights, what came after.

One curve for each process and GPU; a process that starts anew is another curve. Looks come about once a second, some
late, some not at all. Each costs a few microseconds, and memory is bounded. A stage is announced once it is certain,
its beginning before its end where it lasts. What was announced stays as it is, in seconds of a clock that never steps;
where the wall clock steps, all is told anew by it. Later growth (a model that sleeps and comes back, caches, inference)
is no stage of the start. A process that goes leaves what goes on without an end.

What cannot be told: an edge is known no better than between two looks (`within_s`); a context and a fast transfer
within one look are put one after the other in it. A model below 0.75 GiB on the GPU is not told from buffers, nor a
first burst of less than 0.2 GiB right after a context from the rest of that: a load in bursts from storage below
0.5 GB/s may be told to begin a burst late. What comes faster than PCIe 5, over NVLink from the host or PCIe 6, looks
allocated. Of a process that was there before the first look, the context is not told, and a transfer only while it goes
on, without its beginning. `memory_load` says how allocation is told from a copy.
"""

from __future__ import annotations

from dataclasses import replace

from autoscaler.coldstart.memory_context import context_begin, context_end
from autoscaler.coldstart.memory_growth import Growth, Run
from autoscaler.coldstart.memory_host import Host
from autoscaler.coldstart.memory_load import LEAST_BYTES, STEADY_LOOKS, load
from autoscaler.coldstart.memory_sample import GIB, Edge, MemorySample, Phase, StageSpan
from autoscaler.coldstart.memory_traffic import Traffic
from autoscaler.domain.lead_time import Stage

SETTLED_S = 15.0
"""A load rests for seconds, on slow storage; after that long it is over."""
HOST_SETTLED_S = 600.0
"""The same while the host still reads, which may be for something else."""
RESTED_S = 30.0
"""Memory that did not change for so long is that of a process that idles or serves."""
GIVE_UP_S = 1800.0
"""A process without a load for so long is not starting any more."""
FRESH_S = 2.0
"""A process that began so shortly before the first look had no memory when it began."""
SURE_WITHIN_S = 2.0
"""An edge that is less certain is not to be published."""
STEP_S = 0.2
"""Less is no step of a clock."""
LOOKS = 10
BUSY_SHARE = 0.01


class MemoryCurve:
    """Give it the looks at a process in their order, from the last one before the driver listed it, with 0 bytes; and
    earlier ones where the process is known, so that its reads tell of the weights.

    began_s: when the process began, seconds since the epoch, where that is known.
    """

    def __init__(self, began_s: float | None = None) -> None:
        self._began_s = began_s
        self._growth, self._host, self._traffic = Growth(), Host(), Traffic()
        self._spans: dict[Stage, StageSpan] = {}  # times of the steady clock
        self._epoch_s = 0.0  # of the wall clock, when the steady one was 0
        self._now_s: float | None = None
        self._first_s: float | None = None  # first look with memory
        self._held_bytes = 0  # at that look
        self._is_known = False
        self._had_context = False
        self._fell_s = float("-inf")
        self._decided = (0, False)  # runs, and whether the last goes on, when that was last looked at
        self._sm: list[float] = []
        self.is_final = False

    @property
    def spans(self) -> tuple[StageSpan, ...]:
        """All that was announced so far."""
        return tuple(self._by_wall(span) for span in self._spans.values())

    @property
    def is_resting(self) -> bool:
        """Memory has not changed for long."""
        return self._now_s is not None and self._now_s - self._last_change_s >= RESTED_S

    @property
    def phase(self) -> Phase:
        """What it does at the last look."""
        if self._first_s is None or not self._growth.bytes:
            return Phase.ABSENT
        if self.is_resting:
            if not self._sm:
                return Phase.LOADED
            return Phase.SERVING if sum(self._sm) / len(self._sm) >= BUSY_SHARE else Phase.IDLE
        if self.is_final:
            return Phase.WARMING
        is_beyond = self._growth.is_growing and (self._had_context or not self._is_known)
        return Phase.LOADING if Stage.TRANSFER in self._spans or is_beyond else Phase.CONTEXT

    def add(self, sample: MemorySample) -> tuple[StageSpan, ...]:
        """One look. Returns the stages that are told anew: begun, ended, or both. A look that comes too late, after a
        later one, says nothing."""
        if self._now_s is not None and sample.steady_s <= self._now_s:
            return ()
        self._now_s = sample.steady_s
        told = {} if self._has_stepped(sample.at_s - sample.steady_s) else dict(self._spans)
        if sample.sm_share is not None:
            self._sm = [*self._sm[1 - LOOKS :], sample.sm_share]
        is_busy = None if self.is_final else self._traffic.add(sample.steady_s, sample.received_bytes_s)
        if not self.is_final:
            self._host.add(sample)
        if sample.gpu_bytes is not None:
            self._remember(sample.steady_s, sample.gpu_bytes, is_busy)
        if not self.is_final and self._first_s is not None:
            self._conclude(sample.steady_s)
        return tuple(self._by_wall(span) for stage, span in self._spans.items() if told.get(stage) != span)

    def _has_stepped(self, epoch_s: float) -> bool:
        """Takes the wall clock as it is now, unless the two clocks were but read a little apart."""
        if abs(epoch_s - self._epoch_s) < STEP_S:
            return False
        self._epoch_s = epoch_s
        return True

    def _by_wall(self, span: StageSpan) -> StageSpan:
        from_s, until_s = (None if at is None else at + self._epoch_s for at in (span.from_s, span.until_s))
        return replace(span, from_s=from_s, until_s=until_s)

    @property
    def _last_change_s(self) -> float:
        first_s = self._first_s if self._first_s is not None else float("-inf")
        return max(self._growth.last_grown_s, self._fell_s, first_s)

    def _remember(self, at_s: float, gpu_bytes: int, is_busy: bool | None) -> None:
        growth = self._growth
        if growth.at_s is None and gpu_bytes:
            began_s = None if self._began_s is None else self._began_s - self._epoch_s
            if began_s is not None and 0 < at_s - began_s <= FRESH_S:
                growth.add(began_s, 0.0)
        before_s, held = growth.at_s, growth.bytes
        quiet_s = at_s - self._host.last_read_s if self._host.is_told else None
        moved = growth.add(at_s, gpu_bytes, is_busy, quiet_s)
        if gpu_bytes and self._first_s is None:
            self._first_s, self._is_known = at_s, before_s is not None
            self._growth.splits = not self._is_known
            if before_s is not None:
                self._tell(Stage.CUDA, context_begin(before_s, at_s, gpu_bytes), None, True)
            self._held_bytes = gpu_bytes
        if moved <= -GIB / 4:
            self._fell_s = at_s
            if not gpu_bytes:
                self.is_final = True  # it went, and a load that it left undone has no end
            elif -moved >= held / 4 and not self.is_final:
                self._decide(is_over=True)
        self.is_final = self.is_final or (not is_busy and self._was_loaded(at_s))
        if self.is_final:
            growth.runs.clear()
            growth.is_growing = False

    def _was_loaded(self, now_s: float) -> bool:
        """It had memory before anybody looked, and does not go on loading."""
        first_s, runs = self._first_s, self._growth.runs
        if self._is_known or first_s is None or first_s == now_s or self._held_bytes < GIB:
            return False
        if not runs or runs[0].before_s != first_s or self._fell_s > first_s:
            return not self._traffic.busy
        return not self._growth.is_growing and len(runs) == 1 and not (runs[0].is_gradual or runs[0].busy)

    def _conclude(self, now_s: float) -> None:
        """Announces what is certain by now."""
        assert self._first_s is not None
        growth, traffic = self._growth, self._traffic
        self._end_context()
        quiet_s = now_s - max(growth.last_grown_s, traffic.last_busy_s, self._first_s)
        has_settled = quiet_s >= SETTLED_S and (
            now_s - self._host.last_read_s >= SETTLED_S / 3 or quiet_s >= HOST_SETTLED_S
        )
        state = (len(growth.runs), growth.is_growing)
        if growth.runs and (has_settled or state != self._decided or Stage.TRANSFER not in self._spans):
            self._decide(has_settled)
        self._decided = state
        self.is_final = self.is_final or now_s - self._first_s >= GIVE_UP_S

    def _end_context(self) -> None:
        """The first run of growth of a process that was seen without memory is its context, and perhaps more."""
        runs = self._growth.runs
        if self._had_context or not self._is_known or not runs:
            return
        if self._growth.is_growing and len(runs) == 1 and runs[0].intervals < 6:
            return
        self._had_context = self._growth.splits = True
        edge, rest = context_end(runs[0])
        runs[:1] = [] if rest is None else [rest]
        self._growth.is_growing = self._growth.is_growing and bool(runs)
        self._tell(Stage.CUDA, None, edge, True)

    def _decide(self, is_over: bool) -> None:
        """Announces the transfer: its beginning once it surely goes on, its end once it is over."""
        growth, host = self._growth, self._host
        if not growth.runs or (self._is_known and not self._had_context):
            return
        first, last = growth.runs[0], growth.runs[-1]
        found = load(growth.runs, self._traffic, host.held_bytes(first.until_s), host.last_read_s > last.until_s + 3.0)
        if found is None or not (self._is_known or _goes_on_evenly(first)):
            if is_over:
                self._pass_over(sum(run.grown_bytes for run in growth.runs))
            return
        begin = found.begin if self._is_known or first.before_s != self._first_s else None
        is_sure = found.is_sure
        ends = is_over or (found.is_over and found.is_sure and not growth.is_growing)
        if found.is_going_on or ends:
            self._tell(Stage.TRANSFER, begin, found.end if ends else None, is_sure)
        if ends:
            self._tell_weights(found.loaded_bytes)
            self.is_final = True
        elif found.is_going_on and Stage.WEIGHTS not in self._spans:
            self._tell_weights_begun(found.loaded_bytes)

    def _pass_over(self, grown_bytes: float) -> None:
        """What grew was no copy that anybody saw: too little, or allocated, and the bus does not tell what came in."""
        if grown_bytes < LEAST_BYTES:
            self._growth.forget()
            return
        self._tell_weights(grown_bytes)
        self.is_final = True

    def _tell_weights(self, loaded_bytes: float) -> None:
        assert self._first_s is not None
        edges = self._host.weights(loaded_bytes, self._first_s)
        if edges is not None:
            self._tell(Stage.WEIGHTS, *edges, is_sure=True)

    def _tell_weights_begun(self, loaded_bytes: float) -> None:
        """Of a load that streams: a start that is stuck in it waits for what it reads, not for the bus. Reads that
        began before the context may be of libraries, and are told once all was read."""
        assert self._first_s is not None
        edges = self._host.weights(loaded_bytes, self._first_s)
        if edges is not None and edges[0].at_s >= self._first_s:
            self._tell(Stage.WEIGHTS, edges[0], None, is_sure=True)

    def _tell(self, stage: Stage, begin: Edge | None, end: Edge | None, is_sure: bool) -> None:
        """All is of the steady clock. What was told of the stage stays; an end is not before its beginning."""
        within_s = max((edge.within_s for edge in (begin, end) if edge is not None), default=0.0)
        span = self._spans.get(stage)
        if span is None:
            span = StageSpan(
                stage, None if begin is None else begin.at_s, None, within_s, is_sure and within_s <= SURE_WITHIN_S
            )
        if end is not None:
            until_s = end.at_s if span.from_s is None else max(end.at_s, span.from_s)
            within_s = max(within_s, span.within_s)
            is_sure = is_sure and span.is_sure and within_s <= SURE_WITHIN_S
            span = replace(span, until_s=until_s, within_s=within_s, is_sure=is_sure)
        self._spans[stage] = span


def _goes_on_evenly(run: Run) -> bool:
    """Memory of inference may grow over a few looks too, but neither evenly nor over a busy bus."""
    return run.busy > 0 or (run.intervals >= STEADY_LOOKS and run.is_even)
