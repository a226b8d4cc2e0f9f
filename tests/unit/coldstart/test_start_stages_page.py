"""What docs/start-stages.md has for copying is read as it says."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.coldstart.advice import ADVICE
from autoscaler.coldstart.published import STAMP, read_stamps
from autoscaler.domain.lead_time import Stage, StartPath
from autoscaler.domain.stamp import Witness

PAGE = (Path(__file__).parents[3] / "docs" / "start-stages.md").read_text(encoding="utf-8")
SCRAPE = {"namespace": "inference", "pod": "chat-0"}


def block(first: str) -> str:
    """The indented block that begins with this line."""
    found = re.search(rf"(?m)^    {re.escape(first)}\n(?:(?:    .*)?\n)*", PAGE)
    assert found is not None
    return textwrap.dedent(found[0])


def scraped(text: str) -> list[dict[str, Any]]:
    """As Prometheus answers it, with the labels of the scrape."""
    return [
        {"metric": SCRAPE | sample.labels | {"__name__": sample.name}, "value": [0.0, str(sample.value)]}
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == STAMP
    ]


def test_the_python_example_stamps_what_it_says() -> None:
    source = block("import os")
    assert "start_http_server(9400)" in source
    there: dict[str, Any] = {}
    try:
        exec(compile(source.replace("start_http_server(9400)", ""), "start-stages.md", "exec"), there)
        stamps = read_stamps(scraped(generate_latest(REGISTRY).decode()))
    finally:
        REGISTRY.unregister(there["STAMP"])
    assert [stamp.stage for stamp in stamps] == [Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER]
    assert {(stamp.pod, stamp.model_format, stamp.witness) for stamp in stamps} == {
        ("inference/chat-0", "safetensors", Witness.PROCESS)
    }
    assert all(stamp.from_s is not None and stamp.until_s is not None for stamp in stamps)


def test_the_text_example_is_read() -> None:
    weights, transfer = read_stamps(scraped(block(f"# TYPE {STAMP} gauge")))
    assert (weights.from_s, weights.until_s) == (1764087600.25, 1764087603.5)
    assert weights.path is StartPath.WEIGHTS_PRESENT
    assert (transfer.stage, transfer.from_s, transfer.until_s) == (Stage.TRANSFER, None, 1764087611.75)


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_is_in_the_table_under_the_name_that_people_see(stage: Stage) -> None:
    assert f"| `{stage.value}` | {ADVICE[stage].name} |" in PAGE
