"""A policy whose replicas have an owner, on the rig: floors moved as the controller moves them, records kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from autoscaler.adapters.kubernetes.cluster.scales import Scales
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.owners.floors import Floors
from autoscaler.adapters.kubernetes.store import ConfigMapStore
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.controller.cycle import Ports
from autoscaler.controller.dry import DryCluster
from autoscaler.controller.in_force import InForce, Swept
from autoscaler.controller.keeper import Keeper
from autoscaler.controller.records import FORM, Records
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.signal import SignalReadings
from autoscaler.policy.check import PolicyDocument, PoolDocument
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.ports.events import ObjectReference
from autoscaler.ports.replicas import OwnerReport
from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.live import LiveFleet, live_fleet
from tests.cluster.pools import PRIMARY
from tests.cluster.product_link import product_link

MANAGER, POLICY = "gpu-autoscaler", "chat"
DEPLOYMENT = "apiVersion: apps/v1, kind: Deployment"


class Owned:
    """One policy `chat`. later_s: by how much its clock is ahead of the real one. keeper: that of the process now."""

    def __init__(self, cluster: Cluster, transport: Transport, via: str, kind: str, scale_in: str) -> None:
        """kind, scale_in: apiVersion and kind of the workload, and scaleIn, as a policy has them."""
        self.cluster, self.later_s = cluster, 0.0
        self.fleet = _Fleet(cluster, transport, via, kind, scale_in)
        self._transport = transport
        self.store = ConfigMapStore(transport, Objects(transport, MANAGER), self.fleet.house, FORM)
        policies, pools = self.fleet.documents()
        self._governed = compile_fleet(policies, pools, {POLICY: 1}, {POLICY: (60.0, 60.0)})
        workload = policies[0].model.workload
        self.about = ObjectReference(workload.api_version, workload.kind, workload.namespace, workload.name, "")
        self._via = via
        self.keeper = self.restarted()

    def restarted(self) -> Keeper:
        """Another process, which knows what is saved and nothing else; it is the one from now on."""
        objects = Objects(self._transport, MANAGER)
        self.keeper = Keeper(Records(self.store), Floors(objects, Scales(self._transport, objects)))
        assert self.keeper.begin()[1] == ()
        return self.keeper

    @property
    def now_s(self) -> float:
        return epoch_s() + self.later_s

    def set_floor(self, replicas: int) -> None:
        """As the leader does in a tick."""
        self.keeper.holding(self._in_force(), self.now_s).set_floor(0, replicas)

    def interrupted(self) -> None:
        """The leader takes down what stands in the field, and is gone before it sets it."""
        in_force = self._in_force()
        silent = replace(in_force, ports=Ports(in_force.ports.metrics, DryCluster(self.fleet.port.inventory)))
        self.keeper.holding(silent, self.now_s).set_floor(0, 7)

    def inventory(self) -> Inventory:
        """As the planner sees it."""
        return self.keeper.holding(self._in_force(), self.now_s).inventory(self.now_s)

    def owner(self) -> OwnerReport:
        """Who moves the replicas, and whether they follow, as seen now."""
        self.inventory()
        return self.fleet.port.owners()[POLICY]

    def wait_owner(self, reason: str, within_s: float = 30.0) -> OwnerReport:
        def look() -> OwnerReport | None:
            found = self.owner()
            return found if found.reason == reason else None

        return wait_until(look, f"the owner to be told as {reason}", within_s)

    def remove_policy(self) -> tuple[str, ...]:
        """What the leader does when the policy is gone; what was done, in words."""
        assert self.keeper.release(None, is_complete=True) == ()
        return self.keeper.notes()

    def _in_force(self) -> InForce:
        ports = Ports(_Silent(), self.fleet.port)
        return InForce(
            self._governed, ports, (self.about,), None, lambda: (), lambda now_s: Swept(), lambda now_s: (),
            lambda: False, lambda: None, via=(self._via,),
        )  # fmt: skip


class _Fleet(LiveFleet):
    def __init__(self, cluster: Cluster, transport: Transport, via: str, kind: str, scale_in: str) -> None:
        self._via, self._kind, self._scale_in = via, kind, scale_in
        super().__init__(cluster, transport, (PRIMARY,), (POLICY,))

    def documents(self) -> tuple[list[PolicyDocument], list[PoolDocument]]:
        found = parse_documents(self._text().encode(), "test.yaml", KINDS, lambda _: b"")
        return of_kind(found, CapacityPolicy), of_kind(found, GpuPool)

    def _text(self) -> str:
        replicas = f"replicas: {{min: {int(self._via == 'hpa')}, via: {self._via}}}\n  scaleIn: {{{self._scale_in}}}"
        named = super()._text().replace("workload: {", f"workload: {{{self._kind}, ")
        return named.replace("replicas: {min: 0}", replicas)


class _Silent:
    def read(self, now_s: float) -> SignalReadings:
        raise AssertionError("no test here reads signals")


@contextmanager
def owned(cluster: Cluster, via: str = "auto", kind: str = DEPLOYMENT, scale_in: str = "hold: auto") -> Iterator[Owned]:
    """With the rights of an administrator; those of the chart are put to the test in test_rbac.py."""
    with product_link(cluster) as transport:
        found = Owned(cluster, transport, via, kind, scale_in)
        with live_fleet(found.fleet):
            yield found


def settles(look: Callable[[], object], wanted: object, what: str, within_s: float = 30.0) -> None:
    """Waits until `look` is as wanted."""
    wait_until(lambda: look() == wanted, f"{what} to be {wanted}", within_s)
