"""What the stand-in is told at its start, as a JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.cluster import intervals
from tests.cluster.api import Json

NAMESPACE = "ca"
CUTOFF = -10  # pods of lower priority are expendable: neither helped nor in the way
UTILIZATION = 0.5  # a node used less than this may go


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the API server is, the template Nodes of all groups, and the intervals in seconds.

    `bypass` leaves out both waits for the age of pods. The scheduler's verdict is waited for all the same, so that a
    pod about to preempt never buys a node."""

    port: int
    ca: str
    token: str
    templates: list[Json]
    bypass: bool = False
    scan_s: float = intervals.SCAN.tests_s
    young_pod_s: float = intervals.YOUNG_POD.tests_s
    gpu_wait_s: float = intervals.GPU_WAIT.tests_s
    unneeded_s: float = intervals.UNNEEDED.tests_s
    after_add_s: float = intervals.AFTER_ADD.tests_s
    delete_delay_s: float = intervals.DELETE_DELAY.tests_s
    unremovable_s: float = intervals.UNREMOVABLE.tests_s
    node_startup_s: float = intervals.NODE_STARTUP.tests_s
    backoff_first_s: float = intervals.BACKOFF_FIRST.tests_s
    backoff_most_s: float = intervals.BACKOFF_MOST.tests_s
    backoff_reset_s: float = intervals.BACKOFF_RESET.tests_s

    def write(self, to: Path) -> None:
        """Saves them where `read` finds them."""
        to.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, file: Path) -> Settings:
        """The settings that `write` saved. OSError, ValueError or TypeError where the file is none."""
        return cls(**json.loads(file.read_text()))
