"""A tiny HTTP server that plays a script, for what a real API server does not do on demand: hang, cut, throttle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest


@dataclass(frozen=True)
class Answer:
    """One answer. missing: bytes that it promises beyond its body; hangs: it says nothing; drips: a byte at a time."""

    body: bytes = b"{}"
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0
    hangs: bool = False
    drips: bool = False


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Script:
    """Answers in order, the last one again and again; `asked` has what was asked for."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[Asked] = []
        self.over = Event()
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.asked.append(Asked(self.command, self.path, dict(self.headers), body))
                answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
                try:
                    script.play(self, answer)
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def play(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.hangs:
            self.over.wait()
            handler.close_connection = True
            return
        handler.send_response(answer.code)
        for key, value in answer.headers.items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(answer.body) + answer.missing))
        handler.end_headers()
        for piece in [answer.body[i : i + 1] for i in range(len(answer.body))] if answer.drips else [answer.body]:
            handler.wfile.write(piece)
            handler.wfile.flush()
            if answer.drips and self.over.wait(0.05):
                break
        handler.close_connection = bool(answer.missing)

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def script() -> Iterator[Script]:
    playing = Script()
    yield playing
    playing.close()


@dataclass
class Login:
    """A kubeconfig whose token stands in a file beside it, as a rotated one does."""

    kubeconfig: Path
    token: Path


@pytest.fixture
def login(script: Script, tmp_path: Path) -> Login:
    token = tmp_path / "token"
    token.write_text("first")
    kubeconfig = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": script.url}}],
        "users": [{"name": "us", "user": {"tokenFile": str(token)}}],
        "contexts": [{"name": "here", "context": {"cluster": "it", "user": "us"}}],
        "current-context": "here",
    }
    kubeconfig.write_text(json.dumps(content))
    return Login(kubeconfig, token)
