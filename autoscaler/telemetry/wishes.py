"""Wishes in words: who set the floor by hand or paused a policy, since when, and until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from autoscaler.controller.tick import Tick
from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.ports.events import Notice, ObjectReference


def words(wish: Wish) -> str:
    """What is wished, and by whom; empty where nothing is."""
    parts = [*([_paused(wish)] if wish.paused else []), *([_floor(wish.override)] if wish.override else [])]
    return "; ".join(parts)


def in_force(tick: Tick) -> dict[str, Wish]:
    """What is wished now, of the policies in force of which anything is."""
    if tick.in_force is None:
        return {}
    policies = tick.in_force.policies
    wishes = {name: policies.wish(w, tick.now_s) for w, name in enumerate(policies.fleet.names)}
    return {name: wish for name, wish in wishes.items() if wish != NOTHING}


def news(before: Mapping[str, Wish], now: Mapping[str, Wish], tick: Tick) -> Iterator[Notice]:
    """What people wish otherwise than before, beside each workload in force."""
    if tick.in_force is None:
        return
    for name, about in zip(tick.in_force.policies.fleet.names, tick.in_force.about, strict=True):
        was, wish = before.get(name, NOTHING), now.get(name, NOTHING)
        if _meant(wish.override) != _meant(was.override):
            yield _of_override(name, wish.override, about)
        if wish.paused != was.paused:
            said = _paused(wish) if wish.paused else "resumed"
            yield Notice(about, "Paused" if wish.paused else "Resumed", f"policy {name}: {said}")


def _meant(override: Override | None) -> tuple[int, float, str] | None:
    """Without who set it: the server dates all that one program set by what it set last."""
    return None if override is None else (override.floor, override.until_s, override.reason)


def _of_override(policy: str, override: Override | None, about: ObjectReference) -> Notice:
    if override is None:
        return Notice(about, "OverrideEnded", f"policy {policy}: the floor is no longer set by hand")
    return Notice(about, "FloorOverridden", f"policy {policy}: {_floor(override)}")


def _floor(override: Override) -> str:
    by = f" by {override.by}" if override.by else ""
    until = datetime.fromtimestamp(int(override.until_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"floor {override.floor} set{by}, until {until}{f' ({override.reason})' if override.reason else ''}"


def _paused(wish: Wish) -> str:
    return f"paused{f' by {wish.paused_by}' if wish.paused_by else ''}"
