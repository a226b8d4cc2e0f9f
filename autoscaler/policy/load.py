"""Reads files of YAML documents into models that know their places; says all that is wrong with a file at once.

A document is Kubernetes-shaped: `apiVersion`, `kind`, `metadata.name`, `spec`. Nothing is read beyond `MOST_BYTES`.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, cast

from pydantic import BaseModel, Field, ValidationError

from autoscaler.policy.problem import Path, PolicyError, Problem, dotted, nearest
from autoscaler.policy.translate import problems
from autoscaler.policy.tree import UNUSABLE, Place, Tree, trees
from autoscaler.policy.values import Name, Part

API_VERSION = "gpu-autoscaler.io/v1alpha1"
MOST_BYTES = 256 * 1024
"""A policy is two KiB, so this is a hundred; reading more would take seconds."""

M = TypeVar("M", bound=BaseModel)
M_co = TypeVar("M_co", bound=BaseModel, covariant=True)


class Metadata(Part):
    """What the document is called."""

    name: Name = Field(description="Name, unique among the documents of its kind. Required.")


class Envelope(Part):
    """What every document has."""

    api_version: Literal["gpu-autoscaler.io/v1alpha1"] = Field(
        description=f"{API_VERSION}, the one version there is. Required: later versions can be told apart."
    )
    kind: str = Field(description="What the document describes. Required.")
    metadata: Metadata = Field(description="What it is called: `{name: ...}`. Required.")
    spec: dict[str, object] = Field(description="What is wanted. Required.")


@dataclass(frozen=True, slots=True)
class Document(Generic[M_co]):
    """One document: the model of its `spec`, and where everything in it stands. `line`: where it begins."""

    kind: str
    name: str
    model: M_co
    file: str
    line: int
    tree: Tree = field(repr=False, compare=False)

    def place(self, path: Path) -> Place:
        """Line and column of the value at a path such as `("spec", "pools", "primary", 0)`.

        Where there is no such value: of the key of the nearest parent that is there.
        """
        return self.tree.find(path)

    def problem(self, path: Path, message: str, hint: str) -> Problem:
        """A problem at this path."""
        return Problem(self.file, *self.place(path), dotted(path), message, hint)


def read_documents(path: pathlib.Path, kinds: Mapping[str, type[BaseModel]]) -> list[Document[BaseModel]]:
    """The documents of a file. `kinds`: the model of `spec` by kind. Raises PolicyError with all that is wrong."""
    file = str(path)
    text = _text(path, file)
    roots, found = trees(text, file)
    documents: list[Document[BaseModel]] = []
    for root in roots:
        document, wrong = _document(root, kinds, file)
        found += wrong
        documents += [] if document is None else [document]
    if not roots and not found:
        hint = f"begin with `apiVersion: {API_VERSION}` and a kind: {', '.join(sorted(kinds))}"
        found.append(Problem(file, 1, 1, "", "no document in it", hint))
    if found:
        raise PolicyError(found)
    return documents


def of_kind(documents: Iterable[Document[BaseModel]], model: type[M]) -> list[Document[M]]:
    """The documents whose `spec` is of this model, in their order."""
    return [cast(Document[M], document) for document in documents if isinstance(document.model, model)]


def _text(path: pathlib.Path, file: str) -> str:
    """The text of a file. Raises PolicyError where it cannot be read."""

    def refuse(message: str, hint: str, line: int = 1, column: int = 1) -> PolicyError:
        return PolicyError([Problem(file, line, column, "", message, hint)])

    if not path.is_file():
        said = "is a folder" if path.is_dir() else "no such file"
        raise refuse(said, "name a YAML file")
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise refuse(f"cannot be read: {error.strerror}", "let this user read it") from error
    if len(data) > MOST_BYTES:
        raise refuse(f"larger than {MOST_BYTES // 1024} KiB", "split it: one file a team or workload")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", "ignore")
        line, column = good.count("\n") + 1, len(good) - good.rfind("\n")
        raise refuse("not UTF-8", "save it as UTF-8", line, column) from error


def _document(
    root: Tree, kinds: Mapping[str, type[BaseModel]], file: str
) -> tuple[Document[BaseModel] | None, list[Problem]]:
    """A document, or what is wrong with it."""
    if root.value is UNUSABLE:
        return None, []
    if not isinstance(root.value, dict):
        hint = f"write `apiVersion: {API_VERSION}`, `kind`, `metadata` and `spec` as keys"
        return None, [Problem(file, *root.place, "", "a document must be a mapping", hint)]
    found: list[Problem] = []
    kind, spec = root.value.get("kind"), root.value.get("spec")
    model = kinds.get(kind) if isinstance(kind, str) else None
    if isinstance(kind, str) and model is None:
        found.append(Problem(file, *root.find(("kind",)), "kind", "unknown kind", nearest(kind, kinds)))
    envelope, wrong = _read(Envelope, root.value, root, file, ())
    found += wrong
    if model is None or not isinstance(spec, dict):
        return None, found
    read, wrong = _read(model, spec, root, file, ("spec",))
    found += wrong
    if envelope is None or read is None:
        return None, found
    return Document(envelope.kind, envelope.metadata.name, read, file, root.place[0], root), found


def _read(model: type[M], value: object, root: Tree, file: str, under: Path) -> tuple[M | None, list[Problem]]:
    """A model, or what is wrong with it as far as the YAML did not say it."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        return None, list(problems(error, model, root, file, under))
