"""Shows what a pipeline gave, on stdout, and gives it as JSON for machines."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from kappredict.domain.prediction import Abstention, Prediction
from kappredict.evaluation.report import EvaluationReport
from kappredict.reporting.findings import Findings
from kappredict.reporting.summary import does_it_work, what_matters, would_it_matter_elsewhere
from pipelines.console import results
from pipelines.tables import (
    held_out_table,
    horizon_table,
    importance_table,
    models_table,
    prediction_lines,
    refusal_lines,
)
from pipelines.train import Training


def show_training(training: Training) -> None:
    """Print the table of models, refusals with what can be said, and warnings."""
    if training.trained:
        synthetic = training.study.definition.synthetic
        results.print(models_table(training.trained, synthetic=synthetic))
    for one in training.trained:
        _show_report(one.report)
    for refused in training.refused:
        for line in refusal_lines(refused):
            results.print(line, markup=False)


def _show_report(report: EvaluationReport) -> None:
    for table in (horizon_table(report), held_out_table(report)):
        if table is not None:
            results.print(table)
    for warning in report.warnings:
        results.print(f"[yellow]{report.task}: {escape(warning)}[/yellow]")
    for scheme, reason in report.not_run.items():
        results.print(f"{report.task}: {scheme} not run: {escape(reason)}")


def show_explanation(found: Findings) -> None:
    """Print what matters to a model, one row a clinical idea, and what to make of it."""
    results.print(importance_table(found))
    for sentence in (what_matters(found), would_it_matter_elsewhere(found)):
        results.print(sentence, markup=False)


def show_answers(answers: Sequence[Prediction | Abstention], most: int = 20) -> None:
    """Print answers in words."""
    for answer in answers[:most]:
        for line in (f"{escape(answer.course_id)}:", *prediction_lines(answer)):
            results.print(line, highlight=False)
    if len(answers) > most:
        results.print(f"… and {len(answers) - most} more; use --out to write them all.")


def training_json(training: Training) -> dict[str, Any]:
    """Give a training in the shape of the design's contract."""
    models = []
    for one in training.trained:
        condition, outcome, landmark = one.report.task.split("/")
        models.append(
            {
                "condition": condition,
                "outcome": outcome,
                "landmark": landmark,
                "estimator": one.bundle.recipe.provenance.candidate["model"],
                "synthetic": training.study.definition.synthetic,
                "attrition": one.data.attrition.table().to_dict("records"),
                "verdict": does_it_work(one.findings).sentence,
                **one.report.to_json(),
            }
        )
    refused = [
        {
            "task": one.task,
            "reason": one.reason,
            "rates": [
                {"label": rate.label, "events": rate.events, "n": rate.n, **vars(rate.rate)}
                for rate in one.rates
            ],
            "paired_differences": [
                {
                    "first": pair.first,
                    "second": pair.second,
                    "patients": pair.patients,
                    **vars(pair.points),
                }
                for pair in one.paired
            ],
        }
        for one in training.refused
    ]
    return {"models": models, "refused": refused}
