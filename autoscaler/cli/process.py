"""Options of the commands that go to a live cluster: each sets one of the settings of the process."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

from autoscaler.settings import Settings, read_settings

CLUSTER = (
    "policies", "prometheus", "prometheus_token_file", "prometheus_tenant", "prometheus_ca_file", "kubeconfig",
    "context", "namespace",
)  # fmt: skip
"""Settings that tell where policies, metrics and cluster are."""

Command = Callable[..., None]


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Gives a command, whose first argument is the settings, an option for each of these; what is left out comes from
    the environment, or is the default. The command raises `SettingsError` too."""

    def given_them(command: Command) -> Command:
        def run(**given: Any) -> None:
            command(read_settings(**{name: given.pop(name) for name in names}), **given)

        own = list(signature(command, eval_str=True).parameters.values())[1:]
        run.__signature__ = Signature([*(_option(name) for name in names), *own])  # type: ignore[attr-defined]
        run.__doc__ = command.__doc__
        return run

    return given_them


def _option(setting: str) -> Parameter:
    """Says of itself what the setting says, which checks the text."""
    name = f"--{setting.removesuffix('_s').replace('_', '-')}"
    option = typer.Option(name, help=Settings.model_fields[setting].description, show_default=False)
    kind = Parameter.POSITIONAL_OR_KEYWORD
    return Parameter(setting, kind, default=None, annotation=Annotated[str | None, option])
