"""What is shown: tables that stay in place on a terminal with decisions above them, or plain lines in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from simulations.try_cluster.seen import PoolSeen, Seen, WorkloadSeen

PLAIN_EVERY_S = 5.0
POOL_HEADINGS = (
    "\npool", "\ntype", "nodes\nready", "\nbooting", "\nordered", "GPUs\nserving", "\nstarting", "\nwarm", "\nfree",
)  # fmt: skip
PLAN_HEADINGS = (
    "\npolicy", "\nmode", "\ndemand", "\nfloor", "\nplanned", "replicas\nready", "\nstarting", "\npending", "\nasked",
    "room\nbound", "\npending",
)  # fmt: skip
NAMED_LEFT = 2
"""Columns of words; the others are numbers."""


@dataclass(frozen=True, slots=True)
class Now:
    """One moment. clock: the time of day that is replayed. per_s: requests a second by model."""

    elapsed_s: float
    clock: str
    per_s: Mapping[str, float]
    seen: Seen


@dataclass
class Screen:
    """Says and shows. links: lines that stay in sight."""

    console: Console
    links: Sequence[str] = ()
    _live: Live | None = field(default=None)
    _last: tuple[float, tuple[str, ...]] = (-PLAIN_EVERY_S, ())

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self._live = Live(console=self.console, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.__exit__(None, None, None)
            self._live = None

    def say(self, line: str, style: str = "") -> None:
        """One line that stays."""
        self.console.print(Text(line, style), soft_wrap=not self.console.is_terminal)

    def show(self, now: Now) -> None:
        """The state: in place on a terminal; elsewhere lines, where something has changed, every five seconds."""
        if self._live is not None:
            self._live.update(self._drawn(now), refresh=True)
            return
        lines = tuple(plain(now.seen))
        at_s, before = self._last
        if now.elapsed_s - at_s >= PLAIN_EVERY_S and lines != before:
            self._last = now.elapsed_s, lines
            self.say(f"-- {headline(now)}")
            for line in lines:
                self.say(line)

    def _drawn(self, now: Now) -> Group:
        parts: list[Any] = [Text(headline(now), "bold"), _pools(now.seen.pools), _plans(now.seen.workloads)]
        for one in now.seen.workloads:
            parts.append(Text(f"{one.policy}: {why(one)}", "dim", no_wrap=True, overflow="ellipsis"))
        return Group(*parts, *(Text(line, "cyan", no_wrap=True, overflow="fold") for line in self.links))


def headline(now: Now) -> str:
    """When it is, there and here, and what comes in."""
    rates = ", ".join(f"{model} {per_s:.0f}" for model, per_s in now.per_s.items())
    minutes, seconds = divmod(int(now.elapsed_s), 60)
    return f"{minutes}:{seconds:02d} since the start; {now.clock} in the traffic; requests a second: {rates}"


def why(one: WorkloadSeen) -> str:
    """The reason of the plan, and which conditions do not hold."""
    return "; ".join([one.reason or "nothing to decide", *(f"[{complaint}]" for complaint in one.complaints)])


def plain(seen: Seen) -> Iterator[str]:
    """A line for each pool and each plan."""
    for pool in seen.pools:
        yield (
            f"pool {pool.name} ({pool.capacity_type}): nodes {pool.ready} ready, {pool.booting} booting, "
            f"{pool.ordered} ordered; GPUs {pool.serving_gpus} serving, {pool.starting_gpus} starting, "
            f"{pool.warm_gpus} warm, {pool.free_gpus} free"
        )
    for one in seen.workloads:
        yield (
            f"plan {one.policy} ({one.mode}): demand {_text(one.demand)}, floor {_text(one.floor)}, planned "
            f"{_text(one.planned)}; replicas {one.ready} ready, {one.starting} starting, {one.pending} pending, "
            f"{one.asked} asked; placeholders {one.held} bound, {one.coming} pending; {why(one)}"
        )


def told(log: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of the controller's log for people; those that are alike and follow one another as one."""
    for line, alike in groupby(filter(None, map(_told, log))):
        count = len(list(alike))
        yield line if count == 1 else f"{line} ({count} times)"


def _told(line: Mapping[str, Any]) -> str | None:
    """None for what need not be seen here."""
    at, event = str(line["timestamp"])[11:19], line["event"]
    if event == "decision":
        was = "" if line["floor_was"] in (None, line["floor"]) else f"{line['floor_was']} -> "
        room = ", ".join(f"{count} {pool}" for pool, count in line["placeholders"].items()) or "none"
        demand = "unknown" if line["demand"] is None else line["demand"]
        return f"{at} {line['policy']}: floor {was}{line['floor']}, room {room}, demand {demand}  {line['reason']}"
    if event == "placeholder ended":
        by = f" by {line['taker']}" if "taker" in line else ""
        return f"{at} {line['policy']}: placeholder in {line['pool']} {line['fate']}{by}"
    if event in ("problem", "no longer a problem"):
        return f"{at} {event}: {line['problem']}"
    return None if line["level"] == "info" and event not in ("leader", "follower") else f"{at} {event}"


def _pools(pools: Sequence[PoolSeen]) -> Table:
    drawn = _table(POOL_HEADINGS)
    for one in pools:
        nodes = (one.ready, one.booting, one.ordered)
        gpus = (one.serving_gpus, one.starting_gpus, one.warm_gpus, one.free_gpus)
        drawn.add_row(one.name, one.capacity_type, *map(str, (*nodes, *gpus)))
    return drawn


def _plans(workloads: Sequence[WorkloadSeen]) -> Table:
    drawn = _table(PLAN_HEADINGS)
    for one in workloads:
        replicas = (one.ready, one.starting, one.pending, one.asked, one.held, one.coming)
        numbers = (one.demand, one.floor, one.planned, *replicas)
        drawn.add_row(one.policy, one.mode, *map(_text, numbers))
    return drawn


def _table(headings: Sequence[str]) -> Table:
    drawn = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for number, heading in enumerate(headings):
        drawn.add_column(heading, justify="left" if number < NAMED_LEFT else "right", no_wrap=True)
    return drawn


def _text(number: float | None) -> str:
    return "-" if number is None else f"{number:g}"
