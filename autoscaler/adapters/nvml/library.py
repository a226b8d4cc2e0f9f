"""Opening and closing the driver's library."""

from __future__ import annotations

import _ctypes
import contextlib

import pynvml

from autoscaler.adapters.nvml.answers import DriverGone, told, words


def opened() -> str:
    """Opens the library; returns the driver's version, empty where it does not say. Raises `DriverGone`."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise DriverGone(words(error)) from error
    return told(pynvml.nvmlSystemGetDriverVersion) or ""


def closed() -> None:
    """Closes it; it can be opened again, and then finds other GPUs."""
    with contextlib.suppress(pynvml.NVMLError):
        pynvml.nvmlShutdown()


def forgotten() -> None:
    """Closes it, and forgets the file: a driver that was replaced brings another one of the same name."""
    closed()
    loaded, pynvml.nvmlLib = pynvml.nvmlLib, None
    pynvml._nvmlGetFunctionPointer_cache.clear()
    if loaded is not None:
        with contextlib.suppress(OSError):
            _ctypes.dlclose(loaded._handle)
