"""Which queued work gets its nodes before it is let go: whole pieces of work, by rank, within pools and budgets.

What capacity policies ask for goes first: budgets count it before, and so do the nodes that a pool may have. A piece of
work gets all of its placeholders or none: half of them would hold GPUs and serve nothing. One that does not fit is
passed over, and the next one is tried. Work of policies that only observe is decided for as if it were alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Plan
from autoscaler.domain.queue import Decision, PodSet, Queue, QueuedItem, QueuePlaceholder, QueueRule, Stand
from autoscaler.plan.budgets import asked

SLACK = 1e-9


@dataclass(slots=True)
class Room:
    """What is left. nodes: GPUs free by pool, of each node that has any. more: nodes by pool that may still be ordered,
    None: any number. gpus, dollars: left by budget.
    """

    nodes: list[list[int]]
    more: list[int | None]
    gpus: list[float]
    dollars: list[float]

    def copy(self) -> Room:
        return Room([list(one) for one in self.nodes], list(self.more), list(self.gpus), list(self.dollars))

    def take(self, pool: int, pods: Sequence[int], per_node: int) -> bool:
        """Takes room for pods of so many GPUs each, the largest first; False where the pool does not hold all."""
        free = self.nodes[pool]
        for gpus in sorted(pods, reverse=True):
            best = min((some for some in free if some >= gpus), default=None)
            if best is None:
                more = self.more[pool]
                if more == 0 or gpus > per_node:
                    return False
                self.more[pool] = None if more is None else more - 1
                best = per_node
            else:
                free.remove(best)
            if best > gpus:
                free.append(best - gpus)
        return True

    def pays(self, budget: int, gpus: float, dollars: float) -> bool:
        """Whether so much is left of a budget."""
        return gpus <= self.gpus[budget] + SLACK and dollars <= self.dollars[budget] + SLACK

    def pay(self, budget: int, gpus: float, dollars: float) -> None:
        """Takes this of a budget, whether it is there or not."""
        self.gpus[budget] -= gpus
        self.dollars[budget] -= dollars


def room_left(queue: Queue, plan: Plan, inventory: Inventory, fleet: Fleet) -> Room:
    """What capacity policies leave. Room that is held for queued work now counts as free: it is decided anew."""
    gpus, dollars = asked(plan.floor.astype(np.float64), plan.placeholders, inventory, fleet)
    nodes = [[gpus for gpus in free if gpus] for free in queue.free_gpus]
    more: list[int | None] = []
    bound, _ = inventory.placeholder_counts()
    for p, pool in enumerate(fleet.pools):
        starting = int(inventory.nodes_starting[p])
        nodes[p] += [pool.gpus_per_node] * starting
        most = pool.max_nodes
        more.append(None if most is None else max(most - int(inventory.nodes[p]) - starting, 0))
    room = Room(nodes, more, [b.gpus for b in fleet.budgets], [b.dollars_per_hour for b in fleet.budgets])
    for b in range(len(fleet.budgets)):
        room.gpus[b] -= float(gpus[b])
        room.dollars[b] -= float(dollars[b])
    for w in range(fleet.size):
        for p, pool in enumerate(fleet.pools):
            to_come = max(int(plan.placeholders[w, p]) - int(bound[w, p]), 0)
            whole, rest = divmod(int(fleet.gpus_per_replica[w]), pool.gpus_per_node)  # a gang takes several nodes
            room.take(p, [*[pool.gpus_per_node] * whole, *[rest] * (rest > 0)] * to_come, pool.gpus_per_node)
    for p in range(len(fleet.pools)):
        held = [one.gpus for one in queue.placeholders if one.pool == p and one.bound]
        room.nodes[p] += held  # each for itself: it is certain that such a pod fits there
    return room


def spent(decisions: Sequence[Decision], queue: Queue, rules: Sequence[QueueRule], fleet: Fleet) -> list[list[float]]:
    """[GPUs, dollars an hour] of each budget that are held for queued work of policies that act, or are to be."""
    sums = [[0.0, 0.0] for _ in fleet.budgets]
    standing = {one.item.uid for one in decisions if not one.item.waits}
    parts = [(one.rule, one.pool, one.gpus) for one in queue.placeholders if one.uid in standing]
    for one in decisions:
        if one.pools is not None:
            sets = zip(one.pools, one.item.pod_sets, strict=True)
            parts += [(one.item.rule, pool, (pods.gpus[pool] or 0) * pods.count) for pool, pods in sets]
    for rule, pool, gpus in parts:
        if rules[rule].acts:
            of = sums[rules[rule].budget]
            of[0] += gpus
            of[1] += gpus * fleet.pools[pool].price_per_gpu_hour_dollars
    return sums


def decide(
    queue: Queue, rules: Sequence[QueueRule], fleet: Fleet, room: Room, obtainable: Sequence[bool], now_s: float
) -> tuple[Decision, ...]:
    """One decision for each piece of work, in the order in which they were made.

    room: what is left for queued work. obtainable: by pool, False while nodes of it cannot be had.
    """
    standing: dict[str, list[QueuePlaceholder]] = {}
    for placeholder in queue.placeholders:
        standing.setdefault(placeholder.uid, []).append(placeholder)
    known = {item.uid for item in queue.items}
    _keep([one for one in queue.placeholders if one.uid not in known], rules, fleet, room)

    def rank(item: QueuedItem) -> tuple[object, ...]:
        rule = rules[item.rule]
        return (
            not rule.acts, item.waits, -rule.priority, item.rule, -item.priority, not item.urgent,
            item.uid not in standing, item.queued_s, item.uid,
        )  # fmt: skip

    decisions = []
    for item in sorted(queue.items, key=rank):
        rule = rules[item.rule]
        left = room if rule.acts else room.copy()
        placing = _Placing(item, rules, fleet, obtainable, standing.get(item.uid, []))
        decisions.append(placing.decide(left, now_s))
    return tuple(decisions)


def _keep(standing: Sequence[QueuePlaceholder], rules: Sequence[QueueRule], fleet: Fleet, room: Room) -> None:
    """Room of work that was let go, or cannot be seen now, is not given to others."""
    for one in standing:
        pool = fleet.pools[one.pool]
        room.take(one.pool, [one.gpus], pool.gpus_per_node)
        room.pay(rules[one.rule].budget, one.gpus, one.gpus * pool.price_per_gpu_hour_dollars)


@dataclass(frozen=True, slots=True)
class _Placing:
    item: QueuedItem
    rules: Sequence[QueueRule]
    fleet: Fleet
    obtainable: Sequence[bool]
    standing: Sequence[QueuePlaceholder]

    @property
    def rule(self) -> QueueRule:
        return self.rules[self.item.rule]

    def decide(self, room: Room, now_s: float) -> Decision:
        """Takes its room of what is left, where it gets any."""
        item = self.item
        if not item.waits:
            _keep(self.standing, self.rules, self.fleet, room)
            return Decision(item, None, Stand.LET_GO, "it was let go; its pods take its placeholders")
        if not item.pod_sets:
            return Decision(item, None, Stand.NO_GPUS, "it asks for no GPU of these pools")
        waited_s = now_s - item.queued_s
        if waited_s > self.rule.give_up_after_s:
            said = f"it waits for longer than {self.rule.give_up_after_s:g} s, and holds nothing any more"
            return Decision(item, None, Stand.GAVE_UP, said)
        refusal = self._refusal()
        if refusal is not None:
            return Decision(item, None, Stand.NO_POOL, refusal)
        return self._place(room)

    def _refusal(self) -> str | None:
        """Why one of its pod sets can land in none of the pools."""
        for one in self.item.pod_sets:
            if all(one.gpus[pool] is None for pool in self.rule.pools):
                said = "; ".join(f"{self._pool(pool)}: {one.refused[pool]}" for pool in self.rule.pools)
                return f"pods {one.name}: {said}"
        return None

    def _place(self, room: Room) -> Decision:
        stand, said = Stand.STOCK_OUT, "no more nodes of its pools are to be had at present"
        for pools in self._choices():
            gpus, dollars = self._cost(pools)
            if not room.pays(self.rule.budget, gpus, dollars):
                budget, stand = self.fleet.budgets[self.rule.budget], Stand.BUDGET
                said = f"it needs {gpus:g} GPUs at {dollars:g} dollars an hour; budget {budget.name} has less left"
                continue
            trial = room.copy()
            if not self._fits(pools, trial):
                stand, said = Stand.POOL_LIMIT, "its pools cannot hold all of it beside what is there"
                continue
            room.nodes, room.more = trial.nodes, trial.more
            room.pay(self.rule.budget, gpus, dollars)
            return self._granted(pools)
        return Decision(self.item, None, stand, said)

    def _choices(self) -> Iterator[tuple[int, ...]]:
        """Pools of its pod sets, in order of preference: as it stands now, all in one pool, each where it can."""
        sets, seen = self.item.pod_sets, set()
        may = [[pool for pool in self.rule.pools if self._is_open(one, pool)] for one in sets]
        now = {one.pod_set: one.pool for one in self.standing}
        kept = tuple(now.get(one.name, -1) for one in sets)
        together = [(pool,) * len(sets) for pool in self.rule.pools if all(pool in some for some in may)]
        apart = [tuple(some[0] for some in may)] if all(may) else []
        for pools in (*([kept] if self._may_stay(kept) else []), *together, *apart):
            if pools not in seen:
                seen.add(pools)
                yield pools

    def _may_stay(self, pools: tuple[int, ...]) -> bool:
        sets = self.item.pod_sets
        return all(p in self.rule.pools and one.gpus[p] is not None for p, one in zip(pools, sets, strict=True))

    def _is_open(self, pods: PodSet, pool: int) -> bool:
        return pods.gpus[pool] is not None and self.obtainable[pool] and pool not in self.item.stock_out

    def _fits(self, pools: Sequence[int], room: Room) -> bool:
        for pool in dict.fromkeys(pools):
            pods = [
                one.gpus[pool] or 0
                for one, its in zip(self.item.pod_sets, pools, strict=True) if its == pool
                for _ in range(one.count)
            ]  # fmt: skip
            if not room.take(pool, pods, self.fleet.pools[pool].gpus_per_node):
                return False
        return True

    def _cost(self, pools: Sequence[int]) -> tuple[float, float]:
        gpus = dollars = 0.0
        for pool, one in zip(pools, self.item.pod_sets, strict=True):
            some = float((one.gpus[pool] or 0) * one.count)
            gpus += some
            dollars += some * self.fleet.pools[pool].price_per_gpu_hour_dollars
        return gpus, dollars

    def _granted(self, pools: tuple[int, ...]) -> Decision:
        where = ", ".join(dict.fromkeys(self._pool(pool) for pool in pools))
        count = sum(one.count for one in self.item.pod_sets)
        bound = sum(one.bound for one in self.standing)
        if bound >= count:
            return Decision(self.item, pools, Stand.STANDS, f"its nodes stand in {where}")
        return Decision(self.item, pools, Stand.ON_ORDER, f"{bound} of {count} pods have their room in {where}")

    def _pool(self, pool: int) -> str:
        return self.fleet.pools[pool].name
