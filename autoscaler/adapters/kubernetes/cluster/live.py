"""The cluster port on a real Kubernetes, for the policies and pools of one fleet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Event
from typing import Any

from autoscaler.adapters.kubernetes.cache import Change
from autoscaler.adapters.kubernetes.cluster.account import Supply, account, theirs
from autoscaler.adapters.kubernetes.cluster.domains import free_domain
from autoscaler.adapters.kubernetes.cluster.lifecycle import Lifecycle, Sweep
from autoscaler.adapters.kubernetes.cluster.models import Models, ReplicaShape, Standing
from autoscaler.adapters.kubernetes.cluster.pulls import Pulls
from autoscaler.adapters.kubernetes.cluster.renewals import Renewals
from autoscaler.adapters.kubernetes.cluster.rollouts import Rollouts
from autoscaler.adapters.kubernetes.cluster.scales import Scale, Scales
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_node, seen_pod
from autoscaler.adapters.kubernetes.cluster.starts import Look, Starts
from autoscaler.adapters.kubernetes.cluster.stepping_aside import SteppingAside
from autoscaler.adapters.kubernetes.cluster.stock import Stock
from autoscaler.adapters.kubernetes.listing import Selection
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.owners.deletion_order import DeletionOrder
from autoscaler.adapters.kubernetes.owners.floors import Floors, FloorSeen
from autoscaler.adapters.kubernetes.resource import NODES, PODS
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.adapters.kubernetes.watching import Snapshot, Watching
from autoscaler.domain.gang import Gang
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.lead_time import Start
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import House
from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.quantity import ONE
from autoscaler.placeholder.request import effective_amounts
from autoscaler.placeholder.shape import Shape
from autoscaler.policy.check import PolicyDocument, PoolDocument
from autoscaler.ports.errors import Forbidden, Invalid, NotFound, PortError, Unavailable
from autoscaler.ports.replicas import OwnerReport

MANAGER = "gpu-autoscaler"
"""The name under which the API server knows what we write."""
OTHERS_S, OTHERS_LOOKS = 2.0, 40
"""How long watches are waited for that the work can do without, and how often it is looked."""


class LiveCluster:
    """`ClusterPort` for one set of policies; a changed set gets a new one, started before the old one is stopped.

    Life: construct, `start()`, `wait_listed(...)`, `shapes()` for `compile_fleet`, then each tick `sweep(now_s)` and
    the cycle, at last `stop()`. Reads never wait for a watch; one that is stale or not listed raises `Unavailable`.
    """

    def __init__(
        self,
        transport: Transport,
        policies: Sequence[PolicyDocument],
        pools: Sequence[PoolDocument],
        house: House,
        owners: Mapping[str, Json],
        settings: LiveSettings | None = None,
    ) -> None:
        """policies, pools: as given to `compile_fleet`, whose order of workloads and pools all numbers here are of.

        house: namespace, image and priority class of placeholders. owners: by policy name, the object that owns its
        placeholders (`apiVersion`, `kind`, `name`, `uid`), in the house's namespace or cluster-scoped.
        """
        self._settings = settings or LiveSettings()
        self._seats, self._clock = Seats(policies, pools, owners), transport.clock
        objects = Objects(transport, MANAGER)
        self._scales = Scales(transport, objects)
        self._floors = Floors(objects, self._scales)
        self._deletions = DeletionOrder(objects)
        self._rollouts = Rollouts(self._seats, self._scales.whole)
        self._models = Models(transport, objects, self._scales, self._rollouts.wanted)
        self._renewals = Renewals(self._seats, self._models)
        self._stock = Stock(transport, self._seats, house.namespace, self._settings)
        self._lifecycle = Lifecycle(objects, transport.clock, self._seats, house, self._settings)
        watch = self._settings.watch
        self._starts = Starts(self._seats, transport.clock)
        self._pulls = Pulls(transport, (one.model.workload.namespace for one in policies), watch)
        self._others: list[Callable[[Change[SeenPod]], None]] = []
        handlers = (self._lifecycle.told, self._starts.told, self._tell_others)
        self._pods = Watching(transport, Selection(PODS), lambda p: seen_pod(p, house.namespace), handlers, watch)
        self._nodes = Watching(transport, Selection(NODES), lambda n: seen_node(n, self._seats.pins), (), watch)
        self._shapes: dict[tuple[int, int], ReplicaShape] = {}
        self._gangs: dict[str, Gang] = {}
        self._problems: dict[str, str] = {}
        self._shapeless: dict[str, str] = {}
        self._seen_scales: list[Scale | None] = [None] * len(self._seats.policies)
        self._owners: dict[str, OwnerReport] = {}
        self._refused: set[int] = set()
        self._aside = SteppingAside(self._seats, self._settings.patience_s)

    def tell(self, handler: Callable[[Change[SeenPod]], None]) -> None:
        """Has it told every change of pods, in the thread of their watch; before `start`."""
        self._others.append(handler)

    def start(self) -> None:
        """Begins to watch; returns at once. Asks the server nothing."""
        self._nodes.start()
        self._pods.start()
        self._stock.start()
        self._pulls.start()

    def wait_listed(self, deadline_s: float) -> bool:
        """Whether every needed watch has its first list, within so many seconds for each. Those that only tell more of
        starts have a moment to be listed, too: a look at the cluster may be the only one.
        """
        is_listed = self._nodes.wait_listed(deadline_s) and self._pods.wait_listed(deadline_s)
        for _ in range(OTHERS_LOOKS if is_listed else 0):
            if self.tells_starts():
                break
            self._clock.wait(OTHERS_S / OTHERS_LOOKS, Event())
        return is_listed

    def tells_starts(self) -> bool:
        """Whether it is listed, or known not to be listed, what `starts` waits for: until then that tells nothing."""
        return self._stock.claims() is not None and self._pulls.images() is not None

    def stop(self) -> None:
        """Ends the watches."""
        self._pulls.stop()
        self._stock.stop()
        self._pods.stop()
        self._nodes.stop()

    def shapes(self) -> dict[str, int]:
        """GPUs a replica by policy name, from a live pod or else the pod template: `shapes` of `compile_fleet`.

        1 where it cannot be told: `problems` says why, and no placeholder is made for that policy until it can. Raises
        `Unavailable`.
        """
        standing = self._standing()
        self._shapeless.clear()
        self._gangs.clear()
        return {document.name: self._gpus(w, standing) for w, document in enumerate(self._seats.policies)}

    def gangs(self) -> dict[str, Gang]:
        """Replicas that are groups of several pods, by policy name, as of the last `shapes`: as of `compile_fleet`."""
        return {name: gang for name, gang in self._gangs.items() if gang.size > 1}

    def problems(self) -> dict[str, str]:
        """What keeps policies from being acted for, by policy name, as of the last `inventory` and `shapes`."""
        return self._shapeless | self._problems

    def owners(self) -> Mapping[str, OwnerReport]:
        """Who moves the replicas of each policy's workload, and whether they follow, as of the last `inventory`."""
        return self._owners

    def unread(self) -> tuple[str, ...]:
        """What node autoscalers and kubelets say and we may not read, one line each: the work goes on without."""
        return self._stock.problems() + self._pulls.problems()

    def inventory(self, now_s: float) -> Inventory:
        """As `ClusterPort`; now_s: seconds since the epoch."""
        self._shapes.clear()
        self._problems.clear()
        scales = self._seen_scales = [self._scale(document) for document in self._seats.policies]
        floors = [
            self._floor(document, scale, now_s) for document, scale in zip(self._seats.policies, scales, strict=True)
        ]
        self._owners = {
            document.name: floor.report
            for document, floor in zip(self._seats.policies, floors, strict=True)
            if floor is not None
        }
        standing = self._standing()
        pods = self._pods.snapshot()
        placeholders = self._lifecycle.placeholders(pods, standing.nodes, now_s)
        placeholders = self._renewals.marked(placeholders, pods.items, standing)
        supply = Supply(self._stock.ordered(), self._stock.unobtainable(now_s))
        found = account(self._seats, scales, floors, standing, placeholders, supply)
        rollouts = self._rollouts.look(scales, standing)
        return replace(found, ended=self._lifecycle.ended(now_s), rollouts=rollouts)

    def set_floor(self, workload: int, replicas: int) -> None:
        """As `ClusterPort`, through the owner's own field. Raises `OwnedByOthers` where they are not ours to move."""
        self._order_deletions(workload, replicas)
        self._make_way(workload, replicas)
        self._floors.move(self._seats.policies[workload].model, replicas)
        self._refused.discard(workload)

    def _order_deletions(self, workload: int, replicas: int) -> None:
        """Where the user opted in; a floor falls also where the order cannot be told, which is said."""
        document, scale = self._seats.policies[workload], self._seen_scales[workload]
        if scale is None or not document.model.scale_in.pod_deletion_cost or replicas >= scale.replicas:
            return
        pods = self._standing().pods
        mine = [pod for w, pod in theirs(self._seats, self._seen_scales, pods) if w == workload]
        uids = {pod.uid for pod in mine}
        try:
            self._deletions.tell(mine, (pod for pod in pods.values() if pod.uid not in uids))
        except PortError as error:
            self._problems[document.name] = f"the order in which replicas go is not told: {error}"

    def _make_way(self, workload: int, replicas: int) -> None:
        """For groups of pods that are asked for as many slots go before, each as a whole: the scheduler would take
        parts of any. Where the floor was refused the last time they stay.
        """
        scale = self._seen_scales[workload]
        if scale is not None and scale.size > 1 and workload not in self._refused:
            gang = self._gangs.get(self._seats.policies[workload].name)
            first = int(gang is not None and gang.leader_gpus > 0) if scale.staged else None
            self._lifecycle.hand_over(workload, replicas - scale.replicas, self._pods.snapshot(), first)
        self._refused.add(workload)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """As `ClusterPort`. Raises `QuotaExceeded`, `Forbidden`, and `Invalid` where the workload cannot land there."""
        if (workload, pool) not in self._shapes:
            model = self._seats.policies[workload].model
            pin = self._seats.pins[pool]
            self._shapes[workload, pool] = self._models.replica(model.workload, pin, self._standing())
        replica, place = self._shapes[workload, pool], Place(workload, pool, slot)
        domain = None if replica.exclusive is None else self._domain(place, replica.members, replica.exclusive)
        self._lifecycle.create(place, replica, domain, self._pods.snapshot())

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """As `ClusterPort`."""
        self._lifecycle.delete(Place(workload, pool, slot), self._pods.snapshot())

    def sweep(self, now_s: float) -> Sweep:
        """Once a tick, by the leader alone, before the cycle: deletes placeholders that hold nothing any more (node
        gone or leaving, failed, stuck, expired, of no acting policy or owner of ours), and tells what became of any
        since the last call. Whose pod took a place is known from the last `inventory`. now_s: seconds since the epoch.
        Raises `Unavailable`.
        """
        standing = self._standing()
        gangs = [self._gangs.get(document.name) for document in self._seats.policies]
        swept = self._lifecycle.sweep(self._pods.snapshot(), standing, self._seen_scales, gangs, now_s)
        for pool in swept.stuck_pools:
            self._stock.stuck(pool, now_s)
        return swept

    def starts(self, now_s: float) -> list[Start]:
        """Starts of nodes and replicas that ended since the last call, those of all that stands in the first one, and
        those that are under way. now_s, errors: as `sweep`.
        """
        standing, claims, images = self._standing(), self._stock.claims(), self._pulls.images()
        if claims is None or images is None:
            return []
        if all(scale is None for scale in self._seen_scales):
            self._seen_scales = [self._scale(document) for document in self._seats.policies]
        unobtainable = self._stock.unobtainable(now_s)
        return self._starts.take(Look(standing, self._seen_scales, claims, unobtainable, now_s, images))

    def serving_pods(self) -> Mapping[str, str]:
        """Policies of the pods of their workloads that serve, by "namespace/name", as of the last `inventory`. Raises
        `Unavailable`.
        """
        mine = theirs(self._seats, self._seen_scales, self._standing().pods)
        return {f"{pod.namespace}/{pod.name}": self._seats.policies[w].name for w, pod in mine if pod.ready}

    def step_aside(self, now_s: float) -> tuple[str, ...]:
        """By the leader alone, best every second or so: deletes placeholders for waiting pods of their workload, where
        the scheduler cannot give them the place (`autoscaler.placeholder.handover`); `sweep` tells which. What could
        not be deleted, in words. Workloads are known from the last `inventory`. now_s, errors: as `sweep`.
        """
        standing = self._standing()
        held = self._lifecycle.held(self._pods.snapshot())
        return self._lifecycle.give_up(self._aside.due(self._seen_scales, standing, held, now_s))

    def _domain(self, place: Place, members: Sequence[Shape], key: str) -> tuple[str, str]:
        """Where the placeholders of a whole group go. Raises `Invalid` where no place is known."""
        pin, held = self._seats.pins[place.pool], self._lifecycle.standing(self._pods.snapshot())
        found = free_domain(key, members, pin, place.pool, self._standing(), held)
        if found is None:
            said = f"create {self._seats.name(place)}: no value of {key} that is known in pool {pin.pool} is free"
            raise Invalid(f"{said} for one more group; free one, or add nodes")
        return found

    def look(self) -> tuple[Snapshot[SeenPod], Standing]:
        """What the watches show, for who holds room for others than policies' workloads. Raises `Unavailable`."""
        standing = self._standing()
        return self._pods.snapshot(), standing

    def surroundings(self, pod: Json) -> Surroundings:
        """What is around a pod, and its object does not say. Raises `PortError`."""
        return self._models.surroundings(pod, self._standing())

    def _tell_others(self, change: Change[SeenPod]) -> None:
        for handler in self._others:
            handler(change)

    def _standing(self) -> Standing:
        """What the watches show. Raises `Unavailable` where one shows too little, or what was long ago."""
        nodes = self._nodes.snapshot()
        pods = self._pods.snapshot()
        self._check("nodes", nodes)
        self._check("pods", pods)
        return Standing(pods.items, nodes.items)

    def _check(self, what: str, seen: Snapshot[Any]) -> None:
        if seen.age_s > self._settings.stale_after_s:
            since = f"no news for {seen.age_s:.0f} s" if seen.version else "not listed yet"
            why = seen.problem or "the server has not answered yet"
            raise Unavailable(f"watch {what}: {since}: {why}; nothing is changed until there is")

    def _scale(self, document: PolicyDocument) -> Scale | None:
        """None where this one workload cannot be read: the others go on."""
        try:
            return self._scales.read(document.model.workload)
        except (NotFound, Forbidden, Invalid) as error:
            self._problems[document.name] = str(error)
            return None

    def _floor(self, document: PolicyDocument, scale: Scale | None, now_s: float) -> FloorSeen | None:
        """None where it cannot be read."""
        if scale is None:
            return None
        try:
            return self._floors.look(document.model, scale, now_s)
        except (NotFound, Forbidden, Invalid) as error:
            self._problems[document.name] = str(error)
            return None

    def _gpus(self, workload: int, standing: Standing) -> int:
        document, resource = self._seats.policies[workload], self._seats.pins[self._seats.home(workload)].gpu_resource
        try:
            pods = self._models.members(document.model.workload, standing)
            self._renewals.model_on(workload, pods)
            each = [effective_amounts(pod).get(resource, 0) // ONE for pod in (pods[0], pods[-1])]
            gang = Gang(each[0], each[1] if len(pods) > 1 else 0, len(pods))
        except (NotFound, Forbidden, Invalid, ValueError) as error:
            self._shapeless[document.name] = str(error)
            return 1
        self._gangs[document.name] = gang
        if gang.gpus == 0:
            said = f"its pods ask for no {resource}; correct the workload, or gpuResource of its pools"
            self._shapeless[document.name] = said
        return max(gang.gpus, 1)
