"""MIG: the parts into which a GPU is divided, each given out as a device of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pynvml

from autoscaler.adapters.nvml.answers import GpuFailed, told
from autoscaler.domain.gpu import Framebuffer, GpuPart, GpuState

PROFILE = re.compile(r" MIG (\S+)$")
IN_MIG_MODE = 1


def parts_of(handle: Any) -> tuple[tuple[Any, GpuPart], ...] | None:
    """The parts of a GPU with their handles, empty where it is not divided, None where it cannot be, or nobody tells.
    Their memory is left out: see `measured`.

    Raises `DriverGone` and `GpuFailed`.
    """
    mode = told(pynvml.nvmlDeviceGetMigMode, handle)
    if mode is None:
        return None
    if mode[0] != IN_MIG_MODE:
        return ()
    most = told(pynvml.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
    return tuple(part for index in range(most) if (part := _part(handle, index)) is not None)


def measured(handle: Any, part: GpuPart) -> GpuPart:
    """With its memory as it is now; handle: of the part. Raises `DriverGone`."""
    try:
        return replace(part, memory=framebuffer(handle))
    except GpuFailed:
        return part  # it was taken away


def _part(handle: Any, index: int) -> tuple[Any, GpuPart] | None:
    """None where no part has this index: indices have holes."""
    try:
        one = told(pynvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
        if one is None:
            return None
        uuid = told(pynvml.nvmlDeviceGetUUID, one)
        ids = told(pynvml.nvmlDeviceGetGpuInstanceId, one), told(pynvml.nvmlDeviceGetComputeInstanceId, one)
        if uuid is None or ids[0] is None or ids[1] is None:
            return None
        return one, GpuPart(uuid, ids[0], ids[1], _profile(one), None)
    except GpuFailed as error:
        if error.state is GpuState.LOST and told(pynvml.nvmlDeviceGetUUID, handle) is None:
            raise
        return None  # the part was taken away while we looked


def _profile(handle: Any) -> str:
    """Such as `1g.10gb`, empty where nobody tells."""
    found = PROFILE.search(told(pynvml.nvmlDeviceGetName, handle) or "")
    if found is not None:
        return found[1]
    size = told(pynvml.nvmlDeviceGetAttributes_v2, handle)
    return "" if size is None else f"{size.gpuInstanceSliceCount}g.{round(size.memorySizeMB / 1024)}gb"


def framebuffer(handle: Any) -> Framebuffer | None:
    """Memory of a GPU or part, without what the driver keeps where it is new enough to tell that apart."""
    found = told(pynvml.nvmlDeviceGetMemoryInfo, handle, pynvml.nvmlMemory_v2)
    if found is None:
        found = told(pynvml.nvmlDeviceGetMemoryInfo, handle)
    return None if found is None else Framebuffer(found.used, found.free, found.total)
