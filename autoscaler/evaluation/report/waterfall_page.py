"""The page of waterfalls: the stage to fix first, each workload's stages one after another, and what did not come
through."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from autoscaler.coldstart.advice import ADVICE
from autoscaler.evaluation.page.document import Chart, document
from autoscaler.evaluation.page.markup import SPACE, element, folded, paragraphs, region, table, text
from autoscaler.evaluation.report.comparison_page import OPEN, contents, gathered
from autoscaler.evaluation.report.section import Section
from autoscaler.evaluation.report.waterfall_chart import LAST, last_chart, track_chart
from autoscaler.evaluation.waterfall import words
from autoscaler.evaluation.waterfall.part import Quantiles
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.evaluation.waterfall.segment import By
from autoscaler.evaluation.waterfall.unfinished import Alike, Unfinished, alike, unfinished
from autoscaler.evaluation.waterfall.waterfall import Track, Waterfall, first_to_fix, waterfalls
from autoscaler.evaluation.whole_file import whole_file

TITLE = "Where starts spend their time"
LISTED = 200
"""Kinds of starts that did not come through."""
_UNIT = re.compile(r"(?<=\d) (?=(s|%|GPU-seconds)(?!\w))")
_GUIDE = (
    "Each bar is a stage of the middle start, the mean of the middle half of the starts; it begins where the stage "
    "before it ends, so the bars add up. The tick is the p50 of the stage by itself, the line leads to its p90; these "
    "do not add up to those of the whole. With > a figure is a lower bound: starts failed there, or still wait."
)


def render_waterfall(seen: Seen, by: By) -> str:
    """The page as HTML, byte-equal for equal starts."""
    groups, found = waterfalls(seen, by), unfinished(seen.starts)
    sections = [_waterfalls(groups, found, seen.now_s)] if groups else []
    if found:
        sections.append(_unfinished(found, seen.now_s))
    body = [
        element("h1", text(TITLE)),
        *_first(groups, found),
        contents([(section.name, section.heading) for section in sections]) if sections else "",
        _overview(groups) if groups else "",
        paragraphs([f"Could not be read: {line}" for line in seen.problems]),
        *(section.html for section in sections),
    ]
    return document(TITLE, "\n".join(body), [chart for section in sections for chart in section.charts])


def write_waterfall(path: str | Path, seen: Seen, by: By) -> None:
    """Writes the page in place of whatever `path` held; the file appears whole or not at all.

    Raises FileNotFoundError where the folder does not exist.
    """
    page = render_waterfall(seen, by)
    with whole_file(path) as out:
        out.write(page)


def _first(groups: Sequence[Waterfall], found: Sequence[Unfinished]) -> Iterator[str]:
    first = first_to_fix(groups)
    if first is None:
        yield element("p", text(words.NO_START), class_="lead")
        return
    advice = ADVICE[first[1].slowest.stage]
    yield element("p", element("strong", _tied(words.first_line(*first))), class_="lead")
    yield element("p", text(words.shorten_line(first[1])), class_="lead")
    said = [f"In this stage {advice.what}.", *([advice.no_help] if advice.no_help else [])]
    yield paragraphs(said, class_="note")
    through = words.not_through(found)
    if through is not None:
        yield element("p", element("strong", element("a", text(through), href="#not-through")))


def _tied(words_of_it: str) -> str:
    """Plain words as HTML, with no line break between a number and its unit."""
    return _UNIT.sub(SPACE, text(words_of_it))


def _overview(groups: Sequence[Waterfall]) -> str:
    rows = [
        (
            f"{group.title}, {words.PATHS[track.path]}",
            words.stage_name(track.slowest.stage),
            _middle(track, track.slowest.middle_s),
            f"{100.0 * track.share(track.slowest):.0f}{SPACE}%",
            _middle(track, track.middle_s),
            f"{max(part.count for part in track.parts):,}",
        )
        for group in groups
        for track in group.tracks
    ]
    headings = ("starts of", "slowest stage", "it takes", "share", "middle start", "starts seen")
    return table("The slowest stage of each start path", headings, rows, runs=())


def _middle(track: Track, middle_s: float) -> str:
    return f"{'>' if track.is_least else ''}{middle_s:,.0f}{SPACE}s"


def _waterfalls(groups: Sequence[Waterfall], found: Sequence[Unfinished], now_s: float) -> Section:
    views = [_group(group, place, found, now_s) for place, group in enumerate(groups)]
    return gathered("the-waterfalls", "Waterfalls", [element("p", text(_GUIDE), class_="note")], views)


def _group(group: Waterfall, place: int, found: Sequence[Unfinished], now_s: float) -> Section:
    parts: list[str] = []
    charts: list[Chart] = []
    for track in group.tracks:
        chart = track_chart(f"waterfall-{place}-{track.path.value}", track)
        charts.append(chart)
        parts += [*_track(track, found), chart.box()]
    last = group.last(LAST)
    chart = last_chart(f"last-{place}", last, now_s)
    charts.append(chart)
    parts += [_quantiles(group), element("h4", "The last starts"), chart.box()]
    return Section(f"group-{place}", group.title, folded(group.title, "\n".join(parts), place < OPEN), tuple(charts))


def _track(track: Track, found: Sequence[Unfinished]) -> Iterator[str]:
    """What is said above the chart of a path."""
    heading = f"{words.PATHS[track.path].capitalize()}: {words.PATHS_TOLD[track.path]}"
    yield element("h4", text(heading))
    slowest = element("strong", _tied(f"Slowest stage: {words.slowest_line(track)}."))
    yield element("p", f"{slowest} {text(words.shorten_line(track))}")
    wholes = [words.part_line(part, words.stuck_count(track, part.part, found)) for part in track.parts]
    cost = [] if track.cost is None else [words.cost_line(track.cost)]
    yield element("p", _tied(" ".join([*wholes, *cost])), class_="note")


def _quantiles(group: Waterfall) -> str:
    rows = []
    for track in group.tracks:
        path = words.PATHS[track.path]
        for part in track.parts:
            for stage in part.stages:
                share = f"{100.0 * track.share(stage):.0f} %"
                figures = _figures(stage.quantiles, stage.middle_s)
                rows.append((words.stage_name(stage.stage), *figures, share, f"{stage.count:,}", path))
            name = f"all of the {part.part.value} part"
            rows.append((name, *_figures(part.whole, part.middle_s), "-", f"{part.count:,}", path))
    headings = ("stage", "p50", "p90", "middle start", "share", "starts", "start path")
    return table(f"Stages of {group.title}", headings, rows, runs=())


def _figures(found: Quantiles, middle_s: float) -> tuple[str, ...]:
    return words.seconds(found.p50), words.seconds(found.p90), f"{middle_s:,.0f} s"


def _unfinished(found: Sequence[Unfinished], now_s: float) -> Section:
    groups = alike(found)
    rows = [_alike(group, now_s) for group in groups[:LISTED]]
    headings = (
        "workload, pool", "state", "why", "starts", "the longest took", "usual is up to", "the longest one", "when",
    )  # fmt: skip
    rest = sum(len(group.found) for group in groups[LISTED:])
    more = [f"{rest:,} more are not listed; --format json has all."] if rest else []
    parts = [table("Failed and stuck starts", headings, rows, runs=()), paragraphs(more, class_="note")]
    return Section("not-through", "Did not come through", region("not-through", "Did not come through", parts), ())


def _alike(group: Alike, now_s: float) -> tuple[str, ...]:
    one = group.longest
    start = one.start
    return (
        f"{start.policy}, {start.pool}",
        words.state(one),
        start.why or "nobody tells",
        f"{len(group.found):,}",
        f"{start.seconds:,.0f}{SPACE}s",
        "-" if one.usual_s is None else f"{one.usual_s:,.0f}{SPACE}s",
        words.where(start),
        "now" if one.is_stuck else words.ago(start, now_s),
    )
