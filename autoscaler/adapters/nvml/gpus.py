"""The GPUs port over NVML."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pynvml

from autoscaler.adapters.nvml.answers import DriverGone, GpuFailed, needed
from autoscaler.adapters.nvml.device import Device
from autoscaler.adapters.nvml.errors import XidErrors
from autoscaler.adapters.nvml.library import closed, forgotten, opened
from autoscaler.domain.gpu import Gpu, GpuSight, GpuState

RETRY_S = 30.0
"""So often a driver is looked for that is not there."""
LOST_RETRY_S = 300.0
"""So often the driver is opened again to find a GPU that was lost: this takes all GPUs some time."""


class NvmlGpus:
    """Opens the driver when it is first there, and again when it went or a GPU is lost; see the port for the rest."""

    def __init__(self) -> None:
        self._tried_s: float | None = None
        self._devices: list[Device] | None = None
        self._driver, self._why = "", ""
        self._errors = XidErrors()
        self._seen: dict[str, Gpu] = {}
        self._lacks_some = False
        """A GPU was lost at the last look, or failed before it said which one it is."""

    def look(self, now_s: float, transferring: Collection[str] = ()) -> GpuSight:
        if self._is_time(now_s):
            self._try(now_s)
        if self._devices is None:
            return self._blind()
        try:
            self._errors.read()
            gpus = [device.look(now_s, transferring, self._errors) for device in self._devices]
        except DriverGone as error:
            self._devices, self._why, self._tried_s = None, str(error), now_s
            self._errors.close()
            forgotten()
            return self._blind()
        return GpuSight(self._with_missing(gpus), self._driver)

    def close(self) -> None:
        """Closes the driver; the next look opens it."""
        if self._devices is not None:
            self._errors.close()
            self._devices, self._tried_s = None, None
            closed()

    def _is_time(self, now_s: float) -> bool:
        """Whether the driver is to be opened, for the first time or again."""
        if self._devices is not None and not self._lacks_some:
            return False
        wait_s = RETRY_S if self._devices is None else LOST_RETRY_S
        return self._tried_s is None or not 0.0 <= now_s - self._tried_s < wait_s

    def _try(self, now_s: float) -> None:
        self.close()
        self._tried_s = now_s
        try:
            self._driver = opened()
            count = needed(pynvml.nvmlDeviceGetCount)
            self._devices = [Device(index) for index in range(count)]
            self._errors.watch({one.uuid: one.handle for one in self._devices if one.uuid})
            self._why = ""
        except (DriverGone, GpuFailed) as error:
            self._devices, self._why = None, str(error)
            forgotten()

    def _blind(self) -> GpuSight:
        return GpuSight(tuple(_lost(one, self._why) for one in self._seen.values()), self._driver, self._why)

    def _with_missing(self, gpus: list[Gpu]) -> tuple[Gpu, ...]:
        """With those that were there once and are not any more, in the order of their numbers."""
        named = {one.uuid: one for one in gpus if one.uuid}
        gone = {uuid: _lost(one, "the GPU is not there any more") for uuid, one in self._seen.items()}
        self._seen = {**gone, **named}
        told = [*self._seen.values(), *(one for one in gpus if not one.uuid)]
        self._lacks_some = any(one.state is GpuState.LOST or _may_come(one) for one in told)
        return tuple(sorted(told, key=lambda one: (one.index, one.uuid)))


def _may_come(gpu: Gpu) -> bool:
    return not gpu.uuid and gpu.state is GpuState.FAILED


def _lost(gpu: Gpu, why: str) -> Gpu:
    """What is left of a GPU that nobody can ask: its name and place."""
    bare = Gpu(gpu.uuid, gpu.index, GpuState.LOST, gpu.model, gpu.bus_id, gpu.minor)
    return replace(bare, why=gpu.why if gpu.state is GpuState.LOST and gpu.why else why)
