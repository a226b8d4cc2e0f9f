"""Each right that the chart grants is one that the controller cannot do without: it says which is missing, and where.

The controller's own operations run against the API server with the chart's roles, short of that one right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.events import EventRecorder, EventSettings
from autoscaler.adapters.kubernetes.watching import WatchSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.ports.errors import Forbidden, Unavailable
from autoscaler.ports.events import Notice
from autoscaler.ports.plans import PlanStatus
from autoscaler.settings import PREFIX
from tests.cluster.api import Refused, path_of
from tests.cluster.clock import epoch_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import CRDS, ControlPlane
from tests.cluster.controllers import TICK_S, Controller
from tests.cluster.credentials import PRODUCT
from tests.cluster.desk import LEASES, RELEASE, Desk, furnish
from tests.cluster.helm import Helm
from tests.cluster.live import PAUSE, LiveFleet
from tests.cluster.pools import PRIMARY
from tests.cluster.processes import LOOPBACK, free_port
from tests.cluster.product_link import product_link
from tests.cluster.rights import ChartRoles, Right, chart_rights

SOON_S = 30.0
CHAT, NEAR, BOUND, UNBOUND = range(4)
"""Workloads: plain, with a rule about pods of other namespaces, with a volume, with one that is to be made."""
Act = Callable[[Desk], str]
"""Does what cannot be done without some right; what was said of that."""
_numbers = count(1)


@pytest.fixture(scope="module")
def desk(
    control_plane: ControlPlane, helm: Helm, keda_kinds: None, kserve_kinds: None, llm_kinds: None
) -> Iterator[Desk]:
    with ExitStack() as ends:
        cluster = Cluster(control_plane, f"rights-{next(_numbers)}")
        ends.callback(cluster.clear)
        furnish(cluster)
        link = ends.enter_context(product_link(cluster, PRODUCT))
        fleet = LiveFleet(cluster, link, (PRIMARY,), ("chat", "near", "bound", "unbound"))
        cluster.create(LEASES, {"metadata": {"name": RELEASE, "namespace": fleet.house}})
        roles = ChartRoles(cluster, helm, fleet.house)
        fleet.start()
        ends.callback(fleet.port.stop)
        fleet.settings = LiveSettings(stale_after_s=3.0, watch=WatchSettings(renew_s=1.0))
        yield Desk(fleet, roles)


def refused(what: Callable[[], object]) -> str:
    with pytest.raises(Forbidden) as raised:
        what()
    return str(raised.value)


def shaping(workload: int) -> Act:
    """What a placeholder is modelled on cannot be read."""
    return lambda desk: refused(lambda: desk.place(workload, 9))


APPS, SERVING = "apps/v1", "serving.kserve.io"
SCALED = {
    "deployments.apps": (APPS, "Deployment", "chat"),
    "statefulsets.apps": (APPS, "StatefulSet", "chat"),
    "horizontalpodautoscalers.autoscaling": (APPS, "Deployment", "by-hpa"),
    "scaledobjects.keda.sh": (APPS, "Deployment", "by-keda"),
    "inferenceservices.serving.kserve.io": (f"{SERVING}/v1beta1", "InferenceService", "by-kserve"),
    "llminferenceservices.serving.kserve.io": (f"{SERVING}/v1alpha2", "LLMInferenceService", "by-kserve"),
}
"""Workloads by the kind that owns their replicas."""


def scaling(kind: str) -> Act:
    """The replicas of a workload cannot be moved, or it cannot be told who else moves them."""
    return lambda desk: refused(lambda: desk.floors.move(desk.policy(*SCALED[kind]), 1))


def seeing_floors(kind: str) -> Act:
    """Looked at a second time, it is the owner itself that is read."""

    def act(desk: Desk) -> str:
        policy, floors = desk.policy(*SCALED[kind]), desk.floors
        scale = Scale(0, ())
        floors.look(policy, scale, 0.0)
        return refused(lambda: floors.look(policy, scale, 1.0))

    return act


def seeing_replicas(kind: str) -> Act:
    return lambda desk: refused(lambda: desk.scales.read(desk.policy(*SCALED[kind]).workload))


def taking_a_placeholder_that_stands(desk: Desk) -> str:
    desk.place(CHAT, 1)
    return refused(lambda: desk.place(CHAT, 1))


def deleting_a_placeholder(desk: Desk) -> str:
    desk.place(CHAT, 2)
    return refused(lambda: desk.fleet.port.delete_placeholder(CHAT, 0, 2))


def clearing_a_node_that_is_gone(desk: Desk) -> str:
    """Whether the node or only our picture of it is missing cannot be told, so the placeholder stays."""
    fleet = desk.fleet
    before = {pod["metadata"]["name"] for pod in fleet.pods()}
    desk.place(CHAT, 3)
    [name] = {pod["metadata"]["name"] for pod in fleet.pods()} - before
    target = {"apiVersion": "v1", "kind": "Node", "name": "gone"}
    binding = {"metadata": {"name": name}, "target": target}
    fleet.cluster.api.call("POST", path_of("pods", name, fleet.house, "binding"), binding)
    return wait_until(lambda: "; ".join(fleet.port.sweep(epoch_s()).failed), "the sweep", SOON_S)


def seeing_the_cluster(desk: Desk) -> str:
    """Nothing is decided without it."""

    def unavailable() -> str:
        try:
            port.inventory(epoch_s())
        except Unavailable as error:
            return str(error) if "403" in str(error) else ""
        return ""

    with desk.watching() as port:
        return wait_until(unavailable, "the cluster to be out of sight", SOON_S)


def hearing_node_autoscalers(desk: Desk) -> str:
    """The work goes on without, and it is said."""
    with desk.watching() as port:
        said = wait_until(port.unread, "what is unread to be told", SOON_S)
        assert port.wait_listed(SOON_S)
        port.sweep(epoch_s())
    assert all("counts as obtainable" in line for line in said)
    return "; ".join(said)


def hearing_kubelets(desk: Desk) -> str:
    """Starts are told without, and it is said."""
    with desk.watching() as port:
        said = wait_until(port.unread, "what is unread to be told", SOON_S)
        assert port.wait_listed(SOON_S)
        port.starts(epoch_s())
    assert all("starts that found their image" in line for line in said)
    return "; ".join(said)


def saving_again(desk: Desk) -> str:
    version = desk.store.save("again", {"n": 1}, None)
    return refused(lambda: desk.store.save("again", {"n": 2}, version))


def forgetting(desk: Desk) -> str:
    desk.store.save("old", {"n": 1}, None)
    return refused(lambda: desk.store.delete("old"))


def leading_with_a_lease_of_our_own(desk: Desk) -> str:
    cluster, house = desk.fleet.cluster, desk.fleet.house
    cluster.api.delete(LEASES, RELEASE, house)
    try:
        return refused(desk.election.attempt)
    finally:
        cluster.api.create(LEASES, {"metadata": {"name": RELEASE, "namespace": house}})


def reading_plans(desk: Desk) -> str:
    with desk.plans() as plans:
        plans.read()
        return "; ".join(plans.problems())


def hearing_wishes(desk: Desk) -> str:
    with desk.plans(watched=True) as plans:
        return wait_until(lambda: "; ".join(plans.problems()), "no news of wishes", SOON_S)


def making(policy: str) -> Act:
    """`plan` stands already, made by another process a moment ago."""

    def act(desk: Desk) -> str:
        with desk.plans() as plans:
            plans.ensure([policy])
            return "; ".join(plans.problems())

    return act


def removing_a_plan(desk: Desk) -> str:
    with desk.plans() as plans:
        plans.read()
        return refused(lambda: plans.remove("plan"))


def showing_decisions(desk: Desk) -> str:
    with desk.plans(watched=True) as plans:
        plans.read()
        plans.report("plan", PlanStatus(True, None, (), epoch_s()))
        return wait_until(lambda: "; ".join(plans.problems()), "the status to be refused", SOON_S)


def telling(times: int) -> Act:
    """Events, and how often they were repeated."""

    def act(desk: Desk) -> str:
        recorder = EventRecorder(desk.objects, SystemClock(), "one", EventSettings(refresh_s=0.1))
        recorder.start()
        try:
            for _ in range(times):
                recorder.record(Notice(desk.workload(*SCALED["deployments.apps"]), "Noted", f"{times} times"))
                wait_until(lambda: recorder.problem or desk.fleet.cluster.events("chat", "Noted"), "an event", SOON_S)
            return wait_until(lambda: recorder.problem, "the event to be refused", SOON_S)
        finally:
            recorder.stop()

    return act


HOUSE: dict[str, Act] = {
    "create pods": shaping(CHAT),
    "delete pods": deleting_a_placeholder,
    "get configmaps": lambda desk: refused(lambda: desk.store.load("any")),
    "list configmaps": lambda desk: refused(desk.store.names),
    "create configmaps": lambda desk: refused(lambda: desk.store.save("new", {"n": 1}, None)),
    "patch configmaps": saving_again,
    "delete configmaps": forgetting,
    "create leases.coordination.k8s.io": leading_with_a_lease_of_our_own,
    "get leases.coordination.k8s.io gpu-autoscaler": lambda desk: refused(desk.election.attempt),
    "update leases.coordination.k8s.io gpu-autoscaler": lambda desk: refused(desk.election.attempt),
    "get capacityplans.gpu-autoscaler.io": making("plan"),
    "list capacityplans.gpu-autoscaler.io": reading_plans,
    "watch capacityplans.gpu-autoscaler.io": hearing_wishes,
    "create capacityplans.gpu-autoscaler.io": making("new"),
    "delete capacityplans.gpu-autoscaler.io": removing_a_plan,
    "patch capacityplans.gpu-autoscaler.io/status": showing_decisions,
    "list events.events.k8s.io": hearing_node_autoscalers,
    "watch events.events.k8s.io": hearing_node_autoscalers,
}
EVERYWHERE: dict[str, Act] = {
    "get pods": taking_a_placeholder_that_stands,
    "list pods": seeing_the_cluster,
    "watch pods": seeing_the_cluster,
    "get nodes": clearing_a_node_that_is_gone,
    "list nodes": seeing_the_cluster,
    "watch nodes": seeing_the_cluster,
    "list namespaces": shaping(NEAR),
    "get persistentvolumes": shaping(BOUND),
    "get storageclasses.storage.k8s.io": shaping(UNBOUND),
    "list nodeclaims.karpenter.sh": hearing_node_autoscalers,
    "watch nodeclaims.karpenter.sh": hearing_node_autoscalers,
}
WORKLOADS: dict[str, Act] = {
    "get deployments.apps": shaping(CHAT),
    "get deployments.apps/scale": seeing_replicas("deployments.apps"),
    "patch deployments.apps/scale": scaling("deployments.apps"),
    "get statefulsets.apps": scaling("statefulsets.apps"),
    "get statefulsets.apps/scale": seeing_replicas("statefulsets.apps"),
    "patch statefulsets.apps/scale": scaling("statefulsets.apps"),
    "list horizontalpodautoscalers.autoscaling": scaling("deployments.apps"),
    "get horizontalpodautoscalers.autoscaling": seeing_floors("horizontalpodautoscalers.autoscaling"),
    "patch horizontalpodautoscalers.autoscaling": scaling("horizontalpodautoscalers.autoscaling"),
    "list scaledobjects.keda.sh": scaling("deployments.apps"),
    "get scaledobjects.keda.sh": seeing_floors("scaledobjects.keda.sh"),
    "patch scaledobjects.keda.sh": scaling("scaledobjects.keda.sh"),
    "get inferenceservices.serving.kserve.io": seeing_replicas("inferenceservices.serving.kserve.io"),
    "patch inferenceservices.serving.kserve.io": scaling("inferenceservices.serving.kserve.io"),
    "get llminferenceservices.serving.kserve.io": seeing_replicas("llminferenceservices.serving.kserve.io"),
    "patch llminferenceservices.serving.kserve.io": scaling("llminferenceservices.serving.kserve.io"),
    "get persistentvolumeclaims": shaping(BOUND),
    "create events.events.k8s.io": telling(1),
    "patch events.events.k8s.io": telling(2),
    "list events.events.k8s.io": hearing_kubelets,
    "watch events.events.k8s.io": hearing_kubelets,
}
DEFAULT: dict[str, Act] = {f"{verb} events.events.k8s.io": hearing_node_autoscalers for verb in ("list", "watch")}
BREAKS = {
    Right(where, *right.split()): act
    for where, acts in (("house", HOUSE), ("everywhere", EVERYWHERE), ("workloads", WORKLOADS), ("default", DEFAULT))
    for right, act in acts.items()
}
"""What the controller cannot do without each right."""


def test_each_right_that_the_chart_grants_is_put_to_the_test(helm: Helm) -> None:
    assert chart_rights(helm) == set(BREAKS)


@pytest.mark.parametrize("right", BREAKS, ids=str)
def test_without_it_something_is_refused_and_that_is_said(desk: Desk, right: Right) -> None:
    with desk.roles.without(right):
        said = BREAKS[right](desk)
    assert desk.roles.refusal(right) in said


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a controller without policies runs, with the rights of the desk."""

    desk: Desk
    folder: Path

    def environment(self, identity: str, port: int) -> dict[str, str]:
        fleet = self.desk.fleet
        settings = {
            "policies": self.folder, "prometheus": f"http://{LOOPBACK}:{free_port()}", "namespace": fleet.house,
            "kubeconfig": fleet.cluster.control_plane.kubeconfig(PRODUCT), "listen": f"{LOOPBACK}:{port}",
            "placeholder_image": PAUSE, "placeholder_priority_class": fleet.priority_class, "log_format": "json",
            "tick_s": TICK_S, "identity": identity,
        }  # fmt: skip
        return {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}


