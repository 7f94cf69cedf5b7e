"""Report: what a training gave, as one HTML file."""

from pathlib import Path

from kappredict.reporting.page import NotModelled, Section, write_report
from pipelines.tables import refusal_lines
from pipelines.train import Training


def report(training: Training, path: Path) -> None:
    """Write the report of a training."""
    sections = [
        Section(one.bundle, one.report, one.data.attrition, one.figures) for one in training.trained
    ]
    refused = [
        NotModelled(one.task, [line.strip() for line in refusal_lines(one)[1:]] or [one.reason])
        for one in training.refused
    ]
    title = f"{training.study.definition.label}: who responds, remits and stays well"
    write_report(path, title, sections, refused)
