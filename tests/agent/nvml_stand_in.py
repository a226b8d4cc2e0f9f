"""A stand-in for libnvidia-ml.so.1: real C function pointers over GPUs that a test describes.

It takes the place of the loaded library below pynvml, so that pynvml's own calls, structures and error codes are what
is tested. Functions are called over ctypes' C calling convention and write to the caller's memory.
"""
# ruff: noqa: N802 - functions are named as their symbols

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pynvml

from tests.agent import nvml_abi as abi

GIB = 1 << 30
MESSAGE = ctypes.create_string_buffer(b"a message of the driver")


@dataclass
class StandInProcess:
    """used: bytes, as a number or by time; None where the driver does not tell. sm: percent. instances: of MIG."""

    pid: int
    used: Callable[[float], int | None] | int | None
    sm: int = 0
    instances: tuple[int, int] = (abi.NO_INSTANCE, abi.NO_INSTANCE)

    def used_at(self, now_s: float) -> int | None:
        return self.used(now_s) if callable(self.used) else self.used


@dataclass
class StandInPart:
    """A MIG device."""

    uuid: str
    instances: tuple[int, int]
    profile: str
    total: int = 10 * GIB


@dataclass
class StandInGpu:
    """fails: error codes by symbol, for this GPU. lost: it fell off the bus. base: bytes that nobody uses."""

    uuid: str
    total: int = 80 * GIB
    reserved: int = GIB // 2
    base: int = 0
    util: tuple[int, int] = (0, 0)
    received_kb_s: Callable[[float], int] = lambda now_s: 0
    processes: list[StandInProcess] = field(default_factory=list)
    shared: list[StandInProcess] = field(default_factory=list)
    parts: list[StandInPart] | None = None
    fails: dict[str, int] = field(default_factory=dict)
    lost: bool = False
    model: str = "NVIDIA H100 80GB HBM3"


