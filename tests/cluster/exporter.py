"""A metrics endpoint whose values a test sets: plain text format, at a free loopback port."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.cluster.clock import now_s
from tests.cluster.processes import LOOPBACK

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(slots=True)
class _Value:
    """A number that grows by `per_s` from `since_s` on."""

    number: float
    per_s: float = 0.0
    since_s: float = 0.0

    def at(self, at_s: float) -> float:
        return self.number + self.per_s * (at_s - self.since_s)


class Exporter:
    """`set` a gauge, `add` to a counter, or let a counter grow at a `rate`; `remove` a series; `down` answers 503.

    `port` is where it answers, at /metrics; `scrapes` counts the answers with values."""

    def __init__(self) -> None:
        self._values: dict[Key, _Value] = {}
        self._lock = threading.Lock()
        self.down = False
        self.scrapes = 0
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends it; the port is free again."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def set(self, name: str, value: float, **labels: str) -> None:
        """Gives a series a value that stays; NaN and infinities too."""
        with self._lock:
            self._values[_key(name, labels)] = _Value(value)

    def add(self, name: str, amount: float, **labels: str) -> None:
        """Adds to a series, which begins at zero; a rate that it has goes on."""
        with self._lock:
            self._values.setdefault(_key(name, labels), _Value(0.0)).number += amount

    def rate(self, name: str, per_s: float, **labels: str) -> None:
        """Lets a counter grow evenly from now on: what `rate()` of Prometheus then finds."""
        at_s = now_s()
        with self._lock:
            value = self._values.setdefault(_key(name, labels), _Value(0.0))
            value.number, value.per_s, value.since_s = value.at(at_s), per_s, at_s

    def remove(self, name: str, **labels: str) -> None:
        """Takes a series away, as a process does that ends. KeyError where there is none."""
        with self._lock:
            del self._values[_key(name, labels)]

    def text(self) -> str:
        """All series in the text format, as of now."""
        at_s = now_s()
        with self._lock:
            lines = [f"{name}{_braces(labels)} {value.at(at_s)!r}" for (name, labels), value in self._values.items()]
        return "\n".join(sorted(lines)) + "\n"


def _key(name: str, labels: dict[str, str]) -> Key:
    return name, tuple(sorted(labels.items()))


def _braces(labels: tuple[tuple[str, str], ...]) -> str:
    escaped = [(name, value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")) for name, value in labels]
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}" if labels else ""


def _handler(exporter: Exporter) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"" if exporter.down else exporter.text().encode()
            exporter.scrapes += not exporter.down
            self.send_response(503 if exporter.down else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler
