"""One look of the node agent, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.table import Column, Table

from autoscaler.agent.view import ContainerUse, View
from autoscaler.domain.gpu import Framebuffer, Gpu

GIB = float(1 << 30)
UNKNOWN = "-"


def summary(view: View) -> dict[str, object]:
    """For programs; what is unknown is null."""
    return {
        "node": view.node,
        "at_s": view.at_s,
        "driver": view.sight.driver,
        "problems": view.problems,
        "gpus": [asdict(gpu) for gpu in view.sight.gpus],
        "holders": {device: [asdict(one) for one in holders] for device, holders in view.holders.items()},
        "uses": [_told(use) for use in view.uses],
    }


def _told(use: ContainerUse) -> dict[str, object]:
    """All but the phase: one look does not tell what goes on."""
    return {name: value for name, value in asdict(use).items() if name != "phase"}


def show(view: View) -> None:
    """For people: a table of GPUs, one of what containers use, and what is wrong."""
    out = Console(highlight=False)
    driver = f"driver {view.sight.driver}" if view.sight.driver else "no driver"
    out.print(f"node {view.node}, {driver}, {len(view.sight.gpus)} GPUs", markup=False, soft_wrap=True)
    if view.sight.gpus:
        out.print(_gpus(view))
    if view.uses:
        out.print(_uses(view))
    for line in view.problems:
        out.print(line, markup=False, soft_wrap=True)


def _gpus(view: View) -> Table:
    table = Table("gpu", "model", "state", "util", "memory GiB", Column("held by", overflow="fold"))
    for gpu in view.sight.gpus:
        whole = None if gpu.parts else gpu.memory
        table.add_row(str(gpu.index), gpu.model, gpu.state, _percent(gpu.gpu_percent), _memory(whole), _held(view, gpu))
        for part in gpu.parts or ():
            held = _names(view, part.uuid)
            table.add_row("", f"  MIG {part.profile}", "", "", _memory(part.memory), held)
    return table


def _uses(view: View) -> Table:
    table = Table("gpu", Column("pod", overflow="fold"), Column("container", overflow="fold"), "memory GiB", "SM")
    for use in view.uses:
        name = use.name
        pod = f"{name.namespace}/{name.pod}" if name.pod else f"uid {use.uid}"
        used = UNKNOWN if use.used_bytes is None else f"{use.used_bytes / GIB:.1f}"
        busy = None if use.sm_ratio is None else 100.0 * use.sm_ratio
        table.add_row(str(use.gpu), pod, name.container or UNKNOWN, used, _percent(busy))
    return table


def _held(view: View, gpu: Gpu) -> str:
    return "" if gpu.parts else _names(view, gpu.uuid)


def _names(view: View, device: str) -> str:
    return ", ".join(f"{one.namespace}/{one.pod}" for one in view.holders.get(device, ()))


def _memory(memory: Framebuffer | None) -> str:
    return UNKNOWN if memory is None else f"{memory.used_bytes / GIB:.1f} / {memory.total_bytes / GIB:.1f}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f} %"
