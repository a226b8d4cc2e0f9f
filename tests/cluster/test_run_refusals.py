"""What stands in the way of a running controller: each is told with what to do, and the other policies go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Json, Refused
from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.control_plane import CRDS
from tests.cluster.controllers import Controller
from tests.cluster.credentials import PRODUCT
from tests.cluster.exporter import Exporter
from tests.cluster.faults import ADMISSION
from tests.cluster.hanging import Hanging
from tests.cluster.limited_site import LimitedSite, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.objects import is_true, pod, priority_class
from tests.cluster.pools import GPU, PRIMARY
from tests.cluster.prometheus import Prometheus

RBAC = "rbac.authorization.k8s.io/v1"
ENGINES = "rig.test/v1/engines"
CLASSES = "scheduling.k8s.io/v1/priorityclasses"
HOLDS_S = 600.0
"""What stands when a controller begins to lead is held so long."""
SOON_S, KNOWN_S = 30.0, 40.0
GOOD, PLAIN = "good", "plain"
SAID = {
    "ghost": "is not there; create it, or correct `workload`",
    "doomed": "is not there; create it, or correct `workload`",
    "nowhere": f"in pool {PRIMARY.name}: Taints: the pods do not tolerate {GPU}",
    "bare": "none is ready, and it has no spec.template; start one replica",
    "gpuless": f"its pods ask for no {GPU}; correct the workload",
    "forbidden": 'cannot patch resource "deployments/scale"',
    "hangs": "no answer in the time of a tick; make the query cheaper",
}
"""By policy: what the log says of it."""
TO_DO = ("create it", "correct", "start one replica", "let an administrator grant it", "make the query cheaper")


class Town:
    """A healthy policy, one whose room is held, and one for each fault that is of one policy alone."""

    def __init__(self, site: LimitedSite, cluster: Cluster, controller: Controller) -> None:
        self.site, self.cluster, self.controller = site, cluster, controller
        self._floor = 1

    def problem(self, *words: str) -> str:
        """The first problem in the log with all these words, once there is one."""

        def look() -> str:
            lines = [line["problem"] for line in self.controller.log("problem")]
            return next((line for line in lines if all(word in line for word in words)), "")

        return wait_until(look, f"a line with {words}", SOON_S, 0.2)

    def goes_on(self) -> None:
        """The healthy policy still does what a person asks for."""
        self._floor += 1
        override = {"floor": self._floor, "until": "2099-01-01T00:00:00Z"}
        self.cluster.api.patch(PLANS, GOOD, {"spec": {"override": override}}, self.site.house)
        wait_until(lambda: see(self.site, GOOD).asked == self._floor, "the healthy policy to go on", SOON_S)

    def placeholders_of(self, policy: str) -> int:
        """How many stand, node or not."""
        owners = [pod["metadata"]["ownerReferences"] for pod in self.cluster.api.list("pods", self.site.house)]
        return sum(owner["name"] == policy for (owner,) in owners)


@pytest.fixture
def hanging(prometheus: Prometheus) -> Iterator[Hanging]:
    found = Hanging(prometheus.url, "hangs")
    yield found
    found.close()


@pytest.fixture
def town(
    cluster: Cluster, hanging: Hanging, prometheus: Prometheus, exporter: Exporter, tmp_path: Path
) -> Iterator[Town]:
    """The namespace of placeholders is restricted, and its quota is used up from the begin on."""
    kubeconfig = cluster.control_plane.kubeconfig(PRODUCT)
    site = LimitedSite(
        cluster,
        tmp_path,
        (PRIMARY,),
        hanging.url,
        node_lead_s=HOLDS_S,
        history_s=2.0,
        tick_s=2.0,
        kubeconfig=kubeconfig,
    )
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.patch("namespaces", site.house, {"metadata": {"labels": labels}})
    grant(cluster)
    for name in (GOOD, PLAIN, *SAID):
        exporter.rate("requests_total", 0.0, model=name)
        site.write(name)
    for name in (GOOD, PLAIN, "hangs"):
        cluster.create(DEPLOYMENTS, deployment(name, cluster.namespace, 1))
    cluster.create(DEPLOYMENTS, deployment("gpuless", cluster.namespace, 1, gpus=0))
    elsewhere = deployment("nowhere", cluster.namespace, 1, nodeSelector={"gpu": "a100"}, tolerations=[])
    cluster.create(DEPLOYMENTS, elsewhere)
    for name in ("forbidden", "doomed"):
        space = cluster.add_namespace(name)
        cluster.create(DEPLOYMENTS, deployment(name, space, 1))
        point(site, name, cluster.namespace, space)
    engine(cluster)
    point(site, "bare", "{", "{apiVersion: rig.test/v1, kind: Engine, ")
    quota = {"metadata": {"name": "q", "namespace": site.house}, "spec": {"hard": {f"requests.{GPU}": "0"}}}
    cluster.create("resourcequotas", quota)
    wait_until(lambda: cluster.api.get("resourcequotas", "q", site.house).get("status", {}).get("hard"), "q", SOON_S)
    prometheus.wait_for("sum(rate(requests_total[10s])) == 0", KNOWN_S)
    with starting(site) as start:
        yield Town(site, cluster, start("one"))


def point(site: LimitedSite, name: str, old: str, new: str) -> None:
    """Changes what the policy names as its workload."""
    file = site.policies / f"{name}.yaml"
    head, workload, rest = file.read_text().partition("  workload: ")
    file.write_text(head + workload + rest.replace(old, new, 1))


def grant(cluster: Cluster) -> None:
    """Everything that the controller needs, but for scale in other namespaces than the test's own."""
    reads = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    ours = ["", "gpu-autoscaler.io", "coordination.k8s.io", "events.k8s.io"]
    writes = {"apiGroups": ours, "resources": ["*"], "verbs": ["*"]}
    scale = {"apiGroups": ["apps", "rig.test"], "resources": ["*/scale"], "verbs": ["patch", "update"]}
    name = f"{cluster.namespace}-controller"
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": PRODUCT}]
    for kind, space, rules in (("ClusterRole", None, [reads, writes]), ("Role", cluster.namespace, [scale])):
        meta: Json = {"name": name} | ({"namespace": space} if space else {})
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        cluster.create(f"{RBAC}/{kind.lower()}s", {"metadata": meta, "rules": rules})
        cluster.create(f"{RBAC}/{kind.lower()}bindings", {"metadata": meta, "roleRef": role, "subjects": subjects})


