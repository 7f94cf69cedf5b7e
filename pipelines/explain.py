"""Explain: what matters to a model, as tables and plots in a folder."""

from pathlib import Path

from kappredict.reporting.findings import Findings
from kappredict.tracking.store import Store
from pipelines.models import open_findings

_TABLES = ("importance", "stability", "dependence", "interactions")


def explain(model: str, out: Path, store: Store) -> Findings:
    """Write a model's explanation: a CSV file a table, an HTML page a figure."""
    (found,) = open_findings([model], store)
    out.mkdir(parents=True, exist_ok=True)
    for name in _TABLES:
        found.tables[name].to_csv(out / f"{name}.csv", index=False)
    for name, figure in found.figures.items():
        if name.startswith(_TABLES):
            figure.write_html(out / f"{name}.html", include_plotlyjs="directory")
    return found
