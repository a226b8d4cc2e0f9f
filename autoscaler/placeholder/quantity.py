"""Kubernetes quantities as whole billionths, so that sums are exact.

A billionth (nano) is the finest that the API server keeps; finer numbers are rounded up, as it does.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Context, Decimal

ONE = 10**9
"""Billionths of one."""
_MILLI = ONE // 1000
_MOST = (2**63 - 1) * ONE
"""The API server caps quantities here."""
_EXACT = Context(prec=600)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_NUMBER = r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))"
_QUANTITY = re.compile(rf"{_NUMBER}(?:[eE](?P<exponent>[+-]?[0-9]{{1,2}})|(?P<suffix>[KMGTPE]i|[numkMGTPE]?))")
_BINARY_RESOURCES = ("memory", "ephemeral-storage", "hugepages-")


def billionths(quantity: str | int | float) -> int:
    """The quantity in billionths, rounded up. Raises ValueError where Kubernetes would not read it."""
    text = str(quantity)
    found = _QUANTITY.fullmatch(text)
    if found is None or isinstance(quantity, bool) or len(text) > 100:
        raise ValueError(f"{text[:100]!r} is not a quantity; Kubernetes writes 500m, 4, 16Gi or 1e3")
    suffix = found["suffix"] or ""
    if suffix in _BINARY:
        factor = Decimal(1024 ** _BINARY[suffix])
    else:
        factor = Decimal(10) ** int(found["exponent"] or _DECIMAL[suffix])
    exact = _EXACT.multiply(_EXACT.multiply(Decimal(found["number"]), factor), Decimal(ONE))
    whole = int(exact.to_integral_value(rounding=ROUND_CEILING, context=_EXACT))
    return max(min(whole, _MOST), -_MOST)


def written(resource: str, amount: int) -> str:
    """`amount` billionths in the form that the API server stores for this resource, rounded up to what it counts in:
    a thousandth for cpu, one for all others.
    """
    if resource == "cpu":
        milli = -(-amount // _MILLI)
        return f"{milli}m" if milli % 1000 else _with_suffix(milli // 1000, 1000, ("k", "M", "G", "T", "P", "E"))
    whole = -(-amount // ONE)
    if resource.startswith(_BINARY_RESOURCES) and whole % 1024 == 0:
        return _with_suffix(whole, 1024, tuple(_BINARY))
    return _with_suffix(whole, 1000, ("k", "M", "G", "T", "P", "E"))


def _with_suffix(whole: int, base: int, suffixes: tuple[str, ...]) -> str:
    power = 0
    while whole and whole % base == 0 and power < len(suffixes):
        whole, power = whole // base, power + 1
    return f"{whole}{suffixes[power - 1] if power else ''}"
