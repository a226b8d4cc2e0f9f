"""/metrics, /healthz, /readyz and JSON under /api on the standard library's HTTP server: requests change nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

Check = Callable[[], str | None]
"""What is wrong, None where nothing is."""
Page = Callable[[str], tuple[int, Mapping[str, object]]]
"""HTTP status and JSON, for what stands in the path below the page's own, empty where nothing does."""
SLOWEST_S = 10.0
"""A client that sends or takes nothing for so long is given up."""


class ProbeServer:
    """Answers between `start` and `stop`. Raises OSError where the address cannot be had."""

    def __init__(
        self, host: str, port: int, registry: CollectorRegistry, checks: Mapping[str, Check],
        pages: Mapping[str, Page] | None = None,
    ) -> None:  # fmt: skip
        """`port` 0: any that is free. checks: by path, `/healthz` and the like; pages: by the path they begin at."""
        try:
            server = _Server6 if ":" in host else ThreadingHTTPServer
            self._server = server((host, port), _handler(registry, checks, pages or {}))
        except OSError as error:
            said = f"{error.strerror}; choose another address with --listen"
            raise OSError(error.errno, said, f"listen on {host}:{port}") from error
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.1,), name="probes", daemon=True)

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begins to answer; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Answers no more; the port is free."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server6(ThreadingHTTPServer):
    """On an IPv6 address; `::` is IPv4 too, where the system has both."""

    address_family = socket.AF_INET6


def _page(path: str, pages: Mapping[str, Page]) -> tuple[Page | None, str]:
    """The page that a path is of, and what stands below it."""
    for begin, page in pages.items():
        if path.rstrip("/") == begin or path.startswith(f"{begin}/"):
            return page, unquote(path.removeprefix(begin).strip("/"))
    return None, ""


def _handler(
    registry: CollectorRegistry, checks: Mapping[str, Check], pages: Mapping[str, Page]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = SLOWEST_S
        server_version = "gpu-autoscaler"
        sys_version = ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            page, below = _page(path, pages)
            if path == "/metrics":
                encode, kind = choose_encoder(self.headers.get("Accept") or "")
                self._answer(200, encode(registry), kind)
            elif path in checks:
                wrong = checks[path]()
                self._answer(503 if wrong else 200, f"{wrong or 'ok'}\n".encode(), "text/plain; charset=utf-8")
            elif page is not None:
                code, told = page(below)
                self._answer(code, f"{json.dumps(told)}\n".encode(), "application/json")
            else:
                there = ", ".join(["/metrics", *sorted(checks), *sorted(pages)])
                self._answer(404, f"there are {there}\n".encode(), "text/plain; charset=utf-8")

        def _answer(self, code: int, body: bytes, kind: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: probes come every few seconds."""

    return Handler
