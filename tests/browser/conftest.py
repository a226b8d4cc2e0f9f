"""Debian's Chromium for the page tests; where it is absent they are left out, but never in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REQUIRED = ("CI", "REQUIRE_BROWSER")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser that runs for the whole session."""
    if not CHROMIUM.exists():
        missing = f"no browser at {CHROMIUM}; install Debian's chromium"
        if any(os.environ.get(name) for name in REQUIRED):
            pytest.fail(missing)
        pytest.skip(f"left out: {missing}")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield started
        started.close()


@contextmanager
def _opened(browser: Browser, path: Path, width: int = 1280, **more: Any) -> Iterator[Page]:
    """The page, drawn; afterwards no error was logged and no request had left the file."""
    touch = width < 600
    context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=touch, is_mobile=touch, **more)
    page, outside, errors = context.new_page(), list[str](), list[str]()

    def only_itself(route: Route) -> None:
        if route.request.url.partition("#")[0] == path.as_uri():
            route.continue_()
        else:
            outside.append(route.request.url)
            route.abort()

    page.route("**/*", only_itself)
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    try:
        yield page
        assert errors == []
        assert outside == []
    finally:
        context.close()


@pytest.fixture
def opened(browser: Browser) -> Callable[..., AbstractContextManager[Page]]:
    """Opens a file in a window of `width` pixels; a narrow one is a phone's. More options are those of a context."""
    return partial(_opened, browser)
