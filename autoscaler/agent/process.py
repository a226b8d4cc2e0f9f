"""One process on GPUs: its curves, one for each device that it is on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

from autoscaler.coldstart.memory_curve import MemoryCurve
from autoscaler.coldstart.memory_sample import MemorySample, Phase, StageSpan
from autoscaler.domain.device_holder import HostUse, ProcessOwner
from autoscaler.domain.lead_time import Stage

FRESH_S = 3.0
"""A process that is so young has read nothing to speak of."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a look was: wall time, and time of the clock that never steps."""

    at_s: float
    steady_s: float


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """What a look found of a process on one device. gpu: uuid of the whole GPU. None is what nobody tells."""

    gpu: str
    used_bytes: int | None
    sm_percent: float | None = None
    receive_bytes_s: float | None = None


@dataclass(slots=True)
class TrackedProcess:
    """owner: whose it is. uses: by device, as last seen. curves: by device, kept when the device is let go."""

    owner: ProcessOwner
    uses: Mapping[str, DeviceUse] = field(default_factory=dict)
    curves: dict[str, MemoryCurve] = field(default_factory=dict)
    _before: MemoryCurve | None = None
    """Of the time when it was on no device yet."""
    _host_s: tuple[float, ...] = ()
    """When its reads were looked at for the first and the second time, in seconds since the epoch."""
    _read_bytes: int = 0
    _host: HostUse | None = None

    def __post_init__(self) -> None:
        self._before = MemoryCurve(self.owner.began_s)

    @property
    def is_starting(self) -> bool:
        """Its memory may still tell of its start."""
        return not self.curves or any(not curve.is_final for curve in self.curves.values())

    @property
    def phases(self) -> dict[str, Phase]:
        """What it does, by device."""
        return {device: curve.phase for device, curve in self.curves.items() if device in self.uses}

    @property
    def spans(self) -> Iterator[tuple[StageSpan, ...]]:
        """What each curve tells. Reads that went on at the first look at them began at a time that nobody knows."""
        for curve in self.curves.values():
            yield tuple(
                replace(span, from_s=None) if span.stage is Stage.WEIGHTS and self._is_late(span.from_s) else span
                for span in curve.spans
            )

    def _is_late(self, from_s: float | None) -> bool:
        if from_s is None or not self._host_s:
            return False
        began_s = self.owner.began_s
        was_young = began_s is not None and self._host_s[0] - began_s <= FRESH_S
        return not was_young and from_s < self._host_s[-1]

    def look(
        self, now: Moment, before: Moment | None, uses: Mapping[str, DeviceUse], unseen: frozenset[str],
        host: HostUse | None,
    ) -> None:  # fmt: skip
        """uses: by device. unseen: devices of which this look tells nothing. before: the last look at which it was on
        none of the devices that it is new on, None where there was none. host: None where nobody looked.
        """
        for device in uses.keys() - self.curves.keys():
            self._begin(device, before)
        resident, read = self._host_bytes(now.at_s, host)
        for device, curve in self.curves.items():
            use = uses.get(device)
            gone = DeviceUse("", None if device in unseen else 0)
            curve.add(_sample(now, use or gone, resident, read))
        if not self.curves and self._before is not None:
            self._before.add(_sample(now, DeviceUse("", None if unseen else 0), resident, read))
        self.uses = uses

    def _begin(self, device: str, before: Moment | None) -> None:
        curve = deepcopy(self._before) if self._before is not None else MemoryCurve(self.owner.began_s)
        if before is not None:
            curve.add(MemorySample(before.at_s, before.steady_s, 0))
        self.curves[device] = curve

    def _host_bytes(self, at_s: float, host: HostUse | None) -> tuple[int | None, int | None]:
        """Resident, and read so far: by calls or through mapped files, whichever grew more since the last look."""
        if host is None:
            return None, None
        if len(self._host_s) < 2:
            self._host_s += (at_s,)
        last, self._host = self._host, host
        grown = [
            now - (then or 0)
            for now, then in (
                (host.asked_bytes, last and last.asked_bytes), (host.fetched_bytes, last and last.fetched_bytes),
            )
            if now is not None
        ]  # fmt: skip
        if not grown:
            return host.resident_bytes, None
        self._read_bytes += max(0, *grown)
        return host.resident_bytes, self._read_bytes


def _sample(now: Moment, use: DeviceUse, resident: int | None, read: int | None) -> MemorySample:
    return MemorySample(
        at_s=now.at_s,
        steady_s=now.steady_s,
        gpu_bytes=use.used_bytes,
        received_bytes_s=use.receive_bytes_s,
        sm_share=None if use.sm_percent is None else use.sm_percent / 100.0,
        resident_bytes=resident,
        read_bytes=read,
    )
