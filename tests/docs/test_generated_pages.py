"""Generated pages are what the code and the definitions give now."""

from pathlib import Path

import pytest

from kappredict.config.catalogue import load_catalogue
from pipelines.docs import pages

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = pages(load_catalogue())


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_fresh(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], "run `make docs`"


def test_every_condition_and_instrument_has_its_section() -> None:
    catalogue = load_catalogue()
    assert all(f"(`{one}`)" in PAGES["definitions/conditions.md"] for one in catalogue.conditions)
    assert all(f"(`{one}`)" in PAGES["definitions/instruments.md"] for one in catalogue.instruments)
