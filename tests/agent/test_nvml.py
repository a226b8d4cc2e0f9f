"""GPUs as NVML tells of them, over the real pynvml on a stand-in of the driver's library."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from autoscaler.adapters.nvml.gpus import LOST_RETRY_S, RETRY_S, NvmlGpus
from autoscaler.domain.gpu import Framebuffer, Gpu, GpuSight, GpuState
from tests.agent import nvml_abi as abi
from tests.agent.nvml_stand_in import GIB, StandInGpu, StandInLibrary, StandInPart, StandInProcess, linked

NOW_S = 1_800_000_000.0
Load = Callable[[StandInLibrary | None], None]


@pytest.fixture
def load() -> Iterator[Load]:
    """Puts a library in reach of the dynamic linker, in place of the one before."""
    with linked(None) as linker:
        yield partial(setattr, linker, "library")


def two() -> StandInLibrary:
    busy = StandInGpu("GPU-a", util=(90, 40), processes=[StandInProcess(11, 20 * GIB, sm=70)])
    return StandInLibrary(busy, StandInGpu("GPU-b"))


def states(sight: GpuSight) -> dict[str, GpuState]:
    return {gpu.uuid: gpu.state for gpu in sight.gpus}


def test_a_look_tells_what_the_driver_tells(load: Load) -> None:
    load(two())
    sight = NvmlGpus().look(NOW_S)
    assert (sight.driver, sight.why) == ("580.95.05", "")
    first, second = sight.gpus
    assert (first.uuid, first.index, first.minor, first.model) == ("GPU-a", 0, 0, "NVIDIA H100 80GB HBM3")
    assert first.bus_id == "00000000:10:00.0"
    assert (first.gpu_percent, first.copy_percent, first.power_w, first.temperature_c) == (90.0, 40.0, 123.456, 41.0)
    assert first.memory == Framebuffer(20 * GIB, 80 * GIB - GIB // 2 - 20 * GIB, 80 * GIB)
    [process] = first.processes or ()
    assert (process.pid, process.used_bytes, process.sm_percent, process.gpu_instance) == (11, 20 * GIB, 70.0, None)
    assert (second.uuid, second.processes, second.parts, second.xid) == ("GPU-b", (), (), 0)
    assert first.receive_bytes_s is None


def test_no_driver_is_an_answer_and_one_that_comes_later_is_found(load: Load) -> None:
    load(None)
    gpus = NvmlGpus()
    assert gpus.look(NOW_S) == GpuSight((), "", "no NVIDIA driver: libnvidia-ml.so.1 cannot be loaded")
    load(two())
    assert gpus.look(NOW_S + RETRY_S - 1.0).why
    assert states(gpus.look(NOW_S + RETRY_S)) == {"GPU-a": GpuState.OK, "GPU-b": GpuState.OK}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(abi.DRIVER_NOT_LOADED, "the NVIDIA kernel driver is not loaded", id="no kernel driver"),
        pytest.param(abi.LIB_RM_VERSION_MISMATCH, "of another version than the kernel driver", id="mismatch"),
        pytest.param(abi.NO_PERMISSION, "permission denied by the NVIDIA driver", id="denied"),
        pytest.param(abi.UNKNOWN, "NVML: Unknown Error", id="unknown"),
        pytest.param(77, "NVML: a message of the driver", id="an error of a newer driver"),
    ],
)
def test_a_driver_that_cannot_be_opened_says_why(code: int, said: str, load: Load) -> None:
    library = two()
    library.init = code
    load(library)
    gpus = NvmlGpus()
    sight = gpus.look(NOW_S)
    assert said in sight.why
    assert sight.gpus == ()
    load(two())  # a driver that was replaced brings another library
    assert states(gpus.look(NOW_S + RETRY_S)) == {"GPU-a": GpuState.OK, "GPU-b": GpuState.OK}


def test_a_driver_that_is_replaced_leaves_gpus_as_lost_until_it_is_back(load: Load) -> None:
    library = two()
    load(library)
    gpus = NvmlGpus()
    gpus.look(NOW_S)
    library.fails["nvmlDeviceGetMemoryInfo_v2"] = abi.DRIVER_NOT_LOADED
    sight = gpus.look(NOW_S + 1.0)
    assert sight.why == "the NVIDIA kernel driver is not loaded"
    assert states(sight) == {"GPU-a": GpuState.LOST, "GPU-b": GpuState.LOST}
    load(two())
    assert gpus.look(NOW_S + RETRY_S).why
    assert states(gpus.look(NOW_S + 1.0 + RETRY_S)) == {"GPU-a": GpuState.OK, "GPU-b": GpuState.OK}


def test_a_gpu_that_falls_off_the_bus_is_lost_and_the_others_go_on(load: Load) -> None:
    library = two()
    load(library)
    gpus = NvmlGpus()
    gpus.look(NOW_S)
    library.gpus[0].lost = True
    sight = gpus.look(NOW_S + 1.0)
    assert states(sight) == {"GPU-a": GpuState.LOST, "GPU-b": GpuState.OK}
    assert (sight.gpus[0].why, sight.gpus[0].memory, sight.gpus[0].processes) == (
        "the GPU fell off the bus",
        None,
        None,
    )
    for later_s in (2.0, 2.0 + LOST_RETRY_S, 4.0 + LOST_RETRY_S):  # opened again, the driver does not list it any more
        sight = gpus.look(NOW_S + later_s)
        assert states(sight) == {"GPU-a": GpuState.LOST, "GPU-b": GpuState.OK}
        assert sight.gpus[0].why == "the GPU fell off the bus"
    library.gpus[0].lost = False
    assert states(gpus.look(NOW_S + 10.0 + 3.0 * LOST_RETRY_S)) == {"GPU-a": GpuState.OK, "GPU-b": GpuState.OK}


def test_a_gpu_that_was_lost_when_the_agent_came_is_seen_once_it_is_back(load: Load) -> None:
    library = two()
    library.gpus[0].fails["nvmlDeviceGetHandleByIndex_v2"] = abi.GPU_IS_LOST
    load(library)
    gpus = NvmlGpus()
    assert states(gpus.look(NOW_S)) == {"": GpuState.LOST, "GPU-b": GpuState.OK}
    library.gpus[0].fails.clear()
    assert states(gpus.look(NOW_S + LOST_RETRY_S)) == {"GPU-a": GpuState.OK, "GPU-b": GpuState.OK}


def test_a_gpu_that_we_may_not_ask_is_denied(load: Load) -> None:
    library = two()
    library.gpus[0].fails["nvmlDeviceGetHandleByIndex_v2"] = abi.NO_PERMISSION
    everything = (name for name in abi.FUNCTIONS if name.startswith("nvmlDeviceGet") and "UUID" not in name)
    library.gpus[1].fails |= dict.fromkeys(everything, abi.NO_PERMISSION)
    del library.gpus[1].fails["nvmlDeviceGetHandleByIndex_v2"]
    load(library)
    first, second = NvmlGpus().look(NOW_S).gpus
    assert (first.uuid, first.state, first.why) == ("", GpuState.DENIED, "permission denied by the NVIDIA driver")
    assert (second.uuid, second.state, second.why) == (
        "GPU-b",
        GpuState.DENIED,
        "permission denied by the NVIDIA driver",
    )


DYNAMIC = [
    name for name in abi.FUNCTIONS
    if name.startswith("nvmlDeviceGet") and name not in (
        "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetUUID",
    )
]  # fmt: skip


@pytest.mark.parametrize("code", [abi.NOT_SUPPORTED, abi.NO_PERMISSION, abi.UNKNOWN, 77])
@pytest.mark.parametrize("odd", [0, 1], ids=["even calls", "odd calls"])
def test_half_of_the_calls_may_fail_and_the_rest_is_told(odd: int, code: int, load: Load) -> None:
    library = two()
    library.fails = dict.fromkeys(DYNAMIC[odd::2], code)
    load(library)
    gpus = NvmlGpus()
    for second in range(3):
        sight = gpus.look(NOW_S + second, ["GPU-a"])
        assert states(sight) == {"GPU-a": GpuState.OK, "GPU-b": GpuState.OK}
    told = sight.gpus[0]
    given = {
        "nvmlDeviceGetName": bool(told.model),
        "nvmlDeviceGetMinorNumber": told.minor is not None,
        "nvmlDeviceGetPciInfo_v3": bool(told.bus_id),
        "nvmlDeviceGetUtilizationRates": told.gpu_percent is not None,
        "nvmlDeviceGetPowerUsage": told.power_w is not None,
        "nvmlDeviceGetTemperature": told.temperature_c is not None,
        "nvmlDeviceGetComputeRunningProcesses_v3": told.processes is not None,
        "nvmlDeviceGetPcieThroughput": told.receive_bytes_s is not None,
        "nvmlDeviceGetMigMode": told.parts is not None,
    }
    assert given == {name: name not in library.fails for name in given}
    assert told.memory is not None


def test_what_nothing_supports_is_no_failure(load: Load) -> None:
    library = two()
    library.fails = dict.fromkeys(DYNAMIC, abi.NOT_SUPPORTED)
    load(library)
    first = NvmlGpus().look(NOW_S).gpus[0]
    assert first == Gpu("GPU-a", 0, GpuState.OK, xid=0)


def test_an_older_driver_lacks_symbols(load: Load) -> None:
    library = two()
    library.missing = {
        "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlEventSetCreate",
        "nvmlDeviceGetProcessUtilization",
    }  # fmt: skip
    load(library)
    first = NvmlGpus().look(NOW_S).gpus[0]
    assert first.memory == Framebuffer(20 * GIB + GIB // 2, 80 * GIB - GIB // 2 - 20 * GIB, 80 * GIB)
    assert [(one.pid, one.sm_percent) for one in first.processes or ()] == [(11, None)]
    assert first.xid is None


def test_processes_that_do_nothing_are_idle_and_memory_may_be_untold(load: Load) -> None:
    idle = [StandInProcess(1, None), StandInProcess(2, GIB), StandInProcess(3, GIB, sm=100)]
    load(StandInLibrary(StandInGpu("GPU-a", processes=idle, shared=[StandInProcess(4, 2 * GIB)])))
    found = NvmlGpus().look(NOW_S).gpus[0].processes or ()
    assert [(one.pid, one.used_bytes, one.sm_percent) for one in found] == [
        (1, None, 0.0), (2, GIB, 0.0), (3, GIB, 100.0), (4, 2 * GIB, 0.0),
    ]  # fmt: skip


def test_a_client_of_mps_that_stands_in_both_lists_is_one_process(load: Load) -> None:
    client, server = StandInProcess(4, 2 * GIB, sm=60), StandInProcess(5, GIB // 32)
    load(StandInLibrary(StandInGpu("GPU-a", processes=[server, client], shared=[client])))
    found = NvmlGpus().look(NOW_S).gpus[0].processes or ()
    assert {one.pid: (one.used_bytes, one.sm_percent) for one in found} == {4: (2 * GIB, 60.0), 5: (GIB // 32, 0.0)}
    assert len(found) == 2


def test_a_gpu_whose_processes_all_rest_is_idle_and_not_unknown(load: Load) -> None:
    load(StandInLibrary(StandInGpu("GPU-a", processes=[StandInProcess(1, GIB), StandInProcess(2, GIB)])))
    found = NvmlGpus().look(NOW_S).gpus[0].processes or ()
    assert [(one.pid, one.sm_percent) for one in found] == [(1, 0.0), (2, 0.0)]


def test_parts_of_a_gpu_and_the_processes_on_them(load: Load) -> None:
    parts = [StandInPart("MIG-x", (1, 0), "1g.10gb"), StandInPart("MIG-y", (2, 0), "3g.40gb", 40 * GIB)]
    gpu = StandInGpu("GPU-a", parts=parts, processes=[StandInProcess(7, 4 * GIB, instances=(2, 0), sm=50)])
    load(StandInLibrary(gpu))
    found = NvmlGpus().look(NOW_S).gpus[0]
    assert found.gpu_percent is None
    told = [(one.uuid, one.gpu_instance, one.profile, one.memory) for one in found.parts or ()]
    assert told == [
        ("MIG-x", 1, "1g.10gb", Framebuffer(0, 10 * GIB, 10 * GIB)),
        ("MIG-y", 2, "3g.40gb", Framebuffer(4 * GIB, 36 * GIB, 40 * GIB)),
    ]
    [process] = found.processes or ()
    assert (process.pid, process.gpu_instance, process.compute_instance, process.sm_percent) == (7, 2, 0, None)


def test_memory_of_a_part_is_as_of_this_look(load: Load) -> None:
    part = StandInPart("MIG-x", (1, 0), "1g.10gb")
    process = StandInProcess(7, GIB, instances=(1, 0))
    load(StandInLibrary(StandInGpu("GPU-a", parts=[part], processes=[process])))
    gpus = NvmlGpus()
    used = []
    for second in range(3):
        process.used = (second + 1) * GIB
        [found] = gpus.look(NOW_S + second).gpus[0].parts or ()
        used.append(found.memory and found.memory.used_bytes)
    assert used == [GIB, 2 * GIB, 3 * GIB]


def test_the_bus_is_measured_where_it_is_asked_for_alone(load: Load) -> None:
    library = two()
    library.gpus[1].received_kb_s = lambda now_s: 12_000_000
    load(library)
    sight = NvmlGpus().look(NOW_S, ["GPU-b"])
    assert [one.receive_bytes_s for one in sight.gpus] == [None, 12e9]
    assert library.calls.count("nvmlDeviceGetPcieThroughput") == 1


def test_the_last_xid_error_stays(load: Load) -> None:
    library = two()
    load(library)
    gpus = NvmlGpus()
    gpus.look(NOW_S)
    library.xids = [(library.gpus[1], 13), (library.gpus[1], 79)]
    for second in (1.0, 2.0):
        assert [one.xid for one in gpus.look(NOW_S + second).gpus] == [0, 79]


def test_the_last_xid_error_stays_as_the_driver_is_opened_again(load: Load) -> None:
    library = two()
    load(library)
    gpus = NvmlGpus()
    gpus.look(NOW_S)
    library.xids = [(library.gpus[1], 13)]
    library.gpus[0].lost = True
    gpus.look(NOW_S + 1.0)
    sight = gpus.look(NOW_S + 2.0 + LOST_RETRY_S)
    assert {one.uuid: one.xid for one in sight.gpus} == {"GPU-a": None, "GPU-b": 13}
