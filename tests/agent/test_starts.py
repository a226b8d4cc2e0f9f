"""Stages of starts as the loop tells them, from the curves of several kinds of loaders on a stand-in of the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.domain.lead_time import Stage
from autoscaler.ports.errors import Unavailable
from tests.agent import nvml_abi as abi
from tests.agent.kubelet_stand_in import cgroup_of
from tests.agent.loaders import Loader, Mapped, Streamed
from tests.agent.node import BEGAN_S, Node, node
from tests.agent.nvml_stand_in import GIB, StandInGpu, StandInPart, StandInProcess

UID, OTHER = "0f3a1c52-7d1e-4b6f-9a3d-2c4e5f607182", "1f3a1c52-7d1e-4b6f-9a3d-2c4e5f607182"
FIRST, SECOND = "ab" * 32, "cd" * 32
WITHIN_S = 1.0
Make = Callable[..., Node]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A node with these GPUs, on which pod `chat-0` holds the first."""
    with ExitStack() as ends:

        def made(*gpus: StandInGpu) -> Node:
            found = ends.enter_context(node(tmp_path, *gpus))
            found.holders.given = [DeviceHolder("inference", "chat-0", "server", (gpus[0].uuid,))]
            return found

        yield made


def close(told: tuple[float | None, float | None], truth: tuple[float, float]) -> bool:
    return all(one is not None and abs(one - true) <= WITHIN_S for one, true in zip(told, truth, strict=True))


