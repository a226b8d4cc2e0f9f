"""Verdicts: what a check says of one expectation or invariant."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of a check.

    name: of the expectation or invariant. holds: whether it does. what: the figure, policy and strategy in words.
    figure: what came out, NaN where nothing did; bound: what was wanted, in words. at_s: when it failed first, seconds
    from the start of the replay, NaN where it did not. guards: the part that makes it hold, empty for none; `invariant`
    for what holds in every scenario.
    """

    name: str
    holds: bool
    what: str
    figure: float
    bound: str
    at_s: float = math.nan
    guards: str = ""

    def to_dict(self) -> dict[str, object]:
        """Fields in order, ready for JSON: a number that is not finite becomes None."""
        fields = dataclasses.asdict(self)
        return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()}


INVARIANT = "invariant"
