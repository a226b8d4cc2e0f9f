"""The pages name what exists: links, files, commands and their options, targets, values of the chart, settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from ruamel.yaml import YAML

from autoscaler.cli.app import app
from autoscaler.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in ("README.md", "SCOPE.md", "CHANGELOG.md"))]
NOTES = ROOT / "helm" / "templates" / "NOTES.txt"
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
SPAN = re.compile(r"`([^`]+)`")
COMMAND = re.compile(r"(?<![\w/.-])autoscaler ([a-z][^#|;]*)")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
FILE = re.compile(r"(?:docs|policies|helm|simulations|scripts|tests)/[\w./-]*")
SET = re.compile(r"--set(?:-file|-string|-json)? '?([A-Za-z][^\s=']*)")
DOTTED = re.compile(r"([a-z][A-Za-z]*(?:\.[A-Za-z]+)+)(?:[:=].*)?")
VARIABLE = re.compile(rf"\b{PREFIX}([A-Z_]+[A-Z])\b")
VALUES = YAML(typ="safe").load((ROOT / "helm" / "values.yaml").read_text())
SCHEMA = YAML(typ="safe").load((ROOT / "helm" / "values.schema.json").read_text())
GROUP: Any = typer.main.get_command(app)
by_page = pytest.mark.parametrize("page", [*PAGES, NOTES], ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> Iterator[str]:
    """What stands in code: indented lines and spans, each as one line; continued lines are joined."""
    text = page.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith("    "):
            yield line.strip()
    yield from SPAN.findall(re.sub(r"\s+", " ", re.sub(r"(?m)^    .*$", "", text)))


def slug(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


def unknown_words(line: str) -> Iterator[str]:
    """Of each `autoscaler ...` in a line: the command that there is not, and the options that it has not."""
    for said in COMMAND.findall(line):
        words, here = said.split(), GROUP
        while words and (inner := getattr(here, "commands", {}).get(words[0])) is not None:
            here = inner
            words = words[1:]
        if hasattr(here, "commands") and words and not words[0].startswith("-"):
            yield words[0]
        options = {option for one in here.params for option in one.opts} | {"--help"}
        yield from (word for word in words if re.fullmatch(r"--[a-z][a-z-]+", word) and word not in options)


def is_value(key: str) -> bool:
    """Whether the chart has this value; below a mapping that is free of form anything goes."""
    here = VALUES
    for part in re.sub(r"\\\.", "·", key).split("."):
        if here in ({}, []):
            return True
        if not isinstance(here, dict) or part not in here:
            return False
        here = here[part]
    return True


@by_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        found = page.parent / name if name else page
        assert found.exists(), target
        if anchor:
            assert anchor in {slug(line.lstrip("#")) for line in found.read_text().splitlines() if line[:1] == "#"}


@by_page
def test_commands_targets_files_and_settings_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for line in code(page):
        assert list(unknown_words(line)) == [], line
        assert set(TARGET.findall(line)) <= targets, line
        for variable in VARIABLE.findall(line):
            assert variable.lower() in Settings.model_fields, line
        if FILE.fullmatch(line):
            assert (ROOT / line).exists(), line


@by_page
def test_values_of_the_chart_exist(page: Path) -> None:
    for line in code(page):
        keys = [key for key in SET.findall(line) if key != "key"]
        if (dotted := DOTTED.fullmatch(line)) and isinstance(VALUES.get(dotted[1].split(".")[0]), dict):
            keys.append(dotted[1])
        for key in keys:
            assert is_value(key), line


def test_recipes_for_gitops_have_values_that_the_chart_takes() -> None:
    text = (ROOT / "docs" / "gitops.md").read_text()
    blocks = re.findall(r"(?m)(?:^    .*\n|^\n(?=    ))+", text)
    found = [one for block in blocks if "apiVersion:" in block for one in YAML(typ="safe").load_all(dedented(block))]
    values = [one["spec"]["source"]["helm"]["valuesObject"] for one in found if one["kind"] == "Application"]
    values += [one["spec"]["values"] for one in found if one["kind"] == "HelmRelease"]
    assert len(values) == 2
    for one in values:
        jsonschema.validate(one, SCHEMA)


def dedented(block: str) -> str:
    return re.sub(r"(?m)^    ", "", block)


def test_every_page_is_reached_from_the_readme() -> None:
    reached = {(ROOT / target).resolve() for target in LINK.findall((ROOT / "README.md").read_text())}
    assert [page.name for page in (ROOT / "docs").glob("*.md") if page not in reached] == []


def test_much_is_looked_at_and_what_does_not_exist_is_found() -> None:
    lines = [line for page in PAGES for line in code(page)]
    assert sum(bool(COMMAND.search(line)) for line in lines) > 40
    assert sum(bool(SET.search(line)) for line in lines) >= 3
    assert list(unknown_words("kubectl exec x -- autoscaler docter")) == ["docter"]
    assert list(unknown_words("autoscaler policy check policies/ --wotch   # --fine")) == ["--wotch"]
    assert list(unknown_words("helm install gpu-autoscaler helm/")) == []
    assert is_value(r"policies.files.first\.yaml")
    assert not is_value("monitoring.serviceMonitors.enabled")
