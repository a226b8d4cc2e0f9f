"""Cluster Autoscaler: the binary that RIG_CLUSTER_AUTOSCALER names, else our stand-in of it.

A result with the stand-in is one with Cluster Autoscaler's rules, not with Cluster Autoscaler; `name` says which."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.cluster import intervals
from tests.cluster.api import Json
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import AUTOSCALER
from tests.cluster.pools import GPU_LABEL, GROUP_LABEL, Pool, templates
from tests.cluster.processes import LOOPBACK, Program, free_port
from tests.cluster.stand_in.report import STATUS
from tests.cluster.stand_in.settings import NAMESPACE, Settings

SUPPLIED = "RIG_CLUSTER_AUTOSCALER"
ROOT = Path(__file__).parents[2]
START_S = 60.0


class ClusterAutoscaler:
    """One Cluster Autoscaler on one control plane, with a node group for each pool and zone.

    `bypass` leaves out the waits for the age of pods (--bypassed-scheduler-names). AssertionError where the supplied
    binary is no program; never a silent change to the stand-in."""

    kind = "cluster-autoscaler"

    def __init__(self, cluster: Cluster, pools: tuple[Pool, ...], bypass: bool = False) -> None:
        self.cluster, self.pools, self._bypass = cluster, pools, bypass
        supplied = os.environ.get(SUPPLIED)
        self.name = f"Cluster Autoscaler ({supplied})" if supplied else "stand-in of Cluster Autoscaler"
        self.program = self._supplied(Path(supplied)) if supplied else self._stand_in()
        cluster.control_plane.add(self.program)

    @property
    def is_stand_in(self) -> bool:
        """Whether it is ours, not the real one."""
        return not os.environ.get(SUPPLIED)

    def start(self) -> None:
        """Writes what it reads, starts it, and waits until it has written its status."""
        api = self.cluster.api
        api.delete("configmaps", STATUS, NAMESPACE)
        if not self.is_stand_in:
            for name, key, content in _provider_files(self.pools):
                body = {"metadata": {"name": name, "namespace": NAMESPACE}, "data": {key: json.dumps(content)}}
                self.cluster.create("configmaps", body)
        self.program.start()

        def look() -> bool:
            self.program.check()
            return api.find("configmaps", STATUS, NAMESPACE) is not None

        wait_until(look, f"{self.name} to write its status", START_S)

    def stop(self) -> None:
        """Stops it. The supplied one takes its nodes along."""
        self.program.stop()

    def _stand_in(self) -> Program:
        plane = self.cluster.control_plane
        settings = plane.folder / "stand-in.json"
        token = plane.credentials.tokens[AUTOSCALER]
        server = plane.server
        Settings(server.port, str(server.ca), token, templates(self.pools), self._bypass).write(settings)
        command: list[str | Path] = [sys.executable, "-m", "tests.cluster.stand_in", settings]
        return Program("cluster-autoscaler", command, plane.folder / "cluster-autoscaler.log", cwd=ROOT)

    def _supplied(self, binary: Path) -> Program:
        if not os.access(binary, os.X_OK):
            raise AssertionError(f"{SUPPLIED}={binary}: no executable file")
        plane = self.cluster.control_plane
        kubeconfig = str(plane.kubeconfig(AUTOSCALER))
        spans = {
            "scan-interval": intervals.SCAN,
            "scale-down-unneeded-time": intervals.UNNEEDED,
            "scale-down-delay-after-add": intervals.AFTER_ADD,
            "node-delete-delay-after-taint": intervals.DELETE_DELAY,
            "unremovable-node-recheck-timeout": intervals.UNREMOVABLE,
            "initial-node-group-backoff-duration": intervals.BACKOFF_FIRST,
            "max-node-group-backoff-duration": intervals.BACKOFF_MOST,
            "node-group-backoff-reset-timeout": intervals.BACKOFF_RESET,
        }
        command: list[str | Path] = [
            binary.absolute(),
            "--cloud-provider=kwok",
            f"--kubeconfig={kubeconfig}",
            f"--namespace={NAMESPACE}",
            "--leader-elect=false",
            f"--address={LOOPBACK}:{free_port()}",
            "--expander=least-waste",
            "--v=4",
            *(f"--{flag}={interval.tests_s:g}s" for flag, interval in spans.items()),
            *(["--bypassed-scheduler-names=default-scheduler"] if self._bypass else []),
        ]
        env = {"POD_NAMESPACE": NAMESPACE, "KWOK_PROVIDER_MODE": "local", "KUBECONFIG": kubeconfig}
        log = plane.folder / "cluster-autoscaler.log"
        return Program("cluster-autoscaler", command, log, env, patience_s=30.0)


def _provider_files(pools: tuple[Pool, ...]) -> list[tuple[str, str, Json]]:
    """ConfigMaps of the kwok provider: name, key, content (JSON is YAML)."""
    config = {
        "apiVersion": "v1alpha1",
        "readNodesFrom": "configmap",
        "nodegroups": {"fromNodeLabelKey": GROUP_LABEL},
        "nodes": {
            "skipTaint": True,
            "gpuConfig": {"gpuLabelKey": GPU_LABEL, "availableGPUTypes": {"nvidia-h100": {}}},
        },
        "configmap": {"name": "kwok-provider-templates"},
    }
    listed = {"apiVersion": "v1", "kind": "List", "items": templates(pools)}
    return [("kwok-provider-config", "config", config), ("kwok-provider-templates", "templates", listed)]
