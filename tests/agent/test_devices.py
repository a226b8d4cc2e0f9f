"""Names of devices as plugins write them, names of pods for processes, and what processes use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoscaler.agent.devices import devices_by_holder
from autoscaler.agent.naming import Place, PodName, named
from autoscaler.agent.uses import UseReader
from autoscaler.domain.device_holder import DeviceHolder, ProcessOwner
from autoscaler.domain.gpu import Framebuffer, Gpu, GpuPart, GpuProcess, GpuSight, GpuState

PARTS = (GpuPart("MIG-x", 1, 0, "1g.10gb", None), GpuPart("MIG-y", 2, 0, "1c.2g.20gb", None),
         GpuPart("MIG-z", 2, 1, "1c.2g.20gb", None))  # fmt: skip
GPUS = (Gpu("GPU-a", 0, GpuState.OK, minor=3), Gpu("GPU-0b-1c", 1, GpuState.OK, minor=1, parts=PARTS))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("GPU-a", {"GPU-a"}, id="whole"),
        pytest.param("GPU-a::7", {"GPU-a"}, id="time-sliced"),
        pytest.param("MIG-y", {"MIG-y"}, id="part"),
        pytest.param("MIG-y::0", {"MIG-y"}, id="time-sliced part"),
        pytest.param("MIG-GPU-0b-1c/2/1", {"MIG-z"}, id="part, as older drivers name it"),
        pytest.param("nvidia3", {"GPU-a"}, id="by its number in /dev"),
        pytest.param("nvidia3/vgpu12", {"GPU-a"}, id="by number, time-sliced"),
        pytest.param("nvidia1/gi2", {"MIG-y", "MIG-z"}, id="part by number"),
        pytest.param("nvidia1/gi1/vgpu0", {"MIG-x"}, id="part by number, time-sliced"),
        pytest.param("nvidia0", set(), id="a number that no GPU has"),
        pytest.param("GPU-gone", set(), id="a GPU that is not here"),
        pytest.param("mlx5_0", set(), id="another kind of device"),
    ],
)
def test_names_that_plugins_give_to_devices(name: str, expected: set[str]) -> None:
    [found] = devices_by_holder([DeviceHolder("n", "p", "c", (name,))], GPUS)
    assert found == expected


TOLD_S = 5.0


def place(uid: str, *devices: str, hostname: str = "") -> tuple[tuple[str, str], Place]:
    return (uid, f"id-{uid}"), Place(ProcessOwner(1, 0.0, uid, f"id-{uid}", hostname), frozenset(devices))


CHAT = DeviceHolder("n", "chat-0", "server", ("GPU-a",))
WEB = DeviceHolder("n", "web-1", "main", ("GPU-a",))
JOB = DeviceHolder("n", "train-3-x7abc", "main", ("GPU-a",))
LONG = DeviceHolder("n", "l" * 70, "main", ("GPU-a",))


@pytest.mark.parametrize(
    ("places", "holders", "expected"),
    [
        pytest.param([place("u", "GPU-a")], (CHAT,), {"u": "chat-0"}, id="one holder, no host name to read"),
        pytest.param([place("u", "GPU-a", hostname="node-1")], (CHAT,), {"u": "chat-0"}, id="on the node's network"),
        pytest.param([place("u", "GPU-a", hostname="dcgm")], (CHAT,), {}, id="of another pod, whatever it may see"),
        pytest.param([place("u", "GPU-a"), place("v", "GPU-a")], (CHAT,), {}, id="two pods, one holder, no host names"),
        pytest.param([place("u", "GPU-a", hostname="web-1")], (CHAT, WEB), {"u": "web-1"}, id="shared, by host name"),
        pytest.param([place("u", "GPU-a")], (CHAT, WEB), {}, id="shared, no host name to read"),
        pytest.param([place("u", "GPU-a", hostname="train-3")], (JOB, WEB), {"u": "train-3-x7abc"}, id="of a Job"),
        pytest.param([place("u", "GPU-a", hostname="l" * 63)], (LONG, WEB), {"u": "l" * 70}, id="a long name"),
        pytest.param([place("u", "GPU-a")], (), {}, id="nobody holds it"),
    ],
)
def test_names_of_pods(
    places: list[tuple[tuple[str, str], Place]], holders: tuple[DeviceHolder, ...], expected: dict[str, str]
) -> None:
    found = named(dict(places), {"GPU-a": holders}, {}, "node-1", TOLD_S)
    assert {uid: name.pod for (uid, _), name in found.items()} == expected


def test_a_name_that_was_found_stays_and_is_not_given_twice() -> None:
    known = {("u", "id-u"): PodName("n", "chat-0", "server")}
    found = named(dict([place("u", "GPU-a"), place("v", "GPU-a")]), {"GPU-a": (CHAT, WEB)}, known, "node-1", TOLD_S)
    assert found == known
    both = named(
        dict([place("u", "GPU-a"), place("v", "GPU-a", hostname="chat-0")]), {"GPU-a": (CHAT,)}, known, "n", TOLD_S
    )
    assert both == known


def test_a_container_is_named_where_it_alone_of_its_pod_has_the_device() -> None:
    side = DeviceHolder("n", "chat-0", "side", ("GPU-a",))
    [(key, one)] = dict([place("u", "GPU-a", hostname="chat-0")]).items()
    assert named({key: one}, {"GPU-a": (CHAT,)}, {}, "x", TOLD_S) == {key: PodName("n", "chat-0", "server")}
    assert named({key: one}, {"GPU-a": (CHAT, side)}, {}, "x", TOLD_S) == {key: PodName("n", "chat-0", "")}


def test_what_comes_over_a_bus_is_of_a_process_that_is_alone_on_it() -> None:
    one, other = GpuProcess(1, 5), GpuProcess(2, 5)
    gpu = Gpu("GPU-a", 0, GpuState.OK, receive_bytes_s=7.0)
    alone = UseReader().read(GpuSight((replace(gpu, processes=(one,)),)))
    both = UseReader().read(GpuSight((replace(gpu, processes=(one, other)),)))
    assert alone.by_process[1]["GPU-a"].receive_bytes_s == 7.0
    assert [both.by_process[pid]["GPU-a"].receive_bytes_s for pid in (1, 2)] == [None, None]


def test_memory_that_is_told_for_the_gpu_alone_is_nobodys_where_two_are_on_it_or_nobody_saw_it_bare() -> None:
    one, other = GpuProcess(1), GpuProcess(2)
    bare = Gpu("GPU-a", 0, GpuState.OK, memory=Framebuffer(3, 7, 10), processes=())
    used = replace(bare, memory=Framebuffer(8, 2, 10))
    reader = UseReader()
    unseen = reader.read(GpuSight((replace(used, processes=(one,)),)))
    reader.read(GpuSight((bare,)))
    alone = reader.read(GpuSight((replace(used, processes=(one,)),)))
    both = reader.read(GpuSight((replace(used, processes=(one, other)),)))
    assert unseen.by_process[1]["GPU-a"].used_bytes is None
    assert alone.by_process[1]["GPU-a"].used_bytes == 5
    assert [both.by_process[pid]["GPU-a"].used_bytes for pid in (1, 2)] == [None, None]
