"""Golden manifests: what is made of a live pod, to the letter, for a person to review.

Above the line `---` stand the pool, the pods (several make a gang) and what is around them, below it the placeholders.
After a change that is meant: `RENEW_GOLDEN=1 "$(scripts/setup)/bin/python" -m pytest tests/unit/placeholder`, then read
the difference.
"""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from autoscaler.placeholder.constraints import Surroundings, values_of
from autoscaler.placeholder.manifest import Seat, gang, placeholder
from autoscaler.placeholder.neighbour import exclusive_topology
from autoscaler.placeholder.pin import pin
from autoscaler.placeholder.refusal import Refusal
from autoscaler.placeholder.shape import shape
from autoscaler.policy.pool import GpuPool
from tests.unit.placeholder.objects import HOUSE, OWNER, SEAT, node, peer

CASES = sorted((Path(__file__).parent / "golden").glob("*.yaml"))
RENEW = os.environ.get("RENEW_GOLDEN") == "1"


def told(case: dict[str, Any]) -> str:
    """The placeholders of a case, or the refusal, as YAML documents."""
    pool = pin(case["pool"]["name"], GpuPool.model_validate(case["pool"]["spec"]))
    peers = (peer(p["labels"], node("n", p["node"])) for p in case.get("peers", ()))
    around = Surroundings(tuple(case.get("volumes", ())), tuple(peers))
    found = [shape(pod, pool, around) for pod in case["pods"]]
    refused = [{"refused": {"cause": f.cause.value, "reason": f.reason}} for f in found if isinstance(f, Refusal)]
    shapes = [f for f in found if not isinstance(f, Refusal)]
    seat = Seat("chat", pool.pool, case["slot"], OWNER, SEAT.expires)
    if refused:
        return written(refused)
    if len(shapes) == 1:
        return written([placeholder(shapes[0], seat, HOUSE)])
    key = exclusive_topology(case["pods"][0])
    assert key is not None
    assert key == case["exclusive"]
    return written(list(gang(shapes, seat, HOUSE, (key, values_of(key, shapes[0].constraints, ())[0]))))


def written(documents: list[dict[str, Any]]) -> str:
    yaml, text = YAML(typ="safe"), StringIO()
    yaml.default_flow_style, yaml.width = False, 120
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.representer.ignore_aliases = lambda _: True
    yaml.dump_all(documents, text)
    return text.getvalue()


def test_there_are_cases() -> None:
    assert len(CASES) >= 6


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_case_gives_its_manifests(file: Path) -> None:
    given, _, wanted = file.read_text().partition("\n---\n")
    assert given.startswith("# ")
    found = told(YAML(typ="safe").load(given))
    if RENEW and found != wanted:
        file.write_text(f"{given.rstrip()}\n---\n{found}")
        pytest.fail(f"{file.name} is renewed: read the difference, and run again without RENEW_GOLDEN")
    assert found == wanted
