"""XID errors: what the driver reports of GPUs that misbehave."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Mapping
from typing import Any

import pynvml

from autoscaler.adapters.nvml.answers import GpuFailed, told

MOST = 64
"""More events than that are left for the next look."""


class XidErrors:
    """The last one of each GPU since `watch`."""

    def __init__(self) -> None:
        self._events: Any = None
        self._last: dict[int, int] = {}
        """By address of the handle."""

    def watch(self, handles: Mapping[str, Any]) -> None:
        """Begins to listen; GPUs that cannot tell are left out. Raises `DriverGone`."""
        self._events = told(pynvml.nvmlEventSetCreate)
        self._last = {}
        for handle in handles.values() if self._events is not None else ():
            try:
                pynvml.nvmlDeviceRegisterEvents(handle, pynvml.nvmlEventTypeXidCriticalError, self._events)
            except pynvml.NVMLError:
                continue
            self._last[address(handle)] = 0

    def close(self) -> None:
        """Listens no more."""
        if self._events is not None:
            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlEventSetFree(self._events)
        self._events, self._last = None, {}

    def read(self) -> None:
        """Takes what came since the last call; waits for nothing. Raises `DriverGone`."""
        for _ in range(MOST if self._last else 0):
            try:
                event = told(pynvml.nvmlEventSetWait_v2, self._events, 0)
            except GpuFailed:
                return
            if event is None:
                return
            if event.eventType & pynvml.nvmlEventTypeXidCriticalError:
                self._last[address(event.device)] = int(event.eventData)

    def last(self, handle: Any) -> int | None:
        """0 for none; None where the GPU cannot tell."""
        return self._last.get(address(handle))


def address(handle: Any) -> int:
    """What tells handles apart."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
