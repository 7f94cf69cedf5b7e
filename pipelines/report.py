"""Report: what trainings found, as one HTML file."""

from collections.abc import Sequence
from pathlib import Path

from kappredict.errors import UsageError
from kappredict.reporting.page import NotModelled, write_report
from kappredict.tracking.store import Store
from pipelines.models import open_findings
from pipelines.tables import refusal_lines
from pipelines.train import Training


def report(models: Sequence[str], path: Path, store: Store) -> None:
    """Write the report of some models, which may come from several trainings of one study."""
    findings = open_findings(models, store)
    labels = list(dict.fromkeys(one.recipe.study.label for one in findings))
    if len(labels) > 1:
        raise UsageError(f"a report is about one study; these models are of {', '.join(labels)}")
    write_report(path, _title(labels[0]), findings, ())


def report_training(training: Training, path: Path) -> None:
    """Write the report of a training, with what was refused."""
    refused = [
        NotModelled(one.task, [line.strip() for line in refusal_lines(one)[1:]] or [one.reason])
        for one in training.refused
    ]
    findings = [one.findings for one in training.trained]
    write_report(path, _title(training.study.definition.label), findings, refused)


def _title(study: str) -> str:
    return f"{study}: who responds, remits and stays well"
