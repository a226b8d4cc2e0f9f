"""As much of the CUDA driver API as a load of weights needs, by ctypes: no toolkit, no torch."""

from __future__ import annotations

import ctypes
from typing import Protocol

LIBRARY = "libcuda.so.1"


class CudaFailed(Exception):
    """The driver is not there or refused. The text says what was asked and what it answered."""


class GpuMemory(Protocol):
    """What a loader asks of a GPU."""

    def make_context(self) -> None:
        """The context of this process, and all that the first one costs."""
        ...

    def allocate(self, size: int) -> int:
        """The address of so many bytes on the GPU."""
        ...

    def copy(self, to: int, source: int, size: int) -> None:
        """From an address of the host to one of the GPU; returns once the copy is done."""
        ...


class Cuda:
    """One GPU through the driver. Raises `CudaFailed`, here and in every call."""

    def __init__(self, device: int = 0, library: str = LIBRARY) -> None:
        try:
            self._library = ctypes.CDLL(library)
        except OSError as error:
            raise CudaFailed(f"no CUDA driver on this machine: {error}") from error
        self._number = device
        self._device = ctypes.c_int()
        self._context = ctypes.c_void_p()

    def make_context(self) -> None:
        self._ask("cuInit", ctypes.c_uint(0))
        self._ask("cuDeviceGet", ctypes.byref(self._device), ctypes.c_int(self._number))
        self._ask("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self._ask("cuCtxSetCurrent", self._context)

    def allocate(self, size: int) -> int:
        address = ctypes.c_uint64()
        self._ask("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def copy(self, to: int, source: int, size: int) -> None:
        self._ask("cuMemcpyHtoD_v2", ctypes.c_uint64(to), ctypes.c_void_p(source), ctypes.c_size_t(size))
        self._ask("cuCtxSynchronize")

    def _ask(self, function: str, *arguments: object) -> None:
        try:
            answer: int = getattr(self._library, function)(*arguments)
        except AttributeError as error:
            raise CudaFailed(f"{function}: the driver has no such function") from error
        if answer:
            name = ctypes.c_char_p()
            self._library.cuGetErrorName(ctypes.c_int(answer), ctypes.byref(name))
            raise CudaFailed(f"{function}: {(name.value or b'unknown error').decode()} ({answer})")
