"""Kueue: Jobs wait in a queue without any pod until there is quota for them, and every check lets them go."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cluster import objects
from tests.cluster.api import Api, Json, Refused
from tests.cluster.clock import epoch_s, stamp, wait_until
from tests.cluster.control_plane import CRDS, ControlPlane, Programs
from tests.cluster.credentials import OWNERS
from tests.cluster.definitions import defined
from tests.cluster.pools import GPU
from tests.cluster.processes import LOOPBACK, Program, free_port
from tests.cluster.webhooks import called, resources

GROUP = "kueue.x-k8s.io/v1beta2"
FLAVORS, CLUSTER_QUEUES, LOCAL_QUEUES = f"{GROUP}/resourceflavors", f"{GROUP}/clusterqueues", f"{GROUP}/localqueues"
CHECKS, WORKLOADS = f"{GROUP}/admissionchecks", f"{GROUP}/workloads"
JOBS = "batch/v1/jobs"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
NAMESPACE, SERVICE, SECRET = "kueue-system", "kueue-webhook-service", "kueue-webhook-server-cert"
CONVERTED = ("localqueues", "clusterqueues", "workloads", "cohorts", "multikueueclusters")
START_S = 90.0


def flavor(name: str, **node_labels: str) -> Json:
    """A ResourceFlavor: nodes with these labels."""
    return _object("ResourceFlavor", name, {"nodeLabels": node_labels})


def cluster_queue(name: str, flavor: str, gpus: int, checks: Sequence[str] = ()) -> Json:
    """A ClusterQueue for Jobs of all namespaces with so many GPUs of a flavor, and plenty of the rest."""
    quotas = {"cpu": "1000", "memory": "10000Gi", GPU: str(gpus)}
    listed = [{"name": key, "nominalQuota": amount} for key, amount in quotas.items()]
    group = {"coveredResources": list(quotas), "flavors": [{"name": flavor, "resources": listed}]}
    strategy = {"admissionChecksStrategy": {"admissionChecks": [{"name": check} for check in checks]}} if checks else {}
    return _object("ClusterQueue", name, {"namespaceSelector": {}, "resourceGroups": [group]} | strategy)


def local_queue(name: str, namespace: str, cluster_queue: str) -> Json:
    """The LocalQueue through which a namespace uses a ClusterQueue."""
    made = _object("LocalQueue", name, {"clusterQueue": cluster_queue})
    return made | {"metadata": {"name": name, "namespace": namespace}}


def admission_check(name: str, controller: str) -> Json:
    """An AdmissionCheck, which a controller of this name has to say is Active before queues with it are."""
    return _object("AdmissionCheck", name, {"controllerName": controller})


def queued_job(name: str, namespace: str, queue: str, pods: int = 1, gpus: int = 8) -> Json:
    """A Job of so many pods at once, which do not end, for a LocalQueue; without a queue's name, for none."""
    pod = objects.pod(name, namespace, gpus, restartPolicy="Never")
    spec = {"parallelism": pods, "completions": pods, "template": {"spec": pod["spec"]}}
    labels = {QUEUE_LABEL: queue} if queue else {}
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}


def set_active(api: Api, check: str) -> None:
    """Says of an AdmissionCheck what its controller says when it works."""
    active = {"type": "Active", "status": "True", "reason": "Active", "message": "", "lastTransitionTime": _now()}
    api.patch(CHECKS, check, {"status": {"conditions": [active]}}, subresource="status")


def set_ready(api: Api, workload: Json, check: str) -> None:
    """Says of a Workload's only AdmissionCheck that it may go."""
    meta = workload["metadata"]
    state = {"name": check, "state": "Ready", "message": "", "lastTransitionTime": _now()}
    api.patch(
        WORKLOADS, meta["name"], {"status": {"admissionChecks": [state]}}, meta["namespace"], subresource="status"
    )


@contextmanager
def running(plane: ControlPlane, built: Programs) -> Iterator[Program]:
    """Its kinds, its webhooks for Jobs and itself, and the program, ready, for the length of the block."""
    port, api = free_port(), plane.api()

    def fitted(webhook: Json) -> Json | None:
        mine = all(one == "batch/jobs" or one.startswith("kueue.x-k8s.io/") for one in resources(webhook))
        path = webhook["clientConfig"]["service"]["path"]
        return webhook | {"clientConfig": {"service": _service(port, path)}} if mine else None

    with ExitStack() as ends:
        ends.enter_context(defined(plane, built.part("kueue")))
        _furnish(api, port)
        ends.callback(api.delete, "secrets", SECRET, NAMESPACE)
        ends.callback(api.delete, "services", SERVICE, NAMESPACE)
        [manifest] = built.part("kueue-webhooks")
        certificates = plane.folder / "kueue"
        program = plane.add(_program(plane, built, port, certificates))
        ends.enter_context(called(api, manifest, "kueue-", fitted))
        ends.callback(program.stop)
        program.start()
        wait_until(lambda: _mounted(api, certificates), "Kueue to make its certificate", START_S)
        wait_ready(api, program)
        yield program


def wait_ready(api: Api, program: Program) -> None:
    """Waits until it takes Jobs, also after a restart of it."""
    program.wait(lambda: _takes(api), "Kueue to take a Job", START_S)


def _object(kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _now() -> str:
    return stamp(epoch_s())


def _service(port: int, path: str) -> Json:
    return {"name": SERVICE, "namespace": NAMESPACE, "path": path, "port": port}


def _furnish(api: Api, port: int) -> None:
    """What its installation makes, and it fills in."""
    if api.find("namespaces", NAMESPACE) is None:
        api.create("namespaces", {"metadata": {"name": NAMESPACE}})
    api.create("services", objects.outside_service(SERVICE, NAMESPACE))
    api.create("secrets", {"metadata": {"name": SECRET, "namespace": NAMESPACE}})
    client = {"service": _service(port, "/convert")}
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}}
    for plural in CONVERTED:
        api.patch(CRDS, f"{plural}.kueue.x-k8s.io", {"spec": {"conversion": conversion}})


def _program(plane: ControlPlane, built: Programs, port: int, folder: Path) -> Program:
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()  # of an earlier start: it would be taken for the new certificate
    config = {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "namespace": NAMESPACE,
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": True},
        "webhook": {"port": port, "host": LOOPBACK, "certDir": str(folder)},
        "metrics": {"bindAddress": "0"},
        "health": {"healthProbeBindAddress": f"{LOOPBACK}:{free_port()}"},
        "integrations": {"frameworks": ["batch/job"]},
        "manageJobsWithoutQueueName": False,
        "featureGates": {"VisibilityOnDemand": False},
    }
    file = plane.folder / "kueue.json"
    file.write_text(json.dumps(config))  # JSON is YAML
    env = {"KUBECONFIG": str(plane.kubeconfig(OWNERS))}
    return Program(
        "kueue", [built.program("kueue"), f"--config={file}"], plane.folder / "kueue.log", env, patience_s=3.0
    )


def _mounted(api: Api, folder: Path) -> bool:
    """Puts its certificate where a kubelet would; whether there is one."""
    found = api.get("secrets", SECRET, NAMESPACE).get("data") or {}
    for name in ("ca.crt", "tls.crt", "tls.key"):
        if name in found:
            (folder / name).write_bytes(base64.b64decode(found[name]))
    return "tls.key" in found


def _takes(api: Api) -> bool:
    try:
        api.create(JOBS, queued_job("asks", "default", "nobody"), dry_run=True)
        api.create(FLAVORS, flavor("asks"), dry_run=True)
    except Refused as error:
        if error.code != 500:  # its webhook does not answer yet
            raise
        return False
    return True
