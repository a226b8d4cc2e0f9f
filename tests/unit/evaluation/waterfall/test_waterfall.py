"""Waterfalls: groups, the middle start, quantiles with starts that were cut off, and what a start costs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.evaluation.waterfall.segment import By
from autoscaler.evaluation.waterfall.waterfall import Track, first_to_fix, waterfalls
from tests.unit.evaluation.waterfall.seen_starts import NOW_S, known, node, replica, seen

FAILED, WAITING = StartEnd.FAILED, StartEnd.WAITING


def only(starts: Sequence[Start]) -> Track:
    """The one track of these."""
    (group,) = waterfalls(seen(starts))
    (track,) = group.tracks
    return track


def times(track: Track) -> dict[Stage, float]:
    return {stage.stage: stage.middle_s for stage in track.stages}


def test_one_start_is_its_own_waterfall() -> None:
    track = only([replica("a", 30.0, 94.0, 12.0, 35.0)])
    assert times(track) == {Stage.IMAGE: 30.0, Stage.WEIGHTS: 94.0, Stage.TRANSFER: 12.0, Stage.WARM_UP: 35.0}
    assert [track.offset_s(stage.stage) for stage in track.stages] == [0.0, 30.0, 124.0, 136.0]
    assert track.slowest.stage is Stage.WEIGHTS
    assert track.share(track.slowest) == pytest.approx(94.0 / 171.0)
    (part,) = track.parts
    assert (part.complete, part.failed, part.waiting) == (1, 0, 0)
    assert part.whole.p50 == part.whole.p90 == (171.0, True)


def test_the_node_goes_before_its_replica_and_paths_stay_apart() -> None:
    groups = {group.title: group for group in waterfalls(known())}
    assert list(groups) == ["chat, pool h100", "search, pool h100-spot"]
    cold, warm = groups["chat, pool h100"].tracks
    assert (cold.path, warm.path) == (StartPath.COLD_NODE, StartPath.WARM_NODE)
    assert [part.part for part in cold.parts] == [Part.NODE, Part.REPLICA]
    assert [stage.stage for stage in cold.stages[:4]] == [Stage.ORDERED, Stage.JOINED, Stage.NODE_READY, Stage.IMAGE]
    assert cold.offset_s(Stage.IMAGE) == pytest.approx(cold.parts[0].middle_s)
    assert [part.part for part in warm.parts] == [Part.REPLICA]


def test_stages_of_the_middle_start_add_up_where_medians_do_not() -> None:
    """A slow pull goes with quick weights and the other way round, so each whole takes 110 s."""
    track = only([replica(str(n), 10.0 + 10.0 * n, 100.0 - 10.0 * n) for n in range(10)])
    assert sum(times(track).values()) == pytest.approx(110.0)
    quick = only([replica("a", 1.0, 100.0), replica("b", 1.0, 100.0), replica("c", 90.0, 1.0), replica("d", 90.0, 1.0)])
    assert sum(stage.quantiles.p50.seconds for stage in quick.stages) == 2.0
    assert quick.parts[0].whole.p50.seconds == 91.0
    assert sum(times(quick).values()) == pytest.approx(96.0)


def test_one_start_that_hung_does_not_move_the_middle_one() -> None:
    usual = [replica(str(n), 30.0, 90.0) for n in range(7)]
    assert times(only([*usual, replica("x", 7000.0, 90.0)])) == pytest.approx(times(only(usual)))


def test_a_stage_that_some_do_not_tell_counts_with_its_share() -> None:
    """Half of the starts stamp their weights, the others tell of their whole load alone: no start took 200 s."""
    told = [replica(str(n), 0.0, 100.0) for n in range(4)]
    others = [replica(f"x{n}", 0.0, warm_up_s=100.0) for n in range(4)]
    track = only([*told, *others])
    assert track.middle_s == pytest.approx(100.0)
    assert times(track)[Stage.WEIGHTS] == pytest.approx(50.0)
    weights = next(stage for stage in track.stages if stage.stage is Stage.WEIGHTS)
    assert (weights.count, weights.quantiles.p50.seconds) == (4, 100.0)


def test_what_failed_and_what_waits_are_lower_bounds_of_the_stage_they_are_in() -> None:
    usual = [replica(f"c{n}", 30.0, 90.0 + n, 10.0) for n in range(6)]
    cut = [replica(f"f{n}", 30.0, 600.0, end=FAILED) for n in range(3)]
    track = only([*usual, *cut, replica("w", 25.0, end=WAITING)])
    (part,) = track.parts
    assert (part.complete, part.failed, part.waiting) == (6, 3, 1)
    image, weights, transfer = part.stages
    assert (image.count, weights.count, transfer.count) == (10, 9, 6)
    assert image.quantiles.p90 == (30.0, True)
    assert weights.quantiles.p50 == (94.0, True)  # the fifth of nine, of which the last three go on
    assert weights.quantiles.p90 == (600.0, False)
    assert transfer.quantiles.p90 == (10.0, True)
    assert part.whole.p90 == (630.0, False)


def test_a_start_that_told_a_later_stage_first_is_cut_off_where_it_hangs() -> None:
    hung = replica("w", 5.0, 400.0, 10.0, end=WAITING, in_stage=Stage.WEIGHTS)
    (part,) = only([hung]).parts
    assert [stage.quantiles.p50.ended for stage in part.stages] == [True, False, True]


def test_where_most_hang_the_middle_start_does_too_and_is_a_lower_bound() -> None:
    usual = [replica(f"c{n}", 100.0, 50.0) for n in range(3)]
    cut = [replica(f"f{n}", 100.0, 900.0, end=FAILED) for n in range(6)]
    track = only([*usual, *cut])
    assert track.is_least
    assert track.slowest.stage is Stage.WEIGHTS
    assert not only(usual).is_least


def test_a_start_that_has_just_begun_pulls_nothing_down() -> None:
    usual = [replica(f"c{n}", 30.0, 90.0) for n in range(3)]
    young = [replica(f"w{n}", 2.0, end=WAITING) for n in range(50)]
    assert times(only([*usual, *young])) == pytest.approx(times(only(usual)))


def test_a_group_of_failed_starts_alone_has_a_waterfall() -> None:
    track = only([node("a", 300.0, end=FAILED), node("b", 900.0, end=FAILED)])
    assert track.is_least
    assert track.slowest.stage is Stage.ORDERED
    assert track.parts[0].whole.p50 == (900.0, False)
    assert [part.part for part in track.parts] == [Part.NODE]


@given(st.lists(st.tuples(*(st.floats(0.0, 1e4),) * 4, st.sampled_from(StartEnd)), min_size=1, max_size=40))
def test_the_middle_lies_between_the_shortest_and_the_longest(
    rows: list[tuple[float, float, float, float, StartEnd]],
) -> None:
    starts = [replica(str(n), *row[:4], end=row[4]) for n, row in enumerate(rows)]
    track = only(starts)
    wholes = [start.seconds for start in starts]
    assert min(wholes) - 1e-6 <= track.middle_s <= max(wholes) + 1e-6
    assert sum(track.share(stage) for stage in track.stages) == pytest.approx(1.0 if track.middle_s else 0.0)
    ends = [track.offset_s(stage.stage) + stage.middle_s for stage in track.stages]
    begins = [track.offset_s(stage.stage) for stage in track.stages]
    assert all(begin == pytest.approx(end) for end, begin in zip(ends, begins[1:], strict=False))
    assert all(one <= other + 1e-9 for one, other in pairwise(ends))


def test_a_start_costs_what_its_gpus_wait_from_the_launch_on() -> None:
    """Two GPUs at $3.60 an hour: 0.2 cents a second. Nobody pays for a node that is not launched yet."""
    track = only([node("n", 100.0, 40.0, 10.0), replica("r", 30.0, 120.0)])
    assert track.cost is not None
    assert track.cost.gpu_seconds == pytest.approx(2 * (50.0 + 150.0))
    assert track.cost.dollars == pytest.approx(0.4)


def test_a_price_or_a_size_that_is_not_known_is_not_made_up() -> None:
    start = replica("r", 30.0, 120.0)
    ((unpriced,),) = (group.tracks for group in waterfalls(Seen((start,), {}, {"chat": 2}, NOW_S)))
    assert unpriced.cost is not None
    assert (unpriced.cost.gpu_seconds, unpriced.cost.dollars) == (300.0, None)
    ((unsized,),) = (group.tracks for group in waterfalls(Seen((start,), {}, {}, NOW_S)))
    assert unsized.cost is None


def test_what_takes_most_of_all_starts_together_is_fixed_first() -> None:
    """One start of 300 s of weights a day is less than a hundred of 40 s."""
    rare = [replica("a", 1.0, 300.0)]
    often = [replica(str(n), 40.0, 20.0, policy="search") for n in range(100)]
    first = first_to_fix(waterfalls(seen([*rare, *often])))
    assert first is not None
    assert (first[0].title, first[1].slowest.stage) == ("search, pool h100", Stage.IMAGE)
    assert first_to_fix(waterfalls(seen([]))) is None


def test_the_last_starts_come_newest_first_with_those_that_go_on_on_top() -> None:
    (group, _) = waterfalls(known())
    uids = [start.uid for start in group.last(5)]
    assert uids == ["w8", "w9", "n9", "w2", "w1"]


@pytest.mark.parametrize(
    ("by", "titles"),
    [
        pytest.param(By.POOL, ["pool h100", "pool h100-spot"], id="pool"),
        pytest.param(By.ZONE, ["chat, zone not known", "chat, zone a", "search, zone not known"], id="zone"),
        pytest.param(By.CAPACITY_TYPE, ["chat, on-demand", "search, spot"], id="capacity type"),
        pytest.param(By.IMAGE, ["chat, image not known", "search, image not known"], id="image"),
        pytest.param(By.FORMAT, ["chat, format not known", "search, format not known"], id="format"),
        pytest.param(By.PATH, ["chat", "search"], id="path"),
    ],
)
def test_starts_are_told_apart_as_asked(by: By, titles: list[str]) -> None:
    groups = waterfalls(known(), by)
    assert [group.title for group in groups] == titles
    with_nodes = any(part.part is Part.NODE for group in groups for track in group.tracks for part in track.parts)
    assert with_nodes == (by not in (By.IMAGE, By.FORMAT))


def test_images_formats_and_unknown_pools_are_named() -> None:
    one = replica("a", 1.0, 2.0, digest="sha256:1f", image="x", model_format="safetensors")
    assert [group.title for group in waterfalls(seen([one]), By.IMAGE)] == ["chat, image sha256:1f"]
    assert [group.title for group in waterfalls(seen([one]), By.FORMAT)] == ["chat, format safetensors"]
    other = replica("a", 1.0, 2.0, pool="gone")
    assert [group.title for group in waterfalls(seen([other]), By.CAPACITY_TYPE)] == ["chat, capacity type not known"]


def test_ten_thousand_starts() -> None:
    starts = [replica(str(n), 30.0 + n % 7, 90.0 + n % 100, 10.0, 5.0) for n in range(10_000)]
    track = only(starts)
    assert track.parts[0].complete == 10_000
    assert track.middle_s == pytest.approx(sum((33.0, 139.5, 10.0, 5.0)), abs=0.5)
