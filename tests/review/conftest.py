"""A real browser, without a network, for the pages of `explore`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.model.conftest import dataset, model, tokenizer  # noqa: F401

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-precise-memory-info"),
)


class OpenPage:
    """A page of `explore` that is open.

    requests   addresses that it asked for, besides its own
    errors     exceptions of its scripts, and messages of the console that are errors
    """

    def __init__(self, page: Any, path: Path) -> None:
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))
        page.goto(path.as_uri())
        self.until("window.explorer !== undefined")
        self.requests.remove(path.as_uri())

    def until(self, condition: str) -> None:
        """Waits for a condition in JavaScript; the policy of the page lets no script of playwright wait."""
        for _ in range(400):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(50)
        raise TimeoutError(f"{condition}; errors: {self.errors}")

    def rows(self) -> list[int]:
        """Row numbers of the page that are listed, in order."""
        rows: list[int] = self.page.evaluate("explorer.rows()")
        return rows

    def count(self) -> int:
        """The number of rows that the page says it lists."""
        return int(self.page.inner_text("#count").split()[0].replace(",", ""))

    def search(self, words: str, scope: str = "text") -> int:
        self.page.select_option("#scope", scope)
        self.page.fill("#query", words)
        if scope == "token":
            self.page.wait_for_timeout(200)
        assert self.count() == len(self.rows())
        return self.count()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def facet(self, title: str, name: str) -> Any:
        section = self.page.locator(
            "#filters section", has=self.page.get_by_role("heading", name=title, exact=True)
        )
        return section.locator("button", has_text=name)


class Browser:
    def __init__(self, browser: Any) -> None:
        self.browser = browser

    @contextmanager
    def open(self, path: Path, width: int = 1440, height: int = 900, **context: Any) -> Iterator[OpenPage]:
        """The page in a context of its own, which has no network."""
        opened = self.browser.new_context(
            viewport={"width": width, "height": height}, offline=True, accept_downloads=True, **context
        )
        try:
            yield OpenPage(opened.new_page(), path)
        finally:
            opened.close()


@contextmanager
def launched() -> Iterator[Any]:
    """Chromium, driven by playwright; skips where there is neither."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    with playwright.sync_playwright() as driver:
        if program is None and not Path(driver.chromium.executable_path).exists():
            pytest.skip("there is no Chromium here")
        started = driver.chromium.launch(executable_path=program, args=list(_QUIET))
        try:
            yield started
        finally:
            started.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as `launched` starts it."""
    with launched() as started:
        yield Browser(started)
