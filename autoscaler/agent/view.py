"""What the agent tells after a look; replaced as a whole by the next one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.agent.naming import PodName
from autoscaler.agent.starts import StageStamps
from autoscaler.coldstart.memory_sample import Phase
from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.domain.gpu import GpuSight


@dataclass(frozen=True, slots=True)
class ContainerUse:
    """What the processes of one container use of one GPU. uid: of the pod. gpu: its number. sm_ratio: 0..1, the sum
    over processes. phase: of the process that is least far.
    """

    uid: str
    name: PodName
    gpu: int
    used_bytes: int | None
    sm_ratio: float | None
    phase: Phase


@dataclass(frozen=True, slots=True)
class View:
    """holders: by uuid of the device. kubelet_why: why the kubelet does not tell, empty where it does."""

    at_s: float
    node: str
    sight: GpuSight
    holders: Mapping[str, tuple[DeviceHolder, ...]]
    uses: tuple[ContainerUse, ...]
    stamps: tuple[StageStamps, ...]
    kubelet_why: str = ""

    @property
    def problems(self) -> list[str]:
        """What is not as it should be, a line each."""
        gpus = [f"{f'GPU {one.index} {one.uuid}'.rstrip()}: {one.why}" for one in self.sight.gpus if one.why]
        said = [self.sight.why] if self.sight.why else gpus
        return [*said, *([self.kubelet_why] if self.kubelet_why else [])]
