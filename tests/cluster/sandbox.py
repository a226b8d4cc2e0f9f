"""agent-sandbox: pools of warm pods, from which claims take one and the pool makes a new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cluster import objects
from tests.cluster.api import Json
from tests.cluster.control_plane import START_S, ControlPlane, Programs
from tests.cluster.credentials import OWNERS
from tests.cluster.definitions import defined
from tests.cluster.processes import LOOPBACK, Program, free_port, wait_for_port

GROUP = "extensions.agents.x-k8s.io/v1beta1"
TEMPLATES, POOLS, CLAIMS = f"{GROUP}/sandboxtemplates", f"{GROUP}/sandboxwarmpools", f"{GROUP}/sandboxclaims"
SANDBOXES = "agents.x-k8s.io/v1beta1/sandboxes"


def template(name: str, namespace: str, gpus: int = 1) -> Json:
    """A SandboxTemplate of pods with so many GPUs."""
    return _object("SandboxTemplate", name, namespace, {"podTemplate": {"spec": objects.pod(name, "", gpus)["spec"]}})


def warm_pool(name: str, namespace: str, replicas: int) -> Json:
    """A SandboxWarmPool of the template of its name."""
    spec = {"replicas": replicas, "sandboxTemplateRef": {"name": name}}
    return _object("SandboxWarmPool", name, namespace, spec)


def claim(name: str, namespace: str, pool: str) -> Json:
    """A SandboxClaim that takes a pod out of a pool."""
    return _object("SandboxClaim", name, namespace, {"warmPoolRef": {"name": pool}})


@contextmanager
def running(plane: ControlPlane, built: Programs) -> Iterator[Program]:
    """Its kinds and the program, for the length of the block.

    Pods go with their Sandbox by the garbage collector, which learns of new kinds each half minute only."""
    with ExitStack() as ends:
        ends.enter_context(defined(plane, built.part("sandbox")))
        probes = free_port()
        flags = [
            "--extensions=true",
            "--enable-webhook=false",
            "--leader-elect=false",
            "--metrics-bind-address=0",
            f"--health-probe-bind-address={LOOPBACK}:{probes}",
        ]
        env = {"KUBECONFIG": str(plane.kubeconfig(OWNERS))}
        command: list[str | Path] = [built.program("agent-sandbox-controller"), *flags]
        program = plane.add(Program("agent-sandbox", command, plane.folder / "agent-sandbox.log", env, patience_s=3.0))
        ends.callback(program.stop)
        program.start()
        wait_for_port(program, probes, START_S)
        yield program


def _object(kind: str, name: str, namespace: str, spec: Json) -> Json:
    return {
        "apiVersion": GROUP, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec
    }  # fmt: skip
