"""The external metrics API that horizontal pod autoscalers read, served by the test: it can lie, lag and die."""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.cluster.api import Api, Json, Refused
from tests.cluster.clock import epoch_s, pause, stamp, wait_until
from tests.cluster.control_plane import ControlPlane
from tests.cluster.objects import outside_service
from tests.cluster.processes import LOOPBACK

GROUP = "external.metrics.k8s.io/v1beta1"
ROOT = f"/apis/{GROUP}"
NAME, NAMESPACE = "external-metrics", "kube-system"
API_SERVICES, API_SERVICE = "apiregistration.k8s.io/v1/apiservices", "v1beta1.external.metrics.k8s.io"
HPAS = "autoscaling/v2/horizontalpodautoscalers"
AVAILABLE_S = 60.0


class ExternalMetrics:
    """`set` a metric, to what is true or not; `remove` one, of which the answer is then an empty list.

    `down` answers 503 to everything; `late_s` holds each answer back for so long. Both may be changed at any time, and
    changed back. `reads` counts the answers that had a value."""

    def __init__(self, plane: ControlPlane) -> None:
        """Serves it, not yet through the API server."""
        self._api = plane.api()
        self._values: dict[str, float] = {}
        self.down, self.late_s, self.reads = False, 0.0, 0
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        own = plane.authority.issue(NAME)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(own.certificate, own.key)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def start(self) -> None:
        """Has the API server pass its group on to here, and waits until it does."""
        register(self._api, NAME, NAMESPACE, self._server.server_address[1])

    def close(self) -> None:
        """Takes its group out of the API server, and ends it."""
        withdraw(self._api, NAME, NAMESPACE)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def set(self, metric: str, value: float) -> None:
        """Gives a metric a value, in every namespace."""
        self._values[metric] = value

    def remove(self, metric: str) -> None:
        """Takes a metric away. KeyError where there is none."""
        del self._values[metric]

    def answer(self, path: str) -> tuple[int, Json]:
        """Status and body of an answer to a GET."""
        if self.down:
            return 503, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 503, "message": "down"}
        metric = path.partition("?")[0].rstrip("/").removeprefix(ROOT).rpartition("/")[2]
        if not metric:
            listed = {
                "name": "externalmetrics",
                "namespaced": True,
                "kind": "ExternalMetricValueList",
                "verbs": ["get"],
            }
            return 200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP, "resources": [listed]}
        items = []
        if (value := self._values.get(metric)) is not None:
            self.reads += 1
            milli = f"{round(value * 1000)}m"
            items = [{"metricName": metric, "metricLabels": {}, "timestamp": stamp(epoch_s()), "value": milli}]
        return 200, {"kind": "ExternalMetricValueList", "apiVersion": GROUP, "metadata": {}, "items": items}


def register(api: Api, service: str, namespace: str, port: int) -> None:
    """Has the API server pass the group on to a port of this machine, by a Service, and waits until it does."""
    api.create("services", outside_service(service, namespace))
    group, _, version = GROUP.partition("/")
    spec = {
        "group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
        "insecureSkipTLSVerify": True, "service": {"name": service, "namespace": namespace, "port": port},
    }  # fmt: skip
    api.create(API_SERVICES, {"metadata": {"name": API_SERVICE}, "spec": spec})

    def served() -> bool:
        try:
            api.call("GET", ROOT)
        except Refused as error:
            if error.code not in (404, 503):
                raise
            return False
        return True

    wait_until(served, "the external metrics API to be served", AVAILABLE_S)


def withdraw(api: Api, service: str, namespace: str) -> None:
    """Takes the group out of the API server, which else could not empty a namespace any more."""
    api.delete(API_SERVICES, API_SERVICE)
    api.delete("services", service, namespace)


def hpa(name: str, namespace: str, least: int, most: int, metric: str = "", **more: Any) -> Json:
    """A horizontal pod autoscaler of the Deployment of its name, with one external metric of which a replica carries
    10; without a metric, on CPU, which nothing measures here. `more` adds to its spec or replaces parts of it."""
    external = {"metric": {"name": metric}, "target": {"type": "AverageValue", "averageValue": "10"}}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    source = {"type": "External", "external": external} if metric else {"type": "Resource", "resource": cpu}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most, "metrics": [source]}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec | more}


def _handler(served: ExternalMetrics) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            pause(served.late_s)
            code, answer = served.answer(self.path)
            body = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler
