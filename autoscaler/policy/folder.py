"""A folder of policy files that may change at any time: what is in it, and the last good version of what is wrong.

Kubelet swaps a whole ConfigMap by one symbolic link, `..data`: its target is read, and read again where the link moved
meanwhile, so a set never mixes two versions. Elsewhere a file that changed while it was read, or a moment ago, is left
for the next look: an editor may still be writing it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pydantic import BaseModel

from autoscaler.policy.budget import Budget
from autoscaler.policy.check import BudgetDocument, PolicyDocument, PoolDocument, QueueDocument, check
from autoscaler.policy.load import MOST_BYTES, Document, of_kind, parse_documents, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import PolicyError, Problem
from autoscaler.policy.queue import QueuePolicy

SWAP_LINK = "..data"
TRIES = 20
"""A swap takes microseconds; who swaps all the time keeps what runs."""
SETTLE_S = 1.0
MOST_FILES = 1000
DOCUMENTS, ATTACHMENTS = (".yaml", ".yml"), (".ics",)


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The documents that are in force, and what is wrong with the files as they are.

    held: names of files of which an earlier version is in force, or none where there never was a good one.
    """

    documents: tuple[Document[BaseModel], ...] = ()
    problems: tuple[Problem, ...] = ()
    held: tuple[str, ...] = ()

    @property
    def policies(self) -> list[PolicyDocument]:
        """The policies, in the order of files and of documents within them."""
        return of_kind(self.documents, CapacityPolicy)

    @property
    def pools(self) -> list[PoolDocument]:
        """The pools, in the same order."""
        return of_kind(self.documents, GpuPool)

    @property
    def budgets(self) -> list[BudgetDocument]:
        """The budgets, in the same order."""
        return of_kind(self.documents, Budget)

    @property
    def queues(self) -> list[QueueDocument]:
        """The policies for queued work, in the same order."""
        return of_kind(self.documents, QueuePolicy)


