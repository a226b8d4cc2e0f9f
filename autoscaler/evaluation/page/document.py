"""The page itself: one HTML file that holds its style, its script and its figures, and asks nothing of a network.

A content security policy in the file forbids every request and every script but those that are in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Literal

from plotly.offline import get_plotlyjs

from autoscaler.evaluation.page.figure import Figure
from autoscaler.evaluation.page.markup import element, text

RUN_CHOOSER = "run"
"""Id of the `<select>` that tells which run the charts show, where a page has one."""

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
$body
</main>
<script type="application/json" id="figures">$figures</script>
<script>$plotly</script>
<script>$script</script>
</body>
</html>
""")
_NO_SCRIPT = element("p", "The charts need JavaScript; the tables hold the same numbers.", class_="without-script")


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure for each run, or one for all of them, of one layout. id: unique in the page."""

    id: str
    describes: str
    layout: Figure
    runs: list[list[Figure]]
    size: Literal["tall", "middle", "low"] = "tall"

    def box(self) -> str:
        """The element that the chart is drawn into."""
        return element("div", "", id=self.id, class_=f"chart {self.size}", role="group", aria_label=self.describes)


def document(title: str, body: str, charts: list[Chart]) -> str:
    """The whole file; `title` is plain text, `body` HTML that holds the box of each chart. Equal from run to run."""
    figures = {chart.id: {"layout": chart.layout, "data": chart.runs} for chart in charts}
    plotly, script, style = get_plotlyjs(), f"{_part('page.js')}{_part('search.js')}", _part("page.css")
    allowed = " ".join(_hash(part) for part in (plotly, script))
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return _PAGE.substitute(
        policy=text(policy),
        title=text(title),
        style=style,
        body=f"{_NO_SCRIPT}\n{body}",
        figures=_json(figures),
        plotly=plotly,
        script=script,
    )


def _json(value: object) -> str:
    """JSON that no HTML parser reads a tag or a comment into."""
    written = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return written.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"


@cache
def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
