"""Reads files of YAML documents into models that know their places; says all that is wrong with a file at once.

A document is Kubernetes-shaped: `apiVersion`, `kind`, `metadata.name`, `spec`. It may name files beside its own, which
are read with it. Nothing is read beyond `MOST_BYTES` a file.
"""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, Protocol, TypeVar, cast, runtime_checkable

from pydantic import BaseModel, Field, ValidationError

from autoscaler.policy.problem import Path, PolicyError, Problem, dotted, nearest
from autoscaler.policy.translate import problems
from autoscaler.policy.tree import UNUSABLE, Place, Tree, trees
from autoscaler.policy.values import Name, Part

API_VERSION = "gpu-autoscaler.io/v1alpha1"
MOST_BYTES = 256 * 1024
"""A policy is two KiB, so this is a hundred; reading more would take seconds."""

Beside = Callable[[str], bytes]
"""Name of a file in the folder of a document -> its bytes, at most `MOST_BYTES` and one more; raises OSError."""

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


@runtime_checkable
class Attaching(Protocol):
    """A model that names files beside its own."""

    def attachments(self) -> Iterator[tuple[Path, str]]:
        """Path within the model of each field that names one, and the name."""
        ...


@dataclass(frozen=True, slots=True)
class Document(Generic[M_co]):
    """One document: the model of its `spec`, and where everything in it stands.

    `line`: where it begins. `attached`: the files that it names, by name.
    """

    kind: str
    name: str
    model: M_co
    file: str
    line: int
    tree: Tree = field(repr=False, compare=False)
    attached: Mapping[str, bytes] = field(default_factory=dict, repr=False)

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
    return parse_documents(_bytes(path), str(path), kinds, lambda name: _some_bytes(path.parent / name))


def parse_documents(
    data: bytes, file: str, kinds: Mapping[str, type[BaseModel]], beside: Beside
) -> list[Document[BaseModel]]:
    """The documents of a file that was read already, as `read_documents`; `file` names it in what is said."""
    roots, found = trees(_text(data, file), file)
    documents: list[Document[BaseModel]] = []
    broken: list[tuple[str, str]] = []
    for root in roots:
        document, wrong = _document(root, kinds, file)
        if document is not None:
            document, more = _with_attached(document, beside)
            wrong += more
        found += wrong
        if document is None or wrong:
            broken += _called(root)
        else:
            documents.append(document)
    if not roots and not found:
        hint = f"begin with `apiVersion: {API_VERSION}` and a kind: {', '.join(sorted(kinds))}"
        found.append(Problem(file, 1, 1, "", "no document in it", hint))
    if found:
        raise PolicyError(found, documents, broken)
    return documents


def _called(root: Tree) -> Iterator[tuple[str, str]]:
    """Kind and name of a document, where it has them."""
    kind, name = root.at(("kind",)), root.at(("metadata", "name"))
    if kind is not None and name is not None:
        yield str(kind.value), str(name.value)


def of_kind(documents: Iterable[Document[BaseModel]], model: type[M]) -> list[Document[M]]:
    """The documents whose `spec` is of this model, in their order."""
    return [cast(Document[M], document) for document in documents if isinstance(document.model, model)]


def _refused(file: str, message: str, hint: str, place: Place = (1, 1)) -> PolicyError:
    return PolicyError([Problem(file, *place, "", message, hint)])


def _bytes(path: pathlib.Path) -> bytes:
    """What is in a file. Raises PolicyError where it cannot be read."""
    if not path.is_file():
        said = "is a folder" if path.is_dir() else "no such file"
        raise _refused(str(path), said, "name a YAML file")
    try:
        return _some_bytes(path)
    except OSError as error:
        raise _refused(str(path), f"cannot be read: {error.strerror}", "let this user read it") from error


def _some_bytes(path: pathlib.Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)


def _text(data: bytes, file: str) -> str:
    """The text of a file. Raises PolicyError where it is none."""
    if len(data) > MOST_BYTES:
        raise _refused(file, f"larger than {MOST_BYTES // 1024} KiB", "split it: one file a team or workload")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8-sig", "ignore")
        place = good.count("\n") + 1, len(good) - good.rfind("\n")
        raise _refused(file, "not UTF-8", "save it as UTF-8", place) from error


def _with_attached(document: Document[BaseModel], beside: Beside) -> tuple[Document[BaseModel], list[Problem]]:
    """The document with the files that it names, and which of them cannot be read."""
    if not isinstance(document.model, Attaching):
        return document, []
    attached: dict[str, bytes] = {}
    found: list[Problem] = []
    for path, name in document.model.attachments():
        try:
            attached[name] = beside(name)
        except OSError as error:
            said = f"{name} cannot be read: {(error.strerror or str(error)).lower()}"
            found.append(document.problem(("spec", *path), said, "put it beside this file"))
            continue
        if len(attached[name]) > MOST_BYTES:
            said = f"{name} is larger than {MOST_BYTES // 1024} KiB"
            found.append(document.problem(("spec", *path), said, "keep what is still to come"))
    return replace(document, attached=attached), found


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
