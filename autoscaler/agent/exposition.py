"""The last look as metrics. What is gone has no series; what is unknown has none either."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from autoscaler.agent import names
from autoscaler.agent.loop import Loop
from autoscaler.agent.names import AgentMetric
from autoscaler.agent.naming import PodName
from autoscaler.agent.view import View
from autoscaler.coldstart.published import AGENT, BEGIN, END
from autoscaler.domain.gpu import Framebuffer, Gpu, GpuPart
from autoscaler.ports.clock import ClockPort

MIB = float(1 << 20)
OF_COMPUTE = re.compile(r"^\d+c\.")
"""What the profile of a compute instance has before that of its GPU instance, as in `1c.3g.40gb`."""
Sample = tuple[AgentMetric, tuple[str, ...], float | None]


class Exposition(Collector):
    """Read by the threads of the server; a view is replaced as a whole."""

    def __init__(self, loop: Loop, clock: ClockPort) -> None:
        self._loop, self._clock = loop, clock

    def collect(self) -> Iterator[Metric]:
        families: dict[AgentMetric, Metric] = {}
        for metric in names.ALL:
            kind = CounterMetricFamily if metric.is_counter else GaugeMetricFamily
            families[metric] = kind(metric.text, metric.help, labels=metric.labels)
        for metric, labels, value in self._samples():
            if value is not None:
                families[metric].add_metric(labels, value)  # type: ignore[attr-defined]
        yield from families.values()

    def _samples(self) -> Iterator[Sample]:
        loop = self._loop
        yield names.LOOKS, (), loop.looks
        yield names.LATE, (), loop.late
        yield names.FAILED, (), loop.failed
        yield names.CLOCK, (), self._clock.wall_s()
        if loop.view is not None:
            yield names.LOOK, (), loop.took_s
            yield from samples_of(loop.view)


def samples_of(view: View) -> Iterator[Sample]:
    """All samples of a look; None is left out."""
    yield names.DRIVER, (), float(not view.sight.why)
    yield names.KUBELET, (), float(not view.kubelet_why)
    for gpu in view.sight.gpus:
        yield from _of_gpu(gpu, view)
    for use in view.uses:
        labels = (use.name.namespace, use.name.pod, use.name.container, use.uid, str(use.gpu))
        yield names.USED, labels, use.used_bytes
        yield names.SM, labels, use.sm_ratio
        yield names.PHASE, (*labels, use.phase.value), 1.0
    for stamp in view.stamps:
        name = stamp.name
        labels = (name.namespace, name.pod, name.container, stamp.uid, stamp.stage.value)
        yield names.STAGE, (*labels, BEGIN, AGENT), stamp.from_s
        yield names.STAGE, (*labels, END, AGENT), stamp.until_s


def _of_gpu(gpu: Gpu, view: View) -> Iterator[Sample]:
    yield names.STATE, (str(gpu.index), gpu.uuid, gpu.state.value), 1.0
    yield names.RECEIVED, (str(gpu.index), gpu.uuid), gpu.receive_bytes_s
    whole = _labels(gpu, view, [gpu.uuid], "", "")
    yield names.GPU_UTIL, whole, gpu.gpu_percent
    yield names.COPY_UTIL, whole, gpu.copy_percent
    yield names.POWER, whole, gpu.power_w
    yield names.TEMPERATURE, whole, gpu.temperature_c
    yield names.XID, whole, gpu.xid
    for parts in _by_instance(gpu).values():
        profile = OF_COMPUTE.sub("", parts[0].profile)
        devices = [part.uuid for part in parts]
        yield from _memory(parts[0].memory, _labels(gpu, view, devices, str(parts[0].gpu_instance), profile))
    if not gpu.parts:
        yield from _memory(gpu.memory, whole)


def _by_instance(gpu: Gpu) -> dict[int, list[GpuPart]]:
    """Parts by GPU instance: memory is of that, and the compute instances in it share it."""
    found: dict[int, list[GpuPart]] = {}
    for part in gpu.parts or ():
        found.setdefault(part.gpu_instance, []).append(part)
    return found


def _memory(memory: Framebuffer | None, labels: tuple[str, ...]) -> Iterator[Sample]:
    if memory is not None:
        yield names.FB_USED, labels, memory.used_bytes // MIB
        yield names.FB_FREE, labels, memory.free_bytes // MIB
        yield names.FB_TOTAL, labels, memory.total_bytes // MIB


def _labels(gpu: Gpu, view: View, devices: Sequence[str], part: str, profile: str) -> tuple[str, ...]:
    holders = list(dict.fromkeys(one for device in devices for one in view.holders.get(device, ())))
    name = PodName()
    if len(holders) == 1:
        name = PodName(holders[0].namespace, holders[0].pod, holders[0].container)
    number = gpu.index if gpu.minor is None else gpu.minor
    return (
        str(gpu.index), gpu.uuid, f"nvidia{number}", gpu.model, view.node, part, profile, name.namespace, name.pod,
        name.container,
    )  # fmt: skip
