"""Figures as plain dictionaries in Plotly's form: packed arrays, colours by name.

A colour is written `var(--name)` and resolved by the page's script, so that a figure follows a light or dark scheme.
Text from data goes through `label`, since Plotly reads tags in its texts.
"""

from __future__ import annotations

import base64
import html

import numpy as np

from autoscaler.domain.arrays import Floats

Figure = dict[str, object]

FONT = {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 12, "color": "var(--ink)"}
_AXIS: Figure = {
    "gridcolor": "var(--rule)",
    "linecolor": "var(--rule)",
    "zerolinecolor": "var(--rule)",
    "automargin": True,
}
SPIKE: Figure = {"showspikes": True, "spikecolor": "var(--muted)", "spikedash": "solid", "spikethickness": 1}
"""The line at the pointer, for the axis that the panels share."""
_LEGEND: Figure = {
    "orientation": "h",
    "x": 0,
    "xanchor": "left",
    "y": 1.02,
    "yanchor": "bottom",
    "traceorder": "normal",
}


def packed(values: Floats, precise: bool = False) -> dict[str, str]:
    """An array as Plotly's typed array: 4 bytes a value, 8 where `precise`. NaN stays NaN, which draws as a gap."""
    kind = "f8" if precise else "f4"
    return {"dtype": kind, "bdata": base64.b64encode(np.asarray(values, dtype=f"<{kind}").tobytes()).decode("ascii")}


def label(words: str) -> str:
    """Words from data, for any text of a figure."""
    return html.escape(words, quote=False)


def colour(name: str) -> str:
    """The colour of that name in the scheme of the reader."""
    return f"var(--{name})"


def layout(**panels: Figure) -> Figure:
    """A figure's layout with the common parts: the page's ground, legend on top, one hover box for all series.

    `panels` are its axes by name; each gets the colours of the page.
    """
    axes = {name: _AXIS | panel for name, panel in panels.items()}
    return {
        "autosize": True,
        "font": FONT,
        "paper_bgcolor": "var(--ground)",
        "plot_bgcolor": "var(--ground)",
        "margin": {"l": 58, "r": 10, "t": 10, "b": 34},
        "legend": _LEGEND,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "hoverlabel": {"bgcolor": "var(--ground)", "bordercolor": "var(--rule)", "font": FONT},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "var(--muted)", "activecolor": "var(--ink)"},
        "uirevision": "kept",
        **axes,
    }
