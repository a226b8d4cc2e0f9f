"""A source file, plain or gzip, line by line: memory never grows with the file, and damage is told with its line."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from autoscaler.evaluation.trace import TraceError

MAX_LINE_BYTES = 1_000_000
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
DELIMITERS = ",;\t|"
_TELL_EVERY_LINES = 4096
_GZIP = b"\x1f\x8b"
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or a spreadsheet",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xfd7zXZ": "compressed with xz",
    b"BZh": "compressed with bzip2",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}


class Source:
    """One file. `line` is the number of the line read last, from 1."""

    def __init__(self, path: Path, tell: Callable[[float], None] | None = None) -> None:
        """`tell` is called now and then with the share read, 0..1."""
        self.path = path
        self.line = 0
        self._tell = tell or (lambda share: None)

    @property
    def name(self) -> str:
        """The file's name without .gz and .csv, .jsonl or .json."""
        name = self.path.name.removesuffix(".gz")
        return name.rsplit(".", 1)[0] if name.lower().endswith((".csv", ".tsv", ".txt", ".jsonl", ".json")) else name

    def error(self, said: str) -> TraceError:
        """What is wrong in the line read last, and what to do about it."""
        return TraceError(f"{self.path}:{max(self.line, 1)}: {said}")

    def lines(self) -> Iterator[str]:
        """Lines as they stand, end of line included. Raises TraceError for damage, or a line without end."""
        self.line = 0
        with self._opened() as (data, raw, size):
            while line := self._read(lambda: data.readline(MAX_LINE_BYTES + 1)):
                self.line += 1
                if len(line) > MAX_LINE_BYTES:
                    raise self.error(f"a line of more than {MAX_LINE_BYTES:,} bytes; this is no log with a row a line")
                if self.line % _TELL_EVERY_LINES == 0:
                    self._tell(raw.tell() / size)
                yield self._decoded(line)
        self._tell(1.0)

    def first_line(self) -> str:
        """The first line that is not blank, or the beginning of an endless one. Raises TraceError without any."""
        self.line = 0
        with self._opened() as (data, _, _):
            while line := self._read(lambda: data.readline(MAX_LINE_BYTES)):
                self.line += 1
                whole = len(line) < MAX_LINE_BYTES
                text = self._decoded(line) if whole else line.decode("utf-8", "ignore")
                if not text.isspace():
                    return text.strip()
        raise self.error("an empty file; give one with rows")

    def document(self) -> str:
        """The whole text of a file that holds one document. Raises TraceError for damage, or too much of it."""
        self.line = 0
        with self._opened() as (data, _, _):
            content = self._read(lambda: data.read(MAX_DOCUMENT_BYTES + 1))
        if len(content) > MAX_DOCUMENT_BYTES:
            raise self.error(f"more than {MAX_DOCUMENT_BYTES >> 20} MiB in one document; ask for shorter ranges")
        self.line = 1
        return self._decoded(content)

    def records(self) -> Iterator[list[str]]:
        """Fields of each line that is not blank, parted by what the first such line has most of: comma, semicolon,
        tab or bar. Raises TraceError for what is no CSV."""
        lines = (line for line in self.lines() if not line.isspace())
        first = next(lines, None)
        if first is None:
            raise self.error("an empty file; give one with rows")
        reader = csv.reader(chain((first,), lines), delimiter=delimiter_of(first))
        try:
            yield from reader
        except csv.Error as error:
            raise self.error(f"not CSV ({error}); export it again") from None

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, BinaryIO, int]]:
        """(unpacked bytes, bytes of the file, size of the file)."""
        if not self.path.exists():
            raise self.error("no such file; check the path")
        if not self.path.is_file():
            raise self.error("not a plain file; save what comes from there to a file first")
        try:
            raw = self.path.open("rb")
        except OSError as error:
            raise self.error(f"cannot be read ({error.strerror}); give a file that this user may read") from None
        with raw:
            start = self._read(lambda: raw.peek(8))
            for magic, what in _FOREIGN.items():
                if start.startswith(magic):
                    raise self.error(f"{what}; unpack it or export it as text in UTF-8, plain or gzip")
            size = max(1, os.fstat(raw.fileno()).st_size)
            if start.startswith(_GZIP):
                with gzip.GzipFile(fileobj=raw) as packed, io.BufferedReader(packed, 1 << 16) as data:
                    yield data, raw, size
            else:
                yield raw, raw, size

    def _read(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (OSError, EOFError, zlib.error) as error:
            self.line += 1
            raise self.error(f"damaged or cut off ({error}); copy the file again") from None

    def _decoded(self, data: bytes) -> str:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("not text in UTF-8; export it as text, plain or gzip") from None
        if "\0" in text:
            raise self.error("not text (it holds NUL bytes); export it as text in UTF-8, plain or gzip")
        return text.removeprefix("\ufeff") if self.line == 1 else text


def delimiter_of(line: str) -> str:
    """What parts the fields of this line; a comma where nothing does."""
    return max(DELIMITERS, key=line.count)
