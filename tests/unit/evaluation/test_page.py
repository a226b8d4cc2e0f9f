"""The pieces of a page: what comes from data stays data, days count from 1, columns of numbers stand to the right."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from autoscaler.evaluation.page.days import DayAxis, clock, day, days, duration
from autoscaler.evaluation.page.document import Chart, document
from autoscaler.evaluation.page.figure import packed
from autoscaler.evaluation.page.markup import element, table

NASTY = "</script><!-- <script> & 'q' \"q\""


def test_figures_cannot_end_the_script_that_holds_them() -> None:
    page = document(NASTY, "", [Chart("c", NASTY, {"title": NASTY}, [[{"name": NASTY}]])])
    held = page.split('id="figures">')[1].split("</script>")[0]
    assert json.loads(held) == {"c": {"layout": {"title": NASTY}, "data": [[{"name": NASTY}]]}}
    assert not re.search("[<>&]", held)
    assert page.count("<!--") == 0
    assert page.count("<title>&lt;/script&gt;") == 1


def test_attributes_are_quoted() -> None:
    assert element("p", "<b>x</b>", class_='a" onload="x', aria_label="'") == (
        '<p class="a&quot; onload=&quot;x" aria-label="&#x27;"><b>x</b></p>'
    )


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        pytest.param(["1,234", "0.5", "-"], ' class="number"', id="numbers and a dash"),
        pytest.param(["<0.01 %", "-3 s", "$7"], ' class="number"', id="with signs and units"),
        pytest.param(["1,234", "no", "3"], "", id="a word among them"),
        pytest.param(["why", "x" * 40, ""], ' class="wide"', id="long text"),
    ],
)
def test_columns_by_what_they_hold(cells: list[str], kind: str) -> None:
    written = table("t", ["name", "column"], [["9", cell] for cell in cells])
    assert len(re.findall(f'<th{kind} scope="col">column|<th scope="col"{kind}>column', written)) == 1
    assert written.count(f"<td{kind}>") == len(cells)
    assert written.count('<th scope="row">9</th>') == 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (600, "10 min"),
        (5400, "1.5 h"),
        (86_400, "1 day"),
        (1_209_600, "14 days"),
    ],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert duration(seconds).replace("\u00a0", " ") == words


def test_days_count_from_one() -> None:
    assert [days(0.0, 86_400.0), days(0.0, 86_401.0)] == ["on day 1", "from day 1 to day 2"]
    said = [clock(s).replace("\u00a0", " ") for s in (0.0, 86_399.9, 90_061.0)]
    assert said == ["day 1, 00:00", "day 2, 00:00", "day 2, 01:01:01"]
    assert [day(s) for s in (0.0, 86_399.0, 86_400.0, 7 * 86_400.0)] == [1, 1, 2, 8]
    assert DayAxis(1.0).position(7 * 86_400.0) == 7 * 86_400_000  # 1970-01-08, the eighth day of its year
    assert DayAxis(366 * 86_400.0).position(7 * 86_400.0) == 8.0


def test_packed_numbers_keep_gaps() -> None:
    assert packed(np.array([1.5, np.nan])) == {"dtype": "f4", "bdata": "AADAPwAAwH8="}
    assert packed(np.array([0.1]), precise=True) == {"dtype": "f8", "bdata": "mpmZmZmZuT8="}
