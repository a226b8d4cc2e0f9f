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
    """The last one of each GPU since it was first watched, whether or not the driver was opened again meanwhile."""

    def __init__(self) -> None:
        self._events: Any = None
        self._watched: dict[int, str] = {}
        """Uuids by address of the handle."""
        self._last: dict[str, int] = {}

    def watch(self, handles: Mapping[str, Any]) -> None:
        """Begins to listen to GPUs by uuid; those that cannot tell are left out. Raises `DriverGone`."""
        self._events = told(pynvml.nvmlEventSetCreate)
        for uuid, handle in handles.items() if self._events is not None else ():
            try:
                pynvml.nvmlDeviceRegisterEvents(handle, pynvml.nvmlEventTypeXidCriticalError, self._events)
            except pynvml.NVMLError:
                continue
            self._watched[address(handle)] = uuid

    def close(self) -> None:
        """Listens no more."""
        if self._events is not None:
            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlEventSetFree(self._events)
        self._events, self._watched = None, {}

    def read(self) -> None:
        """Takes what came since the last call; waits for nothing. Raises `DriverGone`."""
        for _ in range(MOST if self._watched else 0):
            try:
                event = told(pynvml.nvmlEventSetWait_v2, self._events, 0)
            except GpuFailed:
                return
            if event is None:
                return
            if event.eventType & pynvml.nvmlEventTypeXidCriticalError:
                self._last[self._watched.get(address(event.device), "")] = int(event.eventData)

    def last(self, handle: Any) -> int | None:
        """0 for none; None where the GPU cannot tell."""
        uuid = self._watched.get(address(handle))
        return None if uuid is None else self._last.get(uuid, 0)


def address(handle: Any) -> int:
    """What tells handles apart."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0
