"""Debian's Prometheus as a child process: scraping, with a past that a test gives it, behind TLS and passwords."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.cluster.clock import wait_until
from tests.cluster.processes import LOOPBACK, Program, free_port, listens

BINARY, TOOL = Path("/usr/bin/prometheus"), Path("/usr/bin/promtool")
REQUIRED = ("CI", "REQUIRE_PROMETHEUS")
START_S = 60.0
Sample = tuple[str, float, float]
"""Series as PromQL selects it, value, seconds since the epoch."""


def require_prometheus() -> None:
    """Leaves the test out where there is no Prometheus, but never in CI."""
    if BINARY.exists() and TOOL.exists():
        return
    missing = f"no Prometheus at {BINARY}; install Debian's prometheus"
    if any(os.environ.get(name) for name in REQUIRED):
        pytest.fail(missing)
    pytest.skip(f"left out: {missing}")


class Prometheus:
    """One server with its data in a folder; stop and start it at will."""

    def __init__(
        self, folder: Path, scrapes: int | None = None, web: dict[str, object] | None = None, flags: Sequence[str] = ()
    ) -> None:
        """scrapes: port of an exporter, looked at each second. web: its web configuration (TLS, passwords)."""
        require_prometheus()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._data = folder, folder / "data"
        self.port = free_port()
        self.url = f"{'https' if web and 'tls_server_config' in web else 'http'}://{LOOPBACK}:{self.port}"
        targets = [] if scrapes is None else [{"targets": [f"{LOOPBACK}:{scrapes}"]}]
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "test", "static_configs": targets}],
        }
        files = {"prometheus": config} | ({} if web is None else {"web": web})
        for name, text in files.items():
            (folder / f"{name}.yml").write_text(json.dumps(text))  # JSON is YAML
        self._command: list[str | Path] = [
            BINARY,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._data}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--log.level=warn",
            *([] if web is None else [f"--web.config.file={folder / 'web.yml'}"]),
            *flags,
        ]
        self._program = Program("prometheus", self._command, folder / "prometheus.log")
        self._plain = web is None

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        self._program.start()

        def answers() -> bool:
            self._program.check()
            return self._is_ready() if self._plain else listens(self.port)

        wait_until(answers, "Prometheus to be ready", START_S)

    def stop(self) -> None:
        """Stops it; its data stays."""
        self._program.stop()

    def give_past(self, samples: Iterable[Sample]) -> None:
        """Writes samples into its data, while it does not run; those of one series in order of time."""
        lines = [f"{series} {value!r} {at_s:.3f}\n" for series, value, at_s in samples]
        if not lines:
            return
        past = self._folder / "past.txt"
        past.write_text("".join(lines) + "# EOF\n")
        subprocess.run(
            [TOOL, "tsdb", "create-blocks-from", "openmetrics", past, self._data],
            check=True, capture_output=True, timeout=120.0,
        )  # fmt: skip

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=5.0)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
