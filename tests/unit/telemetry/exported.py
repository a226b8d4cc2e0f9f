"""A live loop with its metrics, as a scrape finds them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.telemetry.metrics import LoopMetrics
from autoscaler.telemetry.targets import LoopTargets
from tests.stepped_clock import SteppedClock
from tests.unit.controller.live import Live, Town

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
STEADY = [4.0] * 100


def series(metrics: LoopMetrics) -> Series:
    """By name, and labels in their order."""
    text = generate_latest(metrics.registry).decode()
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    assert len({(sample.name, str(sample.labels)) for sample in found}) == len(found)
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in found}


class Exported:
    """The loop and its metrics; names without our prefix."""

    def __init__(self, folder: Path, demand: dict[str, Sequence[float]] | None = None) -> None:
        self.metrics = LoopMetrics()
        clock = SteppedClock()
        targets = LoopTargets(clock, 240.0, lambda _: None)
        self.metrics.registry.register(targets)
        town = Town(demand or {"chat": STEADY}, clock)
        self.live = Live(folder, outlets=(self.metrics, targets), town=town)

    def get(self, name: str, **labels: str) -> float | None:
        """None where there is no such series."""
        return series(self.metrics).get((f"gpu_autoscaler_{name}", tuple(sorted(labels.items()))))

    def value(self, name: str, **labels: str) -> float:
        """Of a series that there must be."""
        found = self.get(name, **labels)
        assert found is not None, (name, labels)
        return found