class StandInLibrary:
    """now_s: the time that it answers for. fails: error codes by symbol, for all. missing: symbols that it lacks, as an
    older driver. init: what initialising answers. calls: symbols in the order in which they were called."""

    def __init__(self, *gpus: StandInGpu) -> None:
        self.gpus = list(gpus)
        self.now_s = 1_800_000_000.0
        self.fails: dict[str, int] = {}
        self.missing: set[str] = set()
        self.init = abi.SUCCESS
        self.calls: list[str] = []
        self.xids: list[tuple[StandInGpu, int]] = []
        self._is_open = False
        self._seen: list[StandInGpu] = []
        self._devices: list[StandInGpu | StandInPart] = []
        self._functions: dict[str, Any] = {}

    def __getattr__(self, symbol: str) -> Any:
        """As dlsym: AttributeError for what it has not."""
        if symbol == "_handle":
            return ctypes.CDLL(None)._handle  # of this program: to close it closes nothing
        if symbol == "nvmlErrorString":
            return self._functions.setdefault(symbol, abi.ERROR_STRING(lambda code: ctypes.addressof(MESSAGE)))
        if symbol not in abi.FUNCTIONS or symbol in self.missing:
            raise AttributeError(symbol)
        if symbol not in self._functions:
            self._functions[symbol] = abi.FUNCTIONS[symbol](self._answering(symbol))
        return self._functions[symbol]

    def _answering(self, symbol: str) -> Callable[..., int]:
        answer = getattr(type(self), f"_{symbol}", None)
        takes_handle = symbol.startswith("nvmlDevice") and symbol not in (
            "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2",
        )  # fmt: skip

        def call(*arguments: Any) -> int:
            self.calls.append(symbol)
            if symbol in self.fails:
                return self.fails[symbol]
            if symbol == "nvmlInitWithFlags":
                return self._init()
            if not self._is_open:
                return abi.UNINITIALIZED
            if takes_handle:
                device = self._device(arguments[0])
                whole = device if isinstance(device, StandInGpu) else self._whole(device)
                if whole.lost:
                    return abi.GPU_IS_LOST
                if symbol in whole.fails:
                    return whole.fails[symbol]
                arguments = (device, *arguments[1:])
            assert answer is not None
            return int(answer(self, *arguments))

        return call

    def _init(self) -> int:
        if self.init == abi.SUCCESS:
            self._is_open, self._seen = True, [gpu for gpu in self.gpus if not gpu.lost]
        return self.init

    def _address(self, device: StandInGpu | StandInPart) -> int:
        if not any(device is one for one in self._devices):
            self._devices.append(device)
        return next(0x1000 + n * 0x40 for n, one in enumerate(self._devices) if one is device)

    def _device(self, handle: int) -> StandInGpu | StandInPart:
        return self._devices[(handle - 0x1000) // 0x40]

    def _whole(self, part: StandInPart) -> StandInGpu:
        return next(gpu for gpu in self.gpus if gpu.parts and any(part is one for one in gpu.parts))

    # The functions, each as its symbol with an underscore.

    def _nvmlShutdown(self) -> int:
        self._is_open = False
        return abi.SUCCESS

    def _nvmlSystemGetDriverVersion(self, text: int, length: int) -> int:
        return _text(text, length, "580.95.05")

    def _nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count[0] = len(self._seen)
        return abi.SUCCESS

    def _nvmlDeviceGetHandleByIndex_v2(self, index: int, at: int) -> int:
        if index >= len(self._seen):
            return abi.INVALID_ARGUMENT
        gpu = self._seen[index]
        if gpu.lost:
            return abi.GPU_IS_LOST
        if "nvmlDeviceGetHandleByIndex_v2" in gpu.fails:
            return gpu.fails["nvmlDeviceGetHandleByIndex_v2"]
        ctypes.c_void_p.from_address(at).value = self._address(gpu)
        return abi.SUCCESS

    def _nvmlDeviceGetUUID(self, device: StandInGpu | StandInPart, text: int, length: int) -> int:
        return _text(text, length, device.uuid)

    def _nvmlDeviceGetName(self, device: StandInGpu | StandInPart, text: int, length: int) -> int:
        name = device.model if isinstance(device, StandInGpu) else f"NVIDIA H100 80GB HBM3 MIG {device.profile}"
        return _text(text, length, name)

    def _nvmlDeviceGetMinorNumber(self, gpu: StandInGpu, number: Any) -> int:
        number[0] = self.gpus.index(gpu)
        return abi.SUCCESS

    def _nvmlDeviceGetPciInfo_v3(self, gpu: StandInGpu, at: int) -> int:
        bus = abi.PciInfo.from_address(at)
        bus.bus_id = f"00000000:{0x10 + self.gpus.index(gpu):02X}:00.0".encode()
        return abi.SUCCESS

    def _nvmlDeviceGetUtilizationRates(self, gpu: StandInGpu, at: int) -> int:
        if gpu.parts:
            return abi.NOT_SUPPORTED
        rates = abi.Utilization.from_address(at)
        rates.gpu, rates.memory = gpu.util
        return abi.SUCCESS

    def _memory(self, device: StandInGpu | StandInPart) -> tuple[int, int, int]:
        """Total, reserved, used."""
        whole = device if isinstance(device, StandInGpu) else self._whole(device)
        on_it = [*whole.processes, *whole.shared]
        if isinstance(device, StandInPart):
            on_it = [one for one in on_it if one.instances == device.instances]
            return device.total, 0, sum(one.used_at(self.now_s) or 0 for one in on_it)
        return whole.total, whole.reserved, whole.base + sum(one.used_at(self.now_s) or 0 for one in on_it)

    def _nvmlDeviceGetMemoryInfo(self, device: StandInGpu | StandInPart, at: int) -> int:
        total, reserved, used = self._memory(device)
        memory = abi.Memory.from_address(at)
        memory.total, memory.used, memory.free = total, used + reserved, total - used - reserved
        return abi.SUCCESS

    def _nvmlDeviceGetMemoryInfo_v2(self, device: StandInGpu | StandInPart, at: int) -> int:
        memory = abi.MemoryV2.from_address(at)
        if memory.version != abi.MEMORY_V2:
            return abi.ARGUMENT_VERSION_MISMATCH
        memory.total, memory.reserved, memory.used = self._memory(device)
        memory.free = memory.total - memory.reserved - memory.used
        return abi.SUCCESS

    def _nvmlDeviceGetPowerUsage(self, gpu: StandInGpu, milliwatts: Any) -> int:
        milliwatts[0] = 123_456
        return abi.SUCCESS

    def _nvmlDeviceGetTemperature(self, gpu: StandInGpu, sensor: int, degrees: Any) -> int:
        degrees[0] = 41
        return abi.SUCCESS if sensor == 0 else abi.INVALID_ARGUMENT

    def _nvmlDeviceGetComputeRunningProcesses_v3(self, gpu: StandInGpu, count: Any, at: int) -> int:
        return self._processes(gpu.processes, count, at)

    def _nvmlDeviceGetMPSComputeRunningProcesses_v3(self, gpu: StandInGpu, count: Any, at: int) -> int:
        return self._processes(gpu.shared, count, at)

    def _processes(self, processes: list[StandInProcess], count: Any, at: int | None) -> int:
        there = [one for one in processes if one.used_at(self.now_s) != 0]
        room, count[0] = count[0], len(there)
        if len(there) > room or (at is None and there):
            return abi.INSUFFICIENT_SIZE
        for place, one in zip((abi.ProcessInfo * len(there)).from_address(at) if at else (), there, strict=True):
            used = one.used_at(self.now_s)
            place.pid, place.used = one.pid, abi.NOT_AVAILABLE if used is None else used
            place.gpu_instance, place.compute_instance = one.instances
        return abi.SUCCESS

    def _nvmlDeviceGetProcessUtilization(self, gpu: StandInGpu, at: int | None, count: Any, since_us: int) -> int:
        """As the driver: a list with room for more than there is, of which the rest is zeros."""
        if gpu.parts:
            return abi.NOT_SUPPORTED
        now_us = int(self.now_s * 1e6) - 300_000
        busy = [one for one in gpu.processes if one.sm and one.used_at(self.now_s) and now_us > since_us]
        if not busy:
            return abi.NOT_FOUND
        room, count[0] = count[0], len(busy) + 4
        if at is None or room < len(busy) + 4:
            return abi.INSUFFICIENT_SIZE
        for place, one in zip((abi.ProcessSample * (len(busy) + 4)).from_address(at), busy, strict=False):
            place.pid, place.at_us, place.sm = one.pid, now_us, one.sm
        return abi.SUCCESS

    def _nvmlDeviceGetPcieThroughput(self, gpu: StandInGpu, counter: int, kilobytes: Any) -> int:
        kilobytes[0] = gpu.received_kb_s(self.now_s) if counter == 1 else 0
        return abi.SUCCESS

    def _nvmlDeviceGetMigMode(self, gpu: StandInGpu, current: Any, pending: Any) -> int:
        current[0] = pending[0] = int(gpu.parts is not None)
        return abi.SUCCESS

    def _nvmlDeviceGetMaxMigDeviceCount(self, gpu: StandInGpu, count: Any) -> int:
        count[0] = 7
        return abi.SUCCESS

    def _nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: StandInGpu, index: int, at: int) -> int:
        if index >= len(gpu.parts or ()):
            return abi.NOT_FOUND
        ctypes.c_void_p.from_address(at).value = self._address((gpu.parts or [])[index])
        return abi.SUCCESS

    def _nvmlDeviceGetGpuInstanceId(self, part: StandInPart, number: Any) -> int:
        number[0] = part.instances[0]
        return abi.SUCCESS

    def _nvmlDeviceGetComputeInstanceId(self, part: StandInPart, number: Any) -> int:
        number[0] = part.instances[1]
        return abi.SUCCESS

    def _nvmlDeviceGetAttributes_v2(self, part: StandInPart, at: int) -> int:
        found = abi.Attributes.from_address(at)
        found.gpu_slices, found.memory_mb = 1, part.total >> 20
        return abi.SUCCESS

    def _nvmlEventSetCreate(self, at: int) -> int:
        ctypes.c_void_p.from_address(at).value = 0xE0
        return abi.SUCCESS

    def _nvmlEventSetFree(self, handle: int) -> int:
        return abi.SUCCESS

    def _nvmlDeviceRegisterEvents(self, gpu: StandInGpu, kinds: int, events: int) -> int:
        return abi.SUCCESS if kinds == abi.XID_CRITICAL and events == 0xE0 else abi.INVALID_ARGUMENT

    def _nvmlEventSetWait_v2(self, events: int, at: int, timeout_ms: int) -> int:
        if not self.xids:
            return abi.TIMEOUT
        gpu, number = self.xids.pop(0)
        event = abi.EventData.from_address(at)
        event.device, event.kind, event.data = self._address(gpu), abi.XID_CRITICAL, number
        return abi.SUCCESS


