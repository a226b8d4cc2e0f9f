"""Golden plans: every case gives the plan that is written below it, to the letter."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.golden.conftest import Case

FOLDER = Path(__file__).parent / "plans"
CASES = sorted(FOLDER.glob("*.yaml"))
RENEW = os.environ.get("RENEW_GOLDEN") == "1"


def test_there_are_cases_of_every_story() -> None:
    assert len(CASES) >= 8


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_case_gives_its_plan(file: Path, read_case: Callable[[Path], Case], tmp_path: Path) -> None:
    case = read_case(file)
    told = case.solve(tmp_path)
    if RENEW and told != case.plan:
        case.renew(told)
        pytest.fail(f"{file.name} is renewed: read the difference, and run again without RENEW_GOLDEN")
    assert case.plan == told


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_case_begins_with_its_story(file: Path) -> None:
    assert file.read_text().startswith("# ")


def test_renewing_changes_nothing_above_the_plan(read_case: Callable[[Path], Case], tmp_path: Path) -> None:
    copy = tmp_path / "copy.yaml"
    copy.write_text("# A story.\nticks: []\n\n---\nchat: old\n")
    read_case(copy).renew("chat: new\n")
    assert copy.read_text() == "# A story.\nticks: []\n\n---\nchat: new\n"
    with pytest.raises(ValueError, match="no line `---`"):
        read_case(Path(__file__))