def engine(cluster: Cluster) -> None:
    """A kind that can be scaled and says nothing about its pods, and one of it, of which there are none."""
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    scale |= {"labelSelectorPath": ".status.selector"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema, "subresources": {"scale": scale}}
    names = {"plural": "engines", "singular": "engine", "kind": "Engine"}
    spec = {"group": "rig.test", "scope": "Namespaced", "names": names, "versions": [version]}
    cluster.create(CRDS, {"metadata": {"name": "engines.rig.test"}, "spec": spec})
    wait_until(lambda: is_true(cluster.api.get(CRDS, "engines.rig.test"), "Established"), "the kind", SOON_S)
    body = {
        "apiVersion": "rig.test/v1", "kind": "Engine", "metadata": {"name": "bare", "namespace": cluster.namespace},
        "spec": {"replicas": 1}, "status": {"selector": "app=bare"},
    }  # fmt: skip
    wait_until(lambda: is_served(cluster, ENGINES), "the kind to be served", SOON_S)
    cluster.create(ENGINES, body)


def is_served(cluster: Cluster, resource: str) -> bool:
    """Not found before its paths are there, too many requests while its storage is made."""
    try:
        cluster.api.list(resource)
    except Refused as error:
        if error.code not in (404, 429):
            raise
        return False
    return True


def inject(cluster: Cluster, space: str) -> list[tuple[str, str]]:
    """Puts a sidecar that may do everything into every pod of a namespace; what was made."""
    name = f"{cluster.namespace}-sidecar"
    value = 'Object.spec.containers{name: "mesh", image: "registry.test/mesh:1"}'
    patch = f'[JSONPatch{{op: "add", path: "/spec/containers/-", value: {value}}}]'
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    there = {"matchLabels": {"kubernetes.io/metadata.name": space}}
    spec = {
        "failurePolicy": "Fail", "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": there},
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": patch}}],
    }  # fmt: skip
    made = [("mutatingadmissionpolicies", spec), ("mutatingadmissionpolicybindings", {"policyName": name})]
    for kind, body in made:
        cluster.create(f"{ADMISSION}/{kind}", {"metadata": {"name": name}, "spec": body})
    return [(f"{ADMISSION}/{kind}", name) for kind, _ in reversed(made)]


def is_injected(cluster: Cluster, space: str) -> bool:
    """Whether pods made from now on get the sidecar: the server takes a moment to know of a new policy."""
    try:
        made = cluster.api.create("pods", pod("probe", space, gpus=0), dry_run=True)
    except Refused as error:
        return "mesh" in str(error)
    return any(one["name"] == "mesh" for one in made["spec"]["containers"])


def test_each_obstacle_is_told_with_what_to_do_and_the_others_go_on(
    town: Town, measured: Callable[[str, float, str], None]
) -> None:
    api, house = town.cluster.api, town.site.house
    api.delete("namespaces", f"{town.cluster.namespace}-doomed", options={})
    begin = now_s()
    for policy, words in SAID.items():
        line = town.problem(policy, words)
        assert any(word in line for word in TO_DO), line
    assert "raise the quota, or ask for less" in town.problem(PLAIN, "exceeded quota: q")
    measured("run: seven policies and a quota in the way, all told after", now_s() - begin, "none")
    town.goes_on()

    api.delete(CLASSES, town.site.priority_class)
    line = town.problem(PLAIN, f"no PriorityClass with name {town.site.priority_class} was found")
    assert "let an administrator grant it, or change what the cluster demands" in line
    town.goes_on()

    injected = inject(town.cluster, house)
    wait_until(lambda: is_injected(town.cluster, house), "the policy of the sidecar to be in force", SOON_S)
    api.delete("resourcequotas", "q", house)
    api.create(CLASSES, priority_class(town.site.priority_class, -10))
    line = town.problem(PLAIN, 'violates PodSecurity "restricted:latest"', 'container "mesh"')
    assert "let an administrator grant it, or change what the cluster demands" in line
    town.goes_on()
    assert town.placeholders_of(PLAIN) == 0

    for resource, name in injected:
        api.delete(resource, name)
    wait_until(lambda: town.placeholders_of(PLAIN) == 1, "the room that was refused", SOON_S)
    assert not town.controller.log("tick failed")
