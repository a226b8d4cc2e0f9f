"""Who follows the notes of the release, command by command, and what such a person sees."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.cluster.api import Json, path_of
from tests.cluster.cluster import PLANS
from tests.cluster.controllers import POLICY
from tests.cluster.helm import CHART, ROOT
from tests.cluster.installed import RELEASE, InstalledSite
from tests.cluster.live import DEPLOYMENTS
from tests.cluster.pools import BURST, PRIMARY

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Newcomer:
    """Has one file of policies, `first.yaml`, for the Deployment `chat`. The kubelet's part is done here as well."""

    def __init__(self, site: InstalledSite) -> None:
        self.site = site
        self._pools = (site.policies / "pools.yaml").read_text()
        self._first = site.folder / "first.yaml"
        notes = self._helm("get", "notes", RELEASE, "-n", site.house)
        [self._command] = [line for line in notes.splitlines() if "--set-file" in line]

    def write_first(self, mode: str, at_s: float, replicas: int) -> None:
        """A policy that wants so many replicas for an hour."""
        begin, end = (datetime.fromtimestamp(int(s), UTC).strftime("%Y-%m-%dT%H:%M:%S") for s in (at_s, at_s + 3600.0))
        launch = f"{{name: launch, from: {begin}, until: {end}, timezone: UTC, atLeast: {{replicas: {replicas}}}}}"
        text = POLICY.format(
            name="chat", mode=mode, namespace=self.site.cluster.namespace, primary=PRIMARY.name, burst=BURST.name,
            schedules=launch,
        )  # fmt: skip
        self._first.write_text(self._pools + text)

    def hand_in(self) -> None:
        """Gives the file to the release, as its notes say; a moment later a kubelet shows it to the controller."""
        program, *words = shlex.split(self._command)
        assert program == "helm"
        places = {"CHART": str(CHART)}
        words = [places.get(word, word).replace("=first.yaml", f"={self._first}") for word in words]
        self._helm(*words)
        self._mount()

    def plans(self) -> list[dict[str, str]]:
        """`kubectl get capacityplans`: what stands in each row, by the head of its column."""
        path = path_of(PLANS, namespace=self.site.house)
        table = self.site.cluster.api.call("GET", path, accept=TABLE)
        heads = [column["name"] for column in table["columnDefinitions"] if column["priority"] == 0]
        return [{h: str(c) for h, c in zip(heads, row["cells"], strict=False)} for row in table.get("rows") or ()]

    def replicas(self) -> int:
        api, space = self.site.cluster.api, self.site.cluster.namespace
        return int(api.get(DEPLOYMENTS, "chat", space)["spec"]["replicas"])

    def placeholders(self) -> list[Json]:
        """Their pods."""
        chosen = "gpu-autoscaler.io/role=placeholder"
        return self.site.cluster.api.list("pods", self.site.house, labelSelector=chosen)

    def run(self, name: str, command: Sequence[str]) -> str:
        """What a command says with the settings and the ServiceAccount of the release."""
        environment = self.site.environment(name, 0) | {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        return done.stdout

    def _helm(self, *words: str) -> str:
        return self.site.helm.run(*words)

    def _mount(self) -> None:
        api, site = self.site.cluster.api, self.site
        pod = api.get(DEPLOYMENTS, RELEASE, site.house)["spec"]["template"]["spec"]
        [mounted] = [one["configMap"]["name"] for one in pod["volumes"] if one["name"] == "policies"]
        files = api.get("configmaps", mounted, site.house)["data"]
        for name, text in files.items():
            new = site.policies / f"{name}.new"
            new.write_text(text)
            new.rename(site.policies / name)
        for file in site.policies.iterdir():
            if file.name not in files:
                file.unlink()
