"""The durable record as text: sealed, so that a cut, an edit or another form is noticed and never half believed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def seal(content: Mapping[str, object], form: int, most_bytes: int) -> str:
    """The content as JSON beside the number of its form and its digest.

    Raises ValueError where the content is not JSON (not a number included), or the text is longer than `most_bytes`.
    """
    try:
        inner = _canonical(dict(content))
    except (TypeError, ValueError) as error:
        raise ValueError(f"the content is not JSON: {error}") from error
    text = f'{{"form":{form},"sha256":"{_digest(inner)}","content":{inner}}}'
    if len(text.encode()) > most_bytes:
        raise ValueError(f"the record is {len(text.encode()):,} bytes long, {most_bytes:,} are allowed")
    return text


def unseal(text: str, form: int) -> dict[str, object]:
    """What was sealed. Raises ValueError with the reason where it is not that."""
    try:
        sealed = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error}): cut off, or not ours") from error
    if not isinstance(sealed, dict) or not {"form", "sha256", "content"} <= sealed.keys():
        raise ValueError("it has no seal: not ours")
    if sealed["form"] != form:
        raise ValueError(f"it is in form {sealed['form']!r}, and this program reads form {form}")
    content = sealed["content"]
    if not isinstance(content, dict) or _digest(_canonical(content)) != sealed["sha256"]:
        raise ValueError("its content is not what was sealed: edited, or half written")
    return content


def _canonical(content: dict[str, object]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if json.loads(text) != content:
        raise ValueError("a tuple, or a key that is not text, would come back as something else")
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
