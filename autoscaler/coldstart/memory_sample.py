"""What one look at a process on a GPU tells, and what its memory tells of its start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from autoscaler.domain.lead_time import Stage

GIB = float(1 << 30)


@dataclass(frozen=True, slots=True)
class MemorySample:
    """One look at one process on one GPU. What nobody tells is None, at any look, and is never read as zero.

    at_s: seconds since the epoch; may step. steady_s: seconds of a clock that never does, of the same moment.
    gpu_bytes: memory of the process; 0 while the driver does not list it. received_bytes_s: what the GPU receives over
    its bus at that moment, bytes a second; None too where several processes share the GPU, since a bus is told for all
    of them. sm_share: 0..1 of the time that its kernels run. resident_bytes: host memory of the process. read_bytes:
    what the process has read so far, from files or a network.

    Where the driver tells memory for a whole GPU alone, gpu_bytes is what is above the level before the process came,
    and None as soon as a second process is on it: then no stage is anybody's.
    """

    at_s: float
    steady_s: float
    gpu_bytes: int | None
    received_bytes_s: float | None = None
    sm_share: float | None = None
    resident_bytes: int | None = None
    read_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """When a stage began or ended. at_s: by the clock of who says so. within_s: how far that may be off."""

    at_s: float
    within_s: float


@dataclass(frozen=True, slots=True)
class StageSpan:
    """One stage of the start of a process: CUDA, WEIGHTS or TRANSFER.

    from_s, until_s: seconds since the epoch; from_s None: it began before anybody looked; until_s None: it goes on, or
    its end is not told yet. A time that is told stays as it is, unless the clock steps. within_s: how far the times may
    be off. is_sure: False where the same looks fit another story, as a jump within one look that may be a copy or mere
    allocation; it may turn False when the end is told. Such a span is for people to see, not to be published.
    """

    stage: Stage
    from_s: float | None
    until_s: float | None
    within_s: float
    is_sure: bool = True


class Phase(StrEnum):
    """What a process does. ABSENT: not on the GPU. CONTEXT: on it, and nothing to speak of is loaded. LOADING: memory
    or the bus says that weights come. WARMING: loaded, memory still changes. LOADED: memory rests, and nobody tells
    whether kernels run. IDLE: none does. SERVING: some do."""

    ABSENT = "absent"
    CONTEXT = "context"
    LOADING = "loading"
    WARMING = "warming"
    LOADED = "loaded"
    IDLE = "idle"
    SERVING = "serving"
