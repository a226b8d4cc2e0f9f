"""The metric store: whether it answers at all."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.doctor.facts import Facts, Why
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check

TOPIC = "prometheus"
SILENT = Kind(
    "PrometheusUnreachable",
    Level.ERROR,
    "The metric store does not answer from here, or not as Prometheus does.",
    "Check `--prometheus` (without /api/v1), the NetworkPolicy and DNS. From a laptop: `kubectl port-forward` to it.",
)
REFUSES = Kind(
    "PrometheusRefuses",
    Level.ERROR,
    "The metric store does not let us in.",
    "Check the token, password or certificate file, the tenant, and what the store permits them.",
)
KINDS = (SILENT, REFUSES)


def checks(facts: Facts) -> Iterator[Check]:
    """One."""
    if facts.store is None:
        yield check(TOPIC, "", ())
        return
    kind = REFUSES if facts.store.why is Why.FORBIDDEN else SILENT
    yield check(TOPIC, "", [Finding(kind, "setting prometheus", facts.store.said)])
