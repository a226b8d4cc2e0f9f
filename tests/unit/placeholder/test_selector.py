"""Selectors match as the scheduler's do, and a contradiction is named only where there is one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.selector import contradiction, matches, node_matches, selects
from tests.unit.placeholder.objects import expressions


@pytest.mark.parametrize(
    ("operator", "values", "with_5", "without"),
    [
        ("In", ["4", "5"], True, False),
        ("In", ["4"], False, False),
        ("NotIn", ["5"], False, True),
        ("NotIn", ["4"], True, True),
        ("Exists", [], True, False),
        ("DoesNotExist", [], False, True),
        ("Gt", ["4"], True, False),
        ("Gt", ["5"], False, False),
        ("Lt", ["6"], True, False),
        ("Lt", ["x"], False, False),
        ("Near", ["5"], False, False),
    ],
)
def test_operators(operator: str, values: list[str], with_5: bool, without: bool) -> None:
    requirement = {"key": "k", "operator": operator, "values": values}
    assert matches(requirement, {"k": "5"}) is with_5
    assert matches(requirement, {"other": "5"}) is without


@pytest.mark.parametrize("value", ["abc", "1_0", "1.5", "9" * 19, ""])
def test_a_value_that_is_no_number_of_64_bits_is_not_compared(value: str) -> None:
    assert not matches({"key": "k", "operator": "Gt", "values": ["1"]}, {"k": value})


def test_label_selectors() -> None:
    assert selects({}, {"a": "1"})
    assert not selects(None, {"a": "1"})
    assert selects({"matchLabels": {"a": "1"}, **expressions(("b", "DoesNotExist", []))}, {"a": "1"})
    assert not selects({"matchLabels": {"a": "1"}, **expressions(("b", "DoesNotExist", []))}, {"a": "1", "b": ""})


def test_terms_are_alternatives_and_an_empty_one_matches_nothing() -> None:
    fields = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}
    assert node_matches({}, [], {}, "n2")
    assert not node_matches({}, [{}], {}, "n2")
    assert node_matches({}, [{}, expressions(("k", "Exists", []))], {"k": "1"}, "n2")
    assert node_matches({}, [fields], {}, "n1")
    assert not node_matches({}, [fields], {}, "n2")
    assert not node_matches({"k": "2"}, [fields], {"k": "1"}, "n1")


@pytest.mark.parametrize(
    ("parts", "clash"),
    [
        pytest.param([("k", "In", ["a", "b"]), ("k", "In", ["b"])], None, id="a value in both"),
        pytest.param([("k", "In", ["a"]), ("k", "In", ["b"])], "k", id="no value in both"),
        pytest.param([("k", "In", ["a"]), ("k", "NotIn", ["a"])], "k", id="excluded"),
        pytest.param([("k", "Exists", []), ("k", "DoesNotExist", [])], "k", id="there and not there"),
        pytest.param([("k", "NotIn", ["a"]), ("k", "DoesNotExist", [])], None, id="absence is not in"),
        pytest.param([("k", "Gt", ["4"]), ("k", "Lt", ["6"])], None, id="five"),
        pytest.param([("k", "Gt", ["4"]), ("k", "Lt", ["5"])], "k", id="no whole number between"),
        pytest.param([("k", "In", ["8"]), ("k", "Gt", ["8"])], "k", id="value out of range"),
        pytest.param([("k", "In", ["a"]), ("l", "In", ["b"])], None, id="two labels"),
    ],
)
def test_contradiction(parts: list[tuple[str, str, list[str]]], clash: str | None) -> None:
    assert contradiction(expressions(*parts)["matchExpressions"]) == clash


REQUIREMENTS = st.one_of(
    st.builds(
        lambda operator, values: {"key": "k", "operator": operator, "values": values},
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from("12345"), min_size=1, max_size=3),
    ),
    st.sampled_from([{"key": "k", "operator": "Exists"}, {"key": "k", "operator": "DoesNotExist"}]),
    st.builds(
        lambda operator, bound: {"key": "k", "operator": operator, "values": [str(bound)]},
        st.sampled_from(["Gt", "Lt"]),
        st.integers(0, 6),
    ),
)


@given(st.lists(REQUIREMENTS, min_size=1, max_size=4))
def test_no_labels_meet_what_is_called_a_contradiction(requirements: list[Json]) -> None:
    candidates: list[dict[str, Any]] = [{}, *({"k": v} for v in (*"1234567890", "x", "007"))]
    met = any(all(matches(r, labels) for r in requirements) for labels in candidates)
    assert not (met and contradiction(requirements))
    named = any(r["operator"] in ("In", "DoesNotExist") for r in requirements)
    assert not named or met is (contradiction(requirements) is None)
