"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("autoscaler", "tests", "simulations")
FILE_LINES = 400
FUNCTION_LINES = 40
FILES = [p.relative_to(ROOT) for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.py"))]


def long_functions(source: str, signature_counts: bool = True) -> list[str]:
    """`name (lines)` of every function above the limit, nested ones and methods included, decorators not."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.lineno if signature_counts else node.body[0].lineno
            lines = (node.end_lineno or first) - first + 1
            if lines > FUNCTION_LINES:
                found.append(f"{node.name} ({lines})")
    return found


def test_every_folder_is_looked_at() -> None:
    assert {file.parts[0] for file in FILES} == set(FOLDERS)
    assert len(FILES) > 80


@pytest.mark.parametrize("file", FILES, ids=str)
def test_file_and_functions_are_short(file: Path) -> None:
    source = (ROOT / file).read_text()
    assert len(source.splitlines()) <= FILE_LINES
    is_command = file.parts[:2] == ("autoscaler", "cli")  # its signature has a line for each option, documented there
    assert long_functions(source, signature_counts=not is_command) == []


def test_a_long_function_is_found() -> None:
    body = "    x = 1\n" * FUNCTION_LINES
    assert long_functions(f"def f():\n{body}") == ["f (41)"]
    assert long_functions(f"class A:\n    async def g(self):\n{body.replace('    ', '        ')}") == ["g (41)"]
    assert long_functions(f"def f():\n{body}", signature_counts=False) == []
    assert long_functions(f"def f():\n{body[:-10]}") == []
