"""Quantiles of durations of which some are known only to be longer than what was seen, and of which few are known.

The quantile is that of Kaplan and Meier (1958): each duration that ended takes its share of those that were still under
way then; one that was cut off counts among those under way until its cut, and no longer. Where too many are cut off for
the quantile to be seen, the longest duration seen stands for it: a lower bound. So a cut-off duration never lowers a
quantile. One that goes on for ever would raise it for ever, though, and it is rather a failure than a slow start: it
counts as cut off at `BELIEVED` times the longest that is known.

Few durations say little of a high quantile. They are weighed against a prior by credibility (Bühlmann 1967): with n
ended durations the weight of what was seen is n / (n + `PRIOR_COUNT`), that of the prior the rest, on the logarithms,
since lead times spread by factors. Pseudo-durations mixed in among the others would not do: three at the prior hold
the upper tenth of all until 27 have been seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import exp, log
from statistics import NormalDist
from typing import NamedTuple

PRIOR_COUNT = 3.0
"""So many durations weigh as much as the prior."""
BELIEVED = 3.0
PRIOR_SPREAD = 0.35
"""Standard deviation of the logarithm: published ranges of stages span factors of 2 to 3; so do their 10 % to 90 %."""
PRIOR_QUANTILE = 0.9
"""Which quantile a prior is given as: the one that is planned with."""
RESOLUTION_S = 1.0
"""Times in API objects are whole seconds: a shorter duration is one that is not known better."""

Quantile = Callable[[float], float]
"""Seconds for a share of 0 to 1."""


class Duration(NamedTuple):
    """Seconds that something took; `ended` False: it was cut off after so many."""

    seconds: float
    ended: bool


def quantile(durations: Iterable[Duration], share: float) -> float:
    """The shortest time within which `share` of all end, or the lower bound; NaN without any."""
    return bounded_quantile(durations, share).seconds


def bounded_quantile(durations: Iterable[Duration], share: float) -> Duration:
    """The same, and whether it was seen: `ended` False where it is the lower bound, or NaN."""
    ordered = sorted(durations, key=lambda duration: (duration.seconds, not duration.ended))
    going_on = 1.0
    for n, duration in enumerate(ordered):
        if duration.ended:
            going_on *= 1.0 - 1.0 / (len(ordered) - n)
            if 1.0 - going_on >= share - 1e-9:
                return duration
    return Duration(ordered[-1].seconds if ordered else float("nan"), ended=False)


def prior(seconds: float) -> Quantile:
    """Log-normal durations of which `PRIOR_QUANTILE` take at most so many seconds."""
    normal = NormalDist()
    middle = log(seconds) - PRIOR_SPREAD * normal.inv_cdf(PRIOR_QUANTILE)
    return lambda share: exp(middle + PRIOR_SPREAD * normal.inv_cdf(share))


def credible(durations: Sequence[Duration], before: Quantile) -> Quantile:
    """What is known after the durations, where `before` was known already; itself a prior for others."""
    ended = [duration.seconds for duration in durations if duration.ended]
    if not ended:
        return before
    most = BELIEVED * max(before(PRIOR_QUANTILE), *ended)
    cut = [Duration(min(seconds, most), is_over) for seconds, is_over in durations]
    weight = len(ended) / (len(ended) + PRIOR_COUNT)

    def after(share: float) -> float:
        seen = max(quantile(cut, share), RESOLUTION_S)
        return exp(weight * log(seen) + (1.0 - weight) * log(before(share)))

    return after
