"""The model card: what a clinician needs on a page, and the whole record after it, in Markdown."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from kappredict.reporting.findings import Findings
from kappredict.reporting.grids import task_words
from kappredict.reporting.record import About, limitations, make_record
from kappredict.reporting.summary import short_answers

_MARKDOWN = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=False,  # noqa: S701  # Markdown, shown as text
    trim_blocks=True,
    lstrip_blocks=True,
)


def card(found: Findings, about: About) -> str:
    """Write a model's card in Markdown."""
    return _MARKDOWN.get_template("card.md.j2").render(
        heading=task_words(found),
        short_answers=short_answers(found),
        about=about,
        limitations=limitations(found),
        record=make_record(found, about),
    )
