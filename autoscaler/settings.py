"""Settings of the process: where things are and how long they may take. What is to be done stands in policies.

Each comes from an option of the command line, else from the environment variable `GPU_AUTOSCALER_` and its name in
capitals, else from its default. Kubernetes itself writes variables such as `GPU_AUTOSCALER_METRICS_PORT` into pods
beside a Service `gpu-autoscaler-metrics`; no name here ends in `_PORT`, `_HOST` or `_ADDR`, so that none is taken for
ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from autoscaler.policy.quantity import duration_s
from autoscaler.policy.values import Name
from autoscaler.telemetry.log import LogFormat

PREFIX = "GPU_AUTOSCALER_"


class SettingsError(ValueError):
    """One line for each setting that cannot be used: its names, what was given, what is wrong."""


def _seconds(value: object) -> object:
    """A plain number is of seconds, which the names of the settings say; durations are taken too."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return duration_s(value)


def _address(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65_536):
        raise ValueError("write HOST:PORT, for example 0.0.0.0:8080")
    return value


def _pairs(value: object) -> object:
    """Names and texts, which an environment variable holds as JSON."""
    said = f"write a JSON object of names and texts, for example {EXAMPLE}"
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{said}: {error}") from None
    if not isinstance(found, Mapping) or not all(isinstance(one, str) for one in found.values()):
        raise ValueError(said)
    return dict(found)


EXAMPLE = '{"team": "search"}'
Seconds = Annotated[float, BeforeValidator(_seconds)]
Pairs = Annotated[Mapping[str, str], NoDecode, BeforeValidator(_pairs)]


class Settings(BaseSettings):
    """All of them, checked. Defaults are those of one controller in its own namespace, and listen to nobody outside."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid")

    policies: Path = Field(
        default=Path("/etc/gpu-autoscaler/policies"), description="Folder of policy files, looked at in every tick."
    )
    prometheus: str | None = Field(
        default=None, description="Address of the Prometheus API, http://HOST:PORT, without /api/v1. Required."
    )
    prometheus_token_file: Path | None = Field(default=None, description="File with a bearer token for Prometheus.")
    prometheus_user_file: Path | None = Field(default=None, description="File with a user name for Prometheus.")
    prometheus_password_file: Path | None = Field(default=None, description="File with the password of that user.")
    prometheus_tenant: str | None = Field(default=None, description="Tenant, sent as X-Scope-OrgID.")
    prometheus_ca_file: Path | None = Field(default=None, description="Certificates that Prometheus' is checked by.")
    prometheus_certificate_file: Path | None = Field(default=None, description="Our certificate for Prometheus.")
    prometheus_key_file: Path | None = Field(default=None, description="The key of our certificate.")
    kubeconfig: Path | None = Field(
        default=None,
        description="Kubeconfig file. Default the service account of this pod, else the user's.",
    )
    context: str | None = Field(default=None, description="Context of the kubeconfig. Default its current one.")
    namespace: Name = Field(default="gpu-autoscaler", description="Namespace of placeholders, lease and records.")
    placeholder_image: str = Field(
        default="registry.k8s.io/pause:3.10", description="Image of placeholder pods; it must do nothing."
    )
    placeholder_priority_class: str = Field(
        default="gpu-autoscaler-placeholder", description="PriorityClass of placeholder pods, of value -10."
    )
    placeholder_labels: Pairs = Field(
        default={}, description=f"Further labels of placeholder pods, as JSON: `{EXAMPLE}`."
    )
    placeholder_annotations: Pairs = Field(default={}, description="Further annotations of placeholder pods, as JSON.")
    lease: str = Field(default="gpu-autoscaler", description="Name of the Lease by which one controller leads.")
    lease_s: int = Field(
        default=15, ge=3, le=300, description="Seconds that others wait for a silent leader. Default 15."
    )
    identity: str | None = Field(
        default=None, description="Our name in the Lease and in events. Default the host name."
    )
    tick_s: Seconds = Field(
        default=15.0, ge=0.5, le=600, description="Time between two decisions, a duration. Default 15s, one scrape."
    )
    node_lead_s: Seconds = Field(
        default=180.0,
        gt=0,
        le=7200,
        description="From asking for a node to its being ready, as a prior. Default 3m.",
    )
    replica_lead_s: Seconds = Field(
        default=120.0, gt=0, le=7200, description="From a ready node to a serving replica, until learned. Default 2m."
    )
    history_s: Seconds = Field(
        default=60.0,
        gt=0,
        le=600,
        description="How long Prometheus may take to tell the past. Default 1m.",
    )
    listen: Annotated[str, AfterValidator(_address)] = Field(
        default="127.0.0.1:8080", description="Where /metrics, /healthz and /readyz answer. Default this machine only."
    )
    log_format: LogFormat = Field(
        default=LogFormat.AUTO, description="json, console, or auto: console on a terminal, else json."
    )
    stop_s: Seconds = Field(
        default=20.0,
        gt=0,
        le=600,
        description="How long a tick may go on after SIGTERM. Default 20s; a pod has 30.",
    )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def read_settings(**given: object) -> Settings:
    """The settings; `given` are those of the command line, None where an option was left out.

    Raises `SettingsError`.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [_line(str(one["loc"][0]), one["input"], one["msg"]) for one in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _line(name: str, value: object, said: str) -> str:
    return f"setting {name} ({PREFIX}{name.upper()}) {value!r}: {said.removeprefix('Value error, ')}"


def reference() -> str:
    """Markdown: every setting, as an environment variable, and what it means."""
    lines = [
        "# Settings",
        "",
        "Settings of `autoscaler run` and `autoscaler plan`. Each is an environment variable; those that `--help` of",
        "the command lists are options too, which win. Durations are written `15s`, `2m`; credentials are read again",
        "when their file changes.",
        "",
        "| variable | what it means |",
        "| --- | --- |",
    ]
    rows = [f"| `{PREFIX}{name.upper()}` | {field.description} |" for name, field in Settings.model_fields.items()]
    return "\n".join([*lines, *rows, ""])
