"""How often does monitoring alarm without drift, and how soon with it? On simulated patients.

`python tests/benchmarks/monitoring.py` prints the figures of `docs/how-to/monitor.md`. A model is
trained on a part of one simulated study; streams of others of its patients, with their own outcomes
and losses, are looked at month by month. With drift the second 200 patients differ from the first:
they are drawn so that their baseline severity is half a standard deviation higher, or outcomes are
drawn anew (none of them lost) with a calibration slope lower by 0.3. In the last table predictions
are normal on the log-odds and nothing is lost, so that the check can be set against the best that
any test could do (Neyman and Pearson).
"""

import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from scipy.special import expit
from scipy.stats import norm
from simulated import markdown

from kappredict.config.catalogue import load_catalogue
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.totals import with_totals
from kappredict.domain.conditions import Landmark
from kappredict.domain.task import PredictionTask
from kappredict.estimators.bundle import ModelBundle
from kappredict.estimators.candidates import BoostedAFT, Logistic
from kappredict.estimators.targets import YesNo
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.estimate import Estimate
from kappredict.evaluation.external import asked_about
from kappredict.evaluation.metrics_binary import auc, calibration_slope, log_odds
from kappredict.evaluation.modelling_set import ModellingSet, build_modelling_set
from kappredict.evaluation.question import Question
from kappredict.evaluation.report import evaluate
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import RandomSplits, Schemes, TrainingSettings
from kappredict.evaluation.training import train_bundle
from kappredict.features.table import FeatureTable
from kappredict.monitoring.checks import FALSE_ALARMS, SHARES
from kappredict.monitoring.live import slope_score
from kappredict.monitoring.looks import Monitoring, monitor
from kappredict.monitoring.stream import Outcomes, Stream
from kappredict.monitoring.validated import Validated

# Streams of each model without drift, and with each kind of it.
WITHOUT, WITH = 300, 60
A_MONTH = 200
TRAINED_ON, PATIENTS = 4_000, 20_000
# An outcome is due so many days after it was asked about.
WINDOW_DAYS = 42
FIRST = np.datetime64("2030-01", "M")
CONDITION, SEVERITY = "depression", "phq9_last"


@dataclass(frozen=True)
class Pool:
    """A trained model, and patients of its study that it never saw."""

    bundle: ModelBundle
    data: ModellingSet

    @property
    def probability(self) -> np.ndarray:
        return self.bundle.probabilities(self.data.features)[:, 0]


def main() -> None:
    """Print the tables."""
    print(__doc__)
    rows = [row for landmark in ("baseline", "early") for row in _streams(landmark)]
    head = ["model", "AUC", "stream", "runs", "months looked at", "months that alarm"]
    head += ["found within 200 patients", "families that alarm"]
    print(f"\n## Streams of {A_MONTH} patients a month\n\n{markdown(head, rows)}\n")
    head = ["AUC", "spread (SD of log-odds)", "found among 200 outcomes", "among 400", "among 800"]
    head += ["best possible among 200", "outcomes for 80 %", "false alarms, 200 outcomes"]
    print(f"## A calibration slope of 0.7, not 1, at one look\n\n{markdown(head, _by_spread())}")


def pool_of(landmark: Landmark) -> Pool:
    """Train a model on some patients of a simulated study and keep the others."""
    catalogue = load_catalogue()
    drawn = simulate(load_parameters(), patients=PATIENTS, seed=11, conditions=(CONDITION,))
    catalogue = catalogue.for_study(drawn.study.definition)
    study = with_totals(drawn.study, catalogue.instruments)
    task = PredictionTask(catalogue.condition(CONDITION), "response", landmark)
    data = build_modelling_set(study, catalogue, task)
    order = np.random.default_rng(1).permutation(len(data.target))
    settings = TrainingSettings(
        inner_folds=5,
        resamples=200,
        schemes=Schemes(random_cv=RandomSplits(folds=5, repeats=1)),
        response_candidates=(Logistic(model="logistic"),),
        relapse_candidates=(BoostedAFT(model="boosted_aft"),),
    )
    seen = _take(data, order[:TRAINED_ON])
    plan = plan_schemes(seen, settings)
    (predicted,) = cross_validate([seen], [plan.folds], settings, lambda *_: None)
    report = evaluate(seen, predicted, plan.not_run, settings)
    return Pool(
        train_bundle(seen, report, study, catalogue, settings),
        _take(data, order[TRAINED_ON:]),
    )


