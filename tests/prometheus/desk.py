"""A server of our own at a loopback port that answers as a test says: for what a real one cannot be made to do."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.cluster.processes import LOOPBACK


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its path, the fields of its form, and its headers by their names in small letters."""

    path: str
    form: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back; `drip_s`: seconds between two bytes of the body, 0 for all at once."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    drip_s: float = 0.0


def number(value: str, **beside: object) -> Reply:
    """One series without labels, of this value."""
    result = [{"metric": {}, "value": [0.0, value]}]
    return Reply(200, json.dumps({"status": "success", "data": {"result": result}, **beside}).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: who asks may go at any time."""


class Desk:
    """`reply` is asked for each request in a thread of its own, and may wait on `released`; `asked` keeps them all."""

    def __init__(self, reply: Callable[[Asked], Reply]) -> None:
        self.reply = reply
        self.asked: list[Asked] = []
        self.released = threading.Event()
        self._server = _Server((LOOPBACK, 0), _handler(self))
        self.port: int = self._server.server_address[1]
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Lets all that wait go, and ends it."""
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(desk: Desk) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, {name: values[0] for name, values in form.items()}, headers)
            desk.asked.append(asked)
            reply = desk.reply(asked)
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in [reply.body] if reply.drip_s == 0.0 else [bytes([byte]) for byte in reply.body]:
                    self.wfile.write(piece)
                    desk.released.wait(reply.drip_s)
            except OSError:
                self.close_connection = True  # who asked has gone meanwhile

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen(100)
        yield listener.getsockname()[1]
