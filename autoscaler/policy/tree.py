"""YAML text as plain values that know their places.

YAML 1.2, several documents a text. Refused, each with its place: a key given twice, a key without a value (an empty
value means nothing that leaving the line out does not say), aliases and tags (every value has one place where it is
written, and no short text grows into a large value), keys that are no text, `%` directives, nesting beyond
`DEEPEST`. After a syntax error the rest of the text is not read; everything before it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from autoscaler.policy.problem import Path, Problem, dotted

DEEPEST = 32
"""Policies nest eight deep; this bounds the work that a hostile file can ask for."""

Place = tuple[int, int]
"""Line and column, from 1."""


class Unusable:
    """Stands for a value that is written but cannot be used, so that no model accepts it; it is reported already."""


UNUSABLE = Unusable()


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A value, where it begins, and the same of its parts by key or number; `keys`: where each part's key stands."""

    value: object
    place: Place
    keys: Mapping[str | int, Place]
    parts: Mapping[str | int, Tree]

    def at(self, path: Path) -> Tree | None:
        """The part at a path, None where there is none."""
        here: Tree | None = self
        for step in path:
            here = None if here is None else here.parts.get(step)
        return here

    def find(self, path: Path) -> Place:
        """Where the value at this path begins; where it is missing, the key of the last parent that is there."""
        part = self.at(path)
        if part is not None:
            return part.place
        parent = path[:-1]
        while self.at(parent) is None:
            parent = parent[:-1]
        return self.find_key(parent) or self.place

    def find_key(self, path: Path) -> Place | None:
        """Where the key at this path stands; None where there is no such key."""
        parent = self.at(path[:-1]) if path else None
        return None if parent is None else parent.keys.get(path[-1])


def trees(text: str, file: str) -> tuple[list[Tree], list[Problem]]:
    """The documents of a text that are not empty, and what is wrong with its YAML."""
    composer = _Composer(file)
    found: list[Tree] = []
    try:
        for tree in composer.documents(text):
            found.append(tree)
    except _TooDeep as error:
        hint = "flatten it: no field of a policy is that deep"
        composer.report(error.place, (), f"nested more than {DEEPEST} deep", hint)
    except ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        composer.report(place, (), f"character {ord(text[error.position]):#04x} is not allowed in YAML", "remove it")
    except MarkedYAMLError as error:
        composer.report(_place(error.problem_mark), (), *_syntax(error, text))
    except YAMLError as error:
        composer.report((1, 1), (), "not YAML", str(error).splitlines()[0])
    return found, composer.problems


class _TooDeep(Exception):
    def __init__(self, place: Place) -> None:
        self.place = place


class _Composer:
    """Builds trees from parser events; recursion is bounded by `DEEPEST`."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._yaml = YAML(typ="safe", pure=True)
        self._events: Iterator[Event] = iter(())
        self.problems: list[Problem] = []

    def report(self, place: Place, path: Path, message: str, hint: str) -> None:
        self.problems.append(Problem(self._file, *place, dotted(path), message, hint))

    def documents(self, text: str) -> Iterator[Tree]:
        self._events = self._yaml.parse(text)
        for event in self._events:
            if not isinstance(event, DocumentStartEvent):
                continue
            if event.version or event.tags:
                hint = "remove the lines with % above; files are YAML 1.2"
                self.report(_place(event.start_mark), (), "% directives are not accepted", hint)
            first = next(self._events)
            if not _is_nothing(first):
                yield self._tree(first, ())

    def _tree(self, event: Event, path: Path) -> Tree:
        place = _place(event.start_mark)
        if isinstance(event, AliasEvent):
            return self._unusable(place, path, "aliases are not accepted", "write the value out")
        if len(path) > DEEPEST:
            raise _TooDeep(place)
        if isinstance(event, CollectionStartEvent | ScalarEvent) and event.tag:
            self.report(place, path, f"tag {event.tag} is not accepted", "remove it; quotes make a text")
        if isinstance(event, ScalarEvent):
            return self._scalar(event, place, path)
        return self._mapping(place, path) if isinstance(event, MappingStartEvent) else self._sequence(place, path)

    def _mapping(self, place: Place, path: Path) -> Tree:
        keys: dict[str | int, Place] = {}
        parts: dict[str | int, Tree] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            at = _place(event.start_mark)
            key = self._key(event, at, path)
            value, here = next(self._events), (*path, "?" if key is None else key)
            part = self._empty(at, here) if _is_nothing(value) else self._tree(value, here)
            if key in keys:
                self.report(at, here, "given twice", f"remove one; the first is on line {keys[key][0]}")
            elif key is not None:
                keys[key], parts[key] = at, part
        return Tree({key: part.value for key, part in parts.items()}, place, keys, parts)

    def _key(self, event: Event, place: Place, path: Path) -> str | None:
        """The text of a key, None where it is none."""
        if not isinstance(event, ScalarEvent):
            self._tree(event, (*path, "?"))
            self.report(place, path, "a key must be a text", "write `name: value`")
            return None
        key = self._plain(event)
        if isinstance(key, str):
            return key
        self.report(place, path, f"key {event.value} is not a text", f"write `'{event.value}'`")
        return None

    def _sequence(self, place: Place, path: Path) -> Tree:
        parts: dict[str | int, Tree] = {}
        for number, event in enumerate(self._events):
            if isinstance(event, SequenceEndEvent):
                break
            parts[number] = self._tree(event, (*path, number))
        return Tree([p.value for p in parts.values()], place, {n: p.place for n, p in parts.items()}, parts)

    def _scalar(self, event: ScalarEvent, place: Place, path: Path) -> Tree:
        value = self._plain(event)
        if value is UNUSABLE:
            return self._unusable(place, path, "no such number or date", "correct it, or put a text in quotes")
        return self._empty(place, path) if value is None else Tree(value, place, {}, {})

    def _empty(self, place: Place, path: Path) -> Tree:
        return self._unusable(place, path, "has no value", "give one, or remove the line")

    def _unusable(self, place: Place, path: Path, message: str, hint: str) -> Tree:
        self.report(place, path, message, hint)
        return Tree(UNUSABLE, place, {}, {})

    def _plain(self, event: ScalarEvent) -> object:
        """The value as YAML 1.2 reads it; `UNUSABLE` for an impossible date or a number without end."""
        tag = self._yaml.resolver.resolve(ScalarNode, event.value, event.implicit)
        node = ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        try:
            value: object = self._yaml.constructor.construct_object(node)
        except (ValueError, OverflowError, YAMLError):
            return UNUSABLE
        return value


def _is_nothing(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.value == "" and event.implicit[0]


def _place(mark: StreamMark | None) -> Place:
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)


def _syntax(error: MarkedYAMLError, text: str) -> tuple[str, str]:
    """Message and hint of a syntax error."""
    message = " ".join(part for part in (error.problem, error.context) if part)
    lines = text.split("\n")
    line = lines[min(_place(error.problem_mark)[0], len(lines)) - 1]
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab in the indentation", "indent with spaces"
    if "mapping values are not allowed" in message or "cannot start any token" in message:
        return message, "put the value in single quotes, or correct the indentation"
    return message, "close what is open before this place: a bracket, a quote, or a key without its `:`"
