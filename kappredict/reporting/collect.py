"""From a training to its findings: every table and figure that is said of a model later."""

from dataclasses import dataclass, fields

import pandas as pd
import plotly.graph_objects as go

from kappredict.estimators.bundle import ModelBundle
from kappredict.evaluation.attrition_flow import differences_from_everyone, lost_by_place
from kappredict.evaluation.cross_validation import Predictions
from kappredict.evaluation.figures_missing import attrition_figure, differences_figure
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.plots import task_figures
from kappredict.evaluation.report import EvaluationReport
from kappredict.evaluation.result_tables import performance_table, prediction_table, trust_tables
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.table_one import table_one
from kappredict.explanation.figures import explanation_figures
from kappredict.explanation.model_level import ModelExplanation
from kappredict.reporting.findings import Findings


@dataclass(frozen=True)
class Judged:
    """A task's modelling set, what was predicted for it out of fold, and the judgement of that."""

    data: ModellingSet
    predictions: Predictions
    report: EvaluationReport
    settings: TrainingSettings


def collect(
    bundle: ModelBundle, digest: str, judged: Judged, explained: ModelExplanation
) -> Findings:
    """Gather what is known of a model once it is trained, judged and explained."""
    data, report, settings = judged.data, judged.report, judged.settings
    kept = {"seed": settings.seed, "resamples": settings.resamples}
    explanation = {one.name: getattr(explained, one.name) for one in fields(explained)}
    tables = {
        "attrition": data.attrition.table(),
        "table_one": table_one(data),
        "performance": performance_table(report),
        "lost_by_place": lost_by_place(data, **kept),
        "differences": differences_from_everyone(data, **kept),
        **(trust_tables(report.trust) if report.trust else {}),
        **explanation,
        "predictions": prediction_table(data, judged.predictions),
        "features": data.features.frame.rename_axis("row").reset_index(),
    }
    synthetic = bundle.recipe.study.synthetic
    figures = _figures(judged, explained, tables["differences"], synthetic=synthetic)
    return Findings(bundle.recipe, digest, tables, figures)


def _figures(
    judged: Judged, explained: ModelExplanation, differences: pd.DataFrame, *, synthetic: bool
) -> dict[str, go.Figure]:
    data, report = judged.data, judged.report
    figures = {
        **task_figures(data, judged.predictions, report, judged.settings, synthetic=synthetic),
        **explanation_figures(explained, synthetic=synthetic),
        "attrition": attrition_figure(data.attrition, synthetic=synthetic),
    }
    if len(differences):
        figures["differences"] = differences_figure(differences, synthetic=synthetic)
    return figures
