"""The selectors of a PromQL query: which samples its answer is made of.

A scanner, not a parser: it knows words, strings and brackets, and leaves the judgement of the query to the server.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    |(?P<number>0[xX][0-9a-fA-F]+|(?:\d+(?:ms|[smhdwy]))+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
    |(?P<braces>\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[^}"'`])*\})
    |(?P<window>\[[^\]]*\])
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = frozenset({"and", "or", "unless", "atan2", "bool", "inf", "nan", "offset", "default"})
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


@dataclass(frozen=True, slots=True)
class Selector:
    """`text`: name and labels as written. `offset_s`: how far before the time of the query it looks, seconds."""

    text: str
    offset_s: float


@dataclass(frozen=True, slots=True)
class Selection:
    """All that a query reads. `window_s`: how old a sample can be that still counts, by its windows added up, 0 where
    it has none."""

    selectors: tuple[Selector, ...]
    window_s: float


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def word(self) -> str:
        """The word in small letters, "" for what is none."""
        return self.text.lower() if self.kind == "word" else ""


_END = _Token("end", "")


def selection(query: str) -> Selection:
    """What the query reads; what is pinned to a moment with `@` is left out, since its age means nothing."""
    tokens = _tokens(query)
    found: dict[Selector, None] = {}
    at = 0
    while at < len(tokens):
        token, following = tokens[at], tokens[at + 1] if at + 1 < len(tokens) else _END
        if token.word in _LISTS and following.text == "(":
            at = _closing(tokens, at + 1) + 1
            continue
        if _starts_selector(token, following):
            named = token.kind == "word" and following.kind == "braces"
            at += 2 if named else 1
            selector, at = _modified(token.text + (following.text if named else ""), tokens, at)
            if selector is not None:
                found[selector] = None
            continue
        at += 1
    windows = [token.text[1:-1].split(":")[0] for token in tokens if token.kind == "window"]
    return Selection(tuple(found), sum(seconds(window.strip()) for window in windows))


def seconds(duration: str) -> float:
    """A duration as PromQL writes it (`1h30m`, or a plain number of seconds); 0 for what is none."""
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    if parts:
        return sum(int(count) * _UNITS_S[unit] for count, unit in parts)
    try:
        return float(duration)
    except ValueError:
        return 0.0


def _tokens(query: str) -> list[_Token]:
    tokens = (_Token(str(match.lastgroup), match.group()) for match in _TOKEN.finditer(query))
    return [token for token in tokens if token.kind != "space"]


def _starts_selector(token: _Token, following: _Token) -> bool:
    if token.kind == "braces":
        return True
    is_call = following.text == "(" or following.word in ("by", "without")
    return token.kind == "word" and not is_call and token.word not in _OPERATORS | _LISTS


def _closing(tokens: list[_Token], at: int) -> int:
    """Index of the bracket that ends the list which opens at `at`: lists of labels are flat."""
    return next((n for n in range(at, len(tokens)) if tokens[n].text == ")"), len(tokens) - 1)


def _modified(text: str, tokens: list[_Token], at: int) -> tuple[Selector | None, int]:
    """The selector with what follows it (window, offset, `@`), and the index behind that."""
    offset_s, pinned = 0.0, False
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "window":
            at += 1
        elif token.word == "offset":
            back = at + 1 < len(tokens) and tokens[at + 1].text == "-"
            at += 2 if back else 1
            amount = seconds(tokens[at].text) if at < len(tokens) else 0.0
            offset_s += -amount if back else amount
            at += 1
        elif token.text == "@":
            pinned, at = True, at + 2
        else:
            break
    return (None if pinned else Selector(text, offset_s)), at
