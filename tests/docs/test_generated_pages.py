"""Generated pages and schemas are what the code and the definitions give now."""

from pathlib import Path

import pytest

from kappredict.config.catalogue import Catalogue, load_catalogue
from pipelines.docs import SETTINGS_SCHEMA, pages, write_all_schemas, write_pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = pages(load_catalogue())


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_fresh(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name], "run `make docs`"


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("folder", ["definitions", "data", "reference"])
def test_generating_anew_gives_the_committed_folder_and_no_more(
    folder: str, tmp_path: Path
) -> None:
    write_pages(tmp_path)
    assert contents(tmp_path / folder) == contents(ROOT / "docs" / folder), "run `make docs`"


def test_the_committed_schemas_are_fresh(tmp_path: Path) -> None:
    write_all_schemas(tmp_path)
    assert contents(tmp_path) == contents(ROOT / "configs" / "schema"), "run `make docs`"
    assert SETTINGS_SCHEMA in contents(tmp_path)


def test_every_condition_and_instrument_has_its_section(catalogue: Catalogue) -> None:
    assert all(f"(`{one}`)" in PAGES["definitions/conditions.md"] for one in catalogue.conditions)
    assert all(f"(`{one}`)" in PAGES["definitions/instruments.md"] for one in catalogue.instruments)


def test_every_feature_of_the_definitions_is_listed(catalogue: Catalogue) -> None:
    features = catalogue.features
    named = [
        *(one.column for one in features.columns),
        *(one.aggregate for one in features.aggregates),
        *(one.id for one in (*features.sessions, *features.history)),
    ]
    assert all(f"| {name} |" in PAGES["data/features.md"] for name in named)


@pytest.mark.parametrize("name", ["definitions/conditions.md", "definitions/instruments.md"])
def test_every_source_that_is_cited_is_listed(name: str, catalogue: Catalogue) -> None:
    text, listed = PAGES[name].split("## Sources")
    cited = {key for key in catalogue.sources if f"[{key}]" in text}
    assert cited
    assert all(f"- [{key}] {catalogue.sources[key].citation}" in listed for key in cited)


@pytest.mark.parametrize("name", PAGES)
def test_the_rows_of_a_table_have_as_many_cells_as_its_head(name: str) -> None:
    tables = [block.splitlines() for block in PAGES[name].split("\n\n") if block.startswith("|")]
    assert all(len({row.count(" | ") for row in rows[:1] + rows[2:]}) == 1 for rows in tables)