@dataclass(frozen=True, slots=True)
class _File:
    """A file as read: its documents where it is good alone, else its problems; `wants`: the files that it names."""

    data: bytes
    wants: Mapping[str, bytes | None]
    documents: tuple[Document[BaseModel], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is in the folder. unreadable: why, by file name."""

    data: dict[str, bytes] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)


class PolicyFolder:
    """The policies of one folder; owned by the loop, which looks at each tick."""

    def __init__(self, path: Path, settle_s: float = SETTLE_S) -> None:
        self._path, self._settle_s = path, settle_s
        self._seen = _Seen()
        self._is_gone = False
        self._young: frozenset[str] = frozenset()
        self._read: dict[str, _File] = {}
        self._good: dict[str, _File] = {}
        self.current = PolicySet()

    @property
    def is_settled(self) -> bool:
        """Whether every file has been read: none was written so lately that it may not be whole yet."""
        return not self._young

    def look(self, now_s: float) -> bool:
        """Reads what changed since the last look; whether `current` did. now_s: seconds since the epoch.

        Never raises for what is in the folder, or for a folder that is gone: what was in force stays, `problems` say
        what is wrong.
        """
        try:
            seen = self._look(now_s)
        except OSError as error:
            self._is_gone, self._young = True, frozenset()
            stays = "give the folder back; what was in force stays"
            hint = stays if self.current.documents else "make the folder, or name another one"
            said = Problem(str(self._path), 1, 1, "", f"cannot be read: {(error.strerror or str(error)).lower()}", hint)
            return self._replace(PolicySet(self.current.documents, (said,), tuple(sorted(self._good))))
        if seen == self._seen and not self._is_gone:
            return False
        self._seen, self._is_gone = seen, False
        self._read = {name: self._parsed(name, seen) for name in _documents(seen)}
        return self._replace(self._settled())

    def _replace(self, new: PolicySet) -> bool:
        changed = new != self.current
        self.current = new
        return changed

    def _look(self, now_s: float) -> _Seen:
        for _ in range(TRIES):
            try:
                link = os.readlink(self._path / SWAP_LINK)
            except OSError:  # no link
                return self._unlinked(now_s)
            try:
                seen = _read_all(self._path / link)
            except FileNotFoundError:
                continue
            if os.readlink(self._path / SWAP_LINK) == link:
                self._young = frozenset()
                return seen
        return self._seen

    def _unlinked(self, now_s: float) -> _Seen:
        """A plain folder: files that are being written keep what was read of them before."""
        seen = _read_all(self._path)
        young = self._young = frozenset(
            name for name, data in seen.data.items()
            if data != self._seen.data.get(name) and 0.0 <= now_s - _changed_s(self._path / name) < self._settle_s
        )  # fmt: skip
        data = {n: d for n, d in seen.data.items() if n not in young}
        data |= {name: self._seen.data[name] for name in young & self._seen.data.keys()}
        return _Seen(data, seen.unreadable)

    def _parsed(self, name: str, seen: _Seen) -> _File:
        """The file as it is now; the same object as before where nothing of it changed."""
        before = self._read.get(name)
        file = str(self._path / name)
        if name in seen.unreadable:
            said = Problem(file, 1, 1, "", f"cannot be read: {seen.unreadable[name]}", "let this user read it")
            return _File(b"", {}, (), (said,))
        data = seen.data[name]
        if before and before.data == data and all(seen.data.get(n) == d for n, d in before.wants.items()):
            return before
        wants: dict[str, bytes | None] = {}

        def beside(other: str) -> bytes:
            wants[other] = seen.data.get(other)
            if other in seen.data:
                return seen.data[other]
            raise FileNotFoundError(seen.unreadable.get(other, "no such file"))

        try:
            return _File(data, wants, tuple(parse_documents(data, file, KINDS, beside)), ())
        except PolicyError as error:
            return _File(data, wants, (), error.problems)

    def _settled(self) -> PolicySet:
        """What is new as far as it contradicts nothing, and the last good version of the rest."""
        problems = [p for file in self._read.values() for p in file.problems]
        new = {name: file for name, file in self._read.items() if not file.problems}
        new |= {n: self._good[n] for n, file in self._read.items() if file.problems and n in self._good}
        found = _contradictions(new)
        self._good = self._as_far_as_possible(new) if found else new
        held = {n for n, file in self._read.items() if self._good.get(n) is not file} | (
            set(self._good) - set(self._read)
        )
        documents = tuple(d for name in sorted(self._good) for d in self._good[name].documents)
        return PolicySet(documents, tuple(sorted({*problems, *found})), tuple(sorted(held)))

    def _as_far_as_possible(self, new: Mapping[str, _File]) -> dict[str, _File]:
        """The set in force with each change that contradicts nothing, until no more can be made."""
        chosen = dict(self._good)
        left = {n for n in new.keys() | chosen.keys() if new.get(n) is not chosen.get(n)}
        while left:
            made = {name for name in sorted(left) if _change(chosen, name, new.get(name))}
            if not made:
                return chosen
            left -= made
        return chosen


def _change(chosen: dict[str, _File], name: str, to: _File | None) -> bool:
    """Makes the change where it contradicts nothing; whether it did."""
    trial = {other: file for other, file in chosen.items() if other != name}
    if to is not None:
        trial[name] = to
    if _contradictions(trial):
        return False
    chosen.clear()
    chosen.update(trial)
    return True


def read_paths(paths: Sequence[Path]) -> PolicySet:
    """The documents of files and folders as they are now, checked as one set, and all that is wrong with them."""
    documents: list[Document[BaseModel]] = []
    problems: list[Problem] = []
    broken: frozenset[tuple[str, str]] = frozenset()
    files = [file for path in paths for file in (_files_of(path) if path.is_dir() else [path])]
    for file in dict.fromkeys(files):
        try:
            documents += read_documents(file, KINDS)
        except PolicyError as error:
            problems += error.problems
            documents += cast(tuple[Document[BaseModel], ...], error.good)
            broken |= error.broken
    problems += _contradictions_between(documents, broken)
    return PolicySet(tuple(documents), tuple(sorted(problems)))


def _files_of(folder: Path) -> list[Path]:
    return [Path(e.path) for e in sorted(_entries(folder), key=lambda e: e.name) if e.name.endswith(DOCUMENTS)]


def _contradictions(files: Mapping[str, _File]) -> list[Problem]:
    return _contradictions_between([d for name in sorted(files) for d in files[name].documents])


def _contradictions_between(
    documents: Sequence[Document[BaseModel]], broken: Set[tuple[str, str]] = frozenset()
) -> list[Problem]:
    policies, pools = of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool)
    return check(policies, pools, of_kind(documents, Budget), broken, of_kind(documents, QueuePolicy))


def _documents(seen: _Seen) -> Sequence[str]:
    names = seen.data.keys() | seen.unreadable.keys()
    return sorted(name for name in names if name.endswith(DOCUMENTS))


def _read_all(folder: Path) -> _Seen:
    """Every file of the folder that counts, at most `MOST_BYTES` and one more of each. Raises OSError."""
    seen = _Seen()
    for number, entry in enumerate(sorted(_entries(folder), key=lambda e: e.name)):
        if number >= MOST_FILES:
            seen.unreadable[entry.name] = f"more than {MOST_FILES} files in the folder"
            continue
        try:
            seen.data[entry.name] = _whole(Path(entry.path))
        except FileNotFoundError:
            raise
        except OSError as error:
            seen.unreadable[entry.name] = (error.strerror or str(error)).lower()
    return seen


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.name.endswith(DOCUMENTS + ATTACHMENTS):
                yield entry


def _whole(path: Path) -> bytes:
    """The bytes of a file that did not change while it was read. Raises OSError."""
    for _ in range(TRIES):
        with path.open("rb") as stream:
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise IsADirectoryError(0, "not a file")
            data = stream.read(MOST_BYTES + 1)
            after = os.fstat(stream.fileno())
        if (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size):
            return data
    raise BlockingIOError(0, "it changes all the time")


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