def _take(data: ModellingSet, rows: np.ndarray) -> ModellingSet:
    return replace(
        data,
        courses=data.courses.iloc[rows].reset_index(drop=True),
        features=FeatureTable(
            data.features.frame.iloc[rows].reset_index(drop=True), data.features.specs
        ),
        context=FeatureTable(
            data.context.frame.iloc[rows].reset_index(drop=True), data.context.specs
        ),
        target=data.target.take(rows),
    )


def _streams(landmark: Landmark) -> list[list[object]]:
    """Look at streams without drift, with sicker patients, and with a slope that fell."""
    pool = pool_of(landmark)
    known = np.flatnonzero(pool.data.target.known)
    score = pool.probability[known]
    outcome = pool.data.target.fitted_on[known]
    one = np.ones((1, len(known)))
    ranks = float(auc(outcome, score, np.zeros(len(known)), one)[0])
    name = f"{CONDITION}, response, {landmark}"
    rows = []
    for label, made, runs in (
        ("no drift", _no_drift, WITHOUT),
        ("severity + 0.5 SD", _sicker, WITH),
        ("slope − 0.3", _flatter, WITH),
    ):
        rng = np.random.default_rng([3, len(label)])
        done = [made(pool, rng) for _ in range(runs)]
        rows.append([name, f"{ranks:.2f}", label, *_summary(done, drift=made is not _no_drift)])
    slope = float(calibration_slope(outcome, score, one)[0])
    print(f"{name}: slope {slope:.2f} in {len(known):,} patients never seen", file=sys.stderr)
    return rows


def _summary(done: list[Monitoring], *, drift: bool) -> list[object]:
    """Count alarms of all looks or, with drift, of the one at the 200 patients who drifted."""
    looks = [one.looks[-1:] if drift else one.looks for one in done]
    families = Counter(check.family for each in looks for one in each for check in one.alarms)
    months = [bool(one.alarms) for each in looks for one in each]
    found = np.mean([any(one.alarms for one in each) for each in looks])
    shown = ", ".join(f"{name} {n}" for name, n in families.most_common())
    return [
        len(done),
        len(months),
        f"{sum(months)} ({np.mean(months):.1%})",
        f"{found:.0%}" if drift else "–",
        shown or "–",
    ]


def _no_drift(pool: Pool, rng: np.random.Generator) -> Monitoring:
    rows = rng.choice(len(pool.data.target), A_MONTH, replace=False)
    return _monitored(pool, rows, 2)


def _sicker(pool: Pool, rng: np.random.Generator) -> Monitoring:
    """Draw patients in proportion to exp(severity / 2), which moves a normal mean by a half."""
    severity = pool.data.features.frame[SEVERITY].to_numpy()
    standard = (severity - np.nanmean(severity)) / np.nanstd(severity)
    weight = np.nan_to_num(np.exp(0.5 * standard), nan=1.0)
    usual = rng.choice(len(weight), A_MONTH, replace=False)
    others = rng.choice(len(weight), A_MONTH, replace=False, p=weight / weight.sum())
    return _monitored(pool, np.concatenate([usual, others]), 2)


