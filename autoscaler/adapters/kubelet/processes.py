"""The processes port over /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from autoscaler.adapters.kubelet.cgroup import pod_and_container
from autoscaler.domain.device_holder import HostUse, ProcessOwner

LARGEST = 1 << 16
LARGEST_STAT = 1 << 20
"""Of the machine: it has a number for each interrupt before the time of boot."""


class ProcProcesses:
    """`proc`: where the machine's /proc is. Numbers of processes are those of its namespace."""

    def __init__(self, proc: Path) -> None:
        self._proc = str(proc)
        self._ticks_s = os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")

    def pids(self) -> Iterator[int]:
        try:
            names = os.listdir(self._proc)
        except OSError:
            return iter(())
        return (int(name) for name in names if name.isdigit())

    def owner(self, pid: int) -> ProcessOwner | None:
        began_ticks = self._began_ticks(pid)
        groups = self._read(pid, "cgroup")
        if began_ticks is None or groups is None:
            return None
        began_s = self._booted_s() + began_ticks / self._ticks_s
        uid, container = pod_and_container(groups)
        hostname = (self._read(pid, "root/etc/hostname") or "").strip() if uid else ""
        return ProcessOwner(pid, began_s, uid, container, hostname)

    def use(self, pid: int) -> HostUse | None:
        resident = self._read(pid, "statm")
        if resident is None:
            return None
        asked = fetched = None
        for line in (self._read(pid, "io") or "").splitlines():
            name, _, count = line.partition(": ")
            if name == "rchar":
                asked = int(count)
            elif name == "read_bytes":
                fetched = int(count)
        pages = resident.split()
        return HostUse(int(pages[1]) * self._page_bytes if len(pages) > 1 else None, asked, fetched)

    def _began_ticks(self, pid: int) -> int | None:
        """Since the machine was started. The name of the process, in brackets, may hold anything."""
        fields = (self._read(pid, "stat") or "").rpartition(")")[2].split()
        return int(fields[19]) if len(fields) > 19 else None

    def _booted_s(self) -> float:
        """Seconds since the epoch; moves when the clock is set."""
        for line in (self._read("stat", most=LARGEST_STAT) or "").splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
        return 0.0

    def _read(self, *parts: object, most: int = LARGEST) -> str | None:
        """None where it is not there, went while we read, or is not ours to read."""
        try:
            file = os.open("/".join([self._proc, *map(str, parts)]), os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            return os.read(file, most).decode(errors="replace")
        except OSError:
            return None
        finally:
            os.close(file)
