"""Conditions: what response, remission and relapse mean, on what scale, and when."""

from typing import Literal, Self

from pydantic import Field, model_validator

from kappredict.domain.base import Definition, Sourced
from kappredict.domain.rules import Rule, needs_baseline
from kappredict.domain.windows import AssessmentWindow, Moment, Window

Outcome = Literal["response", "remission", "relapse"]
Landmark = Literal["baseline", "early", "end_of_course"]
OUTCOMES: tuple[Outcome, ...] = ("response", "remission", "relapse")
LANDMARKS: tuple[Landmark, ...] = ("baseline", "early", "end_of_course")


class Judged(Sourced):
    """A rule with its source, on the scale's scores or on another `item` of its instrument."""

    when: Rule
    item: str = ""


class Scale(Definition):
    """One instrument (or one item of it) with the rules that apply to its scores.

    `covers_days` is how many days before a visit its score speaks of (28 for a diary): a visit
    whose days reach back before the clock started is passed over, since what it shows may lie
    before it.
    """

    instrument: str
    item: str = ""
    covers_days: float = Field(default=0.0, ge=0)
    response: Judged
    remission: Judged
    relapse: Judged

    @property
    def needs_baseline(self) -> bool:
        """Whether any rule compares with the score before the first dose."""
        return any(
            needs_baseline(judged.when) for judged in (self.response, self.remission, self.relapse)
        )


class Visits(Definition):
    """A visit is due `every_days`; what a missed one counts as.

    `missed_score` is the score that a missed visit is given (1 on a urine screen: "a missing visit
    counts as use"); left out, a missed visit is not assessed.
    """

    every_days: float = Field(gt=0)
    missed_score: float | None = None


class CompetingEvent(Definition):
    """An event of the history that ends the at-risk period without being a relapse."""

    label: str
    codes: tuple[str, ...] = Field(min_length=1)


class AtRisk(Sourced):
    """The relapse clock: when it starts, how long it runs, which days are reported.

    `clock_starts: response` takes only courses that responded, from the day it was seen;
    `index_day` takes all. `horizons` are days from the clock's start, or from the landmark where
    that is later. `events` are codes of the history that are relapses by themselves.
    """

    clock_starts: Literal["response", "index_day"]
    days: float = Field(gt=0)
    horizons: tuple[float, ...] = Field(min_length=1)
    competing: tuple[CompetingEvent, ...] = ()

    @model_validator(mode="after")
    def _horizons_lie_inside(self) -> Self:
        late = [day for day in self.horizons if not 0 < day <= self.days]
        if late:
            raise ValueError(f"horizons {late} lie outside the {self.days} days at risk")
        return self


class ConditionCodes(Definition):
    """Codes of the condition, with how far they were checked."""

    icd10: tuple[str, ...]
    icd10_status: str
    snomed: str
    snomed_label: str
    snomed_status: str


class Condition(Definition):
    """One condition: the primary scale, accepted alternatives in order, windows and clocks.

    A course is judged on the first scale, in that order, on which it has a baseline score (or any
    score, where no rule compares with the baseline).
    """

    id: str
    label: str
    codes: ConditionCodes
    primary: Scale
    alternatives: tuple[Scale, ...] = ()
    baseline_in: Window
    assessed_in: AssessmentWindow
    remission_assessed_in: AssessmentWindow | None = None
    visits: Visits | None = None
    at_risk: AtRisk
    landmarks: dict[Landmark, Moment]
    relapse_landmarks: tuple[Landmark, ...]
    windows_source: Sourced
    note: str = ""

    @model_validator(mode="after")
    def _landmarks_are_known(self) -> Self:
        unknown = set(self.relapse_landmarks) - set(self.landmarks)
        if unknown:
            raise ValueError(f"relapse_landmarks names {sorted(unknown)}, not among landmarks")
        if self.baseline_in.end_day > 0:
            raise ValueError("baseline_in ends after the index day")
        return self

    @property
    def scales(self) -> tuple[Scale, ...]:
        """The primary scale and the accepted alternatives, in order of preference."""
        return (self.primary, *self.alternatives)

    def window_of(self, outcome: Outcome) -> AssessmentWindow:
        """Give the window in which response or remission is judged."""
        if outcome == "remission" and self.remission_assessed_in is not None:
            return self.remission_assessed_in
        return self.assessed_in
