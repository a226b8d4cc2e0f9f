"""Advice: every stage has some, and it names no way that shortens nothing."""

from __future__ import annotations

import pytest

from autoscaler.coldstart.advice import ADVICE
from autoscaler.domain.lead_time import Stage


def test_every_stage_has_advice_and_a_name_of_its_own() -> None:
    assert set(ADVICE) == set(Stage)
    assert len({advice.name for advice in ADVICE.values()}) == len(Stage)


@pytest.mark.parametrize("stage", Stage)
def test_what_shortens_no_start_is_never_recommended(stage: Stage) -> None:
    advice = ADVICE[stage]
    assert advice.shorten
    assert not any(word in advice.shorten for word in ("MPS", "MIG", "unified memory"))


@pytest.mark.parametrize("stage", [Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER, Stage.LOAD])
def test_where_people_try_them_it_is_said_that_they_do_not_help(stage: Stage) -> None:
    assert all(word in ADVICE[stage].no_help for word in ("MPS", "MIG", "unified memory"))
