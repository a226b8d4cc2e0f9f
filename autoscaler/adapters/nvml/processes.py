"""Processes on a GPU: their memory, and their share of the multiprocessors."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pynvml

from autoscaler.adapters.nvml.answers import listed
from autoscaler.domain.gpu import GpuProcess

RECENT_S = 2.5
"""Utilization is the mean over so long: the driver measures it about once a second."""
NO_PART = 0xFFFFFFFF


def processes_of(handle: Any, now_s: float, is_divided: bool) -> tuple[GpuProcess, ...] | None:
    """All with a CUDA context on it, under MPS too; None where nobody tells. Raises `DriverGone` and `GpuFailed`."""
    found = listed(pynvml.nvmlDeviceGetComputeRunningProcesses_v3, handle)
    if found is None:
        return None
    shared = listed(pynvml.nvmlDeviceGetMPSComputeRunningProcesses_v3, handle) or []
    # A client of MPS is in both lists.
    each = {(one.pid, one.gpuInstanceId, one.computeInstanceId): one for one in (*found, *shared)}
    busy = None if is_divided or not each else _busy(handle, now_s)
    return tuple(_process(one, busy) for one in each.values())


def _process(found: Any, busy: dict[int, float] | None) -> GpuProcess:
    ids = (None if one == NO_PART else int(one) for one in (found.gpuInstanceId, found.computeInstanceId))
    return GpuProcess(found.pid, found.usedGpuMemory, None if busy is None else busy.get(found.pid, 0.0), *ids)


def _busy(handle: Any, now_s: float) -> dict[int, float] | None:
    """Percent by process; those that did nothing lately are left out. None where nobody tells."""
    since_us = max(0, round((now_s - RECENT_S) * 1e6))
    samples = listed(pynvml.nvmlDeviceGetProcessUtilization, handle, since_us)
    if samples is None:
        return None
    by_process = defaultdict(list)
    for sample in samples:
        if sample.timeStamp > since_us and sample.smUtil <= 100:  # unused places of the list are zeros or noise
            by_process[int(sample.pid)].append(float(sample.smUtil))
    return {pid: sum(values) / len(values) for pid, values in by_process.items()}
