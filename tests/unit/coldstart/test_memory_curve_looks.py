"""Looks that come late, out of order, with gaps, with holes or by a clock that steps: stages stay right or untold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.coldstart.memory_curve import MemoryCurve
from autoscaler.coldstart.memory_growth import MOST_RUNS
from autoscaler.coldstart.memory_sample import MemorySample, StageSpan
from autoscaler.domain.lead_time import Stage
from simulations.gpu.curves import GB, Curve, Manner, Piece, Rates, curve, serving
from tests.unit.coldstart.curve_looks import ALL, BUS, EPOCH_S, HOST, look, off_s, watch

LOAD = curve(Manner.STREAMED, Rates(40 * GB, 2 * GB))
MOST_OFF_S = 1.0
TOLD = st.sampled_from([ALL, (BUS,), HOST, ()])


@st.composite
def loads(draw: st.DrawFn, *manners: Manner) -> Curve:
    """Of random size and rates. From 0.5 GB/s on; below, a first burst is not told from the rest of a context."""
    rates = Rates(
        weights_bytes=draw(st.floats(2, 70)) * GB,
        storage_bytes_s=draw(st.floats(0.5, 7)) * GB,
        bus_bytes_s=draw(st.floats(3, 55)) * GB,
        imports_s=draw(st.floats(2, 15)),
        context_s=draw(st.floats(0.2, 0.8)),
        context_bytes=draw(st.floats(0.35, 0.55)) * GB,
        rest_s=draw(st.floats(3, 60)),
        cache_bytes=draw(st.floats(20, 60)) * GB,
    )
    return curve(draw(st.sampled_from(manners)), rates, draw(st.integers(0, 1_000)))


def moments(load: Curve, late_s: float, first_s: float, seed: int) -> list[float]:
    return list(load.looks(late_s=late_s, first_s=first_s, seed=seed))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(loads(Manner.EAGER, Manner.STREAMED), st.floats(0, 0.25), st.floats(0, 1), st.integers(0, 99), TOLD)
def test_even_loads_are_told_to_a_second_at_any_rate(
    load: Curve, late_s: float, first_s: float, seed: int, told: tuple[str, ...]
) -> None:
    watched = watch(load, told, moments(load, late_s, first_s, seed))
    for stage in watched.spans.keys() - {Stage.WEIGHTS}:
        assert off_s(watched, load, stage) <= MOST_OFF_S, (load.label, stage)
    assert {Stage.CUDA, Stage.TRANSFER} <= watched.spans.keys()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(loads(*Manner), st.floats(0, 0.5), st.integers(0, 99), st.floats(0, 0.6))
def test_what_was_told_stays(load: Curve, late_s: float, seed: int, hidden: float) -> None:
    """Whatever looks are missing, and whatever they leave out."""
    random = np.random.default_rng(seed)

    def with_holes(sample: MemorySample) -> MemorySample:
        bytes_, bus, sm, resident, read = random.uniform(size=5) >= hidden
        return MemorySample(
            sample.at_s,
            sample.steady_s,
            sample.gpu_bytes if bytes_ else None,
            sample.received_bytes_s if bus else None,
            sample.sm_share if sm else None,
            sample.resident_bytes if resident else None,
            sample.read_bytes if read else None,
        )

    kept = [after_s for after_s in moments(load, late_s, 0.0, seed) if random.uniform() >= hidden / 2]
    told: dict[Stage, StageSpan] = {}
    for spans in watch(load, ALL, kept, with_holes).told:
        for span in spans:
            before = told.get(span.stage)
            assert before is None or before.from_s == span.from_s
            assert before is None or before.until_s is None
            assert span.from_s is None or span.until_s is None or span.from_s <= span.until_s
            told[span.stage] = span


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.floats(0, 1), TOLD)
def test_inference_is_no_stage_whenever_it_is_looked_at(seed: int, first_s: float, told: tuple[str, ...]) -> None:
    serves = serving(seconds=200, seed=seed)
    assert watch(serves, told, serves.looks(late_s=0.3, first_s=1 + first_s, seed=seed)).spans == {}


@pytest.mark.parametrize("step_s", [-3_600.0, -2.0, 2.0, 3_600.0])
@pytest.mark.parametrize("after_s", [8.2, 15.0, 25.0])
def test_a_clock_that_steps_changes_no_duration(step_s: float, after_s: float) -> None:
    """All times are by the clock as it is in the end; a stage is not longer for a step within it."""

    def stepped(sample: MemorySample) -> MemorySample:
        return replace(sample, at_s=sample.at_s + step_s) if sample.at_s - EPOCH_S > after_s else sample

    span = watch(LOAD, through=stepped).spans[Stage.TRANSFER]
    assert span.from_s is not None
    assert span.until_s is not None
    from_s, until_s = LOAD.truth[Stage.TRANSFER]
    assert span.until_s == pytest.approx(until_s + step_s, abs=MOST_OFF_S)
    assert span.until_s - span.from_s == pytest.approx(until_s - from_s, abs=MOST_OFF_S)


def test_looks_that_come_again_or_out_of_order_say_nothing() -> None:
    once, twice = watch(LOAD), MemoryCurve()
    for after_s in LOAD.looks():
        twice.add(look(LOAD, after_s))
        assert twice.add(look(LOAD, after_s)) == ()
        assert twice.add(look(LOAD, max(0.0, after_s - 1.5))) == ()
    assert twice.spans == once.curve.spans


@pytest.mark.parametrize("edge", [0, 1], ids=["begin", "end"])
def test_an_edge_in_a_gap_is_told_with_its_doubt(edge: int) -> None:
    at_s = LOAD.truth[Stage.TRANSFER][edge]
    kept = [after_s for after_s in LOAD.looks() if abs(after_s - at_s) > 4]
    watched = watch(LOAD, moments=kept)
    span = watched.spans[Stage.TRANSFER]
    assert not span.is_sure
    assert off_s(watched, LOAD, Stage.TRANSFER) <= span.within_s


def test_a_gap_within_a_load_changes_nothing() -> None:
    from_s, until_s = LOAD.truth[Stage.TRANSFER]
    watched = watch(LOAD, moments=[after_s for after_s in LOAD.looks() if not from_s + 5 < after_s < until_s - 5])
    assert watched.spans[Stage.TRANSFER].is_sure
    assert off_s(watched, LOAD, Stage.TRANSFER) <= MOST_OFF_S


def test_memory_that_is_told_every_other_time_is_enough() -> None:
    def half(sample: MemorySample) -> MemorySample:
        return sample if int(sample.steady_s) % 2 else replace(sample, gpu_bytes=None)

    watched = watch(LOAD, through=half)
    for stage in (Stage.CUDA, Stage.TRANSFER):
        assert off_s(watched, LOAD, stage) <= 2 * MOST_OFF_S


def test_memory_that_nobody_tells_is_no_stage() -> None:
    def nothing(sample: MemorySample) -> MemorySample:
        return replace(sample, gpu_bytes=None)

    assert watch(LOAD, through=nothing).spans == {}


def test_runs_are_bounded_however_long_it_goes_on() -> None:
    bursts = [Piece(2.0), Piece(0.4, 0.45 * GB), Piece(2.0)] + 1_000 * [Piece(1.5, 0.3 * GB, 0.3 * GB), Piece(2.5)]
    load, watched = Curve("generated, bursts", bursts, {}), MemoryCurve()
    from_s = 0.0
    for after_s in load.looks():
        for span in watched.add(look(load, after_s)):
            from_s = (span.from_s or 0.0) - EPOCH_S if span.stage is Stage.TRANSFER else from_s
        assert len(watched._growth.runs) <= MOST_RUNS
    assert from_s == pytest.approx(4.4, abs=MOST_OFF_S)
