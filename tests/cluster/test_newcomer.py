"""A newcomer's way by the notes of the chart: install, look on, let it act, hand over, take it away; nothing is left.

All of it with the chart's settings and permissions, which refuse nothing and grant nothing that is not asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from autoscaler.domain.ending import Taker
from tests.cluster.api import Json
from tests.cluster.clock import epoch_s, now_s, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.control_plane import CRDS
from tests.cluster.controllers import Controller
from tests.cluster.exporter import Exporter
from tests.cluster.helm import Helm
from tests.cluster.installed import PLACEHOLDER_LABELS, RELEASE, InstalledSite
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.manifests import Key, everything
from tests.cluster.newcomer import Newcomer
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus
from tests.cluster.rights import chart_rights
from tests.cluster.stages import Stages
from tests.cluster.volumes import zonal_volume

Measured = Callable[[str, float, str], None]
SOON_S = 60.0
"""For what the controller does within some ticks."""
REPLICAS = 2
NODE_LEAD_S = 35.0
"""As if nodes took so long: room is held for a good while before replicas are asked for, also on a busy machine."""
AHEAD_S = 60.0
"""More than a node and a replica take."""
ONLY_IN_TROUBLE = {
    "house create leases.coordination.k8s.io": "somebody deleted the Lease of the release",
    "house get capacityplans.gpu-autoscaler.io": "two controllers made one plan",
    "everywhere get pods": "two controllers made one placeholder, or a workload has a ready replica",
    "everywhere get nodes": "a node was deleted under a placeholder",
    "everywhere get storageclasses.storage.k8s.io": "a claim is not bound yet",
    "workloads patch events.events.k8s.io": "an event was repeated",
}
"""Rights that nobody needs on this way, and when one does: `test_rbac` has each."""
OTHER_KINDS = ("statefulsets", "horizontalpodautoscalers", "scaledobjects", "inferenceservices")
"""Of workloads and owners: here there is a Deployment, which nobody else moves."""


@pytest.fixture
def workload(cluster: Cluster) -> None:
    """A Deployment without replicas that reads a disk of one zone, and keeps away from pods of other namespaces."""
    others = {"labelSelector": {"matchLabels": {"loud": "yes"}}, "namespaceSelector": {"matchLabels": {"team": "a"}}}
    rule = {"topologyKey": "kubernetes.io/hostname", **others}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
    disk = zonal_volume(cluster, "weights", "zone-a")
    stages = Stages(image_s=2, weights_s=2)
    body = deployment("chat", cluster.namespace, 0, gpus=8, stages=stages, affinity=apart, volumes=[disk])
    cluster.create(DEPLOYMENTS, body)


class Way:
    """The newcomer, and the seconds that each step took."""

    def __init__(self, newcomer: Newcomer, controller: Controller, measured: Measured) -> None:
        self.newcomer, self.controller, self._measured = newcomer, controller, measured
        self._begin_s = now_s()

    def begin(self) -> None:
        self._begin_s = now_s()

    def step(self, what: str) -> None:
        """Measures what was done since the step before."""
        self._measured(f"newcomer: {what}", now_s() - self._begin_s, "none")
        self.begin()


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def looks_on(way: Way) -> None:
    """From a first file to a plan that is shown; nothing else happens."""
    newcomer, controller = way.newcomer, way.controller
    newcomer.write_first("observe", epoch_s() + AHEAD_S, REPLICAS + 1)
    newcomer.hand_in()
    controller.start()
    way.step("helm upgrade with a first policy, and the controller ready with it")

    def shown() -> dict[str, str] | None:
        [row] = newcomer.plans() or [{"Reason": "None"}]
        return row if row["Reason"] != "None" else None

    row = wait_until(shown, "the plan to be shown", SOON_S)
    way.step("its plan shown by kubectl get capacityplans")
    assert (row["Name"], row["Mode"], row["Ready"]) == ("chat", "observe", "0")
    for name, command in newcomer.site.hooks("test").items():
        newcomer.run(name, [part.replace(f"http://{RELEASE}:8080", controller.url) for part in command])
    way.step("helm test")
    assert (newcomer.replicas(), newcomer.placeholders()) == (0, [])


def lets_it_act(way: Way) -> None:
    """From an edited file to room that is held, and to less of it where less is wanted."""
    newcomer, begin_s = way.newcomer, epoch_s() + AHEAD_S
    newcomer.write_first("act", begin_s, REPLICAS + 1)
    newcomer.hand_in()
    way.step("helm upgrade with the policy edited to act")
    wait_until(newcomer.placeholders, "a placeholder", AHEAD_S + SOON_S)
    way.step(f"first placeholder, for a schedule that begins {AHEAD_S:g} s after the edit")
    wait_until(lambda: len(newcomer.placeholders()) == REPLICAS + 1, "all placeholders", SOON_S)
    newcomer.write_first("act", begin_s, REPLICAS)
    newcomer.hand_in()
    wait_until(lambda: len(newcomer.placeholders()) == REPLICAS, "the other placeholder to go", SOON_S)
    way.step("helm upgrade with one replica less, and one placeholder less")


def hands_over(way: Way) -> None:
    """From room that is held to replicas that take it; one may find that of the placeholder that went."""
    newcomer, cluster = way.newcomer, way.newcomer.site.cluster
    pods = wait_until(lambda: bound(newcomer.placeholders()), "the placeholders to be bound", AHEAD_S + SOON_S)
    way.step("nodes bought, placeholders bound")
    assert all(PLACEHOLDER_LABELS.items() <= pod["metadata"]["labels"].items() for pod in pods)
    reals = wait_until(lambda: bound(cluster.pods()), "replicas on nodes", AHEAD_S + SOON_S)
    way.step("floor raised, and replicas in the placeholders' place")
    taken = wait_until(lambda: handed_over(way), "the handover to be told", SOON_S)
    assert {end["taken_by"].rpartition("/")[2] for end in taken} <= {pod["metadata"]["name"] for pod in reals}
    assert newcomer.replicas() == REPLICAS
    cluster.wait_event("chat", "FloorMoved", SOON_S)


def bound(pods: list[Json]) -> list[Json]:
    """Those on nodes, once they are enough."""
    found = [pod for pod in pods if pod["spec"].get("nodeName")]
    return found if len(found) == REPLICAS else []


def handed_over(way: Way) -> list[Json]:
    """Placeholders whose place a pod of their workload took, as the log has it."""
    return [end for end in way.controller.log("placeholder ended") if end.get("taker") == Taker.OWN]


def takes_it_away(way: Way) -> None:
    """What `helm uninstall` does, while the controller runs."""
    newcomer, site = way.newcomer, way.newcomer.site
    would = json.loads(newcomer.run("release", [sys.executable, "-m", "autoscaler", "release", "--format", "json"]))
    assert would["floors"] == [f"chat: Deployment {site.cluster.namespace}/chat scale.spec.replicas to 0"]
    assert (would["plans"], would["problems"]) == (["chat"], [])
    assert newcomer.replicas() == REPLICAS
    way.begin()
    for name, command in site.hooks("pre-delete").items():
        newcomer.run(name, command)
    way.step("the hook before helm uninstall: all is given back")
    assert (newcomer.replicas(), newcomer.placeholders()) == (0, [])
    for kind in (PLANS, "configmaps"):
        names = [one["metadata"]["name"] for one in site.cluster.api.list(kind, site.house)]
        assert [name for name in names if name == "chat" or name.startswith("record-")] == []
    wait_until(lambda: not way.controller.leads, "the controller to stand back", SOON_S)
    way.controller.program.stop()
    assert way.controller.log("stopped")
    way.begin()
    site.helm.uninstall(site.house)
    way.step("helm uninstall")


def left(site: InstalledSite, before: set[Key]) -> set[Key]:
    """What is there of the release, or in its namespace, and was not before."""
    found = everything(site.cluster.api) - before
    mine = {key for key in found if site.house in key[1:] or RELEASE in key[2]}
    return mine - {("namespaces", "", site.house), ("serviceaccounts", site.house, "default")}


def check_rights(helm: Helm, site: InstalledSite) -> None:
    """By the audit log, nothing was refused, and what is granted was used where it is granted."""
    asked = site.cluster.control_plane.audit.asked(site.house)
    assert [one for one in asked if not one.allowed] == []
    used = {(one.verb, one.resource, one.namespace) for one in asked}
    anywhere = {(verb, resource, "") for verb, resource, _ in used}
    places = {"house": site.house, "default": "default", "workloads": site.cluster.namespace, "everywhere": ""}
    unused = {
        str(right)
        for right in chart_rights(helm)
        if (right.verb, f"{right.group}/{right.plural}".strip("/"), places[right.where]) not in used | anywhere
    }
    assert unused <= set(ONLY_IN_TROUBLE) | {right for right in unused if any(kind in right for kind in OTHER_KINDS)}


@pytest.mark.usefixtures("workload")
def test_from_nothing_to_acting_and_back(
    cluster: Cluster, prometheus: Prometheus, exporter: Exporter, helm: Helm, tmp_path: Path,
    start_karpenter: Callable[..., Karpenter], ends: ExitStack, measured: Measured,
) -> None:  # fmt: skip
    start_karpenter((PRIMARY, BURST))
    exporter.rate("requests_total", 0.0, model="chat")
    prometheus.wait_for('sum(rate(requests_total{model="chat"}[10s])) >= 0', SOON_S)
    before, begin_s = everything(cluster.api), now_s()
    site = InstalledSite(cluster, tmp_path, (PRIMARY, BURST), prometheus.url, helm, NODE_LEAD_S)
    measured("newcomer: namespace made, helm install", now_s() - begin_s, "none")
    controller = Controller(site, "installed")
    ends.callback(controller.program.stop)
    way = Way(Newcomer(site), controller, measured)
    looks_on(way)
    measured("newcomer: from an empty cluster to the first plan and helm test", now_s() - begin_s, "none")
    lets_it_act(way)
    hands_over(way)
    takes_it_away(way)
    assert cluster.api.list("coordination.k8s.io/v1/leases", site.house) == []
    wait_until(lambda: not left(site, before), "nothing to be left", SOON_S, 0.5)
    assert cluster.api.find(CRDS, "capacityplans.gpu-autoscaler.io")
    check_rights(helm, site)
