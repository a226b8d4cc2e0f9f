"""`autoscaler doctor`: what it prints and how it ends, without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autoscaler.cli import main
from autoscaler.cli.doctor import show, summary
from autoscaler.doctor.finding import NOT_TOLD, Check, Finding, Kind, Level

ROOT = Path(__file__).parents[3]
NOBODY = "http://127.0.0.1:9"
WRONG = Kind("Wrong", Level.ERROR, "It is wrong.", "Make it right.")
NOTED = Kind("Noted", Level.NOTE, "Good to know.", "Nothing.")
CHECKS = (
    Check("pools", "steady", ()),
    Check("pools", "cheap", (Finding(WRONG, "a.yaml:1:2", "4 [b]"), Finding(WRONG, "a.yaml:3:4", "5"))),
    Check("signals", "chat", (Finding(NOT_TOLD, "x", "nobody answers"), Finding(NOTED, "y", "so it is", "rest"))),
)


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str]:
    """Exit code, and what was said on standard error; nothing else is printed."""
    with pytest.raises(SystemExit) as end:
        main(["doctor", *arguments])
    out, err = capsys.readouterr()
    assert out == ""
    return end.value.code, err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param([], 2, "setting prometheus (--prometheus, GPU_AUTOSCALER_PROMETHEUS): not given", id="store"),
        pytest.param(["--policies", "/none", "--prometheus", NOBODY], 2, "/none: no such file or folder", id="folder"),
        pytest.param(
            ["--prometheus", NOBODY, "--kubeconfig", "/none"], 3, "read kubeconfig /none: ", id="no kubeconfig"
        ),
        pytest.param(["--prometheus", NOBODY, "--kubeconfig", "KUBECONFIG"], 3, "no answer from", id="no API server"),
    ],
)
def test_what_cannot_be_looked_at(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    content = {
        "apiVersion": "v1", "kind": "Config", "current-context": "none",
        "clusters": [{"name": "none", "cluster": {"server": NOBODY}}],
        "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
        "users": [{"name": "none", "user": {"token": "t"}}],
    }  # fmt: skip
    kubeconfig.write_text(json.dumps(content))
    given = [str(kubeconfig) if word == "KUBECONFIG" else word for word in arguments]
    policies = [] if "--policies" in given else ["--policies", str(ROOT / "policies" / "smallest.yaml")]
    found, line = ended(capsys, *policies, *given)
    assert (found, line.count("\n")) == (code, 1)
    assert said in line


def test_a_folder_without_policies(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said = ended(capsys, "--policies", str(tmp_path), "--prometheus", NOBODY)
    assert (code, "no policy in it" in said) == (2, True)


def test_findings_of_a_kind_are_told_together(capsys: pytest.CaptureFixture[str]) -> None:
    show(CHECKS)
    assert capsys.readouterr().out.splitlines() == [
        "ok                 pools  steady",
        "error              pools  cheap",
        "  Wrong, error",
        "    a.yaml:1:2: 4 [b]",
        "    a.yaml:3:4: 5",
        "    why: It is wrong.",
        "    do: Make it right.",
        "could not be told  signals  chat",
        "  NotTold, could not be told",
        "    x: nobody answers",
        f"    why: {NOT_TOLD.cause}",
        f"    do: {NOT_TOLD.cure}",
        "  Noted, note",
        "    y: so it is",
        "    why: Good to know.",
        "    do: rest",
        "1 ok, 1 could not be told, 1 error",
    ]


def test_programs_get_the_same() -> None:
    told = json.loads(json.dumps(summary(CHECKS)))
    assert [one["state"] for one in told["checks"]] == ["ok", "error", "could not be told"]
    assert told["checks"][1]["findings"][0] == {
        "finding": "Wrong", "level": "error", "where": "a.yaml:1:2", "what": "4 [b]", "cause": "It is wrong.",
        "do": "Make it right.",
    }  # fmt: skip
    assert told["states"] == {"ok": 1, "could not be told": 1, "warning": 0, "error": 1}
