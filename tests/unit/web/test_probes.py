"""The probes answer as the checks say, and /metrics what the registry holds."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Gauge

from autoscaler.web.probes import ProbeServer


class Probed:
    """A server whose checks a test sets."""

    def __init__(self) -> None:
        self.wrong: str | None = None
        registry = CollectorRegistry()
        Gauge("gpu_autoscaler_leader", "of the test", registry=registry).set(1.0)
        checks = {"/healthz": lambda: self.wrong, "/readyz": lambda: None}
        self.server = ProbeServer("127.0.0.1", 0, registry, checks, {"/api/v1/targets": self.target})

    @staticmethod
    def target(policy: str) -> tuple[int, dict[str, object]]:
        return (503, {"error": "old"}) if policy == "old" else (200, {"policy": policy, "replicas": 3})

    def get(self, path: str, accept: str = "", method: str = "GET") -> tuple[int, str, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=5.0)
        try:
            connection.request(method, path, headers={"Accept": accept} if accept else {})
            response = connection.getresponse()
            return response.status, response.headers["Content-Type"], response.read().decode()
        finally:
            connection.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def probed() -> Iterator[Probed]:
    found = Probed()
    found.server.start()
    yield found
    found.server.stop()


def test_checks(probed: Probed) -> None:
    assert probed.get("/healthz") == (200, "text/plain; charset=utf-8", "ok\n")
    probed.wrong = "the last tick ended 200 s ago"
    assert probed.get("/healthz") == (503, "text/plain; charset=utf-8", "the last tick ended 200 s ago\n")
    assert probed.get("/readyz?verbose")[0] == 200


def test_metrics_in_both_formats(probed: Probed) -> None:
    code, kind, text = probed.get("/metrics")
    assert code == 200
    assert kind.startswith("text/plain; version=")
    assert "gpu_autoscaler_leader 1.0\n" in text
    code, kind, text = probed.get("/metrics", "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")


def test_pages_are_json(probed: Probed) -> None:
    for path, policy in (("", ""), ("/", ""), ("/chat", "chat"), ("/chat/?x=1", "chat"), ("/chat%2D2", "chat-2")):
        code, kind, text = probed.get(f"/api/v1/targets{path}")
        assert (code, kind, json.loads(text)) == (200, "application/json", {"policy": policy, "replicas": 3}), path
    assert probed.get("/api/v1/targets/old")[::2] == (503, '{"error": "old"}\n')
    assert probed.get("/api/v1/targetsandmore")[0] == 404


def test_other_paths_and_methods(probed: Probed) -> None:
    code, _, text = probed.get("/")
    assert (code, text) == (404, "there are /metrics, /healthz, /readyz, /api/v1/targets\n")
    assert probed.get("/metrics", method="POST")[0] == 501


@pytest.mark.parametrize(
    ("host", "said"),
    [
        pytest.param("127.0.0.1", "Address already in use", id="taken"),
        pytest.param("192.0.2.1", "Cannot assign requested address", id="another machine's"),
    ],
)
def test_an_address_that_cannot_be_had_is_named(probed: Probed, host: str, said: str) -> None:
    port = probed.server.port
    with pytest.raises(OSError, match=f"{said}.*--listen") as caught:
        ProbeServer(host, port, CollectorRegistry(), {})
    assert caught.value.filename == f"listen on {host}:{port}"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_an_address_of_ipv6_is_answered_at() -> None:
    server = ProbeServer("::1", 0, CollectorRegistry(), {"/healthz": lambda: None})
    server.start()
    connection = http.client.HTTPConnection("::1", server.port, timeout=5.0)
    try:
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
        server.stop()
