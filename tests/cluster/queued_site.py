"""A site with a policy for queued work alone, and what a person sees of such work on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autoscaler.settings import PREFIX
from tests.cluster.api import Json, Refused
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import Site
from tests.cluster.credentials import PRODUCT
from tests.cluster.helm import DEFAULT, Helm
from tests.cluster.pools import ZONES, Pool
from tests.cluster.rights import GROUP, RESOURCES

STEADY = Pool("gpu-primary", zones=(ZONES[0],))
POLICY = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: QueuePolicy
metadata: {{name: training}}
spec:
  mode: {mode}
  namespaces: [{namespace}]
  pools: {{primary: [{pool}]}}
  budget: {{gpus: {gpus}}}
{more}
---
"""
JOBS = "batch/v1/jobs"
Measured = Callable[[str, float, str], None]


SWITCHES = ("jobs", "kueue", "admissionChecks")
HEEDED_S = 30.0


class QueueSite(Site):
    """`write_queue` writes the policy; nothing on the site forecasts."""

    def __init__(self, cluster: Cluster, folder: Path, prometheus: str) -> None:
        super().__init__(cluster, folder, (STEADY,), prometheus)

    def write_queue(self, gpus: int = 64, mode: str = "act", more: str = "") -> None:
        """The policy `training`, for all work in the test's namespace. more: further lines of its spec."""
        text = POLICY.format(
            mode=mode, namespace=self.cluster.namespace, pool=self.pools[0].name, gpus=gpus,
            more="\n".join(f"  {line}" for line in more.splitlines()),
        )  # fmt: skip
        new = self.policies / "training.new"
        new.write_text(text)
        new.rename(self.policies / "training.yaml")


class LimitedQueueSite(QueueSite):
    """The same, with a controller that may do what the chart's roles for queued work allow, and nothing else."""

    def __init__(self, cluster: Cluster, folder: Path, prometheus: str, helm: Helm) -> None:
        """Makes the roles, and has the API server heed them."""
        super().__init__(cluster, folder, prometheus)
        named = ["--set", f"rbac.namespaces={{{cluster.namespace}}}"]
        named += [part for one in SWITCHES for part in ("--set", f"rbac.queuedWork.{one}=true")]
        subject = {"kind": "User", "name": PRODUCT, "apiGroup": GROUP}
        for body in helm.template(DEFAULT, self.house, *named):
            if body["kind"] in RESOURCES:
                bound = {"subjects": [subject]} if "roleRef" in body else {}
                cluster.create(f"{GROUP}/v1/{RESOURCES[body['kind']]}", body | bound)
        for place in (("configmaps", self.house), (JOBS, cluster.namespace), ("nodes", None)):
            wait_until(partial(self._may_list, *place), f"the right to list {place[0]}", HEEDED_S)

    def environment(self, identity: str, port: int) -> dict[str, str]:
        kubeconfig = str(self.cluster.control_plane.kubeconfig(PRODUCT))
        return super().environment(identity, port) | {f"{PREFIX}KUBECONFIG": kubeconfig}

    def _may_list(self, resource: str, namespace: str | None) -> bool:
        try:
            self.cluster.product.list(resource, namespace)
        except Refused as error:
            if error.code != 403:
                raise
            return False
        return True


@dataclass(frozen=True, slots=True)
class Seen:
    """A site at one moment. held, waiting: placeholders with and without a node. pods: of the work, by name, with the
    node of each, empty where it has none.
    """

    nodes: int
    held: int
    waiting: int
    pods: dict[str, str]

    @property
    def placed(self) -> int:
        return sum(bool(node) for node in self.pods.values())


def see(site: Site) -> Seen:
    """What stands now."""
    api = site.cluster.api
    placeholders = [one for one in api.list("pods", site.house) if "deletionTimestamp" not in one["metadata"]]
    held = sum("nodeName" in one["spec"] for one in placeholders)
    pods = {one["metadata"]["name"]: str(one["spec"].get("nodeName") or "") for one in site.cluster.pods()}
    return Seen(len(api.list("nodes")), held, len(placeholders) - held, pods)


def wait_seen(site: Site, look: Callable[[Seen], object], what: str, within_s: float = 90.0) -> Seen:
    """The first moment for which `look` is true."""

    def found() -> Seen | None:
        now = see(site)
        return now if look(now) else None

    return wait_until(found, what, within_s, 0.1)


def job(name: str, namespace: str, pod: Json, pods: int, **spec: Any) -> Json:
    """A Job of so many pods like this one, all at once."""
    template = {"metadata": {"annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]}
    body = {"parallelism": pods, "completions": pods, "template": template, **spec}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": body}
