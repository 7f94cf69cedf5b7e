"""Card: a model's card and its TRIPOD+AI record, in Markdown and JSON."""

from pathlib import Path

from kappredict.reporting.card import card as write_card
from kappredict.reporting.record import make_record, read_about
from kappredict.tracking.store import Store
from pipelines.models import open_findings


def card(model: str, out: Path, store: Store, *, about: Path | None) -> list[Path]:
    """Write `card.md` and `record.json` into a folder."""
    said = read_about(about)
    (found,) = open_findings([model], store)
    out.mkdir(parents=True, exist_ok=True)
    contents = {
        "card.md": write_card(found, said),
        "record.json": make_record(found, said).model_dump_json(indent=1),
    }
    for name, content in contents.items():
        (out / name).write_text(content, encoding="utf-8")
    return [out / name for name in contents]
