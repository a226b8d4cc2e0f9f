"""Starts and memory on GPUs in MIG parts, as the loop tells them."""

from __future__ import annotations

from pathlib import Path

from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.domain.lead_time import Stage
from tests.agent import nvml_abi as abi
from tests.agent.loaders import Streamed
from tests.agent.node import node
from tests.agent.nvml_stand_in import GIB, StandInGpu, StandInPart

UID, CONTAINER = "0f3a1c52-7d1e-4b6f-9a3d-2c4e5f607182", "ab" * 32
WITHIN_S = 1.0


def test_a_gpu_in_parts_that_is_not_told_for_a_moment_ends_no_start(tmp_path: Path) -> None:
    gpu = StandInGpu("GPU-a", parts=[StandInPart("MIG-x", (1, 0), "3g.40gb", 40 * GIB)])
    with node(tmp_path, gpu) as on:
        on.holders.given = [DeviceHolder("inference", "chat-0", "server", ("MIG-x",))]
        loader = Streamed(on.clock.wall_s() + 4.6, 24 * GIB)
        on.run(5)
        on.start(11, gpu, loader, UID, CONTAINER, "chat-0")
        gpu.processes[0].instances = (1, 0)
        on.run(loader.transfer[0] + 6.0 - on.clock.wall_s())
        gpu.fails = {name: abi.UNKNOWN for name in abi.FUNCTIONS if name.startswith("nvmlDeviceGet")}
        on.run(2)
        assert on.value("gpu_autoscaler_agent_gpu_state", UUID="GPU-a", state="failed") == 1.0
        gpu.fails = {}
        on.run(loader.transfer[1] + 60.0 - on.clock.wall_s())
        begin, end = on.stages("chat-0")[Stage.TRANSFER]
    assert begin is not None
    assert end is not None
    assert abs(begin - loader.transfer[0]) <= WITHIN_S
    assert abs(end - loader.transfer[1]) <= WITHIN_S


def test_compute_instances_that_share_a_part_have_its_memory_once(tmp_path: Path) -> None:
    shared = [StandInPart(f"MIG-{n}", (1, n), "1c.3g.40gb", 40 * GIB) for n in range(3)]
    gpu = StandInGpu("GPU-a", parts=[*shared, StandInPart("MIG-y", (2, 0), "3g.40gb", 40 * GIB)])
    with node(tmp_path, gpu) as on:
        on.holders.given = [DeviceHolder("inference", "chat-0", "server", ("MIG-1", "MIG-2"))]
        on.run(2)
        assert on.value("DCGM_FI_DEV_FB_TOTAL", GPU_I_ID="1", GPU_I_PROFILE="3g.40gb", pod="chat-0") == 40 * 1024
        assert on.value("DCGM_FI_DEV_FB_TOTAL", GPU_I_ID="2", GPU_I_PROFILE="3g.40gb", pod="") == 40 * 1024