def test_without_what_karpenter_says_the_controller_goes_on_and_says_so(desk: Desk, tmp_path: Path) -> None:
    claims = Right("everywhere", "list", "nodeclaims.karpenter.sh")
    controller = Controller(Seat(desk, tmp_path), "one")
    with desk.roles.without(claims), ExitStack() as ends:
        ends.callback(controller.program.stop)
        controller.start()
        said = wait_until(lambda: controller.log("problem"), "the problem to be told", SOON_S)
        wait_until(lambda: controller.leads, "the controller to lead", SOON_S)
        assert controller.get("/readyz")[0] == 200
    assert desk.roles.refusal(claims) in said[0]["problem"]


def test_karpenter_that_is_not_there_is_not_missed(desk: Desk) -> None:
    """The API server forbids a kind that it does not have like one that it has."""
    cluster, claims = desk.fleet.cluster, Right("everywhere", "list", "nodeclaims.karpenter.sh")
    name = claims.resource
    definition = cluster.api.get(CRDS, name)
    cluster.api.delete(CRDS, name)
    try:
        wait_until(lambda: not served(cluster), "Karpenter's claims to be gone", SOON_S)
        events = Right("house", "list", "events.events.k8s.io")
        with desk.roles.without(claims), desk.roles.without(events), desk.watching() as port:
            wait_until(port.unread, "what is unread to be told", SOON_S)
            stays(lambda: all("nodeclaims" not in line for line in port.unread()), "silence about Karpenter", 1.0)
    finally:
        kept = {key: definition["metadata"][key] for key in ("name", "annotations")}
        cluster.api.create(CRDS, {**definition, "metadata": kept})
        wait_until(lambda: served(cluster), "Karpenter's claims to be served again", SOON_S)


def served(cluster: Cluster) -> bool:
    """Not found while it is gone, too many requests while its storage is made."""
    try:
        cluster.api.list("karpenter.sh/v1/nodeclaims")
    except Refused as error:
        if error.code not in (404, 429):
            raise
        return False
    return True
