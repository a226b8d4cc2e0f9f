"""LeaderWorkerSet's controller: groups of pods, a leader and its workers, as the unit of replicas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.cluster import objects
from tests.cluster.api import Api, Json, Refused
from tests.cluster.control_plane import ControlPlane, Programs
from tests.cluster.credentials import OWNERS
from tests.cluster.definitions import defined
from tests.cluster.processes import LOOPBACK, Program, free_port
from tests.cluster.webhooks import called, resources

GROUP_SETS = "leaderworkerset.x-k8s.io/v1/leaderworkersets"
LABEL = "leaderworkerset.sigs.k8s.io"
NAME, GROUP_INDEX, WORKER_INDEX = f"{LABEL}/name", f"{LABEL}/group-index", f"{LABEL}/worker-index"
START_S = 60.0


def group_set(name: str, namespace: str, groups: int, size: int, gpus: int = 8) -> Json:
    """A LeaderWorkerSet of so many groups of `size` pods with `gpus` each.

    Pods have a period of grace: of one that is gone at once the controller learns nothing, nor does it renew its group.
    """
    pod = objects.pod(name, namespace, gpus, terminationGracePeriodSeconds=5)
    template = {"metadata": {"labels": {"app": name}}, "spec": pod["spec"]}
    spec = {"replicas": groups, "leaderWorkerTemplate": {"size": size, "workerTemplate": template}}
    kind = {"apiVersion": GROUP_SETS.rpartition("/")[0], "kind": "LeaderWorkerSet"}
    return kind | {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


@contextmanager
def running(plane: ControlPlane, built: Programs) -> Iterator[Program]:
    """Its kinds, its webhooks and the program itself, ready, for the length of the block."""
    port, api = free_port(), plane.api()

    def fitted(webhook: Json) -> Json:
        """As it is shipped: pods of its groups alone are its business."""
        path = webhook["clientConfig"]["service"]["path"]
        where = {"url": f"https://{LOOPBACK}:{port}{path}", "caBundle": plane.authority.bundle}
        only = {"matchExpressions": [{"key": NAME, "operator": "Exists"}]}
        selector = {"objectSelector": only} if resources(webhook) == ["pods"] else {}
        return webhook | {"clientConfig": where} | selector

    with ExitStack() as ends:
        ends.enter_context(defined(plane, built.part("lws")))
        program = plane.add(_program(plane, built, port))
        ends.callback(program.stop)
        program.start()
        [manifest] = built.part("lws-webhooks")
        ends.enter_context(called(api, manifest, "lws-", fitted))
        wait_ready(api, program)
        yield program


def wait_ready(api: Api, program: Program) -> None:
    """Waits until it takes groups, also after a restart of it."""
    program.wait(lambda: _takes(api), "LeaderWorkerSet to take a group", START_S)


def _program(plane: ControlPlane, built: Programs, port: int) -> Program:
    folder = plane.folder / "lws"
    folder.mkdir(exist_ok=True)
    own = plane.authority.issue("lws")
    (folder / "tls.crt").write_bytes(own.certificate.read_bytes())
    (folder / "tls.key").write_bytes(own.key.read_bytes())
    config = {
        "apiVersion": "config.lws.x-k8s.io/v1alpha1",
        "kind": "Configuration",
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": False},
        "webhook": {"port": port, "host": LOOPBACK, "certDir": str(folder)},
        "metrics": {"bindAddress": "0"},
        "health": {"healthProbeBindAddress": f"{LOOPBACK}:{free_port()}"},
    }
    file = folder / "config.json"
    file.write_text(json.dumps(config))  # JSON is YAML
    env = {"KUBECONFIG": str(plane.kubeconfig(OWNERS))}
    return Program("lws", [built.program("lws"), f"--config={file}"], plane.folder / "lws.log", env, patience_s=3.0)


def _takes(api: Api) -> bool:
    try:
        api.create(GROUP_SETS, group_set("asks", "default", 1, 2), dry_run=True)
    except Refused as error:
        if error.code != 500:  # its webhook does not answer yet
            raise
        return False
    return True
