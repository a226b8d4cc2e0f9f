"""Reading files: what is a document, and that no file, however broken, ends in anything but problems with places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from autoscaler.policy.load import MOST_BYTES, of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import PolicyError, Problem
from autoscaler.policy.tree import DEEPEST
from autoscaler.policy.values import Duration, Part

HEAD = "apiVersion: gpu-autoscaler.io/v1alpha1\n"
POOL = (
    HEAD
    + """\
kind: GpuPool
metadata: {name: l4}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [l4]}]
  gpusPerNode: 1
  pricePerGpuHour: 0.71
"""
)


def found(path: Path, content: str | bytes) -> tuple[Problem, ...]:
    """The problems of a file with this content, none where it can be read."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        read_documents(path, KINDS)
    except PolicyError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("content", "line", "column", "message"),
    [
        pytest.param("", 1, 1, "no document in it", id="empty"),
        pytest.param("# only a comment\n---\n---\n", 1, 1, "no document in it", id="empty-documents"),
        pytest.param("- a\n", 1, 1, "a document must be a mapping", id="list"),
        pytest.param("hello\n", 1, 1, "a document must be a mapping", id="word"),
        pytest.param(b"kind: GpuPool\nx: \xff\n", 2, 4, "not UTF-8", id="latin-1"),
        pytest.param("a".encode("utf-16"), 1, 1, "not UTF-8", id="utf-16"),
        pytest.param("\ufeff- a\n", 1, 1, "a document must be a mapping", id="byte-order-mark"),
        pytest.param("---\n~\n", 2, 1, "has no value", id="null"),
        pytest.param("a: 1\n\tb: 2\n", 2, 1, "a tab in the indentation", id="tab"),
        pytest.param("a: 1\nb: \x07\n", 2, 4, "character 0x07 is not allowed", id="bell"),
        pytest.param("a: [1, 2\nb: 3\n", 2, 2, "expected ',' or ']'", id="open-bracket"),
        pytest.param("q: sum(a{b: c})\n", 1, 11, "mapping values are not allowed", id="unquoted-query"),
        pytest.param("a: @x\n", 1, 4, "cannot start any token", id="at-sign"),
        pytest.param("%YAML 1.1\n---\na: 1\n", 2, 1, "directives are not accepted", id="directive"),
        pytest.param("? [a, b]\n: 1\n", 1, 3, "a key must be a text", id="list-as-key"),
        pytest.param("2026-13-45: 1\n", 1, 1, "key 2026-13-45 is not a text", id="date-as-key"),
        pytest.param("'?': 1\n", 1, 1, "unknown field", id="question-mark-as-key"),
        pytest.param("a: " + "[" * 99, 1, 4 + DEEPEST, f"nested more than {DEEPEST} deep", id="deep"),
        pytest.param(f"a: {'9' * 5000}\n", 1, 4, "no such number or date", id="endless-number"),
        pytest.param("#" * (MOST_BYTES + 1), 1, 1, "larger than 256 KiB", id="large"),
    ],
)
def test_what_is_no_policy_file(tmp_path: Path, content: str | bytes, line: int, column: int, message: str) -> None:
    everything = found(tmp_path / "p.yaml", content)
    problems = [p for p in everything if message in p.message]
    assert [(p.line, p.column) for p in problems] == [(line, column)]
    assert [p for p in everything if not p.path and p not in problems] == []
    assert problems[0].hint


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "none.yaml", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(PolicyError, match=f"{path}:1:1  {message}  name a YAML file"):
            read_documents(path, KINDS)


