"""Settings of a training run (`configs/training/*.yaml`): choices, never clinical facts."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from kappredict.config.catalogue import shipped_configs
from kappredict.config.reader import read_definition
from kappredict.domain.conditions import LANDMARKS, OUTCOMES, Landmark, Outcome
from kappredict.domain.task import PredictionTask
from kappredict.estimators.candidates import (
    KINDS,
    Candidate,
    RelapseCandidate,
    RelapseKinds,
    ResponseCandidate,
    wrong_spaces,
)
from kappredict.estimators.growing import Grow
from kappredict.estimators.space import Choices, Range, Space


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


class TuningSettings(_Settings):
    """How settings of the candidates are searched for (`kappredict tune`).

    In every fold of `schemes` the search is repeated on the training rows: what it is worth on rows
    it never saw. `spaces` are searched in place of those that the candidates declare (kind →
    setting → range or choices). A trial that has run on another machine for `longest_seconds` is
    taken for that of a dead worker, and given up.
    """

    schemes: Schemes = Schemes(random_cv=RandomSplits(folds=5, repeats=1))
    spaces: Mapping[str, Mapping[str, Range | Choices]] = {}
    longest_seconds: float = Field(default=3600, gt=0)

    @field_validator("spaces")
    @classmethod
    def _can_be_searched(cls, spaces: Mapping[str, Space]) -> Mapping[str, Space]:
        if wrong := wrong_spaces(spaces):
            raise ValueError("; ".join(wrong))
        return spaces

    def space(self, kind: str) -> Space:
        """Give what is searched of a kind of candidate."""
        return {**KINDS[kind].space, **self.spaces.get(kind, {})}


class Tuned(_Settings):
    """What a search found for a task: candidates, from the simplest to the most complex.

    `data_digest` is that of the study searched on; `nested` says, by scheme, how the search did
    where it was repeated without the rows that were tested.
    """

    candidates: tuple[ResponseCandidate, ...] | tuple[RelapseCandidate, ...] = Field(min_length=1)
    data_digest: str
    trials: int
    nested: Mapping[str, str]


class TrainingSettings(_Settings):
    """Everything a run may choose.

    `least_events` is the smallest count of the rarer outcome side that is modelled at all;
    `suspect_auc` the baseline AUC above which a leak is suspected (design, section 8). Candidates
    are listed from the simplest to the most complex; those in `tuned` compete for a task in place
    of the others. A model is fitted to all courses and judged on all that a scheme holds out; what
    else is said of it (trust, subgroups, explanation, tables and figures) is said of at most
    `most_described` of them, evenly spread.
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
    tuning: TuningSettings = TuningSettings()
    tuned: Mapping[str, Tuned] = {}

    @field_validator("tuned")
    @classmethod
    def _fit_their_tasks(cls, tuned: Mapping[str, Tuned]) -> Mapping[str, Tuned]:
        wrong = [
            name
            for name, one in tuned.items()
            if ("/relapse/" in name) != isinstance(one.candidates[0], get_args(RelapseKinds))
        ]
        if wrong:
            raise ValueError(f"candidates of another outcome are given for {', '.join(wrong)}")
        return tuned

    def with_tuned(self, tuned: Mapping[str, Tuned]) -> "TrainingSettings":
        """Give the settings with what was found for some tasks."""
        return self.model_copy(update={"tuned": {**self.tuned, **tuned}})

    def without_tuned(self, tasks: Iterable[PredictionTask]) -> "TrainingSettings":
        """Give the settings as if nothing had been found for some tasks."""
        names = {task.name for task in tasks}
        kept = {name: one for name, one in self.tuned.items() if name not in names}
        return self.model_copy(update={"tuned": kept})

    def candidates(self, task: PredictionTask) -> tuple[Candidate, ...]:
        """Give the candidates that compete for a task."""
        if task.name in self.tuned:
            return self.tuned[task.name].candidates
        return self.relapse_candidates if task.is_relapse else self.response_candidates

    def grown_by(self, grow: Grow) -> "TrainingSettings":
        """Give the same settings with the trees of all candidates grown elsewhere."""

        def elsewhere(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
            return tuple(one.grown_by(grow) for one in candidates)

        return self.model_copy(
            update={
                "response_candidates": elsewhere(self.response_candidates),
                "relapse_candidates": elsewhere(self.relapse_candidates),
                "tuned": {
                    name: one.model_copy(update={"candidates": elsewhere(one.candidates)})
                    for name, one in self.tuned.items()
                },
            }
        )


def read_settings(name_or_path: str) -> TrainingSettings:
    """Read settings from a file, or from the shipped ones by name (`default`, `light`)."""
    path = Path(name_or_path)
    if path.suffix != ".yaml":
        path = shipped_configs() / "training" / f"{name_or_path}.yaml"
    return read_definition(path, TrainingSettings)


def write_settings(settings: TrainingSettings, path: Path) -> None:
    """Write settings as a file that `read_settings` reads, what was tuned in full.

    Left to a default that changes one day, what was found would change with it.
    """
    content = settings.model_dump(mode="json", exclude_defaults=True)
    content["tuned"] = {name: one.model_dump(mode="json") for name, one in settings.tuned.items()}
    text = "# Written by `kappredict tune`: the settings it was run with, and what it found.\n"
    text += yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
