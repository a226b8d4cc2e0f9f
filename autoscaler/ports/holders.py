"""The ports that tell whose the devices and the processes of this node are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from autoscaler.domain.device_holder import DeviceHolder, HostUse, ProcessOwner


class HoldersPort(Protocol):
    """The kubelet."""

    def holders(self) -> Sequence[DeviceHolder]:
        """Containers that hold devices now. Raises `Unavailable` and `Forbidden`."""
        ...


class ProcessesPort(Protocol):
    """The kernel. None where there is no such process, or nothing may be known of it."""

    def pids(self) -> Iterable[int]:
        """All processes."""
        ...

    def owner(self, pid: int) -> ProcessOwner | None:
        """Whose it is."""
        ...

    def use(self, pid: int) -> HostUse | None:
        """What it uses now."""
        ...