def test_all_problems_of_a_file_at_once_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    pool = POOL.replace("name: l4", "name: L4").replace("  gpusPerNode: 1\n", "  gpuPerNode: 1\n  zones:\n")
    path.write_text(f"{pool}---\n{HEAD}kind: Pool\nkind: GpuPool\n---\n- a\n---\n{POOL}  tags: {{\n")
    with pytest.raises(PolicyError) as caught:
        read_documents(path, KINDS)
    assert str(caught.value).splitlines() == [
        f"{path}:3:18  metadata.name  a name has 1 to 63 lower-case letters, digits and `-` inside  write `l4`",
        f"{path}:4:1  spec.gpusPerNode  missing  add `gpusPerNode`: GPUs of one node, a count",
        f"{path}:7:3  spec.gpuPerNode  unknown field  did you mean `gpusPerNode`?",
        f"{path}:8:3  spec.zones  has no value  give one, or remove the line",
        f"{path}:11:1  metadata  missing  add `metadata`: What it is called: `{{name: ...}}`",
        f"{path}:11:1  spec  missing  add `spec`: What is wanted",
        f"{path}:12:7  kind  unknown kind  did you mean `GpuPool`?",
        f"{path}:13:1  kind  given twice  remove one; the first is on line 12",
        f"{path}:15:1  a document must be a mapping  "
        "write `apiVersion: gpu-autoscaler.io/v1alpha1`, `kind`, `metadata` and `spec` as keys",
        f"{path}:26:1  expected the node content, but found '<stream end>' while parsing a flow node  "
        "close what is open before this place: a bracket, a quote, or a key without its `:`",
    ]


def test_documents_know_their_places(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("\ufeff# pools\n---\n" + POOL + "---\n" + POOL.replace("l4}", "h100}"), encoding="utf-8")
    documents = read_documents(path, KINDS)
    assert [(d.kind, d.name, d.file, d.line) for d in documents] == [
        ("GpuPool", "l4", str(path), 3),
        ("GpuPool", "h100", str(path), 12),
    ]
    first = documents[0]
    assert first.place(("metadata", "name")) == (5, 18)
    assert first.place(("spec", "nodeAffinity", 0, "values", 0)) == (8, 52)
    assert first.place(()) == (3, 1)
    assert first.place(("spec", "nodes", "max")) == (6, 1)
    assert first.place(("spec", "nodeAffinity", 7)) == (8, 3)
    assert str(first.problem(("spec", "zones"), "none", "add some")) == f"{path}:6:1  spec.zones  none  add some"


def test_text_stays_text_as_in_yaml_1_2(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(POOL + "  zones: [on, no, y, '1']\n")
    pool = of_kind(read_documents(path, KINDS), GpuPool)[0].model
    assert pool.zones == ("on", "no", "y", "1")


class Weather(Part):
    """A kind that this package does not know."""

    node_lead_s: Duration
    by_pool: dict[str, tuple[Duration, ...]]


def test_kinds_are_the_callers(tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    good = HEAD + "kind: Weather\nmetadata: {name: w}\nspec:\n  nodeLeadS: 3m\n  byPool: {l4: [1m, 2m]}\n"
    path.write_text(POOL + "---\n" + good)
    kinds: dict[str, type[BaseModel]] = {**KINDS, "Weather": Weather}
    documents = read_documents(path, kinds)
    assert [d.model.by_pool for d in of_kind(documents, Weather)] == [{"l4": (60.0, 120.0)}]
    assert of_kind(documents, CapacityPolicy) == []
    path.write_text(POOL + "---\n" + good.replace("2m]", "2]"))
    with pytest.raises(PolicyError, match=r"w.yaml:15:21  spec.byPool.l4.1  a duration needs a unit  write `2s`"):
        read_documents(path, kinds)
    assert "unknown kind" in str(found(path, POOL + "---\n" + good)[0])


YAML_ISH = st.text(alphabet="ab:-?[]{}&*!|>'\"%@`#,\n\t 0129.~<=/\x00\ufeff\u2028", max_size=40)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(POOL)), st.integers(0, 30), YAML_ISH)
@example(0, len(POOL), "a: - b")
@example(0, len(POOL), "!!int x: &a [*a]")
def test_a_spoilt_file_is_read_or_has_problems_with_places(
    tmp_path_factory: pytest.TempPathFactory, at: int, length: int, junk: str
) -> None:
    text = POOL[:at] + junk + POOL[at + length :]
    for problem in found(tmp_path_factory.getbasetemp() / "spoilt.yaml", text):
        assert problem.message
        assert 1 <= problem.line <= len(text.splitlines()) + 1
        assert problem.column >= 1
