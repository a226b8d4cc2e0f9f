"""What one look found of each process on each device."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.agent.devices import device_of
from autoscaler.agent.process import DeviceUse
from autoscaler.domain.gpu import Framebuffer, Gpu, GpuProcess, GpuSight, GpuState


@dataclass(frozen=True, slots=True)
class Uses:
    """by_process: by pid and device. listed: GPUs whose processes are told. unseen: devices of the others."""

    by_process: Mapping[int, Mapping[str, DeviceUse]]
    listed: frozenset[str]
    unseen: frozenset[str]


class UseReader:
    """Remembers how much memory each device had in use while no process was on it: where the driver tells memory of
    whole devices alone, what a single process adds is its own."""

    def __init__(self) -> None:
        self._bare_bytes: dict[str, int] = {}
        self._parts: dict[str, frozenset[str]] = {}
        """By GPU, as it told them last: one that cannot be asked tells none."""

    def read(self, sight: GpuSight) -> Uses:
        """Of one look."""
        found: defaultdict[int, dict[str, DeviceUse]] = defaultdict(dict)
        listed, unseen = set(), set()
        for gpu in sight.gpus:
            if gpu.parts is not None:
                self._parts[gpu.uuid] = frozenset(part.uuid for part in gpu.parts)
            if gpu.state is GpuState.OK and gpu.processes is not None:
                listed.add(gpu.uuid)
                self._read(gpu, gpu.processes, found)
            else:
                unseen |= {gpu.uuid, *self._parts.get(gpu.uuid, ())}
        return Uses(found, frozenset(listed), frozenset(unseen))

    def _read(self, gpu: Gpu, processes: tuple[GpuProcess, ...], found: Mapping[int, dict[str, DeviceUse]]) -> None:
        by_device: defaultdict[str, defaultdict[int, list[GpuProcess]]] = defaultdict(lambda: defaultdict(list))
        for one in processes:
            by_device[device_of(one, gpu)][one.pid].append(one)
        is_alone = len({one.pid for one in processes}) == 1
        for device, memory in _memories(gpu).items():
            if device not in by_device and memory is not None:
                self._bare_bytes[device] = memory.used_bytes
        for device, on_it in by_device.items():
            for pid, ones in on_it.items():
                used = _sum([one.used_bytes for one in ones])
                if used is None and len(on_it) == 1:
                    used = self._above(device, _memories(gpu).get(device))
                busy = [one.sm_percent for one in ones if one.sm_percent is not None]
                received = gpu.receive_bytes_s if is_alone else None
                found[pid][device] = DeviceUse(gpu.uuid, used, max(busy, default=None), received)

    def _above(self, device: str, memory: Framebuffer | None) -> int | None:
        bare = self._bare_bytes.get(device)
        return None if memory is None or bare is None else max(0, memory.used_bytes - bare)


def _memories(gpu: Gpu) -> dict[str, Framebuffer | None]:
    return {gpu.uuid: gpu.memory} if not gpu.parts else {part.uuid: part.memory for part in gpu.parts}


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
