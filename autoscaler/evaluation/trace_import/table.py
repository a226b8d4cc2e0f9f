"""A CSV with a header: columns found by name, rows that are long enough."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence

from autoscaler.evaluation.trace_import.request import FILE
from autoscaler.evaluation.trace_import.source import Source, delimiter_of
from autoscaler.policy.problem import nearest

SEPARATOR = " / "
EMPTY = "(empty)"


class Table:
    """Columns and rows of a source. Raises TraceError for an empty file, or a header that is none."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._records = source.records()
        self.columns = [name.strip() for name in next(self._records)]
        self._fewest = 1
        if any(map(_is_number, self.columns)):
            raise source.error("data where the names of the columns should be; put a line with names before it")

    def place(self, name: str) -> int:
        """Where the column of this name is, capitals or not. Raises TraceError with those that there are."""
        place = self.find((name,))
        if place is None:
            raise self._source.error(f"no column {name!r}; {nearest(name, filter(None, self.columns))}")
        return place

    def find(self, names: Sequence[str]) -> int | None:
        """Where the first column is that has one of these names, capitals or not; None without."""
        lower = [column.lower() for column in self.columns]
        place = next((lower.index(name.lower()) for name in names if name.lower() in lower), None)
        if place is not None:
            self._fewest = max(self._fewest, place + 1)
        return place

    def series(self, by: Sequence[str]) -> Callable[[list[str]], str]:
        """The series of a row: the values of these columns, the source's name for `file`, else nothing."""
        if not by or tuple(by) == (FILE,):
            name = self._source.name if by else ""
            return lambda record: name
        parts = [self.place(column) for column in by]
        if len(parts) == 1:
            only = parts[0]
            return lambda record: record[only].strip() or EMPTY
        return lambda record: SEPARATOR.join(record[place].strip() or EMPTY for place in parts)

    def rows(self) -> Iterator[list[str]]:
        """Fields of each row. Raises TraceError for one that ends before the last column that is needed."""
        fewest = self._fewest
        for record in self._records:
            if len(record) < fewest:
                raise self._source.error(f"{len(record)} fields where the header has {len(self.columns)}; complete it")
            yield record


def header_of(line: str) -> list[str]:
    """Lower-case names of the columns in a first line; nothing where it is no line of a table."""
    try:
        return [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter_of(line)))]
    except csv.Error:
        return []


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
