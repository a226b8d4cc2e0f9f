"""One query, asked together with one about its samples; or one after the other where a server takes them only so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autoscaler.adapters.prometheus.aged import Series, split, with_samples
from autoscaler.ports.errors import Invalid

Said = tuple[list[Series], tuple[str, ...]]
"""Series, and the server's warnings."""


@dataclass(frozen=True, slots=True)
class Result:
    """`values`: series of the query. `samples`: series about its samples, none where there is no query about them.
    `problem`: why they are not known, else None."""

    values: list[Series]
    samples: list[Series]
    warnings: tuple[str, ...]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """`samples`: the query about the samples behind `query`, None where there is nothing to ask."""

    query: str
    samples: str | None

    def put(self, ask: Callable[[str], Said]) -> Result:
        """What `ask` answers. A query that `ask` refuses as `Invalid` is refused in the words of the server about the
        query as it was written: what cannot stand beside another (a scalar) is asked apart from it."""
        if self.samples is None:
            values, warnings = ask(self.query)
            return Result(values, [], warnings)
        try:
            series, warnings = ask(with_samples(self.query, self.samples))
        except Invalid:
            return self._apart(ask, self.samples)
        values, samples = split(series)
        return Result(values, samples, warnings)

    def _apart(self, ask: Callable[[str], Said], about: str) -> Result:
        values, warnings = ask(self.query)
        try:
            samples, _ = ask(about)
        except Invalid as error:
            problem = f"the age of its samples is unknown, so that an old one counts as new: {error}"
            return Result(values, [], warnings, problem)
        return Result(values, samples, warnings)
