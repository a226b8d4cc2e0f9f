"""Commands whose modules are imported when they are called: the node agent must not carry what planners need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup


class LateCommands(MutableMapping[str, Any]):
    """Commands by name, in the order in which they are shown; each is imported when it is first asked for.

    `modules` has, by the name of a command, the module that has either a function of that name or a group, `app`.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules
        self._commands: dict[str, Any] = dict.fromkeys(modules)

    def __getitem__(self, name: str) -> Any:
        command = self._commands[name]
        if command is None:
            command = self._commands[name] = _imported(name, self._modules[name])
        return command

    def __setitem__(self, name: str, command: Any) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def __contains__(self, name: object) -> bool:
        return name in self._commands


def _imported(name: str, module: str) -> Any:
    found = import_module(module)
    group = getattr(found, "app", None)
    if group is not None:
        command: Any = typer.main.get_group(group)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name=name)(getattr(found, name))
        command = typer.main.get_command(alone)
    command.name = name
    return command


def late_group(modules: Mapping[str, str]) -> type[TyperGroup]:
    """A class of groups that has these commands too; see `LateCommands`."""

    class LateGroup(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            commands = LateCommands(modules)
            commands.update(self.commands)
            self.commands = commands

    return LateGroup
