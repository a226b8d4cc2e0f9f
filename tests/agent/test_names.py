"""Names that the loop gives to processes, as pods come and go on a GPU."""

from __future__ import annotations

from pathlib import Path

from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.domain.lead_time import Stage
from autoscaler.ports.errors import Unavailable
from tests.agent.loaders import Streamed
from tests.agent.node import node
from tests.agent.nvml_stand_in import GIB, StandInGpu

UID, CONTAINER = "0f3a1c52-7d1e-4b6f-9a3d-2c4e5f607182", "ab" * 32
PHASE = "gpu_autoscaler_agent_container_phase"


def test_the_next_pod_on_a_gpu_is_not_taken_for_the_one_before_it(tmp_path: Path) -> None:
    gpu = StandInGpu("GPU-a")
    with node(tmp_path, gpu) as on:
        on.holders.given = [DeviceHolder("inference", "chat-0", "server", ("GPU-a",))]
        on.run(8)
        on.holders.error = Unavailable("/x/kubelet.sock: the kubelet is slow")
        loader = Streamed(on.clock.wall_s() + 8.0, 24 * GIB)
        on.run(9)
        on.start(12, gpu, loader, UID, CONTAINER)  # the host name that it sees is not for us
        on.run(loader.transfer[0] + 3.0 - on.clock.wall_s())
        assert on.value(PHASE, uid=UID, pod="") == 1.0
        on.holders.error = None
        on.holders.given = [DeviceHolder("inference", "chat-1", "server", ("GPU-a",))]
        on.run(loader.transfer[1] + 60.0 - on.clock.wall_s())
        assert on.value(PHASE, uid=UID, pod="chat-1") == 1.0
        assert on.stages("chat-1")[Stage.TRANSFER][1] is not None
