"""What is wrong in a file, and the way out: one line a problem, all problems of a file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

Path = tuple[str | int, ...]
"""Where a value stands in its document: keys, and numbers of list items from 0."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem at a place in a file. `line` and `column` count from 1, `column` in characters."""

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str

    def __str__(self) -> str:
        """`file:line:column  path  message  hint`."""
        parts = (f"{self.file}:{self.line}:{self.column}", self.path, self.message, self.hint)
        return "  ".join(part for part in parts if part)


class PolicyError(ValueError):
    """Files that cannot be used; its text is one line a problem, in the order of the files.

    good: what is usable beside it. broken: kind and name of documents that are not, as far as they say so.
    """

    def __init__(
        self, problems: Iterable[Problem], good: Iterable[object] = (), broken: Iterable[tuple[str, str]] = ()
    ) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        self.good, self.broken = tuple(good), frozenset(broken)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values that are valid alone and contradict each other. `at`: path from the model that found it."""

    at: Path
    message: str
    hint: str


class Conflicts(ValueError):
    """All contradictions that one model found in itself; raised inside its validator."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        super().__init__("; ".join(f"{c.message}; {c.hint}" for c in conflicts))

    @staticmethod
    def check(conflicts: Sequence[Conflict]) -> None:
        """Raises where there are any."""
        if conflicts:
            raise Conflicts(conflicts)


def dotted(path: Path) -> str:
    """The path as people write it: `spec.pools.primary.0`."""
    return ".".join(str(step) for step in path)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names what was probably meant, or else all that there is."""
    there = sorted(known)
    if not there:
        return "there are none"
    by_lower = {word.lower(): word for word in there}
    close = get_close_matches(name.lower(), by_lower, n=1)
    if close:
        return f"did you mean `{by_lower[close[0]]}`?"
    return f"there are: {', '.join(there)}"
