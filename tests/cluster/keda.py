"""KEDA: its objects, whose definitions are on the rig in any case, and its two programs, where they have been built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cluster.api import Json
from tests.cluster.control_plane import START_S, ControlPlane, Programs
from tests.cluster.credentials import OWNERS
from tests.cluster.definitions import defined
from tests.cluster.external_metrics import register, withdraw
from tests.cluster.processes import LOOPBACK, Program, free_port, wait_for_port

SCALED_OBJECTS = "keda.sh/v1alpha1/scaledobjects"
NAMESPACE, SERVICE = "keda", "keda-metrics-apiserver"


def scaled_object(name: str, namespace: str, least: int, most: int, url: str, path: str, **source: str) -> Json:
    """A ScaledObject of the Deployment of its name that wants as many replicas as an endpoint says, by a path in its
    JSON. `source` adds to the trigger, such as `format="prometheus"`, with which the path is a series."""
    metadata = {"url": url, "valueLocation": path, "targetValue": "1"} | source
    spec = {
        "scaleTargetRef": {"name": name}, "minReplicaCount": least, "maxReplicaCount": most, "pollingInterval": 1,
        "cooldownPeriod": 5, "triggers": [{"type": "metrics-api", "metadata": metadata}],
    }  # fmt: skip
    return {
        "apiVersion": SCALED_OBJECTS.rpartition("/")[0],
        "kind": "ScaledObject",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


@contextmanager
def running(plane: ControlPlane, built: Programs) -> Iterator[Program]:
    """Its kinds, its operator and its adapter, behind the external metrics API, for the length of the block.

    Gives the operator. No other external metrics can be had meanwhile."""
    api = plane.api()
    if api.find("namespaces", NAMESPACE) is None:
        api.create("namespaces", {"metadata": {"name": NAMESPACE}})
    certificates, values, served = _certificates(plane), free_port(), free_port()
    with ExitStack() as ends:
        ends.enter_context(defined(plane, built.part("keda")))
        operator = plane.add(_operator(plane, built, certificates, values))
        ends.callback(operator.stop)
        operator.start()
        wait_for_port(operator, values, START_S)
        adapter = plane.add(_adapter(plane, built, certificates, values, served))
        ends.callback(adapter.stop)
        adapter.start()
        wait_for_port(adapter, served, START_S)
        ends.callback(withdraw, api, SERVICE, NAMESPACE)
        register(api, SERVICE, NAMESPACE, served)
        yield operator


def _certificates(plane: ControlPlane) -> Path:
    """A folder with the one certificate by which the two know each other."""
    folder = plane.folder / "keda"
    folder.mkdir(exist_ok=True)
    own = plane.authority.issue("keda")
    files = {"ca.crt": plane.authority.certificate, "tls.crt": own.certificate, "tls.key": own.key}
    for name, file in files.items():
        (folder / name).write_bytes(file.read_bytes())
    return folder


def _operator(plane: ControlPlane, built: Programs, certificates: Path, values: int) -> Program:
    command: list[str | Path] = [
        built.program("keda"),
        f"--kubeconfig={plane.kubeconfig(OWNERS)}",
        f"--metrics-bind-address={LOOPBACK}:{free_port()}",
        f"--health-probe-bind-address={LOOPBACK}:{free_port()}",
        f"--metrics-service-bind-address={LOOPBACK}:{values}",
        f"--cert-dir={certificates}",
        "--enable-webhook-patching=false",
        "--enable-apiservice-patching=false",
    ]
    env = {"POD_NAMESPACE": NAMESPACE, "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE, "WATCH_NAMESPACE": ""}
    return Program("keda", command, plane.folder / "keda.log", env, patience_s=3.0)


def _adapter(plane: ControlPlane, built: Programs, certificates: Path, values: int, served: int) -> Program:
    kubeconfigs = ("kubeconfig", "lister-kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
    command: list[str | Path] = [
        built.program("keda-adapter"),
        *(f"--{flag}={plane.kubeconfig(OWNERS)}" for flag in kubeconfigs),
        f"--bind-address={LOOPBACK}",
        f"--secure-port={served}",
        f"--port={free_port()}",
        f"--metrics-service-address={LOOPBACK}:{values}",
        f"--client-ca-file={certificates / 'ca.crt'}",
        f"--tls-cert-file={certificates / 'tls.crt'}",
        f"--tls-private-key-file={certificates / 'tls.key'}",
        f"--cert-dir={certificates}",
    ]
    env = {"POD_NAMESPACE": NAMESPACE, "WATCH_NAMESPACE": ""}
    return Program("keda-adapter", command, plane.folder / "keda-adapter.log", env, patience_s=3.0)
