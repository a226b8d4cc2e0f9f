"""GPUs of one node and what runs on them, as one look found them. None is what nobody tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class GpuState(StrEnum):
    """OK: it answers. LOST: it fell off the bus, or has to be reset. DENIED: we may not ask it. FAILED: it answers
    with an error that means nothing to us.
    """

    OK = "ok"
    LOST = "lost"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Framebuffer:
    """Memory of a GPU or a part of one, in bytes. used: without what the driver keeps for itself, where it tells."""

    used_bytes: int
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """One process on a GPU. pid: as this machine's own namespace counts. sm_percent: share of time with work on the
    multiprocessors, 0 to 100. gpu_instance, compute_instance: on a partitioned GPU, its part.
    """

    pid: int
    used_bytes: int | None = None
    sm_percent: float | None = None
    gpu_instance: int | None = None
    compute_instance: int | None = None


@dataclass(frozen=True, slots=True)
class GpuPart:
    """A MIG device: a part of a GPU that is given out as a device of its own. profile: as in `1g.10gb`."""

    uuid: str
    gpu_instance: int
    compute_instance: int
    profile: str
    memory: Framebuffer | None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. index, minor: its numbers for the driver and for /dev/nvidiaN. why: what is wrong, empty where OK.

    gpu_percent, copy_percent: share of time with a kernel, and with memory read or written. xid: of the last error
    that the driver reported since we look, 0 for none. receive_bytes_s: over PCIe, where it was asked for. processes,
    parts: None where nobody tells, empty where there are none; parts are of MIG.
    """

    uuid: str
    index: int
    state: GpuState
    model: str = ""
    bus_id: str = ""
    minor: int | None = None
    why: str = ""
    gpu_percent: float | None = None
    copy_percent: float | None = None
    memory: Framebuffer | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    xid: int | None = None
    receive_bytes_s: float | None = None
    processes: tuple[GpuProcess, ...] | None = None
    parts: tuple[GpuPart, ...] | None = None


@dataclass(frozen=True, slots=True)
class GpuSight:
    """All GPUs of the node at one moment. why: why the driver cannot be asked, empty where it can; gpus are then
    those that were seen before, as lost.
    """

    gpus: tuple[Gpu, ...]
    driver: str = ""
    why: str = ""
