"""Results as tables and sentences for the terminal."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from kappredict.domain.prediction import Abstention, Prediction
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.report import EvaluationReport
from kappredict.explanation.importance import PERMUTATION, REFIT, SHAP
from kappredict.reporting.findings import Findings
from pipelines.train import Refused, Trained

_SYNTHETIC = " – synthetic data"


def interval(estimate: Estimate | None) -> str:
    """Word an estimate with its 95 % interval; a dash where there is none."""
    if estimate is None or estimate.value != estimate.value:  # NaN
        return "–"
    if estimate.low != estimate.low:  # NaN: too few resamples have the figure
        return f"{estimate.value:.2f} (–)"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def models_table(trained: Iterable[Trained], *, synthetic: bool) -> Table:
    """One row per model: its headline scheme, discrimination beside the labels', calibration."""
    table = Table(title="Models, with 95 % intervals" + (_SYNTHETIC if synthetic else ""))
    for heading in ("model", "n", "events", "kept", "scheme", "AUC or C", "labels alone", "Brier"):
        table.add_column(heading, overflow="fold")
    for one in trained:
        for name, result in one.report.schemes.items():
            figure = one.report.discrimination
            error = "integrated_brier" if figure == "c_index" else "brier"
            table.add_row(
                one.report.task,
                str(result.n),
                str(result.events),
                one.bundle.recipe.provenance.candidate["model"],
                name,
                interval(result.metrics[figure]),
                interval(result.baselines["labels"][figure]),
                interval(result.metrics[error]),
            )
    return table


def horizon_table(report: EvaluationReport) -> Table | None:
    """One row per scheme and horizon of a relapse model; nothing for the others."""
    if report.discrimination != "c_index":
        return None
    table = Table(title=f"{report.task}: by horizon")
    for heading in ("scheme", "day", "AUC", "labels alone", "Brier", "base rate's Brier"):
        table.add_column(heading)
    for name, result in report.schemes.items():
        for day, metrics in result.metrics["horizons"].items():
            labels = result.baselines["labels"]["horizons"][day]
            base = result.baselines["base_rate"]["horizons"][day]
            table.add_row(
                name,
                f"{float(day):g}",
                interval(metrics["auc"]),
                interval(labels["auc"]),
                interval(metrics["brier"]),
                interval(base["brier"]),
            )
    return table


def held_out_table(report: EvaluationReport) -> Table | None:
    """One row per study that was left out; nothing where none was."""
    rows = [
        (scheme, study, metrics)
        for scheme, result in report.schemes.items()
        for study, metrics in result.held_out.items()
    ]
    if not rows:
        return None
    table = Table(title=f"{report.task}: each study left out")
    for heading in ("left out", "AUC or C", "AUC at the last horizon"):
        table.add_column(heading)
    for _, study, metrics in rows:
        horizons = list(metrics.get("horizons", {}).values())
        last = horizons[-1]["auc"] if horizons else None
        table.add_row(escape(study), interval(metrics[report.discrimination]), interval(last))
    return table


def importance_table(found: Findings, most: int = 15) -> Table:
    """One row per clinical idea: how far it moves predictions, and what is lost without it."""
    mark = _SYNTHETIC if found.recipe.study.synthetic else ""
    table = Table(title=f"{found.task}: what matters, 95 % intervals{mark}")
    for heading in ("", "moves predictions by, points", "noise", "shuffled, AUC", "left out, AUC"):
        table.add_column(heading)
    importance = found.tables["importance"]
    rows = importance.set_index(["measure", "group"])
    moved = importance[importance["measure"] == SHAP].sort_values("value", ascending=False)
    for group in moved["group"].head(most):
        words = {
            measure: interval(Estimate(*rows.loc[(measure, group), ["value", "low", "high"]]))
            if (measure, group) in rows.index
            else "–"
            for measure in (SHAP, PERMUTATION, REFIT)
        }
        noise = f"{rows.loc[(SHAP, group), 'noise']:.2f}"
        table.add_row(escape(str(group)), words[SHAP], noise, words[PERMUTATION], words[REFIT])
    return table


def refusal_lines(refused: Refused) -> list[str]:
    """Say why a task was not modelled, and what can be said all the same."""
    lines = [f"{refused.task} not modelled: {refused.reason}"]
    lines += [
        f"  {rate.label}: {rate.events} of {rate.n}, {interval(rate.rate)}"
        for rate in refused.rates
    ]
    lines += [
        f"  change in score, {pair.first} minus {pair.second}, within {pair.patients} patients: "
        f"{pair.points.value:.1f} points ({pair.points.low:.1f} to {pair.points.high:.1f})"
        for pair in refused.paired
    ]
    return lines


def prediction_lines(answer: Prediction | Abstention, most: int = 5) -> list[str]:
    """Say one answer with its strongest reasons, in words that rich prints."""
    mark = " (model trained on synthetic data)" if answer.synthetic else ""
    if isinstance(answer, Abstention):
        return [f"[bold]{answer.task}[/bold]{mark}: no prediction – {answer.reason}"]
    lines = [
        f"[bold]{answer.task}[/bold]{mark}: of 100 courses like this, about "
        f"{round(100 * answer.probability)} {_outcome_words(answer)} "
        f"(90 % interval {round(100 * answer.interval[0])} to {round(100 * answer.interval[1])}; "
        f"all courses: {round(100 * answer.base_rate)})"
    ]
    lines += [f"  {escape(reason.sentence)}" for reason in answer.reasons[:most]]
    lines += [f"  beware: {escape(warning)}" for warning in answer.warnings[:3]]
    return lines


def _outcome_words(answer: Prediction) -> str:
    if answer.survival:
        return f"stay well to day {max(answer.survival):g}"
    outcome = answer.task.split("/")[1]
    return f"reach {outcome}"


def rows_of(answers: Iterable[Prediction | Abstention]) -> list[Mapping[str, Any]]:
    """Give one flat row per answer, for a file of predictions."""
    rows: list[Mapping[str, Any]] = []
    for answer in answers:
        row: dict[str, Any] = {"course_id": answer.course_id, "task": answer.task}
        if isinstance(answer, Abstention):
            row |= {"probability": None, "no_prediction": answer.reason}
        else:
            row |= {"probability": answer.probability, "no_prediction": ""}
            row |= {"low": answer.interval[0], "high": answer.interval[1]}
            row |= {f"well_on_day_{day:g}": one for day, one in answer.survival.items()}
            for rank, reason in enumerate(answer.reasons[:5], start=1):
                row[f"reason_{rank}"] = f"{reason.group}: {reason.value}"
                row[f"points_{rank}"] = reason.points
            row["warnings"] = "; ".join(answer.warnings)
        rows.append(row | {"synthetic": answer.synthetic})
    return rows
