"""Pieces of HTML; whatever comes from data is escaped here and nowhere else."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

SPACE = "\u00a0"
"""Between a number and its unit: no line breaks there."""
_LONG = 32  # characters
_NUMBER = re.compile(r"[-+$<>]?\d.*|-?")


def text(words: str) -> str:
    """Plain words as HTML, safe in elements and in quoted attributes."""
    return html.escape(words, quote=True)


def element(tag: str, inner: str, **attributes: str) -> str:
    """An element around `inner`, which is HTML already; attribute values are escaped, `class_` stands for `class`."""
    written = "".join(f' {name.rstrip("_").replace("_", "-")}="{text(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>{inner}</{tag}>"


def paragraphs(sentences: Sequence[str], **attributes: str) -> str:
    """One paragraph a sentence."""
    return "\n".join(element("p", text(sentence), **attributes) for sentence in sentences)


def table(
    caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], runs: Sequence[int] | None = None
) -> str:
    """A table of plain text in a box of its own that scrolls where the page is narrow.

    The first column names the row. A column of numbers (with units, or a dash where there is none) stands to the right,
    one with long text wraps. runs: which run each row is of, as they stand where not said; none where it is empty.
    """
    of_run = [str(run) for run in (range(len(rows)) if runs is None else runs)]
    kinds = ["", *(_kind([row[column].strip() for row in rows]) for column in range(1, len(headings)))]
    head = "".join(_cell("th", *cell, scope="col") for cell in zip(headings, kinds, strict=True))
    marks = [{"data_row": run} for run in of_run] if of_run else [{} for _ in rows]
    body = "\n".join(element("tr", _row(row, kinds), **mark) for row, mark in zip(rows, marks, strict=True))
    inner = element("caption", text(caption)) + element("thead", element("tr", head)) + element("tbody", body)
    return element("div", element("table", inner), class_="scroll", tabindex="0", role="region", aria_label=caption)


def _kind(column: Sequence[str]) -> str:
    if all(_NUMBER.fullmatch(cell) for cell in column):
        return "number"
    return "wide" if any(len(cell) > _LONG for cell in column) else ""


def _row(row: Sequence[str], kinds: Sequence[str]) -> str:
    first = element("th", text(row[0]), scope="row")
    return first + "".join(_cell("td", *cell) for cell in zip(row[1:], kinds[1:], strict=True))


def _cell(tag: str, words: str, kind: str, **attributes: str) -> str:
    return element(tag, text(words), **({"class_": kind} if kind else {}), **attributes)


def folded(heading: str, inner: str, is_open: bool, level: int = 3) -> str:
    """A part of the page under a heading that a reader opens and closes; `inner` is HTML."""
    summary = element("summary", element(f"h{level}", text(heading)))
    state = {"open": ""} if is_open else {}
    return element("details", f"{summary}\n{inner}", **state)


def region(name: str, heading: str, parts: Sequence[str]) -> str:
    """A part of the page under a heading of the second level, which links lead to by `name`; `parts` are HTML."""
    head = element("h2", text(heading), id=name)
    return element("section", "\n".join([head, *(part for part in parts if part)]), aria_labelledby=name)
