"""A release of the chart on the rig, for a controller that runs as a process beside it.

There is no kubelet: settings are taken from the Deployment, and who it is from a token of the chart's ServiceAccount.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ruamel.yaml import YAML

from autoscaler.settings import PREFIX
from tests.cluster.api import Api, Json, path_of
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane
from tests.cluster.controllers import LEASE_S, NODE_LEAD_S, REPLICA_LEAD_S, TICK_S, Site
from tests.cluster.credentials import ADMIN
from tests.cluster.helm import DEFAULT, Helm
from tests.cluster.live import DEPLOYMENTS, PAUSE
from tests.cluster.pools import Pool
from tests.cluster.processes import LOOPBACK

RELEASE = "gpu-autoscaler"
PLACEHOLDER_LABELS = {"cost-center": "4711"}


class InstalledSite(Site):
    """A site whose namespace, PriorityClass, permissions and settings are a release's; policies stay in a folder."""

    def __init__(
        self, cluster: Cluster, folder: Path, pools: Sequence[Pool], prometheus: str, helm: Helm,
        node_lead_s: float = NODE_LEAD_S,
    ) -> None:  # fmt: skip
        """Installs the chart."""
        self.node_lead_s = node_lead_s
        self.helm = replace(helm, kubeconfig=cluster.control_plane.kubeconfig(ADMIN))
        super().__init__(cluster, folder, pools, prometheus)

    def furnish(self) -> str:
        """Installs the chart, with a namespace that enforces Pod Security."""
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.cluster.api.patch("namespaces", self.house, {"metadata": {"labels": labels}})
        values = self.folder / "values.yaml"
        YAML().dump(_values(self.prometheus, self.node_lead_s), values)
        self.helm.install(DEFAULT, self.house, "--values", str(values))
        return said(self.cluster.api, self.house)[f"{PREFIX}PLACEHOLDER_PRIORITY_CLASS"]

    def environment(self, identity: str, port: int) -> dict[str, str]:
        """As the Deployment says, but for what a kubelet would have done."""
        kubeconfig = account(self.cluster.control_plane, self.house, self.folder / "service-account.kubeconfig")
        here = on_this_machine(self.house, self.policies, identity, kubeconfig, port)
        return said(self.cluster.api, self.house) | here

    def hooks(self, kind: str) -> dict[str, list[str]]:
        """Commands of the release's hooks of a kind (`test`, `pre-delete`), by the name of their container, for the
        Python of the tests."""
        found = self.helm.documents("get", "hooks", RELEASE, "--namespace", self.house)
        mine = [one for one in found if one["metadata"]["annotations"]["helm.sh/hook"] == kind]
        pods = [one["spec"].get("template", one)["spec"] for one in mine]
        containers = [pod["containers"][0] for pod in pods]
        entry = ["python", "-m", "autoscaler"]
        commands = {one["name"]: [*one.get("command", entry), *one["args"]] for one in containers}
        return {name: [sys.executable, *command[1:]] for name, command in commands.items()}


def said(api: Api, namespace: str) -> dict[str, str]:
    """The settings that the Deployment of the release gives its controller."""
    deployment = api.get(DEPLOYMENTS, RELEASE, namespace)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def on_this_machine(namespace: str, policies: Path, identity: str, kubeconfig: Path, port: int) -> dict[str, str]:
    """Settings in place of what a kubelet would have done."""
    here = {
        "namespace": namespace, "policies": policies, "identity": identity, "kubeconfig": kubeconfig,
        "listen": f"{LOOPBACK}:{port}",
    }  # fmt: skip
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in here.items()}


def account(plane: ControlPlane, namespace: str, to: Path, lasts_s: int = 3600) -> Path:
    """Writes a kubeconfig with a token of the release's ServiceAccount."""
    path = path_of("serviceaccounts", RELEASE, namespace, "token")
    asked: Json = {"spec": {"expirationSeconds": lasts_s}}
    token = plane.api(ADMIN).call("POST", path, asked)["status"]["token"]
    content = json.loads(plane.kubeconfig(ADMIN).read_text())
    content["users"][0]["user"] = {"token": token}
    to.write_text(json.dumps(content))
    return to


def _values(prometheus: str, node_lead_s: float) -> Json:
    """A loop that is as quick as the rig."""
    return {
        "prometheus": {"url": prometheus},
        "placeholders": {"image": PAUSE, "labels": PLACEHOLDER_LABELS},
        "settings": {
            "tick": f"{TICK_S:g}s", "leaseSeconds": LEASE_S, "nodeLead": f"{node_lead_s:g}s",
            "replicaLead": f"{REPLICA_LEAD_S:g}s",
        },
    }  # fmt: skip
