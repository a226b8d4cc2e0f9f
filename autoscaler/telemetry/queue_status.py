"""What the plan objects of policies for queued work show: what waits, for how many GPUs, and what is held back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoscaler.controller.cycle import CycleReport
from autoscaler.controller.tick import Tick
from autoscaler.domain.queue import HELD_BACK, Decision, Queue, QueueRule, Stand
from autoscaler.domain.wish import NOTHING, Wish
from autoscaler.policy.governed import Governed
from autoscaler.ports.plans import Condition, PlanStatus, PoolPlaceholders, QueueFigures
from autoscaler.telemetry.conditions import BUDGET, CAPACITY, READY

FULL = (Stand.POOL_LIMIT, Stand.STOCK_OUT, Stand.NO_POOL)


def queue_statuses(tick: Tick) -> dict[str, PlanStatus]:
    """By policy; none where no policy is for queued work. Figures stay away while what waits is not known."""
    if tick.in_force is None:
        return {}
    policies = tick.in_force.policies
    return {rule.name: _status(tick, n, rule, _wish(policies, rule)) for n, rule in enumerate(policies.queues)}


def _wish(policies: Governed, rule: QueueRule) -> Wish:
    """A floor has no meaning here: of what people wish, the pause alone is in force."""
    wished = NOTHING if policies.wishes is None else policies.wishes.wish(rule.name)
    return Wish(wished.paused, None, wished.paused_by)


def _status(tick: Tick, number: int, rule: QueueRule, wish: Wish) -> PlanStatus:
    report = None if tick.report is None else tick.report.queue
    if report is None or report.queue is None:
        said = "nothing is changed: what waits could not be seen" if report is None else str(report.error)
        return PlanStatus(rule.acts, None, (Condition(READY, False, "ClusterUnknown", said),), tick.now_s, wish)
    mine = [one for one in report.decisions if one.item.rule == number]
    figures = _figures(report.queue, mine, number, tick)
    return PlanStatus(rule.acts, figures, tuple(_conditions(tick, mine, number, rule, wish)), tick.now_s, wish)


def _figures(queue: Queue, decisions: Sequence[Decision], number: int, tick: Tick) -> QueueFigures:
    assert tick.in_force is not None
    waiting = [one for one in decisions if one.item.waits and one.item.pod_sets]
    held_back = [one for one in waiting if one.stand in HELD_BACK]
    placeholders = [one for one in queue.placeholders if one.rule == number]
    pools = tick.in_force.policies.fleet.pools
    return QueueFigures(
        waiting=len(waiting),
        gpus=sum(_gpus(one) for one in waiting),
        held_back=len(held_back),
        placeholders=tuple(
            PoolPlaceholders(
                pool.name,
                sum(one.bound for one in placeholders if one.pool == p),
                sum(not one.bound for one in placeholders if one.pool == p),
            )
            for p, pool in enumerate(pools)
            if p in tick.in_force.policies.queues[number].pools
        ),
        warm_gpus=sum(one.gpus for one in placeholders if one.bound),
        reason=_words(waiting, held_back),
    )


def _gpus(decision: Decision) -> int:
    return sum(one.count * max((gpus or 0 for gpus in one.gpus), default=0) for one in decision.item.pod_sets)


def _words(waiting: Sequence[Decision], held_back: Sequence[Decision]) -> str:
    if not waiting:
        return "nothing waits"
    ready = sum(one.stand is Stand.STANDS for one in waiting)
    counts = [f"{len(waiting)} wait, {ready} with their nodes"]
    return "; ".join([*counts, *(f"{one.item.title}: {one.reason}" for one in held_back)])


def _conditions(
    tick: Tick, decisions: Sequence[Decision], number: int, rule: QueueRule, wish: Wish
) -> Iterator[Condition]:  # fmt: skip
    assert tick.report is not None
    failed = list(_failed(tick.report, number))
    if failed:
        yield Condition(READY, False, "NotDone", "; ".join(failed))
    elif wish.paused:
        yield Condition(READY, False, "Paused", "a person wants nothing moved; set spec.paused to false to go on")
    elif not rule.acts:
        yield Condition(READY, True, "Observing", "it plans and touches nothing; write mode: act to have it act")
    else:
        yield Condition(READY, True, "Acting", "work that waits gets its nodes")
    full = [one for one in decisions if one.stand in FULL]
    if full:
        said = "; ".join(f"{one.item.title}: {one.reason}" for one in full)
        yield Condition(CAPACITY, False, full[0].stand.value, f"{said}; name another pool, or raise nodes.max")
    else:
        yield Condition(CAPACITY, True, "Obtainable", "nothing says that nodes of its pools cannot be had")
    dear = [one for one in decisions if one.stand is Stand.BUDGET]
    if dear:
        said = "; ".join(f"{one.item.title}: {one.reason}" for one in dear)
        yield Condition(BUDGET, False, Stand.BUDGET.value, f"{said}; raise it, or let other work of it end")
    else:
        yield Condition(BUDGET, True, "WithinBudget", "its budget allows all that waits and can be had")


def _failed(report: CycleReport, number: int) -> Iterator[str]:
    outcomes = () if report.queue is None else report.queue.outcomes
    return (one.error for one in outcomes if one.action.rule == number and one.error is not None)
