"""The seal of a record: what comes back is what was sealed, or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.record import seal, unseal

ROOMY = 1_000_000
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(st.text(), VALUES, max_size=6))
def test_what_was_sealed_comes_back(content: dict[str, object]) -> None:
    assert unseal(seal(content, 3, ROOMY), 3) == content


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=127))
def test_a_text_of_which_any_letter_is_another_is_refused_or_means_the_same(place: int, other: int) -> None:
    content: dict[str, object] = {"loop": 1.25, "owner": "chat", "orders": [1, 2, {"pool": "spot"}]}
    text = seal(content, 1, ROOMY)
    place %= len(text)
    changed = text[:place] + chr(other) + text[place + 1 :]
    try:
        assert unseal(changed, 1) == content
    except ValueError:
        assert changed != text


@pytest.mark.parametrize("kept", [0, 1, 20, 60, -1])
def test_a_cut_text_is_refused(kept: int) -> None:
    with pytest.raises(ValueError, match="cut off, or not ours"):
        unseal(seal({"a": [1, 2, 3]}, 1, ROOMY)[:kept], 1)


def test_an_edit_by_hand_is_refused_and_another_layout_of_the_same_is_not() -> None:
    sealed = json.loads(seal({"floor": 3}, 1, ROOMY))
    assert unseal(json.dumps(sealed, indent=2), 1) == {"floor": 3}
    sealed["content"]["floor"] = 30
    with pytest.raises(ValueError, match="edited, or half written"):
        unseal(json.dumps(sealed), 1)


@pytest.mark.parametrize("text", ["3", "[]", "null", '{"a": 1}'])
def test_json_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no seal"):
        unseal(text, 1)


def test_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="in form 2, and this program reads form 1"):
        unseal(seal({}, 2, ROOMY), 1)


def test_too_much_is_refused() -> None:
    with pytest.raises(ValueError, match="100 are allowed"):
        seal({"a": "x" * 100}, 1, 100)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), {1: 2}, (1, 2), {"deep": (1,)}, pytest.param(object(), id="object"), {1, 2}],
    ids=repr,
)
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        seal({"a": value}, 1, ROOMY)
