"""A Prometheus that never answers some queries: passes requests on to a real one, but for those that name a word."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.cluster.processes import LOOPBACK


class Hanging:
    """`url` answers as `target` does; a request with `word` in its path or body hangs until `close`."""

    def __init__(self, target: str, word: str) -> None:
        self._over = threading.Event()
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _handler(target, word.encode(), self._over))
        self._server.daemon_threads = True
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(target: str, word: bytes, over: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass(None)

        def do_POST(self) -> None:
            self._pass(self.rfile.read(int(self.headers["Content-Length"])))

        def _pass(self, body: bytes | None) -> None:
            if word in self.path.encode() + (body or b""):
                over.wait()
                return
            kind = {"Content-Type": self.headers["Content-Type"]} if body is not None else {}
            try:
                with urlopen(Request(target + self.path, body, kind), timeout=30.0) as answer:
                    code, text = answer.status, answer.read()
            except HTTPError as error:
                code, text = error.code, error.read()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    return Handler
