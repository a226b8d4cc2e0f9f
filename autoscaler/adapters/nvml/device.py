"""One GPU of the driver."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pynvml

from autoscaler.adapters.nvml.answers import GpuFailed, needed, told
from autoscaler.adapters.nvml.errors import XidErrors
from autoscaler.adapters.nvml.parts import framebuffer, measured, parts_of
from autoscaler.adapters.nvml.processes import processes_of
from autoscaler.domain.gpu import Gpu, GpuPart, GpuState

STEADY_S = 10.0
"""What changes slowly is read so often: power, temperature, and how the GPU is divided."""
KILO = 1000.0


class Device:
    """The GPU of this number. handle: None where the driver gives none. Raises `DriverGone`."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.handle: Any = None
        self._slow_s: float | None = None
        self._slow: dict[str, Any] = {}
        self._gpu = Gpu("", index, GpuState.OK)
        try:
            self.handle = needed(pynvml.nvmlDeviceGetHandleByIndex, index)
            self._gpu = _identified(index, self.handle)
        except GpuFailed as error:
            self._gpu = replace(self._gpu, state=error.state, why=error.why)

    @property
    def uuid(self) -> str:
        """Empty where it did not say."""
        return self._gpu.uuid

    def look(self, now_s: float, transferring: Collection[str], errors: XidErrors) -> Gpu:
        """As it is now. Raises `DriverGone`."""
        if self._gpu.state is not GpuState.OK:
            return self._gpu
        try:
            return self._looked(now_s, transferring, errors)
        except GpuFailed as error:
            self._slow_s = None  # what was read last may be of the failure too
            failed = replace(self._gpu, state=error.state, why=error.why, xid=errors.last(self.handle))
            if error.state is GpuState.LOST:
                self._gpu = failed  # it does not come back to this handle
            return failed

    def _looked(self, now_s: float, transferring: Collection[str], errors: XidErrors) -> Gpu:
        handle = self.handle
        if self._slow_s is None or not 0.0 <= now_s - self._slow_s < STEADY_S:
            self._slow, self._slow_s = _slow(handle), now_s
        found: tuple[tuple[Any, GpuPart], ...] | None = self._slow["parts"]
        parts = None if found is None else tuple(measured(*one) for one in found)
        use = None if parts else told(pynvml.nvmlDeviceGetUtilizationRates, handle)
        bus = self._gpu.uuid in transferring
        kilobytes = told(pynvml.nvmlDeviceGetPcieThroughput, handle, pynvml.NVML_PCIE_UTIL_RX_BYTES) if bus else None
        memory, processes = framebuffer(handle), processes_of(handle, now_s, bool(parts))
        if memory is None and processes is None:
            _check(handle)
        return replace(
            self._gpu,
            gpu_percent=None if use is None else float(use.gpu),
            copy_percent=None if use is None else float(use.memory),
            memory=memory,
            processes=processes,
            xid=errors.last(handle),
            receive_bytes_s=None if kilobytes is None else kilobytes * KILO,
            **{**self._slow, "parts": parts},
        )


def _identified(index: int, handle: Any) -> Gpu:
    """Raises `DriverGone` and `GpuFailed`."""
    uuid = needed(pynvml.nvmlDeviceGetUUID, handle)
    bus = told(pynvml.nvmlDeviceGetPciInfo_v3, handle)
    return Gpu(
        uuid=uuid,
        index=index,
        state=GpuState.OK,
        model=told(pynvml.nvmlDeviceGetName, handle) or "",
        bus_id="" if bus is None else str(bus.busId),
        minor=told(pynvml.nvmlDeviceGetMinorNumber, handle),
    )


def _slow(handle: Any) -> dict[str, Any]:
    """Raises `DriverGone` and `GpuFailed`."""
    milliwatts = told(pynvml.nvmlDeviceGetPowerUsage, handle)
    degrees = told(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU)
    return {
        "power_w": None if milliwatts is None else milliwatts / KILO,
        "temperature_c": None if degrees is None else float(degrees),
        "parts": parts_of(handle),
    }


def _check(handle: Any) -> None:
    """Raises `GpuFailed` where a GPU that tells nothing does so for another reason than that it cannot."""
    try:
        needed(pynvml.nvmlDeviceGetMemoryInfo, handle)
    except GpuFailed as error:
        if not isinstance(error.__cause__, pynvml.NVMLError_NotSupported):
            raise
