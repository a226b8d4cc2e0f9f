"""What containers use of GPUs, from what their processes use."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from autoscaler.agent.naming import ContainerKey, PodName
from autoscaler.agent.process import DeviceUse, TrackedProcess
from autoscaler.agent.view import ContainerUse
from autoscaler.coldstart.memory_sample import Phase

EARLIEST = (
    Phase.LOADING, Phase.CONTEXT, Phase.WARMING, Phase.SERVING, Phase.LOADED, Phase.IDLE, Phase.ABSENT,
)  # fmt: skip
"""Of several processes the phase of the one that stands first here is told."""


def container_uses(
    tracked: Iterable[TrackedProcess], names: Mapping[ContainerKey, PodName], numbers: Mapping[str, int]
) -> tuple[ContainerUse, ...]:
    """numbers: of GPUs, by uuid. Containers that cannot be told apart by name are one; processes of no pod are left
    out."""
    found: defaultdict[tuple[str, PodName, int], list[tuple[DeviceUse, Phase]]] = defaultdict(list)
    for process in tracked:
        owner = process.owner
        name = names.get((owner.uid, owner.container_id), PodName())
        for device, phase in process.phases.items() if owner.uid else ():
            use = process.uses[device]
            if use.gpu in numbers:
                found[owner.uid, name, numbers[use.gpu]].append((use, phase))
    return tuple(_summed(*where, uses) for where, uses in sorted(found.items(), key=lambda one: str(one[0])))


def _summed(uid: str, name: PodName, gpu: int, uses: list[tuple[DeviceUse, Phase]]) -> ContainerUse:
    used = [use.used_bytes for use, _ in uses if use.used_bytes is not None]
    busy = [use.sm_percent for use, _ in uses if use.sm_percent is not None]
    return ContainerUse(
        uid=uid,
        name=name,
        gpu=gpu,
        used_bytes=sum(used) if len(used) == len(uses) else None,
        sm_ratio=min(1.0, sum(busy) / 100.0) if len(busy) == len(uses) else None,
        phase=min((phase for _, phase in uses), key=EARLIEST.index),
    )
