"""The queue port on a real Kubernetes, for the rules of one run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from autoscaler.adapters.kubernetes.cache import Change
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.kubernetes.waiting.checks import Checks
from autoscaler.adapters.kubernetes.waiting.free import free_by_node
from autoscaler.adapters.kubernetes.waiting.held import Held, HeldRoom, Wanted
from autoscaler.adapters.kubernetes.waiting.kinds import Kinds
from autoscaler.adapters.kubernetes.waiting.landing import Landings
from autoscaler.adapters.kubernetes.waiting.turning import turnover
from autoscaler.adapters.kubernetes.waiting.work import Work, WorkState, seen_pod_work, speaking
from autoscaler.adapters.kubernetes.watching import Snapshot
from autoscaler.domain.queue import CheckState, PodSet, Queue, QueuedItem, QueuePlaceholder
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import House
from autoscaler.placeholder.pin import pin
from autoscaler.placeholder.pod import Json, spec
from autoscaler.placeholder.quantity import ONE
from autoscaler.placeholder.request import effective_amounts
from autoscaler.placeholder.turnover import making_way
from autoscaler.policy.check import PoolDocument, QueueDocument
from autoscaler.policy.compile_queue import queue_order
from autoscaler.policy.queue import WorkKind
from autoscaler.ports.errors import NotFound, PortError

LEADS_S = 3.0
"""So long after the last call of what the leader alone does we lead still."""


class Ground(Protocol):
    """The cluster that the work is to stand on. All raise `PortError`."""

    def look(self) -> tuple[Snapshot[SeenPod], Standing]:
        """Pods as the watch has them, and all that stands."""
        ...

    def surroundings(self, pod: Json) -> Surroundings:
        """What is around a pod, and its object does not say."""
        ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """One look. works: by uid, with the rule that each is of. held: placeholders by uid of their work. problems: what
    could not be seen.
    """

    pods: Snapshot[SeenPod]
    standing: Standing
    works: Mapping[str, tuple[int, Work]]
    held: Mapping[str, list[Held]]
    problems: tuple[str, ...]
    now_s: float


class LiveQueue:
    """`QueuePort` for one set of rules; a changed set gets a new one.

    Life: construct, `start()`, then each tick `sweep(now_s)` and the cycle, `attend(now_s)` in between, then `stop()`.
    """

    def __init__(
        self, transport: Transport, objects: Objects, ground: Ground, queues: Sequence[QueueDocument],
        pools: Sequence[PoolDocument], house: House, owners: Mapping[str, Json], settings: LiveSettings | None = None,
    ) -> None:  # fmt: skip
        """ground: started and stopped elsewhere. queues, pools: whose order the numbers here are of. owners: by policy,
        the object that owns its placeholders, in the house's namespace.
        """
        self._settings = settings or LiveSettings()
        self._ground, self._clock = ground, transport.clock
        self._rules = queue_order(queues)
        self._numbers = {document.name: n for n, document in enumerate(self._rules)}
        self._pins = tuple(pin(document.name, document.model) for document in pools)
        self._pools = {document.name: p for p, document in enumerate(pools)}
        acting = frozenset(document.name for document in self._rules if document.model.mode == "act")
        self._held = HeldRoom(objects, transport.clock, house, owners, acting, frozenset(self._pools), self._settings)
        self._kinds = Kinds(
            transport, _places(self._rules), self._settings.watch, self._settings.stale_after_s, self._told
        )
        self._landings = Landings(self._pins, ground.surroundings, self._kinds.flavor, transport.clock)
        self._checks = Checks(objects, transport.clock, self._kinds)
        self._let_go_s: dict[str, float] = {}
        self._last: _Seen | None = None
        self._led_s = -math.inf

    def start(self) -> None:
        """Begins to watch what is installed."""
        self._kinds.start()

    def wait_listed(self, deadline_s: float) -> None:
        """Waits for the first lists, for so many seconds each."""
        self._kinds.wait_listed(deadline_s)

    def stop(self) -> None:
        """Ends the watches."""
        self._kinds.stop()

    def queue(self, now_s: float) -> Queue:
        """As `QueuePort`; now_s: seconds since the epoch."""
        seen = self._last = self._look(now_s)
        items = [
            self._item(rule, work, seen.now_s)
            for uid, (rule, work) in seen.works.items()
            if work.state is WorkState.WAITS or uid in seen.held
        ]
        if not seen.problems:
            self._held.forget(frozenset(seen.works), now_s)
        placeholders = [one for some in seen.held.values() for one in some]
        return Queue(
            items=tuple(items),
            placeholders=tuple(self._placeholder(one) for one in placeholders if self._is_known(one)),
            free_gpus=free_by_node(self._pins, seen.standing),
            problems=seen.problems,
        )

    def hold(self, uid: str, pools: tuple[int, ...]) -> None:
        """As `QueuePort`."""
        seen, self._led_s = self._last, self._clock.monotonic_s()
        if seen is None or uid not in seen.works:
            raise NotFound(f"make placeholders of work {uid}: it is not there; next tick")
        rule, work = seen.works[uid]
        standing = {(one.pod_set, one.index) for one in seen.held.get(uid, ())}
        wanted = []
        for template, pool in zip(self._landings.asking(work, self._pools_of(rule)), pools, strict=True):
            shape = self._landings.shape(template, pool)
            name = self._pins[pool].pool
            places = ((template.name, index) for index in range(template.count))
            wanted += [Wanted(name, *place, shape) for place in places if place not in standing]
        self._held.hold(self._rules[rule].name, uid, wanted, seen.now_s)

    def free(self, uid: str) -> None:
        """As `QueuePort`."""
        self._held.free([] if self._last is None else self._last.held.get(uid, []))

    def answer(self, uid: str, state: CheckState, message: str) -> None:
        """As `QueuePort`."""
        if self._last is None or uid not in self._last.works:
            raise NotFound(f"answer the AdmissionCheck of work {uid}: it is not there; next tick")
        rule, work = self._last.works[uid]
        self._checks.answer(work, self._check(rule), state, message)

    def serve(self, rule: int) -> None:
        """As `QueuePort`."""
        self._checks.serve(self._check(rule))

    def sweep(self, now_s: float) -> tuple[str, ...]:
        """Once a tick, by the leader alone: deletes placeholders that hold nothing any more; what could not be deleted,
        one line each. Raises `Unavailable`.
        """
        self._led_s = self._clock.monotonic_s()
        self._kinds.look()
        pods, standing = self._ground.look()
        return self._held.sweep(pods, standing.nodes, now_s)

    def attend(self, now_s: float) -> tuple[str, ...]:
        """By the leader alone, best every second: deletes the placeholders of work that was let go which its pods do
        not need, and those in whose place the scheduler cannot put one. What failed, in words. Raises `Unavailable`.
        """
        seen, self._led_s = self._look(now_s), self._clock.monotonic_s()
        failed = []
        for uid, held in seen.held.items():
            rule_work = seen.works.get(uid)
            if rule_work is None or rule_work[1].state is not WorkState.LET_GO:
                self._let_go_s.pop(uid, None)
                continue
            since_s = self._let_go_s.setdefault(uid, now_s)
            try:
                self._held.free(self._making_way(rule_work[1], held, seen, since_s))
            except PortError as error:
                failed.append(str(error))
        self._let_go_s = {uid: at_s for uid, at_s in self._let_go_s.items() if uid in seen.held}
        return tuple(failed)

    def told_pod(self, change: Change[SeenPod]) -> None:
        """Handler of the watch of pods, in its thread: a pod whose gates went."""
        before, now = change.before, change.now
        if before is None or before.waiting is None or not spec(before.waiting).get("schedulingGates"):
            return
        if now.waiting is None or not spec(now.waiting).get("schedulingGates"):
            self._let_go(now.uid)

    def _told(self, change: Change[Work]) -> None:
        """Handler of the watches of work, in their threads."""
        if change.before is not None and change.before.state is WorkState.WAITS is not change.now.state:
            self._let_go(change.now.uid)

    def _let_go(self, uid: str) -> None:
        """At once, not with the next call of `attend`: placeholders without a node would be demand beside the pods.

        While calls for the leader alone come we lead; nobody else would do otherwise.
        """
        if self._clock.monotonic_s() > self._led_s + LEADS_S:
            return
        with suppress(PortError):  # the next call of `attend` tries again, and tells
            pods, standing = self._ground.look()
            held = self._held.standing(pods, standing.nodes, self._clock.wall_s())
            self._held.free([one for one in held if one.uid == uid and not one.bound])

    def _making_way(self, work: Work, held: Sequence[Held], seen: _Seen, since_s: float) -> list[Held]:
        """Its placeholders that go now, those first whose pods come last."""
        gpus_only = {template.name for template in self._landings.asking(work, self._all_pools())}
        total = sum(template.count for template in work.templates if template.name in gpus_only)
        now = turnover(work, total, seen.standing.pods, seen.now_s, since_s, self._settings.patience_s)
        bound = [one for one in held if one.bound]
        return [*(one for one in held if not one.bound), *bound[len(bound) - making_way(now, len(bound)) :]]

    def _look(self, now_s: float) -> _Seen:
        pods, standing = self._ground.look()
        held: dict[str, list[Held]] = {}
        for one in self._held.standing(pods, standing.nodes, now_s):
            held.setdefault(one.uid, []).append(one)
        gated = (seen_pod_work(pod) for pod in _maybe_gated(pods.items.values(), held))
        works = {}
        seen, problems = self._kinds.works()
        for work in speaking([*gated, *self._bound(pods, held), *seen]):
            rule = self._rule(work)
            if rule is not None and work.state is not WorkState.ENDED:
                works[work.uid] = (rule, work)
        return _Seen(pods, standing, works, held, problems, now_s)

    @staticmethod
    def _bound(pods: Snapshot[SeenPod], held: Mapping[str, list[Held]]) -> Iterator[Work]:
        """Pods that were gated and have a node by now, while something is still held for them."""
        for pod in pods.items.values():
            if pod.uid in held and pod.node and not (pod.ended or pod.leaving):
                meta = {"namespace": pod.namespace, "name": pod.name, "uid": pod.uid, "labels": dict(pod.labels)}
                yield seen_pod_work({"metadata": meta, "spec": {"nodeName": pod.node}})

    def _rule(self, work: Work) -> int | None:
        """The first rule that it is of."""
        for n, document in enumerate(self._rules):
            model = document.model
            wanted = model.selector.match_labels.items()
            is_there = work.namespace in model.namespaces and work.kind in model.kinds
            if is_there and all(work.labels.get(key) == value for key, value in wanted):
                return n
        return None

    def _item(self, rule: int, work: Work, now_s: float) -> QueuedItem:
        pools = self._pools_of(rule)
        waits = work.state is WorkState.WAITS
        stock_out = self._held.stock_out(work.uid, now_s)
        check = work.checks.get(self._check(rule), "") if self._check(rule) else ""
        return QueuedItem(
            rule=rule,
            uid=work.uid,
            kind=work.title,
            namespace=work.namespace,
            name=work.name,
            waits=waits,
            queued_s=work.queued_s,
            urgent=work.urgent,
            priority=work.priority,
            pod_sets=tuple(self._pod_set(work, one.name, pools) for one in self._landings.asking(work, pools))
            if waits else (),
            check=CheckState(check) if check in list(CheckState) else CheckState.NONE,
            again_s=self._held.again_s(work.uid),
            stock_out=frozenset(self._pools[name] for name in stock_out if name in self._pools),
        )  # fmt: skip

    def _pod_set(self, work: Work, name: str, pools: Sequence[int]) -> PodSet:
        template = next(one for one in work.templates if one.name == name)
        gpus: list[int | None] = [None] * len(self._pins)
        refused = ["" for _ in self._pins]
        for pool in pools:
            landing = self._landings.landing(work, template, pool)
            gpus[pool], refused[pool] = landing.gpus, landing.refused
        return PodSet(name, template.count, tuple(gpus), tuple(refused))

    def _placeholder(self, one: Held) -> QueuePlaceholder:
        pool = self._pools[one.pool]
        gpus = effective_amounts(one.pod).get(self._pins[pool].gpu_resource, 0) // ONE
        return QueuePlaceholder(self._numbers[one.policy], pool, one.uid, one.pod_set, one.index, gpus, one.bound)

    def _is_known(self, one: Held) -> bool:
        """Whether it is of a rule and pool of ours: else the sweep has it."""
        return one.policy in self._numbers and one.pool in self._pools

    def _pools_of(self, rule: int) -> tuple[int, ...]:
        tiers = self._rules[rule].model.pools
        return tuple(self._pools[name] for name in (*tiers.primary, *tiers.burst))

    def _all_pools(self) -> tuple[int, ...]:
        return tuple(range(len(self._pins)))

    def _check(self, rule: int) -> str:
        use = self._rules[rule].model.admission_check
        return "" if use is None else use.name


def _places(rules: Iterable[QueueDocument]) -> dict[WorkKind, tuple[str, ...]]:
    """Namespaces by kind that any rule reads."""
    found: dict[WorkKind, dict[str, None]] = {}
    for document in rules:
        for kind in document.model.kinds:
            found.setdefault(kind, {}).update(dict.fromkeys(document.model.namespaces))
    return {kind: tuple(places) for kind, places in found.items()}


def _maybe_gated(pods: Iterable[SeenPod], held: Mapping[str, object]) -> Iterator[Json]:
    """Pods without a node that have scheduling gates, or something held for them."""
    for pod in pods:
        if pod.waiting is not None and (pod.uid in held or spec(pod.waiting).get("schedulingGates")):
            yield pod.waiting