def _text(at: int, length: int, text: str) -> int:
    data = text.encode() + b"\0"
    if len(data) > length:
        return abi.INSUFFICIENT_SIZE
    ctypes.memmove(at, data, len(data))
    return abi.SUCCESS


@dataclass
class Linker:
    """The dynamic linker: the library that it finds from now on, None where there is none."""

    library: StandInLibrary | None

    def load(self, name: str) -> StandInLibrary:
        assert name == "libnvidia-ml.so.1"
        if self.library is None:
            raise OSError(f"{name}: cannot open shared object file: No such file or directory")
        return self.library


@contextmanager
def linked(library: StandInLibrary | None) -> Iterator[Linker]:
    """In its scope pynvml, which has loaded nothing yet, finds what the linker has."""
    linker, real = Linker(library), pynvml.CDLL
    pynvml.CDLL = linker.load
    pynvml.nvmlLib = None
    pynvml._nvmlGetFunctionPointer_cache.clear()
    try:
        yield linker
    finally:
        pynvml.CDLL, pynvml.nvmlLib = real, None
        pynvml._nvmlGetFunctionPointer_cache.clear()


@contextmanager
def loaded(library: StandInLibrary) -> Iterator[StandInLibrary]:
    """In its scope there is this library."""
    with linked(library):
        yield library
