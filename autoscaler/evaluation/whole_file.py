"""Files that appear whole or not at all: a reader never sees half of one, and a failed write leaves the old one.

What is no plain file (a terminal, a pipe, `/dev/null`) is written as it stands: put in its place, a file would end it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def whole_file(path: str | Path) -> Iterator[TextIO]:
    """UTF-8 text that takes the place of whatever `path` held once the block ends without an error.

    Line ends are written as given; a link leads to the file that is written. Raises FileNotFoundError where the folder
    does not exist, any other OSError with `path` as its file name.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist; create it or write elsewhere")
    try:
        if path.exists() and not path.is_file():
            with path.open("w", newline="", encoding="utf-8") as out:
                yield out
        else:
            with _replaced(path.resolve()) as out:
                yield out
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def _replaced(path: Path) -> Iterator[TextIO]:
    """A file beside `path` that takes its place at the end."""
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", newline="", encoding="utf-8") as out:
            yield out
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
