"""The files that are made of what is declared here: `python -m autoscaler.telemetry.generated` in a checkout writes
them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autoscaler.telemetry.dashboard import dashboard_file
from autoscaler.telemetry.reference import reference
from autoscaler.telemetry.rules import rule_file


def generated() -> Mapping[str, str]:
    """Texts by path in a checkout."""
    return {
        "docs/metrics.md": reference(),
        "helm/dashboards/gpu-autoscaler.json": dashboard_file(),
        "helm/rules/gpu-autoscaler.yaml": rule_file(),
    }


if __name__ == "__main__":
    for path, text in generated().items():
        Path(path).write_text(text)