@pytest.mark.parametrize("size_gib", [6, 14, 40])
@pytest.mark.parametrize("kind", [Loader, Streamed, Mapped], ids=["eager", "streamed", "mapped"])
def test_stages_are_told_within_a_second(kind: type[Loader], size_gib: int, make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    loader = kind(BEGAN_S + 20.7, size_gib * GIB)
    on.run(20)
    on.start(11, gpu, loader, UID, FIRST, "chat-0")
    on.run(loader.transfer[1] - BEGAN_S + 90)
    told = on.stages("chat-0")
    assert close(told[Stage.CUDA], loader.cuda), (told[Stage.CUDA], loader.cuda)
    assert close(told[Stage.TRANSFER], loader.transfer), (told[Stage.TRANSFER], loader.transfer)
    assert close(told[Stage.WEIGHTS], loader.weights), (told[Stage.WEIGHTS], loader.weights)
    on.run(200)  # it serves, and its memory rests: no further stage
    assert on.stages("chat-0") == told
    labels = {"namespace": "inference", "pod": "chat-0", "container": "server", "uid": UID, "witness": "agent"}
    name = "gpu_autoscaler_start_stage_timestamp_seconds"
    assert on.value(name, stage="transfer", edge="end", **labels) == told[Stage.TRANSFER][1]
    assert on.value("gpu_autoscaler_agent_container_phase", pod="chat-0", phase="serving") == 1.0
    assert on.value("gpu_autoscaler_agent_container_sm_utilization_ratio", pod="chat-0", gpu="0") == 0.8
    assert on.value("gpu_autoscaler_agent_container_gpu_memory_used_bytes", uid=UID) == loader.gpu(on.clock.wall_s())


def loading(on: Node, gpu: StandInGpu, pid: int = 11, uid: str = UID, container: str = FIRST) -> Loader:
    """A streaming load of 24 GiB begins in 5 s on this GPU."""
    loader = Streamed(on.clock.wall_s() + 4.6, 24 * GIB)
    on.run(5)
    on.start(pid, gpu, loader, uid, container, "chat-0" if uid == UID else "chat-1")
    return loader


def run_until(on: Node, at_s: float) -> None:
    on.run(max(0.0, at_s - on.clock.wall_s()))


def test_of_a_start_that_goes_on_the_end_is_not_told(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    loader = loading(on, gpu)
    run_until(on, loader.transfer[1] - 2.0)
    told = on.stages("chat-0")
    assert close(told[Stage.CUDA], loader.cuda)
    begin, end = told[Stage.TRANSFER]
    assert begin is not None
    assert abs(begin - loader.transfer[0]) <= WITHIN_S
    assert end is None
    begin, end = told[Stage.WEIGHTS]  # it waits for what it reads
    assert begin is not None
    assert abs(begin - loader.weights[0]) <= WITHIN_S
    assert end is None
    assert on.value("gpu_autoscaler_agent_container_phase", pod="chat-0", phase="loading") == 1.0
    assert on.value("gpu_autoscaler_agent_gpu_received_bytes_per_second", gpu="0") == pytest.approx(2.0 * GIB, rel=0.01)


@pytest.mark.parametrize("hostname", ["chat-0", None], ids=["host name told", "host name not for us"])
def test_reads_before_the_context_are_seen_of_a_pod_that_the_kubelet_tells_of_late(
    hostname: str | None, make: Make
) -> None:
    gpus = [StandInGpu("GPU-a"), StandInGpu("GPU-b")]
    on = make(*gpus)
    [chat] = on.holders.given
    on.holders.given = [DeviceHolder("inference", "notebook-0", "main", ("GPU-b",))]  # it waits for ever
    on.run(12)
    loader = Loader(on.clock.wall_s() - 0.4, 14 * GIB)
    on.start(11, gpus[0], loader, UID, FIRST, hostname)
    on.run(2)
    on.holders.given.append(chat)
    run_until(on, loader.transfer[1] + 60.0)
    told = on.stages("chat-0")
    assert close(told[Stage.WEIGHTS], loader.weights)
    assert close(told[Stage.CUDA], loader.cuda)
    assert close(told[Stage.TRANSFER], loader.transfer)


def test_helpers_of_servers_leave_room_to_watch_the_next_start(make: Make) -> None:
    gpus = [StandInGpu("GPU-a"), StandInGpu("GPU-b")]
    on = make(*gpus)
    first = loading(on, gpus[0])
    run_until(on, first.transfer[0] + 2.0)
    for pid in range(100, 180):
        on.proc.add(pid, on.clock.wall_s(), cgroup_of(UID, FIRST), "chat-0")
    run_until(on, first.transfer[1] + 60.0)
    on.holders.given.append(DeviceHolder("inference", "chat-1", "server", ("GPU-b",)))
    on.run(8)
    second = Loader(on.clock.wall_s() - 0.4, 14 * GIB)
    on.start(12, gpus[1], second, OTHER, SECOND, "chat-1")
    run_until(on, second.transfer[1] + 60.0)
    assert close(on.stages("chat-1")[Stage.WEIGHTS], second.weights)


def test_an_agent_that_is_restarted_in_a_start_invents_no_beginning(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    loader = loading(on, gpu)
    run_until(on, loader.transfer[0] + 4.0)
    on.restart_agent()
    run_until(on, loader.transfer[1] + 90.0)
    told = on.stages("chat-0")
    assert Stage.CUDA not in told
    for begin, end in told.values():
        assert begin is None
        assert end is None or abs(end - loader.transfer[1]) <= WITHIN_S
    on.restart_agent()  # of a process that is loaded nothing is told
    on.run(120)
    assert on.stages("chat-0") == {}
    assert on.value("gpu_autoscaler_agent_container_phase", pod="chat-0", phase="serving") == 1.0


def test_a_container_that_crashes_and_starts_again_has_the_stages_of_its_last_start(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    first = loading(on, gpu)
    run_until(on, first.transfer[0] + 5.0)
    on.end(11)
    on.run(3)
    assert on.stages("chat-0")[Stage.TRANSFER][1] is None or not on.stages("chat-0")
    second = loading(on, gpu, 12, UID, SECOND)
    run_until(on, second.transfer[1] + 60.0)
    told = on.stages("chat-0")
    assert close(told[Stage.CUDA], second.cuda)
    assert close(told[Stage.TRANSFER], second.transfer)


def test_a_process_that_dies_and_is_replaced_in_its_container_leaves_nothing_behind(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    first = loading(on, gpu)
    run_until(on, first.transfer[0] + 5.0)
    on.end(11)
    second = loading(on, gpu, 12)
    run_until(on, second.transfer[1] + 60.0)
    told = on.stages("chat-0")
    assert close(told[Stage.CUDA], second.cuda)
    assert close(told[Stage.TRANSFER], second.transfer)


def test_two_containers_on_one_gpu_are_told_apart(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    on.holders.given = [
        DeviceHolder("inference", "chat-0", "server", ("GPU-a::0",)),
        DeviceHolder("other", "chat-1", "server", ("GPU-a::1",)),
    ]
    first = loading(on, gpu)
    on.run(7)
    second = loading(on, gpu, 12, OTHER, SECOND)
    run_until(on, second.transfer[1] + 90.0)
    for pod, loader in (("chat-0", first), ("chat-1", second)):
        told = on.stages(pod)
        assert close(told[Stage.CUDA], loader.cuda)
        assert close(told[Stage.TRANSFER], loader.transfer)
        used = on.value("gpu_autoscaler_agent_container_gpu_memory_used_bytes", pod=pod)
        assert used == loader.gpu(on.clock.wall_s() - 1.0)
    assert on.value("DCGM_FI_DEV_FB_USED", gpu="0", pod="") == (first.gpu(2e9) + second.gpu(2e9)) // (1 << 20)


def test_a_start_on_several_gpus_is_over_when_the_last_is(make: Make) -> None:
    gpus = [StandInGpu("GPU-a"), StandInGpu("GPU-b")]
    on = make(*gpus)
    on.holders.given = [DeviceHolder("inference", "chat-0", "server", ("GPU-a", "GPU-b"))]
    loaders = [Streamed(BEGAN_S + 9.7, 24 * GIB), Streamed(BEGAN_S + 11.7, 30 * GIB)]
    on.run(10)
    on.start(11, gpus[0], loaders[0], UID, FIRST, "chat-0")
    on.run(2)
    on.start(12, gpus[1], loaders[1], UID, FIRST, "chat-0")
    run_until(on, loaders[1].transfer[1] + 60.0)
    told = on.stages("chat-0")
    assert close(told[Stage.CUDA], (loaders[0].cuda[0], loaders[1].cuda[1]))
    assert close(told[Stage.TRANSFER], (loaders[0].transfer[0], loaders[1].transfer[1]))


def test_parts_of_a_gpu_have_starts_of_their_own(make: Make) -> None:
    parts = [StandInPart("MIG-x", (1, 0), "3g.40gb", 40 * GIB), StandInPart("MIG-y", (2, 0), "3g.40gb", 40 * GIB)]
    gpu = StandInGpu("GPU-a", parts=parts)
    on = make(gpu)
    on.holders.given = [
        DeviceHolder("inference", "chat-0", "server", ("MIG-x",)),
        DeviceHolder("inference", "chat-1", "server", ("MIG-GPU-a/2/0",)),
    ]
    first = loading(on, gpu)
    second = loading(on, gpu, 12, OTHER, SECOND)
    for process, part in zip(gpu.processes, parts, strict=True):
        process.instances = part.instances
    run_until(on, second.transfer[1] + 60.0)
    assert close(on.stages("chat-0")[Stage.TRANSFER], first.transfer)
    assert on.value("DCGM_FI_DEV_FB_TOTAL", GPU_I_ID="1", GPU_I_PROFILE="3g.40gb", pod="chat-0") == 40 * 1024
    assert on.value("DCGM_FI_DEV_GPU_UTIL") is None


def test_a_gpu_that_falls_off_the_bus_ends_no_stage_and_the_others_go_on(make: Make) -> None:
    lost, fine = StandInGpu("GPU-a"), StandInGpu("GPU-b")
    on = make(lost, fine)
    on.holders.given.append(DeviceHolder("inference", "chat-1", "server", ("GPU-b",)))
    first = loading(on, lost)
    second = loading(on, fine, 12, OTHER, SECOND)
    run_until(on, first.transfer[0] + 8.0)
    lost.lost = True
    on.run(10)
    assert on.value("gpu_autoscaler_agent_gpu_state", UUID="GPU-a", state="lost") == 1.0
    assert on.value("DCGM_FI_DEV_FB_USED", UUID="GPU-a") is None
    assert on.said.lines == ["GPU 0 GPU-a: the GPU fell off the bus"]
    on.end(11)
    run_until(on, second.transfer[1] + 60.0)
    assert on.stages("chat-0")[Stage.TRANSFER][1] is None
    assert close(on.stages("chat-1")[Stage.TRANSFER], second.transfer)


NEEDED = ("Count_v2", "HandleByIndex_v2", "UUID")
DYNAMIC = [name for name in abi.FUNCTIONS if name.startswith("nvmlDeviceGet") and not name.endswith(NEEDED)]


@pytest.mark.parametrize("odd", [0, 1], ids=["even calls", "odd calls"])
def test_with_half_of_the_calls_unsupported_what_is_told_is_true(odd: int, make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    on.library.fails = dict.fromkeys(DYNAMIC[odd::2], abi.NOT_SUPPORTED)
    loader = loading(on, gpu)
    run_until(on, loader.transfer[1] + 60.0)
    told = on.stages("chat-0")
    if "nvmlDeviceGetComputeRunningProcesses_v3" in on.library.fails:
        assert told == {}
        assert on.value("gpu_autoscaler_agent_container_gpu_memory_used_bytes") is None
    else:
        assert close(told[Stage.CUDA], loader.cuda)
        assert close(told[Stage.TRANSFER], loader.transfer)
    drivers = gpu.reserved if "nvmlDeviceGetMemoryInfo_v2" in on.library.fails else 0  # the older call counts it in
    assert on.value("DCGM_FI_DEV_FB_USED", pod="chat-0") == (loader.gpu(on.clock.wall_s()) + drivers) // (1 << 20)


def test_where_memory_is_told_for_the_gpu_alone_the_only_process_on_it_has_what_is_above_the_rest(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    loader = loading(on, gpu)
    gpu.processes = []
    for _ in range(round(loader.transfer[1] - on.clock.wall_s()) + 60):
        held = loader.gpu(on.clock.wall_s())
        gpu.base = 3 * GIB + held
        gpu.processes = [StandInProcess(11, None)] if held else []
        on.run(1)
    assert close(on.stages("chat-0")[Stage.TRANSFER], loader.transfer)
    assert on.value("gpu_autoscaler_agent_container_gpu_memory_used_bytes", pod="chat-0") == loader.gpu(2e9)


def test_a_kubelet_that_does_not_answer_leaves_uids_and_one_that_comes_gives_names(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    on.holders.error = Unavailable("/x/kubelet.sock: no such socket")
    loader = loading(on, gpu)
    run_until(on, loader.transfer[1] + 60.0)
    assert on.value("gpu_autoscaler_agent_kubelet_reachable") == 0.0
    assert on.said.lines == ["/x/kubelet.sock: no such socket"]
    assert close(on.stages("", "")[Stage.TRANSFER], loader.transfer)
    assert on.value("gpu_autoscaler_agent_container_gpu_memory_used_bytes", uid=UID, pod="") == loader.gpu(2e9)
    on.holders.error = None
    on.run(40)
    assert close(on.stages("chat-0")[Stage.TRANSFER], loader.transfer)
    assert on.stages("", "") == {}


def test_a_kubelet_that_stays_away_is_not_believed_for_ever(make: Make) -> None:
    on = make(StandInGpu("GPU-a"))
    on.run(10)
    assert on.value("DCGM_FI_DEV_FB_USED", pod="chat-0") == 0.0
    on.holders.error = Unavailable("/x/kubelet.sock: no such socket")
    on.run(100)
    assert on.value("DCGM_FI_DEV_FB_USED", pod="chat-0") == 0.0
    on.run(60)
    assert on.value("DCGM_FI_DEV_FB_USED", pod="") == 0.0


def test_no_driver_is_no_failure_and_its_coming_is_seen(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    on.library.init = abi.DRIVER_NOT_LOADED
    on.run(20)
    assert on.value("gpu_autoscaler_agent_driver_reachable") == 0.0
    assert on.loop.why_not_alive() is None
    on.library.init = abi.SUCCESS
    on.run(31)
    assert on.value("gpu_autoscaler_agent_driver_reachable") == 1.0
    loader = loading(on, gpu)
    run_until(on, loader.transfer[1] + 60.0)
    assert close(on.stages("chat-0")[Stage.CUDA], loader.cuda)


def test_a_clock_that_is_set_in_a_start_leaves_lengths_as_they_are(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    loader = loading(on, gpu)
    run_until(on, loader.transfer[0] + 4.0)
    on.clock.set_by(3600.0)
    shifted = Streamed(loader.began_s + 3600.0, loader.size)
    gpu.processes[0].used = shifted.gpu
    gpu.received_kb_s = shifted.received_kb_s
    run_until(on, shifted.transfer[1] + 60.0)
    begin, end = on.stages("chat-0")[Stage.TRANSFER]
    assert end is not None
    assert abs(end - shifted.transfer[1]) <= WITHIN_S
    assert begin is not None


def test_series_of_what_is_gone_go_and_stamps_after_ten_minutes(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    loader = loading(on, gpu)
    run_until(on, loader.transfer[1] + 60.0)
    on.end(11)
    on.holders.given = []
    on.run(6)
    assert on.value("gpu_autoscaler_agent_container_gpu_memory_used_bytes") is None
    assert on.value("DCGM_FI_DEV_FB_USED", pod="") == 0.0
    assert close(on.stages("chat-0")[Stage.TRANSFER], loader.transfer)
    on.run(580)
    assert on.stages("chat-0")
    on.run(20)
    assert on.view.stamps == ()


def test_what_others_run_on_a_gpu_is_not_taken_for_its_holder(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    on.run(5)
    on.start(
        21, gpu, Streamed(on.clock.wall_s(), GIB), OTHER, SECOND, "dcgm-x"
    )  # a pod with all GPUs, as monitors have
    on.run(60)
    assert on.value("gpu_autoscaler_agent_container_phase", uid=OTHER, pod="") == 1.0
    loader = loading(on, gpu)
    run_until(on, loader.transfer[1] + 60.0)
    assert on.value("gpu_autoscaler_agent_container_gpu_memory_used_bytes", pod="chat-0", uid=UID) == loader.gpu(2e9)
    assert on.stages("chat-0")[Stage.TRANSFER] is not None


def test_a_process_of_no_pod_has_no_series(make: Make) -> None:
    gpu = StandInGpu("GPU-a")
    on = make(gpu)
    loader = Streamed(on.clock.wall_s(), 8 * GIB)
    on.proc.add(31, loader.began_s, "0::/user.slice/session-1.scope")
    gpu.processes.append(StandInProcess(31, loader.gpu))
    gpu.processes.append(StandInProcess(32, loader.gpu))  # one that /proc does not show
    on.run(60)
    assert on.view.uses == ()
    assert on.view.stamps == ()
    assert on.value("DCGM_FI_DEV_FB_USED", gpu="0", pod="chat-0") == 2 * loader.gpu(2e9) // (1 << 20)
