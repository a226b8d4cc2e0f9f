"""Time as a reader of a replay counts it: day 1 is the first day, an hour is an hour of that day."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.evaluation.page.markup import SPACE

DAY_S = 86_400.0
_DATE_AXIS_DAYS = 365
_FINE_MS = 43_200_000
_MOMENT = "day %-j, %H:%M"


def day(at_s: float) -> int:
    """Number of the day that `at_s` seconds from the start lie in, from 1."""
    return int(at_s // DAY_S) + 1


def days(from_s: float, until_s: float) -> str:
    """The days of a span: `from day 3 to day 4`, `on day 2`."""
    first, last = day(from_s), day(until_s - 1e-6)
    return f"from day {first} to day {last}" if last > first else f"on day {first}"


def clock(at_s: float) -> str:
    """A moment: `day 3, 11:45`, with seconds where it has some."""
    total = round(at_s)
    hours, minutes, seconds = total // 3600 % 24, total // 60 % 60, total % 60
    whole = f"day {day(total)},{SPACE}{hours:02}:{minutes:02}"
    return f"{whole}:{seconds:02}" if seconds else whole


def duration(seconds: float) -> str:
    """A length of time in the largest unit that it fills: `6 min`, `1.5 h`, `14 days`."""
    for size, one, several in ((DAY_S, "day", "days"), (3600.0, "h", "h"), (60.0, "min", "min")):
        if seconds >= size:
            number = f"{seconds / size:.3g}"
            return f"{number}{SPACE}{one if number == '1' else several}"
    return f"{seconds:.3g}{SPACE}s"


@dataclass(frozen=True, slots=True)
class DayAxis:
    """A figure's axis of time up to `until_s`.

    Up to a year it is an axis of dates from 1970-01-01, whose day of the year is the day of the replay: zooming in
    shows hours. Beyond, where the days of the year begin again, it is one of plain numbers of days.
    """

    until_s: float

    @property
    def dated(self) -> bool:
        """Whether positions are milliseconds, not days."""
        return self.until_s <= _DATE_AXIS_DAYS * DAY_S

    @property
    def unit_s(self) -> float:
        """Seconds of one unit of the axis."""
        return 0.001 if self.dated else DAY_S

    @property
    def origin(self) -> float:
        """Position of the start of the replay."""
        return 0.0 if self.dated else 1.0

    def position(self, at_s: float) -> float:
        """Where `at_s` seconds from the start of the replay lie."""
        return self.origin + at_s / self.unit_s

    @property
    def moment(self) -> str:
        """The position of a point in a hover text."""
        return f"%{{x|{_MOMENT}}}" if self.dated else "day %{x:.2f}"

    def layout(self) -> dict[str, object]:
        """The axis in Plotly's form."""
        if not self.dated:
            return {"type": "linear", "tickprefix": "day ", "hoverformat": ".2f"}
        return {
            "type": "date",
            "hoverformat": _MOMENT,
            "tickformatstops": [
                {"dtickrange": [None, _FINE_MS], "value": "%H:%M\nday %-j"},
                {"dtickrange": [_FINE_MS, None], "value": "day %-j"},
            ],
        }
