"""Helm as `make rig` has built it, on the project's chart, with files of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm"
VALUE_SETS = sorted((Path(__file__).parent / "chart_values").glob("*.yaml"))
DEFAULT = next(file for file in VALUE_SETS if file.stem == "default")
LONGEST_S = 120.0


class HelmError(AssertionError):
    """Helm ended with an error: what it said."""


@dataclass(frozen=True, slots=True)
class Helm:
    """folder: of its caches. kubeconfig: of the cluster, where one is needed."""

    program: Path
    folder: Path
    kubeconfig: Path | None = None

    def run(self, *arguments: str | Path) -> str:
        """What it printed. Raises `HelmError`."""
        names = ("CACHE", "CONFIG", "DATA")
        environment = {f"HELM_{name}_HOME": str(self.folder / name.lower()) for name in names}
        environment["HOME"] = str(self.folder)
        if self.kubeconfig is not None:
            environment["KUBECONFIG"] = str(self.kubeconfig)
        command = [str(part) for part in (self.program, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LONGEST_S, check=False)
        if done.returncode:
            raise HelmError(f"helm {' '.join(command[1:])}\n{done.stderr}")
        return done.stdout

    def lint(self, values: Path) -> str:
        """Fails on warnings too."""
        return self.run("lint", CHART, "--strict", "--values", values)

    def template(self, values: Path, namespace: str, *more: str, release: str = "gpu-autoscaler") -> list[Any]:
        """The objects that a release would have, hooks included."""
        return self.documents("template", release, CHART, "--namespace", namespace, "--values", values, *more)

    def documents(self, *arguments: str | Path) -> list[Any]:
        """The documents of what it printed."""
        return documents(self.run(*arguments))

    def install(self, values: Path, namespace: str, *more: str, release: str = "gpu-autoscaler") -> str:
        """Installs it into a namespace that is there (or `--create-namespace`); its notes."""
        arguments = (release, CHART, "--namespace", namespace, "--values", values)
        return self.run("install", *arguments, *more)

    def uninstall(self, namespace: str, release: str = "gpu-autoscaler") -> None:
        """Takes the release away, and waits until its own objects are gone. Its Job would wait for a kubelet."""
        self.run("uninstall", release, "--namespace", namespace, "--wait", "--no-hooks")


def documents(text: str) -> list[Any]:
    """The documents of a YAML stream that hold something."""
    return [document for document in YAML(typ="safe", pure=True).load_all(text) if document]
