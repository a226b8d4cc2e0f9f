"""One call of NVML as a value or a stated failure: the library answers by exceptions, and most of them are normal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pynvml

from autoscaler.domain.gpu import GpuState

T = TypeVar("T")

LOST = {pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_RESET_REQUIRED, pynvml.NVML_ERROR_GPU_NOT_FOUND}
GONE = {
    pynvml.NVML_ERROR_UNINITIALIZED, pynvml.NVML_ERROR_DRIVER_NOT_LOADED, pynvml.NVML_ERROR_LIBRARY_NOT_FOUND,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}  # fmt: skip
"""Answers by which not a GPU but the whole driver is out of reach."""
NONE_FOUND = {pynvml.NVML_SUCCESS, pynvml.NVML_ERROR_NOT_FOUND}
"""How calls that list something say that there is nothing."""
WORDS = {
    pynvml.NVML_ERROR_LIBRARY_NOT_FOUND: "no NVIDIA driver: libnvidia-ml.so.1 cannot be loaded",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "the NVIDIA kernel driver is not loaded",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "libnvidia-ml.so.1 is of another version than the kernel driver",
    pynvml.NVML_ERROR_NO_PERMISSION: "permission denied by the NVIDIA driver",
    pynvml.NVML_ERROR_GPU_IS_LOST: "the GPU fell off the bus",
    pynvml.NVML_ERROR_RESET_REQUIRED: "the GPU has to be reset",
    pynvml.NVML_ERROR_GPU_NOT_FOUND: "the GPU is not there",
    pynvml.NVML_ERROR_UNINITIALIZED: "the NVIDIA driver forgot us",
}


class DriverGone(Exception):
    """The driver as a whole cannot be asked; the message says why."""


class GpuFailed(Exception):
    """A GPU cannot be asked; state and `why` say how that is."""

    def __init__(self, state: GpuState, why: str) -> None:
        super().__init__(why)
        self.state, self.why = state, why


def words(error: Exception) -> str:
    """What an error of the library means."""
    code = getattr(error, "value", None)
    return WORDS.get(code, f"NVML: {error}") if isinstance(code, int) else f"NVML: {error}"


def told(call: Callable[..., T], *arguments: object) -> T | None:
    """What the call returns, None where this GPU, driver or user cannot have that. Raises `DriverGone`, and `GpuFailed`
    for a GPU that is lost; other failures are of this one value.
    """
    try:
        return call(*arguments)
    except pynvml.NVMLError as error:
        _raise_what_ends_the_look(error)
        return None
    except (pynvml.NVMLLibraryMismatchError, UnicodeDecodeError):
        return None


def needed(call: Callable[..., T], *arguments: object) -> T:
    """What the call returns, without which a GPU cannot be looked at. Raises `DriverGone` and `GpuFailed`."""
    try:
        return call(*arguments)
    except pynvml.NVMLError as error:
        _raise_what_ends_the_look(error)
        denied = error.value == pynvml.NVML_ERROR_NO_PERMISSION
        raise GpuFailed(GpuState.DENIED if denied else GpuState.FAILED, words(error)) from error
    except (pynvml.NVMLLibraryMismatchError, UnicodeDecodeError) as error:
        raise GpuFailed(GpuState.FAILED, words(error)) from error


def listed(call: Callable[..., list[T]], *arguments: object) -> list[T] | None:
    """As `told`, of a call that answers with an error where its list is empty."""
    try:
        return call(*arguments)
    except pynvml.NVMLError as error:
        if error.value in NONE_FOUND:
            return []
        _raise_what_ends_the_look(error)
        return None
    except pynvml.NVMLLibraryMismatchError:
        return None


def _raise_what_ends_the_look(error: pynvml.NVMLError) -> None:
    if error.value in GONE:
        raise DriverGone(words(error)) from error
    if error.value in LOST:
        raise GpuFailed(GpuState.LOST, words(error)) from error
