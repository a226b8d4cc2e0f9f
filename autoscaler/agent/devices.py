"""Devices as processes use them, and as device plugins name them: a whole GPU, or a part of one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.domain.gpu import Gpu, GpuProcess

SHARED = re.compile(r"::\d+$|/vgpu\d+$")
"""What a plugin adds to the name of a device that it gives out several times."""
OLD_PART = re.compile(r"MIG-(GPU-[0-9a-f-]+)/(\d+)/(\d+)")
NUMBERED = re.compile(r"nvidia(\d+)(?:/gi(\d+))?")


def device_of(process: GpuProcess, gpu: Gpu) -> str:
    """Uuid of the part that the process is on, else of the GPU."""
    for part in gpu.parts or ():
        if part.gpu_instance == process.gpu_instance and process.compute_instance in (None, part.compute_instance):
            return part.uuid
    return gpu.uuid


def devices_by_holder(holders: Sequence[DeviceHolder], gpus: Sequence[Gpu]) -> list[frozenset[str]]:
    """Uuids of the devices that each holder has; names that are of no GPU here are left out."""
    known = _Known(gpus)
    return [frozenset(uuid for name in one.devices for uuid in known.uuids(name)) for one in holders]


def holders_by_device(
    holders: Sequence[DeviceHolder], devices: Iterable[frozenset[str]]
) -> Mapping[str, tuple[DeviceHolder, ...]]:
    """Several where a device is shared."""
    found: defaultdict[str, tuple[DeviceHolder, ...]] = defaultdict(tuple)
    for holder, held in zip(holders, devices, strict=True):
        for uuid in held:
            found[uuid] += (holder,)
    return found


class _Known:
    """The devices of this node, by every way to name them."""

    def __init__(self, gpus: Sequence[Gpu]) -> None:
        self._gpus = {gpu.uuid: gpu for gpu in gpus if gpu.uuid}
        self._by_minor = {gpu.minor if gpu.minor is not None else gpu.index: gpu for gpu in gpus}
        self._parts = {part.uuid for gpu in gpus for part in gpu.parts or ()}

    def uuids(self, name: str) -> Iterator[str]:
        """As in `GPU-...`, `GPU-...::2`, `MIG-...`, `MIG-GPU-.../1/0`, `nvidia0`, `nvidia0/gi1/vgpu2`."""
        bare = SHARED.sub("", name)
        old, numbered = OLD_PART.fullmatch(bare), NUMBERED.fullmatch(bare)
        if bare in self._gpus or bare in self._parts:
            yield bare
        elif old is not None and old[1] in self._gpus:
            ids = int(old[2]), int(old[3])
            parts = self._gpus[old[1]].parts or ()
            yield from (one.uuid for one in parts if (one.gpu_instance, one.compute_instance) == ids)
        elif numbered is not None and int(numbered[1]) in self._by_minor:
            gpu = self._by_minor[int(numbered[1])]
            if numbered[2] is None:
                yield gpu.uuid
            else:
                yield from (one.uuid for one in gpu.parts or () if one.gpu_instance == int(numbered[2]))
