"""Waterfalls on the terminal: bars of characters, in 80 columns, readable without colour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from autoscaler.coldstart.advice import ADVICE
from autoscaler.domain.lead_time import Stage
from autoscaler.evaluation.waterfall import words
from autoscaler.evaluation.waterfall.part import PartTime, StageTime
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.evaluation.waterfall.segment import By
from autoscaler.evaluation.waterfall.unfinished import Unfinished, alike, unfinished
from autoscaler.evaluation.waterfall.waterfall import Track, Waterfall, first_to_fix, waterfalls

WIDTH = 80
NAME, TIME, SHARE = 17, 8, 6
MARK = "> "
BAR = WIDTH - len(MARK) - NAME - 2 * TIME - SHARE - 1
LISTED = 20
"""Kinds of starts that did not come through; the rest is counted, and JSON has all."""
_UNIT = re.compile(r"(?<=\d) (?=[s%](?!\w))")
_TIED = "\u00a0"


def show(out: Console, seen: Seen, by: By) -> None:
    """The waterfalls for people: what to fix first, each group, what did not come through, what could not be read."""
    groups, found = waterfalls(seen, by), unfinished(seen.starts)
    for line in (*_first(groups, found), *_groups(out, groups, found), *_unfinished(found), *_problems(seen.problems)):
        out.print(line, soft_wrap=True)


def _first(groups: Sequence[Waterfall], found: Sequence[Unfinished]) -> Iterator[Text]:
    first = first_to_fix(groups)
    if first is None:
        yield from _wrapped(words.NO_START)
        return
    yield from _wrapped(words.first_line(*first), style="bold")
    yield from _wrapped(words.shorten_line(first[1]))
    no_help = ADVICE[first[1].slowest.stage].no_help
    if no_help:
        yield from _wrapped(no_help, style="dim")
    through = words.not_through(found)
    if through is not None:
        yield from _wrapped(through, style="bold")


def _groups(out: Console, groups: Iterable[Waterfall], found: Sequence[Unfinished]) -> Iterator[Text]:
    first = first_to_fix(groups := tuple(groups))
    told = set[Stage]() if first is None else {first[1].slowest.stage}
    for group in groups:
        for track in group.tracks:
            yield Text()
            yield from _track(out, group, track, found, is_told=track.slowest.stage in told)
            told.add(track.slowest.stage)


def _track(
    out: Console, group: Waterfall, track: Track, found: Sequence[Unfinished], is_told: bool
) -> Iterator[Text]:  # fmt: skip
    """is_told: what shortens its slowest stage was said above."""
    yield from _wrapped(f"{group.title}, {words.PATHS[track.path]}", style="bold")
    yield from _wrapped(words.PATHS_TOLD[track.path], indent=2)
    yield from _wrapped(f"slowest stage: {words.slowest_line(track)}", indent=2)
    if not is_told:
        yield from _wrapped(f"shorten it: {ADVICE[track.slowest.stage].shorten}", indent=2)
    if track.cost is not None:
        yield from _wrapped(words.cost_line(track.cost), indent=2)
    heading = f"{'':{len(MARK) + NAME}}{'p50':>{TIME}}{'p90':>{TIME}}{'share':>{SHARE}} 0 s"
    end = f"{track.middle_s:,.0f} s"
    yield Text(f"{heading}{end:>{WIDTH - len(heading)}}", "dim")
    for part in track.parts:
        for stage in part.stages:
            yield _stage(out, track, stage)
        yield _whole(track, part, words.stuck_count(track, part.part, found))


def _stage(out: Console, track: Track, stage: StageTime) -> Text:
    is_slowest = stage == track.slowest
    full, shaded = ("#", "=") if out.options.ascii_only else ("█", "▒")
    begin, length = _span(track, stage)
    bar = " " * begin + (full if is_slowest else shaded) * length
    mark = MARK if is_slowest else " " * len(MARK)
    p50, p90 = words.seconds(stage.quantiles.p50), words.seconds(stage.quantiles.p90)
    share = f"{100.0 * track.share(stage):.0f}%"
    figures = f"{mark}{words.stage_name(stage.stage):<{NAME}}{p50:>{TIME}}{p90:>{TIME}}{share:>{SHARE}}"
    return Text(f"{figures} {bar}", "bold" if is_slowest else "")


def _span(track: Track, stage: StageTime) -> tuple[int, int]:
    """(first column, columns) of its bar; one at least where it took any time."""
    if track.middle_s <= 0.0 or stage.middle_s <= 0.0:
        return 0, 0
    scale = BAR / track.middle_s
    begin = min(round(track.offset_s(stage.stage) * scale), BAR - 1)
    end = round((track.offset_s(stage.stage) + stage.middle_s) * scale)
    return begin, max(end - begin, 1)


def _whole(track: Track, part: PartTime, stuck: int) -> Text:
    share = f"{100.0 * part.middle_s / track.middle_s:.0f}%" if track.middle_s > 0.0 else "-"
    p50, p90 = words.seconds(part.whole.p50), words.seconds(part.whole.p90)
    name = f"{part.part.value}, whole"
    figures = f"{'':{len(MARK)}}{name:<{NAME}}{p50:>{TIME}}{p90:>{TIME}}{share:>{SHARE}}"
    return Text(f"{figures} {words.counts(part, stuck)}", "dim")


def _unfinished(found: Sequence[Unfinished]) -> Iterator[Text]:
    if found:
        yield Text()
        yield Text("Starts that did not come through", "bold")
    groups = alike(found)
    for group in groups[:LISTED]:
        yield from _wrapped(words.alike_line(group), indent=2)
    if len(groups) > LISTED:
        rest = sum(len(group.found) for group in groups[LISTED:])
        yield from _wrapped(f"and {rest:,} more; --format json has all", indent=2)


def _problems(problems: Sequence[str]) -> Iterator[Text]:
    for line in problems:
        yield from _wrapped(f"could not be read: {line}", style="red")


def _wrapped(line: str, indent: int = 0, style: str = "") -> Iterator[Text]:
    """In lines of `WIDTH`, those after the first one further in; a number stays with its unit. What serving processes
    and nodes say of themselves is in it: it must not command the terminal.
    """
    first, others = " " * indent, " " * (indent + 2)
    tied = _UNIT.sub(_TIED, "".join(letter if letter.isprintable() else " " for letter in line))
    for part in wrap(tied, WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False):
        yield Text(part.replace(_TIED, " "), style)
