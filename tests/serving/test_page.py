"""The page in a real browser: by keyboard alone, for every eye, on every width, and on paper."""

import io
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pypdf import PdfReader

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS = ("picture", "text", "table", "patient")
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 320, "height": 700}

# What has the focus, and whether it can be seen there: nothing lies over it.
AT_FOCUS = """() => {
  const one = document.activeElement, box = one.getBoundingClientRect();
  const y = box.y + Math.min(box.height / 2, 15);
  const top = document.elementFromPoint(box.x + box.width / 2, y);
  return [one.id || one.tagName,
    one === document.body || one.contains(top) || one.parentElement.contains(top)];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def tab(browser: Browser, served: Any) -> Iterator[Page]:
    with opened(browser, served) as page:
        yield page


@pytest.fixture
def page(tab: Page, served: Any) -> Page:
    """The page with its form open, after the key; loaded anew, it remembers nothing."""
    tab.set_viewport_size(DESKTOP)
    tab.reload()
    enter_key(tab, served)
    return tab


@contextmanager
def opened(browser: Browser, served: Any, **options: Any) -> Iterator[Page]:
    """A page that must say nothing on the console, and ask no other origin."""
    # Without smooth scrolling, so that where something stands is known at once.
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce", **options)
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(served.url)
    yield page
    strange = [one for one in said if "401" not in one]  # a key that is not accepted is said so
    assert not strange, strange
    assert {one for one in asked if not one.startswith((served.url, "data:,"))} == set()
    context.close()


def enter_key(page: Page, served: Any) -> None:
    page.fill("#key", served.keys["clinician"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#in-age")


def predict(page: Page, **values: str) -> None:
    for name, value in ({"phq9": "19", "age": "41"} | values).items():
        page.fill(f"#in-{name}", value)
    page.click("#patient button[type=submit]")
    page.wait_for_selector("#answered:not([hidden])")


def open_all(page: Page) -> None:
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")


def number(page: Page, outcome: str = "response") -> int:
    said = page.inner_text(f"article.{outcome} .big")
    found = re.search(r"[Aa]bout (\d+)", said)
    assert found, said
    return int(found.group(1))


def violations(page: Page, part: str = "html") -> list[str]:
    options = {"runOnly": WCAG, "resultTypes": ["violations"]}  # what passes is not written out
    found = Axe().run(page, context=part, options=options).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


def test_the_first_outlook_takes_a_keyboard_and_under_thirty_strokes(
    browser: Browser, served: Any
) -> None:
    with opened(browser, served) as page:
        enter_key(page, served)
        strokes = 0

        def press(key: str) -> None:
            nonlocal strokes
            strokes += 1
            page.keyboard.press(key)

        while page.evaluate("document.activeElement.id") != "in-phq9":
            press("Tab")
            assert strokes < 10
        for key in ("1", "9", "Enter"):
            press(key)
        page.wait_for_selector("#answered:not([hidden])")
        assert page.evaluate("document.activeElement.id") == "result"
        assert "Of 100 people like this" in page.inner_text("#status")
    print(f"from the form to the outlook: {strokes} strokes")
    assert strokes < 30


def test_focus_is_always_seen_and_goes_through_everything(page: Page) -> None:
    predict(page)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        place = page.evaluate(AT_FOCUS)
        reached.add(place[0])
        assert place[1], f"{place[0]} is hidden while it has the focus"
    assert {"condition", "in-phq9", "print", "decimals"} <= reached


@pytest.mark.parametrize(
    ("size", "judged"), [(DESKTOP, VIEWS), (PHONE, VIEWS[:1])], ids=["desktop", "phone"]
)
def test_every_view_passes_axe_and_fits_the_width(
    page: Page, size: Any, judged: tuple[str, ...]
) -> None:
    page.set_viewport_size(size)
    open_all(page)
    assert not violations(page)
    predict(page)
    open_all(page)
    for view in VIEWS:
        page.check(f"#views input[value={view}]")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], view
        if view in judged:
            assert not violations(page, "#result"), view


def test_every_view_says_the_same_numbers(page: Page) -> None:
    predict(page)
    said = {}
    for view in ("picture", "text", "patient"):
        page.check(f"#views input[value={view}]")
        said[view] = number(page)
    page.check("#views input[value=table]")
    said["table"] = int(page.inner_text("article.response tbody td >> nth=0"))
    assert len(set(said.values())) == 1, said
    page.check("#views input[value=picture]")
    for picture in page.query_selector_all("svg.icons"):
        assert len(picture.query_selector_all("circle")) == 100
    page.check("#decimals")
    page.check("#views input[value=table]")
    shares = page.locator("article.response tbody tr td:nth-child(2)").all_inner_texts()
    assert sum(map(float, shares)) == pytest.approx(100)


def test_items_give_the_scales_own_total_and_are_never_guessed(page: Page) -> None:
    page.click("text=item by item")
    for item, answer in zip("1234567", "2312323", strict=True):
        page.check(f"#item-phq9-{item}-{answer}")
    # 16 of 7 items: 16 / 7 × 9 = 20.6, a half upwards.
    expect(page.locator("#in-phq9")).to_have_value("21")
    assert "7 of 9 items" in page.inner_text(".score")
    assert "Item 9 (self-harm) is never filled in: ask." in page.inner_text(".score")
    assert page.get_attribute("#in-phq9", "readonly") == ""
    predict_without_total(page)
    assert "- PHQ-9: 21\n" in page.input_value("#note")


def predict_without_total(page: Page) -> None:
    page.fill("#in-age", "41")
    page.click("#patient button[type=submit]")
    page.wait_for_selector("#answered:not([hidden])")


def test_a_safety_item_speaks_first_and_is_no_part_of_the_estimate(page: Page) -> None:
    page.click("text=item by item")
    page.check("#item-phq9-9-1")
    predict_without_total(page)
    notice = page.locator("#safety .urgent")
    expect(notice).to_contain_text("Assess safety now")
    assert notice.bounding_box()["y"] < page.locator("article").first.bounding_box()["y"]  # type: ignore[index]
    page.check("#item-phq9-9-0")
    expect(notice).to_have_count(0)
    page.click("text=To judge before a dose")
    assert "Oxford Health NHS ketamine clinic" in page.inner_text("#judge")


def test_what_is_wrong_is_listed_and_leads_to_its_field(page: Page) -> None:
    page.fill("#in-phq9", "99")
    page.fill("#in-age", "old")
    page.click("#patient button[type=submit]")
    assert page.locator("#faults li").all_inner_texts() == [
        "PHQ-9: must lie within 0 and 27",
        "Age: must be a number",
    ]
    assert "2 entries need correcting" in page.evaluate("document.activeElement.textContent")
    page.click("#faults a >> nth=1")
    assert page.evaluate("document.activeElement.id") == "in-age"
    assert page.get_attribute("#in-age", "aria-invalid") == "true"
    assert page.input_value("#in-phq9") == "99"
    predict(page)
    assert page.locator("#faults li").count() == 0


def test_who_is_under_age_gets_a_reason_and_no_number(page: Page) -> None:
    predict(page, age="15")
    for outcome in page.locator("article").all_inner_texts():
        assert "No prediction: age is below 18" in outcome
    assert page.locator("svg.icons").count() == 0


def test_what_is_lacking_is_named_and_leads_to_its_field(page: Page) -> None:
    predict(page)
    fit = page.inner_text(".fit")
    assert re.search(r"\d+ things that the model uses are not known", fit)
    assert "Not entered, so counted as none: failed antidepressant trials" in fit
    page.click(".fit summary")
    page.click(".ways button:has-text('GAD-7')")
    assert page.evaluate("document.activeElement.id") == "in-gad7"
    page.keyboard.type("12")
    page.keyboard.press("Tab")
    expect(page.locator(".ways button:has-text('GAD-7')")).to_have_count(0)


def test_what_if_stands_beside_what_was_entered(page: Page) -> None:
    predict(page)
    before = number(page)
    page.click("text=Explore the model")
    page.fill("#if-phq9", "12")
    page.keyboard.press("Tab")
    row = page.locator("#compared tr:has-text('respond') >> nth=0")
    expect(row).to_contain_text(f"{before} of 100")
    assert "not a treatment effect" in page.inner_text("#compared")
    assert "changed; entered: 19" in page.inner_text("#what-if")
    assert number(page) == before
    page.click("#reset-if")
    assert page.inner_text("#compared") == ""
    assert page.input_value("#if-phq9") == "19"


def test_an_entry_that_changes_changes_the_outlook_and_keeps_its_focus(page: Page) -> None:
    predict(page)
    before = page.inner_text("#stamp")
    page.focus("#in-age")
    page.fill("#in-age", "60")
    page.keyboard.press("Tab")
    expect(page.locator("#stamp")).not_to_have_text(before)
    assert page.evaluate("document.activeElement.closest('#patient') !== null")


def test_an_outlook_that_is_not_of_what_is_entered_says_so(page: Page) -> None:
    predict(page)
    page.fill("#in-age", "old")
    page.keyboard.press("Tab")
    expect(page.locator("#outdated")).to_contain_text("earlier entry")
    assert page.inner_text("#in-age-fault") == "Age: must be a number"
    page.fill("#in-age", "50")
    page.keyboard.press("Tab")
    expect(page.locator("#outdated")).to_be_empty()


def test_on_paper_it_is_one_sheet_with_all_that_a_record_needs(page: Page, served: Any) -> None:
    predict(page)
    prediction = re.search(r"prediction (\w+)", page.inner_text("#stamp"))
    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True)))
    # A font draws "ff" and "fi" as one sign each, in identifiers, too.
    drawn = unicodedata.normalize("NFKC", " ".join(one.extract_text() for one in paper.pages))
    text = re.sub(r"\s+", " ", drawn)
    assert len(paper.pages) == 1
    with served.client() as client:
        models = client.get("/v1/models").json()["models"]
    assert prediction is not None
    for needed in (
        prediction.group(1),
        *(one["version"] for one in models),
        "It cannot say what will happen to this person",
        "Not a substitute for clinical judgement",
        "What was entered",
        "SYNTHETIC",
        f"about {number(page)} respond",
    ):
        assert needed in text, needed
    assert "Show the outlook" not in text


def test_the_note_holds_what_was_entered_and_what_was_said(page: Page) -> None:
    predict(page)
    note = page.input_value("#note")
    assert "- PHQ-9: 19" in note
    assert f"about {number(page)} respond" in note
    assert "cannot say what will happen" in note


def test_nothing_is_kept_by_the_browser(page: Page, served: Any) -> None:
    predict(page)
    kept = page.evaluate(
        "[localStorage.length, sessionStorage.length, document.cookie, location.href]"
    )
    assert kept == [0, 0, "", f"{served.url}/"]
    page.reload()
    expect(page.locator("#key-part")).to_be_visible()
    assert not page.is_visible("#patient")


def test_a_page_left_alone_warns_and_then_forgets(browser: Browser, served: Any) -> None:
    with opened(browser, served) as page:
        page.clock.install()
        page.reload()
        enter_key(page, served)
        predict(page)
        page.clock.fast_forward("13:30")
        page.clock.run_for(1000)
        assert page.is_visible("#leaving")
        page.keyboard.press("Enter")
        assert page.input_value("#in-phq9") == "19"
        page.clock.fast_forward("13:30")
        page.clock.run_for(1000)
        page.clock.fast_forward("02:30")
        page.clock.run_for(1000)
        assert page.is_visible("#key-part")
        assert not page.is_visible("#answered")
        assert page.input_value("#note") == ""


def test_a_key_that_is_not_accepted_is_said_so(browser: Browser, served: Any) -> None:
    with opened(browser, served) as page:
        page.fill("#key", "wrong")
        page.keyboard.press("Enter")
        expect(page.locator("#key-fault")).to_contain_text("not accepted")


def test_without_colours_what_is_chosen_is_still_marked(browser: Browser, served: Any) -> None:
    with opened(browser, served, forced_colors="active") as page:
        enter_key(page, served)
        mark = "getComputedStyle(document.querySelector('#in-sex- + span'), '::before').content"
        assert "✓" in page.evaluate(mark)
        scrolling = "getComputedStyle(document.documentElement).scrollBehavior"
        assert page.evaluate(scrolling) == "auto"
