"""How several lines of a chart are told apart: by colour, dash and marker, so that no one needs to see colours."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.evaluation.page.figure import Figure, colour

_COLOURS = ("floor", "ready", "forecast", "late", "demand")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x")
_PATTERNS = ("", "/", "x", ".", "-", "+")


@dataclass(frozen=True, slots=True)
class Look:
    """The look of the line at a place, from 0. Twenty-five places look different, the first five by colour too."""

    place: int

    @property
    def tint(self) -> str:
        """Its colour."""
        return colour(_COLOURS[self.place % len(_COLOURS)])

    @property
    def symbol(self) -> str:
        """Its marker."""
        return _SYMBOLS[(self.place + self.place // len(_COLOURS)) % len(_SYMBOLS)]

    def line(self, width: float = 2) -> Figure:
        """The line in Plotly's form."""
        turn = self.place // len(_COLOURS)
        return {"color": self.tint, "dash": _DASHES[(self.place + turn) % len(_DASHES)], "width": width}

    @property
    def area(self) -> Figure:
        """The pattern of an area in its colour on the page's ground, in Plotly's form."""
        return pattern(self.place) | {"fgcolor": self.tint, "bgcolor": colour("ground")}

    @property
    def bar(self) -> Figure:
        """A bar's marker, in Plotly's form: its colour, with a pattern in that of the page's ground."""
        return {
            "color": self.tint,
            "pattern": pattern(self.place) | {"fgcolor": colour("ground"), "bgcolor": self.tint},
        }


def pattern(place: int) -> Figure:
    """The pattern at a place, in Plotly's form; the first one is none."""
    return {"shape": _PATTERNS[place % len(_PATTERNS)], "size": 6, "solidity": 0.25}
