"""Debian's Prometheus, which scrapes a test's exporter."""

from __future__ import annotations

import http.client
import json
import math
from pathlib import Path
from urllib.parse import urlencode

from tests.cluster.api import Json, Refused
from tests.cluster.clock import wait_until
from tests.cluster.intervals import SCRAPE
from tests.cluster.processes import LOOPBACK, Program, free_port

BINARY = Path("/usr/bin/prometheus")
START_S = 30.0


class Prometheus:
    """One Prometheus with its data in a folder. `url` is its address; `program` can be stopped and started again."""

    def __init__(self, folder: Path, exporter_port: int) -> None:
        """Writes its configuration: one job, `rig`, one target; a second job, `controllers`, for `scrape`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        config = {
            "global": {"scrape_interval": f"{SCRAPE.tests_s:g}s"},
            "scrape_configs": [
                {"job_name": "rig", "static_configs": [{"targets": [f"{LOOPBACK}:{exporter_port}"]}]},
                {"job_name": "controllers", "file_sd_configs": [{"files": [str(folder / "controllers.json")]}]},
            ],
        }
        file = folder / "prometheus.yml"
        file.write_text(json.dumps(config))  # JSON is YAML
        command: list[str | Path] = [
            BINARY,
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--log.level=warn",
        ]
        self.program = Program("prometheus", command, folder / "prometheus.log")

    def start(self) -> None:
        """Starts it and waits until it answers queries; also after a stop, with the data of before."""
        self.program.start()

        def look() -> bool:
            self.program.check()
            try:
                return self._get("/-/ready")[0] == 200
            except OSError:
                return False

        wait_until(look, "Prometheus to be ready", START_S)

    def scrape(self, *targets: str) -> None:
        """Scrapes these (`HOST:PORT`) too, from the next moments on, as job `controllers`."""
        new = self._folder / "controllers.new"
        new.write_text(json.dumps([{"targets": targets}]))
        new.rename(self._folder / "controllers.json")

    def query(self, expression: str) -> list[Json]:
        """The series of an instant query: `metric` (labels) and `value` (time, text). Refused where it has errors."""
        return self._result("/api/v1/query", query=expression)

    def query_range(self, expression: str, start_s: float, end_s: float, step_s: float) -> list[Json]:
        """The series of a range query, times in epoch seconds: `metric` and `values`. Refused where it has errors."""
        return self._result(
            "/api/v1/query_range", query=expression, start=str(start_s), end=str(end_s), step=str(step_s)
        )

    def number(self, expression: str) -> float:
        """The value of a query that has one series; NaN where it has none or several."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if len(found) == 1 else math.nan

    def wait_for(self, expression: str, within_s: float) -> list[Json]:
        """The series of an expression once it has any, for example a comparison that has come true."""
        return wait_until(lambda: self.query(expression), f"Prometheus to know {expression}", within_s, 0.1)

    def _result(self, path: str, **query: str) -> list[Json]:
        code, text = self._get(f"{path}?{urlencode(query)}")
        answer = json.loads(text)
        if answer["status"] != "success":
            raise Refused(code, answer["errorType"], answer["error"])
        found: list[Json] = answer["data"]["result"]
        return found

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30.0)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()
