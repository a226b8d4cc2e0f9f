"""Options of the commands that go to a live cluster: each sets one of the settings of the process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from autoscaler.settings import PREFIX, Settings
from autoscaler.telemetry.log import LogFormat


def _option(setting: str) -> Any:
    """Says of itself what the setting says."""
    said = Settings.model_fields[setting].description
    option = f"--{setting.removesuffix('_s').replace('_', '-')}"
    return typer.Option(option, help=f"{said} [env: {PREFIX}{setting.upper()}]", show_default=False)


Policies = Annotated[Path | None, _option("policies")]
Prometheus = Annotated[str | None, _option("prometheus")]
TokenFile = Annotated[Path | None, _option("prometheus_token_file")]
Tenant = Annotated[str | None, _option("prometheus_tenant")]
CaFile = Annotated[Path | None, _option("prometheus_ca_file")]
Kubeconfig = Annotated[Path | None, _option("kubeconfig")]
Context = Annotated[str | None, _option("context")]
Namespace = Annotated[str | None, _option("namespace")]
Tick = Annotated[str | None, _option("tick_s")]
Listen = Annotated[str | None, _option("listen")]
Format = Annotated[LogFormat | None, _option("log_format")]
