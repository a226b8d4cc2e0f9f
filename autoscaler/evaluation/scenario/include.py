"""`include` of a scenario: policies and pools in files of their own, so that what ships can be simulated as it is.

Only YAML files, found from the folder of the scenario; they hold no Scenario, so they include nothing themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from autoscaler.evaluation.scenario.model import Scenario
from autoscaler.policy.load import Document, read_documents
from autoscaler.policy.model import KINDS
from autoscaler.policy.problem import Path as Place
from autoscaler.policy.problem import PolicyError, Problem

SUFFIXES = (".yaml", ".yml")


def included(scenario: Document[Scenario], path: Path) -> list[Document[BaseModel]]:
    """The documents of every file that a scenario in the file `path` includes. Raises PolicyError with all that is
    wrong."""
    names = scenario.model.include
    found: list[Problem] = list(_misplaced(scenario, path))
    documents: list[Document[BaseModel]] = []
    for n, name in enumerate(names if not found else ()):
        try:
            documents += read_documents(path.parent / name, KINDS)
        except PolicyError as error:
            found += error.problems
            place: Place = ("spec", "include", n)
            found.append(scenario.problem(place, "cannot be included", "correct what is said of that file"))
    if found:
        raise PolicyError(found)
    return documents


def _misplaced(scenario: Document[Scenario], path: Path) -> Iterator[Problem]:
    seen = {path.resolve()}
    for n, name in enumerate(scenario.model.include):
        place: Place = ("spec", "include", n)
        file = path.parent / name
        if Path(name).is_absolute():
            yield scenario.problem(place, "must be relative to this file", "write for example `../policies/chat.yaml`")
        elif file.suffix not in SUFFIXES:
            yield scenario.problem(place, "not a YAML file", "name a file that ends in .yaml or .yml")
        elif not file.is_file():
            yield scenario.problem(place, f"no file {file}", "it is looked for from the folder of this file")
        elif file.resolve() in seen:
            yield scenario.problem(place, "included already, or this file itself", "remove it")
        seen.add(file.resolve())
