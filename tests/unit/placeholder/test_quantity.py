"""Quantities are read as Kubernetes reads them, and written as its API server stores them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from autoscaler.placeholder.quantity import ONE, billionths, written

SUFFIXES = ("n", "u", "m", "", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "e3", "E-2", "e+1")
NUMBERS = st.decimals(min_value=0, max_value=10**6, places=3, allow_nan=False).map(str)


@given(NUMBERS, st.sampled_from(SUFFIXES))
def test_read_like_the_kubernetes_client_and_rounded_up_to_billionths(number: str, suffix: str) -> None:
    exact = Decimal(parse_quantity(number + suffix)) * ONE  # type: ignore[no-untyped-call]
    assert 0 <= billionths(number + suffix) - exact < 1


@given(st.integers(0, 10**24), st.sampled_from(["cpu", "memory", "hugepages-2Mi", "nvidia.com/gpu"]))
def test_written_quantities_say_at_least_as_much_and_are_stable(amount: int, resource: str) -> None:
    text = written(resource, amount)
    again = billionths(text)
    assert 0 <= again - amount < (ONE // 1000 if resource == "cpu" else ONE)
    assert written(resource, again) == text


@pytest.mark.parametrize(
    ("resource", "quantity", "stored"),
    [
        ("cpu", "0.5", "500m"),
        ("cpu", "1500m", "1500m"),
        ("cpu", "4000m", "4"),
        ("cpu", "0.0001", "1m"),
        ("cpu", "2000", "2k"),
        ("memory", "1.5Gi", "1536Mi"),
        ("memory", "16G", "15625000Ki"),
        ("memory", "1000000007", "1000000007"),
        ("memory", "100m", "1"),
        ("nvidia.com/gpu", "8", "8"),
        ("nvidia.com/gpu", "1e3", "1k"),
        ("ephemeral-storage", "1Ti", "1Ti"),
        ("memory", "0", "0"),
    ],
)
def test_stored_form(resource: str, quantity: str, stored: str) -> None:
    assert written(resource, billionths(quantity)) == stored


@pytest.mark.parametrize(
    "text",
    ["", "Gi", "1 Gi", "1ki", "1mi", "0x10", "1_000", "NaN", "Infinity", "1e1000", "--1", "1.2.3", "٣", "1" * 101],
)
def test_what_kubernetes_does_not_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        billionths(text)


def test_numbers_of_a_yaml_file_are_quantities_and_truth_values_are_not() -> None:
    assert billionths(2) == 2 * ONE
    assert billionths(0.5) == ONE // 2
    with pytest.raises(ValueError, match="is not a quantity"):
        billionths(True)


def test_exa_is_no_exponent_and_there_is_a_largest() -> None:
    assert billionths("1E") == 10**18 * ONE
    assert billionths("1E2") == 100 * ONE
    assert billionths("9E") == billionths("9e18")
    assert billionths("100E") == (2**63 - 1) * ONE
