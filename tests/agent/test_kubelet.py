"""Which containers hold which devices, from a real gRPC server, and which processes are theirs."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import grpc
import pytest

from autoscaler.adapters.kubelet.cgroup import pod_and_container
from autoscaler.adapters.kubelet.pod_resources import PodResources
from autoscaler.adapters.kubelet.processes import ProcProcesses
from autoscaler.domain.device_holder import DeviceHolder, HostUse, ProcessOwner
from autoscaler.ports.errors import Forbidden, Unavailable
from tests.agent.kubelet_stand_in import BOOTED_S, Given, StandInProc, cgroup_of, kubelet

UID, CONTAINER = "0f3a1c52-7d1e-4b6f-9a3d-2c4e5f607182", "ab" * 32
PATIENT_S = 60.0
SYSTEMD = UID.replace("-", "_")


def test_it_lists_who_holds_devices(tmp_path: Path) -> None:
    chat = Given("inference", "chat-0", "server", {"nvidia.com/gpu": ["GPU-a", "GPU-b"], "rdma/ib": ["mlx5_0"]})
    bare = Given("default", "web", "nginx", {})
    long = Given("x" * 63, "y" * 253, "z" * 63, {"nvidia.com/gpu.shared": [f"GPU-{n}::{n}" for n in range(500)]})
    with kubelet(tmp_path, chat, bare, long) as stand_in:
        port = PodResources(stand_in.socket, PATIENT_S)
        first = port.holders()
        stand_in.given = [chat]
        second = port.holders()
    one = DeviceHolder("inference", "chat-0", "server", ("GPU-a", "GPU-b", "mlx5_0"))
    many = DeviceHolder("x" * 63, "y" * 253, "z" * 63, tuple(f"GPU-{n}::{n}" for n in range(500)))
    assert list(first) == [one, many]
    assert list(second) == [one]


def test_a_missing_socket_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no such socket; mount the kubelet's folder pod-resources"):
        PodResources(tmp_path / "kubelet.sock", PATIENT_S).holders()


def test_a_kubelet_that_hangs_has_its_time_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "kubelet.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with pytest.raises(Unavailable, match="kubelet does not list devices: DEADLINE_EXCEEDED"):
            PodResources(path, 0.2).holders()


def test_a_kubelet_that_went_is_said(tmp_path: Path) -> None:
    with kubelet(tmp_path) as stand_in:
        port = PodResources(stand_in.socket, PATIENT_S)
        assert list(port.holders()) == []
        stand_in.fails = grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(Unavailable, match="UNIMPLEMENTED: as the test says"):
            port.holders()
    stand_in.socket.write_text("")  # what a kubelet that was killed leaves
    with pytest.raises(Unavailable, match="UNAVAILABLE"):
        port.holders()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_socket_that_is_not_for_us_is_said(tmp_path: Path) -> None:
    with kubelet(tmp_path) as stand_in:
        stand_in.socket.chmod(0o600)
        tmp_path.chmod(0o755)
        for folder in tmp_path.parents:
            if folder.name.startswith("pytest-"):
                folder.chmod(0o755)
        before = os.geteuid()
        os.seteuid(65534)
        try:
            with pytest.raises(Forbidden, match="the agent has to run as root"):
                PodResources(stand_in.socket, PATIENT_S).holders()
        finally:
            os.seteuid(before)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{SYSTEMD}.slice/cri-containerd-{CONTAINER}.scope",
            (UID, CONTAINER),
            id="v2 systemd containerd",
        ),
        pytest.param(f"0::/kubepods/besteffort/pod{UID}/{CONTAINER}", (UID, CONTAINER), id="v2 cgroupfs"),
        pytest.param(
            f"0::/kubepods.slice/kubepods-pod{SYSTEMD}.slice/crio-{CONTAINER}.scope/container",
            (UID, CONTAINER),
            id="cri-o",
        ),
        pytest.param(
            f"0::/system.slice/containerd.service/kubepods-burstable-pod{SYSTEMD}.slice:cri-containerd:{CONTAINER}",
            (UID, CONTAINER),
            id="containerd without systemd's driver",
        ),
        pytest.param(
            f"12:pids:/kubepods/burstable/pod{UID}/{CONTAINER}\n11:memory:/kubepods/burstable/pod{UID}/{CONTAINER}\n",
            (UID, CONTAINER),
            id="v1 cgroupfs",
        ),
        pytest.param(
            f"13:rdma:/\n12:cpu,cpuacct:/kubepods.slice/kubepods-pod{SYSTEMD}.slice/docker-{CONTAINER}.scope\n0::/\n",
            (UID, CONTAINER),
            id="v1 systemd docker, some controllers at the root",
        ),
        pytest.param(f"0::/../../pod{UID}/{CONTAINER}", (UID, CONTAINER), id="seen from another cgroup namespace"),
        pytest.param(
            f"0::/docker/{'cd' * 32}/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{SYSTEMD}.slice/"
            f"cri-containerd-{CONTAINER}.scope",
            (UID, CONTAINER),
            id="a node in a container",
        ),
        pytest.param(f"0::/kubepods/pod{'e' * 32}/{CONTAINER}", ("e" * 32, CONTAINER), id="static pod"),
        pytest.param(f"0::/kubepods/burstable/pod{UID}", (UID, ""), id="the pod itself"),
        pytest.param("0::/system.slice/sshd.service", ("", ""), id="no pod"),
        pytest.param(f"0::/machine.slice/libpod-{CONTAINER}.scope", ("", ""), id="a container of no pod"),
        pytest.param("0::/user.slice/podman-0f3a1c52.scope\n", ("", ""), id="a name with pod in it"),
        pytest.param("", ("", ""), id="nothing"),
    ],
)
def test_pod_and_container_from_the_control_group(text: str, expected: tuple[str, str]) -> None:
    assert pod_and_container(text) == expected


def test_a_process_and_what_it_uses(tmp_path: Path) -> None:
    proc = StandInProc(tmp_path / "proc")
    proc.add(41, BOOTED_S + 12.5, cgroup_of(UID, CONTAINER), "chat-0", name="a) S 1 (b")
    proc.use(41, 1 << 30, 5 << 30, 4 << 30)
    proc.add(42, BOOTED_S + 1.0, "0::/init.scope", "node-1")
    port = ProcProcesses(proc.root)
    assert sorted(port.pids()) == [41, 42]
    assert port.owner(41) == ProcessOwner(41, BOOTED_S + 12.5, UID, CONTAINER, "chat-0")
    assert port.owner(42) == ProcessOwner(42, BOOTED_S + 1.0)
    assert port.use(41) == HostUse(1 << 30, 5 << 30, 4 << 30)
    (proc.root / "41" / "io").unlink()  # as where we may not look
    assert port.use(41) == HostUse(1 << 30, None, None)
    proc.remove(41)
    assert (port.owner(41), port.use(41)) == (None, None)


def test_when_a_process_began_is_known_on_a_machine_with_many_interrupts(tmp_path: Path) -> None:
    proc = StandInProc(tmp_path / "proc")
    proc.add(41, BOOTED_S + 12.5, "0::/init.scope")
    (proc.root / "stat").write_text(f"cpu  1 2 3 4\nintr 9{' 0' * 60_000}\nctxt 7\nbtime {BOOTED_S}\n")
    own = ProcProcesses(proc.root).owner(41)
    assert own is not None
    assert own.began_s == BOOTED_S + 12.5


def test_a_proc_that_is_not_there_has_no_processes(tmp_path: Path) -> None:
    port = ProcProcesses(tmp_path / "none")
    assert list(port.pids()) == []
    assert (port.owner(1), port.use(1)) == (None, None)


def test_the_real_proc_tells_of_this_process() -> None:
    port = ProcProcesses(Path("/proc"))
    own = port.owner(os.getpid())
    used = port.use(os.getpid())
    assert os.getpid() in set(port.pids())
    assert own is not None
    assert own.began_s is not None
    assert own.began_s > 1e9
    assert used is not None
    assert (used.resident_bytes or 0) > 1 << 20
    assert (used.asked_bytes or 0) > 0
