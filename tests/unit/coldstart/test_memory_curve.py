"""Stages of a start from the memory of a process: each kind of loader at each size to a second, and nothing beside.

All curves are generated from stated rates (simulations/gpu/curves.py); none was recorded on a GPU.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from autoscaler.coldstart.memory_curve import MemoryCurve
from autoscaler.coldstart.memory_sample import MemorySample, Phase
from autoscaler.domain.lead_time import Stage
from simulations.gpu.curves import GB, Curve, Manner, Piece, Rates, curve, idle, serving
from tests.unit.coldstart.curve_looks import ALL, BUS, EPOCH_S, HOST, look, off_s, watch

SIZES = ((2, 1), (14, 1), (14, 2), (35, 1), (35, 4), (140, 2), (140, 4), (140, 8))
STORAGES, BUSES = (1.0, 2.0, 6.0), (12.0, 50.0)
STARTS = [
    pytest.param(manner, size, gpus, id=f"{manner}-{size}GB-{gpus}") for manner, (size, gpus) in product(Manner, SIZES)
]
MOST_OFF_S = 1.0


def loads(manner: Manner, size: int, gpus: int) -> list[Curve]:
    """Of that size over so many GPUs, at each storage and bus, with a short rest before the cache and a long one."""
    share = size * GB / gpus
    cache = max(10 * GB, 75 * GB - share)
    return [
        curve(manner, Rates(share, storage * GB, bus * GB, rest_s=rest_s, cache_bytes=cache), seed=int(storage + bus))
        for storage, bus, rest_s in product(STORAGES, BUSES, (3.0, 40.0))
    ]


@pytest.mark.parametrize(("manner", "size", "gpus"), STARTS)
def test_each_stage_is_told_to_a_second(manner: Manner, size: int, gpus: int) -> None:
    for number, load in enumerate(loads(manner, size, gpus)):
        watched = watch(load, moments=load.looks(late_s=0.25, first_s=0.07 * number, seed=number))
        assert set(watched.spans) == {Stage.CUDA, Stage.TRANSFER, Stage.WEIGHTS}, load.label
        for stage in load.truth:
            assert off_s(watched, load, stage) <= MOST_OFF_S, (load.label, stage)


@pytest.mark.parametrize("fields", [(), (BUS,), HOST], ids=["memory", "bus", "host"])
@pytest.mark.parametrize(("manner", "size", "gpus"), STARTS)
def test_with_little_told_what_is_sure_is_right(manner: Manner, size: int, gpus: int, fields: tuple[str, ...]) -> None:
    for number, load in enumerate(loads(manner, size, gpus)):
        spans = watch(load, fields, load.looks(late_s=0.2, first_s=0.05 * number, seed=number))
        assert off_s(spans, load, Stage.CUDA) <= MOST_OFF_S, load.label
        for stage in {stage for stage, span in spans.spans.items() if span.is_sure and span.until_s is not None}:
            assert off_s(spans, load, stage) <= MOST_OFF_S, (load.label, stage)


@pytest.mark.parametrize("manner", [Manner.EAGER, Manner.STREAMED])
def test_memory_alone_tells_a_load_that_lasts(manner: Manner) -> None:
    load = curve(manner, Rates(70 * GB, 2 * GB, 6 * GB))
    watched = watch(load, fields=())
    assert watched.spans[Stage.TRANSFER].is_sure
    assert off_s(watched, load, Stage.TRANSFER) <= MOST_OFF_S
    assert Stage.WEIGHTS not in watched.spans


def test_a_copy_within_one_look_is_told_to_that_look_and_is_not_sure_from_memory_alone() -> None:
    load = curve(Manner.EAGER, Rates(14 * GB, bus_bytes_s=50 * GB))
    from_memory, from_all = watch(load, fields=()), watch(load)
    assert off_s(from_memory, load, Stage.TRANSFER) <= 1.0
    assert not from_memory.spans[Stage.TRANSFER].is_sure  # the allocation of weights that are copied later looks so too
    assert from_all.spans[Stage.TRANSFER].is_sure  # the host's memory had held them
    assert from_all.spans[Stage.TRANSFER].within_s <= 0.75


def test_weights_allocated_empty_are_transferred_while_the_bus_is_busy() -> None:
    load = curve(Manner.INTO_EMPTY, Rates(60 * GB, 2 * GB, 25 * GB))
    assert off_s(watch(load, (BUS,)), load, Stage.TRANSFER) <= MOST_OFF_S
    blind = watch(load, fields=()).spans.get(Stage.TRANSFER)
    assert blind is None or not blind.is_sure


def test_a_stage_is_announced_while_it_lasts() -> None:
    """So that a load that is stuck shows."""
    load = curve(Manner.STREAMED, Rates(60 * GB, 1 * GB))
    from_s, _ = load.truth[Stage.TRANSFER]
    watched = watch(load, moments=[float(second) for second in range(int(from_s) + 9)])
    span = watched.spans[Stage.TRANSFER]
    assert span.until_s is None
    assert span.from_s == pytest.approx(from_s, abs=MOST_OFF_S)
    reads = watched.spans[Stage.WEIGHTS]  # what it is stuck in, where storage hangs
    assert reads.until_s is None
    assert reads.from_s == pytest.approx(from_s, abs=MOST_OFF_S)
    assert watched.curve.phase is Phase.LOADING


def test_idle_has_a_context_and_no_transfer() -> None:
    rests = idle()
    watched = watch(rests)
    assert set(watched.spans) == {Stage.CUDA}
    assert off_s(watched, rests, Stage.CUDA) <= MOST_OFF_S
    assert watched.curve.phase is Phase.IDLE


@pytest.mark.parametrize("fields", [ALL, (BUS,), HOST, ()], ids=["all", "bus", "host", "memory"])
@pytest.mark.parametrize("seed", range(5))
def test_inference_load_is_no_stage(fields: tuple[str, ...], seed: int) -> None:
    serves = serving(seed=seed)
    watched = watch(serves, fields, serves.looks(late_s=0.3, first_s=1.0, seed=seed))
    assert watched.spans == {}
    assert watched.curve.phase is not Phase.LOADING


def test_what_comes_after_the_load_changes_nothing() -> None:
    """Inference, and a model that is put to sleep and loaded again."""
    load = curve(Manner.STREAMED, Rates(20 * GB))
    watched = watch(load)
    before, last = watched.curve.spans, look(load, load.seconds)
    held = last.gpu_bytes or 0
    for second in range(1, 300):
        gpu_bytes = (
            2 * GB if 100 <= second < 150 else held - 18 * GB * max(0.0, 1 - (second - 150) / 20) * (second >= 150)
        )
        at = replace(last, at_s=last.at_s + second, steady_s=last.steady_s + second, gpu_bytes=int(gpu_bytes))
        assert watched.curve.add(replace(at, received_bytes_s=1 * GB)) == ()
    assert watched.curve.spans == before


def test_phases_follow_one_another() -> None:
    load = curve(Manner.STREAMED, Rates(20 * GB))
    curve_ = MemoryCurve()
    seen: list[Phase] = []
    for after_s in load.looks():
        curve_.add(look(load, after_s))
        if curve_.phase not in seen[-1:]:
            seen.append(curve_.phase)
    assert [seen[0], seen[-1]] == [Phase.ABSENT, Phase.IDLE]
    assert seen.index(Phase.CONTEXT) < seen.index(Phase.LOADING) < seen.index(Phase.WARMING)
    end = look(load, load.seconds)
    for second in range(20):
        curve_.add(replace(end, steady_s=end.steady_s + 1 + second, sm_share=0.7))
    assert curve_.phase is Phase.SERVING


def test_a_process_that_dies_while_it_loads_has_no_end_of_the_transfer() -> None:
    load = curve(Manner.STREAMED, Rates(60 * GB, 1 * GB))
    dies_s = load.truth[Stage.TRANSFER][0] + 20

    def dying(sample: MemorySample) -> MemorySample:
        return replace(sample, gpu_bytes=0) if sample.at_s - EPOCH_S > dies_s else sample

    span = watch(load, through=dying).spans[Stage.TRANSFER]
    assert span.from_s is not None
    assert span.until_s is None


def test_of_a_load_that_was_going_on_at_the_first_look_the_end_alone_is_told() -> None:
    load = curve(Manner.STREAMED, Rates(60 * GB, 2 * GB))
    from_s, until_s = load.truth[Stage.TRANSFER]
    watched = watch(load, moments=load.looks(first_s=from_s + 10))
    assert Stage.CUDA not in watched.spans
    span = watched.spans[Stage.TRANSFER]
    assert span.from_s is None
    assert span.until_s == pytest.approx(until_s, abs=MOST_OFF_S)


def test_a_fresh_process_had_no_memory_when_it_began() -> None:
    load = Curve("generated", [Piece(0.4, 0.45 * GB), Piece(1.0), Piece(10, 20 * GB, 20 * GB), Piece(60)], {})
    assert Stage.CUDA in watch(load, moments=load.looks(first_s=0.9), began_s=EPOCH_S).spans
    assert Stage.CUDA not in watch(load, moments=load.looks(first_s=0.9)).spans


def test_small_buffers_are_no_transfer() -> None:
    pieces = [
        Piece(2),
        Piece(0.4, 0.45 * GB),
        Piece(4),
        Piece(0.05, 0.4 * GB),
        Piece(30),
        Piece(5, 0.2 * GB),
        Piece(99),
    ]
    assert set(watch(Curve("generated", pieces, {})).spans) == {Stage.CUDA}


def test_what_grows_faster_than_a_bus_or_beside_an_idle_one_is_no_transfer() -> None:
    start = [Piece(2), Piece(0.4, 0.45 * GB), Piece(3)]
    at_once = Curve("generated", [*start, Piece(0.05, 75 * GB), Piece(60)], {})
    beside = Curve("generated", [*start, Piece(20, 20 * GB), Piece(60)], {})
    assert Stage.TRANSFER not in watch(at_once, fields=()).spans
    assert Stage.TRANSFER not in watch(beside, (BUS,)).spans
    assert Stage.TRANSFER in watch(beside, fields=()).spans


def test_a_host_that_reads_through_the_rests_says_that_the_load_goes_on() -> None:
    loads_ = [curve(Manner.MAPPED, Rates(40 * GB, 6 * GB), seed) for seed in range(12)]
    watched = [watch(load, HOST) for load in loads_]
    assert max(map(off_s, watched, loads_, [Stage.TRANSFER] * 12)) <= MOST_OFF_S
    assert sum(one.spans[Stage.TRANSFER].is_sure for one in watched) >= 9  # some rests lie between two looks


@pytest.mark.parametrize("fields", [ALL, ()], ids=["all", "memory"])
def test_memory_that_grows_unevenly_at_the_first_looks_is_inference(fields: tuple[str, ...]) -> None:
    steps = [Piece(1, size * GB, sm_share=0.8) for size in (30, 0.2, 0.7, 0.1, 0.9, 0.1, 0.6)]
    serves = Curve("generated", [*steps, Piece(60, sm_share=0.8)], {})
    assert watch(serves, fields, serves.looks(first_s=1.0)).spans == {}


def test_an_even_load_after_the_rest_of_a_context_is_told_to_less_than_a_look() -> None:
    """A line says when it began, and what the context still grew is not on it."""
    rates = Rates(44 * GB, 7 * GB, imports_s=2, context_s=0.5, context_bytes=0.4 * GB, rest_s=15, cache_bytes=60 * GB)
    load = curve(Manner.STREAMED, rates)
    assert off_s(watch(load, (), load.looks(first_s=0.4)), load, Stage.TRANSFER) <= 0.05
