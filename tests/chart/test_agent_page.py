"""What the page of the node agent says is there: metrics as the agent has them, values as the chart has them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from autoscaler.agent import names

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "agent.md").read_text()
VALUES = YAML(typ="safe", pure=True).load((ROOT / "helm" / "values.yaml").read_text())


def test_every_metric_of_the_agent_is_on_its_page_as_the_agent_tells_it() -> None:
    expected = [
        f"| `{one.text}` | {', '.join(f'`{label}`' for label in one.labels)} | {one.help} |" for one in names.ALL
    ]
    told = PAGE[PAGE.index("\n## Metrics") : PAGE.index("\n### Beside DCGM")].splitlines()
    assert [line for line in told if re.match(r"\| `(gpu_autoscaler|DCGM)_", line)] == expected


def test_every_value_that_the_page_names_is_one() -> None:
    said = set(re.findall(r"`((?:agent|monitoring|networkPolicy)\.[A-Za-z.]+)", PAGE))
    assert len(said) > 8
    assert {path for path in said if not _is_there(path)} == set()


def _is_there(path: str) -> bool:
    value: Any = VALUES
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True
