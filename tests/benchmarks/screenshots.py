"""The pictures of the page in the documentation, and a count of what it takes to get there.

Usage: python tests/benchmarks/screenshots.py MODELS [docs/images]

Serves the models (those of `kappredict demo`) on this machine, goes through the page as a clinician
does, in Chromium, and writes the pictures of form, outlook, what-if and phone.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

DESKTOP, PHONE = {"width": 1280, "height": 1450}, {"width": 375, "height": 812}
NAMES = ("page-form.png", "page.png", "page-what-if.png", "page-phone.png")
ENTERED = {
    "#in-phq9": "19",
    "#in-age": "41",
    "#in-failed_antidepressants": "4",
    "#in-gad7": "13",
    "#in-planned_doses": "6",
}
# Two of the nine are left out: the scale's own rule makes a total of the seven.
ITEMS = "2312323"
CHOSEN = ("#in-sex-female", "#in-takes_antidepressant-1", "#in-planned_route-iv")


def main(models: Path, folder: Path) -> None:
    """Write the pictures into a folder."""
    with served(models) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        began = time.perf_counter()
        page = opened(browser, address, DESKTOP)
        fill_in(page)
        print(f"from opening to the outlook, by script: {time.perf_counter() - began:.1f} s")
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=folder / "page.png")
        page.check("#if-planned_route-sl")
        page.fill("#if-planned_doses", "1")
        page.keyboard.press("Tab")
        page.wait_for_selector("#compared table")
        page.locator("#what-if").screenshot(path=folder / "page-what-if.png")
        items = opened(browser, address, DESKTOP)
        items.click("text=Enter the PHQ-9 item by item")
        for item, answer in enumerate(ITEMS, start=1):
            items.check(f"#item-phq9-{item}-{answer}")
        items.wait_for_selector(".score:not(:empty)")
        items.locator("#entry").screenshot(path=folder / "page-form.png")
        phone = opened(browser, address, PHONE)
        fill_in(phone)
        phone.locator("article.response").scroll_into_view_if_needed()
        phone.screenshot(path=folder / "page-phone.png")
        browser.close()
    for name in NAMES:
        print(f"{name}: {(folder / name).stat().st_size / 1024:.0f} KiB")


def opened(browser: Browser, address: str, size: dict[str, int]) -> Page:
    """Open the page for one condition."""
    context = browser.new_context(viewport=size, reduced_motion="reduce")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#in-age")
    page.select_option("#condition", "depression")
    return page


def fill_in(page: Page) -> None:
    """Enter a patient, and ask for the outlook."""
    page.eval_on_selector_all("details.group", "all => all.forEach(one => one.open = true)")
    for field, value in ENTERED.items():
        page.fill(field, value)
    for choice in CHOSEN:
        page.check(choice)
    page.eval_on_selector_all("#more-fields details", "all => all.forEach(one => one.open = false)")
    page.click("#patient button[type=submit]")
    page.wait_for_selector("#answered:not([hidden])")


@contextmanager
def served(models: Path) -> Iterator[str]:
    """Serve models on a free port until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pipelines.cli", "serve", "--demo", "--models", models]
        command += ["--port", address.rsplit(":", 1)[1], "--audit", Path(folder) / "audit.db"]
        process = subprocess.Popen(
            [str(one) for one in command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "BENTOML_HOME": folder},
        )
        try:
            wait_for(address)
            yield address
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def wait_for(address: str) -> None:
    """Wait until the service is ready.

    Raises
    ------
    TimeoutError
        If it is not after ninety seconds.
    """
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise TimeoutError(f"nothing is ready at {address}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images"))