def _flatter(pool: Pool, rng: np.random.Generator) -> Monitoring:
    """Draw all patients' outcomes with the slope that was validated, and then with less of it."""
    rows = rng.choice(len(pool.data.target), 2 * A_MONTH, replace=False)
    usual = Validated.of(pool.bundle.recipe)
    odds = log_odds(pool.probability)
    slope = usual.slope.value - 0.3 * (np.arange(len(rows)) >= A_MONTH)
    chance = expit(usual.level.value + odds.mean() + slope * (odds[rows] - odds.mean()))
    drawn = (rng.random(len(rows)) < chance).astype(float)
    data = replace(_take(pool.data, rows), target=YesNo(drawn))
    return _monitored(Pool(pool.bundle, data), np.arange(len(rows)), 3)


def _monitored(pool: Pool, rows: np.ndarray, months: int) -> Monitoring:
    """Let so many patients come each month, and look at the end of each."""
    month = np.arange(len(rows)) // A_MONTH
    asked_on = (FIRST + month).astype("datetime64[D]")
    data = _take(pool.data, rows)
    asked = asked_about(pool.bundle, data)
    outcomes = Outcomes(asked, asked_on + WINDOW_DAYS, np.datetime64("NaT", "D"))
    probability = asked.predicted.predictions[0]
    stream = Stream(pool.bundle, asked_on, data.features, probability, outcomes)
    as_of: date = (FIRST + months).astype("datetime64[D]").astype(date)
    return monitor(stream, as_of, seed=1)


def _by_spread() -> list[list[object]]:
    return [_at_spread(spread) for spread in (0.36, 0.55, 0.75, 1.0, 1.25, 1.6, 2.1)]


def _at_spread(spread: float) -> list[object]:
    """Set the slope's check against the likelihood ratio, by predictions of one spread."""
    rng = np.random.default_rng(int(1000 * spread))
    many = spread * rng.standard_normal(100_000)
    yes = (rng.random(len(many)) < expit(many)).astype(float)
    ranks = float(auc(yes, many, np.zeros(len(many)), np.ones((1, len(many))))[0])
    level = SHARES["slope"] * FALSE_ALARMS
    found = {n: _share_found(spread, n, 0.7, rng) for n in (200, 400, 800)}
    # The standard error of a slope falls with the root of the number of outcomes.
    information = np.mean(expit(0.85 * many) * expit(-0.85 * many) * many**2)
    needed = ((norm.isf(level) + norm.isf(0.2)) / 0.3) ** 2 / information
    best = _best_possible(spread, 200, level, rng)
    wrong = _share_found(spread, 200, 1.0, rng, draws=5_000)
    shares = [f"{one:.0%}" for one in (*found.values(), best)]
    return [f"{ranks:.2f}", f"{spread:.2f}", *shares, f"{needed:,.0f}", f"{wrong:.1%}"]


def _share_found(
    spread: float, n: int, slope: float, rng: np.random.Generator, draws: int = 1_000
) -> float:
    usual, limit = Estimate(1.0, 1.0, 1.0), norm.ppf(SHARES["slope"] * FALSE_ALARMS)
    found = []
    for _ in range(draws):
        odds = spread * rng.standard_normal(n)
        yes = (rng.random(n) < expit(slope * odds)).astype(float)
        question = Question.of_response(yes, expit(odds)[None], np.zeros((1, n)), np.arange(n))
        found.append(slope_score(question, usual) < limit)
    return float(np.mean(found))


def _best_possible(spread: float, n: int, level: float, rng: np.random.Generator) -> float:
    """Give the power of the most powerful test, which knows that the slope is 1 or 0.7."""
    ratios = {}
    for slope in (1.0, 0.7):
        odds = spread * rng.standard_normal((4_000, n))
        yes = rng.random(odds.shape) < expit(slope * odds)
        each = [np.where(yes, -np.logaddexp(0, -one), -np.logaddexp(0, one)) for one in
                (0.7 * odds, odds)]  # fmt: skip
        ratios[slope] = (each[0] - each[1]).sum(axis=1)
    return float((ratios[0.7] > np.quantile(ratios[1.0], 1 - level)).mean())


if __name__ == "__main__":
    main()
