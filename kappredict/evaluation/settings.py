"""Settings of a training run (`configs/training/*.yaml`): choices, never clinical facts."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from kappredict.config.catalogue import shipped_configs
from kappredict.config.reader import read_definition
from kappredict.domain.conditions import LANDMARKS, OUTCOMES, Landmark, Outcome
from kappredict.estimators.candidates import Candidate, RelapseCandidate, ResponseCandidate
from kappredict.estimators.growing import Grow


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RandomSplits(_Settings):
    """Repeated cross-validation, grouped by patient and balanced on the outcome."""

    folds: int = Field(default=5, ge=2)
    repeats: int = Field(default=2, ge=1)


class GroupSplits(_Settings):
    """One fold per site or study; with more than `most_folds` of them, whole ones share a fold."""

    most_folds: int = Field(default=10, ge=2)


class TemporalSplit(_Settings):
    """Train on the earlier enrolled, test on the latest `test_share` of them."""

    test_share: float = Field(default=0.3, gt=0, lt=1)


class Schemes(_Settings):
    """The split schemes to run; one that is left out is not run."""

    random_cv: RandomSplits | None = None
    leave_site_out: GroupSplits | None = None
    leave_study_out: GroupSplits | None = None
    temporal: TemporalSplit | None = None


class ExplanationSettings(_Settings):
    """How much is spent on what matters: `folds` models are explained on rows they did not see.

    `shuffled_outcomes` is how often outcomes are shuffled to see what noise reaches; `refits` says
    whether models are also fitted without each fact; `resamples` are those of the intervals.
    """

    folds: int = Field(default=5, ge=2)
    shuffled_outcomes: int = Field(default=20, ge=1)
    refits: bool = True
    resamples: int = Field(default=200, ge=20)


class Margins(_Settings):
    """By how much a challenger may be worse than the champion and still count as not worse.

    `discrimination` and `worst_group` are of AUC or C, `brier` of the Brier score, `ici` of the
    mean calibration error.
    """

    discrimination: float = Field(default=0.05, gt=0)
    brier: float = Field(default=0.01, gt=0)
    ici: float = Field(default=0.03, gt=0)
    worst_group: float = Field(default=0.05, gt=0)


class GateSettings(_Settings):
    """What a challenger must show before it serves; `configs/training` has the reasons.

    `least_either_side` is how many courses with the outcome, and without it, figures must rest on;
    `least_in_group` the same for a subgroup to be judged. Calibration is acceptable with a slope
    from `slope_from` to `slope_to` and log-odds that are off by at most `level` on average.
    """

    least_either_side: int = Field(default=100, ge=2)
    least_in_group: int = Field(default=50, ge=2)
    slope_from: float = Field(default=0.7, gt=0)
    slope_to: float = Field(default=1.5, gt=0)
    level: float = Field(default=0.3, gt=0)
    margins: Margins = Margins()


class TrainingSettings(_Settings):
    """Everything a run may choose.

    `least_events` is the smallest count of the rarer outcome side that is modelled at all;
    `suspect_auc` the baseline AUC above which a leak is suspected (design, section 8). Candidates
    are listed from the simplest to the most complex. A model is fitted to all courses and judged on
    all that a scheme holds out; what else is said of it (trust, subgroups, explanation, tables and
    figures) is said of at most `most_described` of them, evenly spread.
    """

    seed: int = 1
    outcomes: tuple[Outcome, ...] = OUTCOMES
    landmarks: tuple[Landmark, ...] = LANDMARKS
    least_events: int = Field(default=20, ge=2)
    suspect_auc: float = Field(default=0.80, gt=0.5, le=1)
    inner_folds: int = Field(default=5, ge=2)
    resamples: int = Field(default=500, ge=20)
    most_described: int = Field(default=100_000, ge=1000)
    schemes: Schemes
    explanation: ExplanationSettings = ExplanationSettings()
    gate: GateSettings = GateSettings()
    response_candidates: tuple[ResponseCandidate, ...] = Field(min_length=1)
    relapse_candidates: tuple[RelapseCandidate, ...] = Field(min_length=1)

    def candidates(self, outcome: Outcome) -> tuple[Candidate, ...]:
        """Give the candidates that compete for an outcome."""
        return self.relapse_candidates if outcome == "relapse" else self.response_candidates

    def grown_by(self, grow: Grow) -> "TrainingSettings":
        """Give the same settings with the trees of all candidates grown elsewhere."""
        return self.model_copy(
            update={
                "response_candidates": tuple(c.grown_by(grow) for c in self.response_candidates),
                "relapse_candidates": tuple(c.grown_by(grow) for c in self.relapse_candidates),
            }
        )


def read_settings(name_or_path: str) -> TrainingSettings:
    """Read settings from a file, or from the shipped ones by name (`default`, `light`)."""
    path = Path(name_or_path)
    if path.suffix != ".yaml":
        path = shipped_configs() / "training" / f"{name_or_path}.yaml"
    return read_definition(path, TrainingSettings)
