"""Who is on the devices of a node: containers that hold them, and the containers that processes are of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceHolder:
    """One container, and the ids of devices that the kubelet gave it, as the device plugin wrote them."""

    namespace: str
    pod: str
    container: str
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProcessOwner:
    """What the kernel tells of a process. uid: of its pod, empty for one of no pod. container_id: of the runtime,
    empty where there is none. hostname: that its container sees, which is the pod's name as a rule; empty where that
    cannot be read. began_s: seconds since the epoch, None where the kernel does not know the process.
    """

    pid: int
    began_s: float | None = None
    uid: str = ""
    container_id: str = ""
    hostname: str = ""


@dataclass(frozen=True, slots=True)
class HostUse:
    """What a process uses of its host. asked_bytes: read so far by calls. fetched_bytes: read so far from disks, mapped
    files included. None where we may not look.
    """

    resident_bytes: int | None
    asked_bytes: int | None
    fetched_bytes: int | None
