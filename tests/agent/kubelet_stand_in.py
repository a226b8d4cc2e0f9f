"""A kubelet and a /proc for tests: a real gRPC server on a socket, and a folder of files as the kernel writes them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

BOOTED_S = 1_790_000_000


@dataclass
class Given:
    """A container and its devices, by resource. fails: the answer is this status of gRPC."""

    namespace: str
    pod: str
    container: str
    devices: Mapping[str, Sequence[str]]


@dataclass
class StandInKubelet:
    """given: what it answers. asked: how often it was asked."""

    socket: Path
    given: list[Given] = field(default_factory=list)
    fails: grpc.StatusCode | None = None
    asked: int = 0

    def answer(self, request: bytes, context: Any) -> bytes:
        self.asked += 1
        if self.fails is not None:
            context.abort(self.fails, "as the test says")
        return b"".join(_field(1, _pod(one)) for one in self.given)


@contextmanager
def kubelet(folder: Path, *given: Given) -> Iterator[StandInKubelet]:
    """A server on a socket of that folder."""
    stand_in = StandInKubelet(folder / "kubelet.sock", list(given))
    server = grpc.server(ThreadPoolExecutor(2))
    method = grpc.unary_unary_rpc_method_handler(stand_in.answer)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("v1.PodResourcesLister", {"List": method}),))
    server.add_insecure_port(f"unix:{stand_in.socket}")
    server.start()
    try:
        yield stand_in
    finally:
        server.stop(None).wait()


def _pod(one: Given) -> bytes:
    """PodResources, as the kubelet writes it: with fields that we do not read (cpu ids, topology of devices)."""
    devices = b"".join(
        _field(2, _text(1, resource) + b"".join(_text(2, device) for device in ids) + _field(3, b"\x0a\x02\x08\x01"))
        for resource, ids in one.devices.items()
    )
    container = _text(1, one.container) + devices + b"\x1a\x02\x00\x01"
    return _text(1, one.pod) + _text(2, one.namespace) + _field(3, container)


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _field(number: int, value: bytes) -> bytes:
    """A field of bytes on the wire of protocol buffers."""
    length, out = len(value), bytearray([number << 3 | 2])
    while length > 0x7F:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes([*out, length]) + value


class StandInProc:
    """`root`: the folder, to be used for /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)
        (root / "stat").write_text(f"cpu  1 2 3 4\nbtime {BOOTED_S}\nprocesses 5\n")

    def add(self, pid: int, began_s: float, cgroup: str, hostname: str | None = None, name: str = "python3") -> None:
        """A process; `name` is the program's, which may hold anything."""
        folder = self.root / str(pid)
        (folder / "root" / "etc").mkdir(parents=True)
        ticks = round((began_s - BOOTED_S) * os.sysconf("SC_CLK_TCK"))
        (folder / "stat").write_text(f"{pid} ({name}) S {' '.join(['1'] * 18)} {ticks} {' '.join(['0'] * 30)}\n")
        (folder / "cgroup").write_text(cgroup)
        if hostname is not None:
            (folder / "root" / "etc" / "hostname").write_text(f"{hostname}\n")
        self.use(pid, 1 << 20, 0, 0)

    def use(self, pid: int, resident: int, asked: int, fetched: int) -> None:
        """What it uses from now on, in bytes."""
        folder = self.root / str(pid)
        page = os.sysconf("SC_PAGE_SIZE")
        (folder / "statm").write_text(f"{resident // page + 100} {resident // page} 50 1 0 60 0\n")
        (folder / "io").write_text(
            f"rchar: {asked}\nwchar: 1\nsyscr: 2\nsyscw: 3\nread_bytes: {fetched}\nwrite_bytes: 0\n"
        )

    def remove(self, pid: int) -> None:
        """It ends."""
        for path in sorted((self.root / str(pid)).rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
        (self.root / str(pid)).rmdir()


def cgroup_of(uid: str, container: str) -> str:
    """As containerd with systemd and version 2 writes it."""
    pod = uid.replace("-", "_")
    slices = "/kubepods.slice/kubepods-burstable.slice"
    return f"0::{slices}/kubepods-burstable-pod{pod}.slice/cri-containerd-{container}.scope\n"
