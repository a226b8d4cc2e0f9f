"""What a waterfall says in words: the stage to fix first, and how starts went."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.coldstart.advice import ADVICE
from autoscaler.domain.lead_time import Part, Stage, Start, StartPath
from autoscaler.evaluation.page.days import duration
from autoscaler.evaluation.waterfall.cost import Cost
from autoscaler.evaluation.waterfall.part import PartTime
from autoscaler.evaluation.waterfall.unfinished import Alike, Unfinished
from autoscaler.evaluation.waterfall.waterfall import Track, Waterfall
from autoscaler.observe.censored import Duration

PATHS = {
    StartPath.COLD_NODE: "cold node",
    StartPath.WARM_NODE: "warm node",
    StartPath.IMAGE_PRESENT: "image present",
    StartPath.WEIGHTS_PRESENT: "weights present",
    StartPath.RESTORED: "restored from a snapshot",
}
PATHS_TOLD = {
    StartPath.COLD_NODE: "had to wait for a node, or for its image to be pulled",
    StartPath.WARM_NODE: "a node was there; nobody tells whether the image was",
    StartPath.IMAGE_PRESENT: "node and image were there",
    StartPath.WEIGHTS_PRESENT: "node, image and weights were there",
    StartPath.RESTORED: "went on from a snapshot of the process",
}
NO_START = (
    "No start is known. Starts of pods and nodes are seen while they happen, and the controller remembers them: start "
    "one replica more (kubectl scale), wait until it is ready, and look again; or look at simulated ones, with "
    "--simulate."
)


def stage_name(stage: Stage) -> str:
    """As people read it."""
    return ADVICE[stage].name


def slowest_line(track: Track) -> str:
    """`weights, 94 s of 171 s (55 %)`."""
    slowest = track.slowest
    least = "at least " if track.is_least else ""
    of = f"{slowest.middle_s:,.0f} s of {track.middle_s:,.0f} s"
    return f"{stage_name(slowest.stage)}, {least}{of} ({100.0 * track.share(slowest):.0f} %)"


def first_line(waterfall: Waterfall, track: Track) -> str:
    """The one line that a newcomer needs."""
    return f"Fix first: {slowest_line(track)}, the slowest stage of {waterfall.title}, {PATHS[track.path]}."


def shorten_line(track: Track) -> str:
    """What to do about it."""
    return f"Shorten it: {ADVICE[track.slowest.stage].shorten}."


def counts(part: PartTime, stuck: int) -> str:
    """`12 complete, 1 failed, 2 waiting (1 stuck)`; what is none is left out, but for the complete ones."""
    said = [f"{part.complete:,} complete"]
    if part.failed:
        said.append(f"{part.failed:,} failed")
    if part.waiting:
        said.append(f"{part.waiting:,} waiting" + (f" ({stuck:,} stuck)" if stuck else ""))
    return ", ".join(said)


def part_line(part: PartTime, stuck: int) -> str:
    """`Node part: p50 80 s, p90 120 s; 12 complete, 1 failed.`"""
    whole = f"p50 {seconds(part.whole.p50)}, p90 {seconds(part.whole.p90)}"
    return f"{part.part.value.capitalize()} part: {whole}; {counts(part, stuck)}."


def stuck_count(track: Track, part: Part, found: Sequence[Unfinished]) -> int:
    """How many starts of a part of a track are stuck."""
    mine = {id(start) for start in track.starts if start.part is part}
    return sum(one.is_stuck and id(one.start) in mine for one in found)


def not_through(found: Sequence[Unfinished]) -> str | None:
    """How many starts did not come through; None where all did."""
    stuck = sum(one.is_stuck for one in found)
    failed = len(found) - stuck
    said = [f"{count:,} {word}" for count, word in ((failed, "failed"), (stuck, "stuck")) if count]
    if not said:
        return None
    return f"{_starts(len(found))} did not come through: {', '.join(said)}."


def where(start: Start) -> str:
    """Which one it is: `replica inference/chat-1, zone a`."""
    zone = f", zone {start.zone}" if start.zone else ""
    return f"{start.part.value} {start.pod or start.uid}{zone}"


def state(one: Unfinished) -> str:
    """`stuck in weights`."""
    stage = one.start.open_stage
    return f"{'stuck' if one.is_stuck else 'failed'}{'' if stage is None else f' in {stage_name(stage)}'}"


def alike_line(group: Alike) -> str:
    """`2 stuck in weights: chat, pool h100: slow disk; 612 s so far, usual is up to 300 s: replica ml/chat-1`."""
    longest, count = group.longest, len(group.found)
    start = longest.start
    why = f" {start.why};" if start.why else ""
    usual = f" so far, usual is up to {longest.usual_s:,.0f} s" if longest.usual_s is not None else ""
    took = f"{'' if count == 1 else 'the longest '}{start.seconds:,.0f} s{usual}"
    return f"{count:,} {state(longest)}: {start.policy}, pool {start.pool}:{why} {took}: {where(start)}"


def seconds(found: Duration) -> str:
    """`94 s`; `>94 s` where it is a lower bound."""
    return f"{'' if found.ended else '>'}{found.seconds:,.0f} s"


def cost_line(found: Cost) -> str:
    """What one start costs."""
    gpu = f"{found.gpu_seconds:,.0f} GPU-seconds"
    return f"One start costs {gpu}" + ("." if found.dollars is None else f", ${found.dollars:,.3f}.")


def ago(start: Start, now_s: float) -> str:
    """`8 min ago`."""
    past_s = max(now_s - start.ended_s, 0.0)
    step_s = 360.0 if past_s > 3600.0 else 60.0 if past_s > 60.0 else 1.0
    return f"{duration(step_s * round(past_s / step_s))} ago"


def _starts(count: int) -> str:
    return "1 start" if count == 1 else f"{count:,} starts"
