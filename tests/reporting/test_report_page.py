"""The report in a real Chromium: it opens offline, draws, reads well, and is accessible."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import plotly.graph_objects as go
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from kappredict.reporting.embedding import plain_figure
from kappredict.reporting.findings import Findings
from kappredict.reporting.grids import figure_grid

LARGEST = 5_000_000
Scheme = Literal["light", "dark"]
SIZES = {"desk": (1280, 900), "phone": (360, 740)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on this machine (Debian's package `chromium`)")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])


def opened(browser: Browser, page: Path, *, size: str = "desk", scheme: Scheme = "light") -> Page:
    """Open the file; anything on the console or from the network fails the test."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        offline=True,
    )
    view = context.new_page()
    view.set_default_timeout(20_000)
    said: list[str] = []
    view.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )
    view.on("pageerror", lambda error: said.append(str(error)))
    view.on(
        "request",
        lambda request: (
            said.append(request.url)
            if not request.url.startswith(("file:", "data:", "blob:"))
            else None
        ),
    )
    view.goto(page.as_uri())
    view.wait_for_selector("html[data-ready]")
    view.evaluate("window.kappredict.drawAll()")
    view.wait_for_function("document.querySelectorAll('.plot .main-svg').length > 0")
    assert said == []
    return view


@pytest.mark.parametrize(
    ("size", "scheme"), [("desk", "light"), ("desk", "dark"), ("phone", "light")]
)
def test_it_opens_without_an_error_or_a_request_and_axe_finds_nothing(
    browser: Browser, page: Path, size: str, scheme: Scheme
) -> None:
    view = opened(browser, page, size=size, scheme=scheme)
    found = Axe().run(view)
    assert [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]
    ] == []


def test_every_figure_is_drawn(browser: Browser, page: Path) -> None:
    view = opened(browser, page)
    places = view.locator("[data-figure]").count()
    assert places > 20
    assert view.locator("[data-figure] .plot-container").count() == places


@pytest.mark.parametrize("size", SIZES)
def test_nothing_sticks_out_sideways(browser: Browser, page: Path, size: str) -> None:
    view = opened(browser, page, size=size)
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert view.evaluate(width) == 0


def test_colours_follow_the_system_and_the_button(browser: Browser, page: Path) -> None:
    view = opened(browser, page, scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = view.evaluate(paper)
    view.get_by_role("button", name="Switch to light colours").click()
    assert view.evaluate(paper) != dark


def test_the_keyboard_reaches_the_answer_first(browser: Browser, page: Path) -> None:
    view = opened(browser, page)
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.textContent") == "Skip to the answer"
    view.keyboard.press("Enter")
    assert view.evaluate("location.hash") == "#answer"


def test_it_prints_with_tables_open_and_without_navigation(browser: Browser, page: Path) -> None:
    view = opened(browser, page)
    assert len(view.pdf()) > 100_000
    assert view.evaluate("[...document.querySelectorAll('details.table')].every((d) => d.open)")
    view.emulate_media(media="print")
    assert not view.locator("nav").is_visible()


def test_without_javascript_text_and_tables_are_there(browser: Browser, page: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    view = context.new_page()
    view.goto(page.as_uri())
    assert view.get_by_role("heading", name="The answer").is_visible()
    assert "Figures need JavaScript" in view.content()
    assert view.locator("table").count() > 10


def test_a_researcher_finds_what_matters_whether_elsewhere_and_how_sure(
    browser: Browser, page: Path, response: Findings
) -> None:
    view = opened(browser, page)
    section = view.locator(f"#{response.task.replace('/', '-')}")
    for question in ("Does it work?", "For whom?", "How sure?", "What matters?", "Elsewhere, too?"):
        assert section.get_by_text(question, exact=True).is_visible()
    for heading in ("Who", "What matters", "Those lost", "Definitions", "Record"):
        assert section.get_by_role("heading", name=heading, exact=True).is_visible()


def test_it_is_small_and_fetches_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < LARGEST
    assert "default-src 'none'" in text
    assert 'src="' not in text


def test_synthetic_data_are_marked_in_every_section(page: Path, findings: list[Findings]) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.count('class="mark"') == len(findings) + 1


def test_every_figure_has_its_numbers(findings: list[Findings]) -> None:
    for one in findings:
        for name, figure in one.figures.items():
            grid = figure_grid(plain_figure(figure))
            assert grid.rows, name
            assert {len(row) for row in grid.rows} == {len(grid.columns)}, name


def test_the_numbers_of_a_heat_map_are_its_cells() -> None:
    figure = go.Figure(go.Heatmap(z=[[1.0, np.nan], [3.0, 4.0]], x=["a", "b"], y=["c", "d"]))
    rows = figure_grid(plain_figure(figure)).rows
    assert [row[1:] for row in rows] == [("a", "c", "1"), ("a", "d", "3"), ("b", "d", "4")]


def test_the_numbers_of_a_figure_are_numbers() -> None:
    figure = go.Figure(go.Scatter(x=np.array([1.0, 2.0]), y=np.array([0.123456789, 4.0]), name="s"))
    rows = figure_grid(plain_figure(figure)).rows
    assert rows == (("s", "1", "0.1235"), ("s", "2", "4"))
