"""What a simulated study is drawn from: distributions, effects, target rates, missingness."""

from datetime import date
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kappredict.domain.base import Definition, Sourced
from kappredict.domain.spreads import Distribution, Share
from kappredict.domain.studies import StudyDefinition

Stage = Literal["baseline", "plan", "session"]


class InColumn(Definition):
    """Recorded in a column of `patients` or `courses`; `levels` name 0, 1 … where it is text."""

    place: Literal["column"]
    table: Literal["patients", "courses"]
    column: str
    levels: tuple[str, ...] = ()
    decimals: int = 0


class InScore(Definition):
    """Recorded before the first dose as a score of an instrument, or of one of its items."""

    place: Literal["score"]
    instrument: str
    item: str = ""


class InSession(Definition):
    """Recorded during each dose as the score of an instrument."""

    place: Literal["session"]
    instrument: str


class InHistory(Definition):
    """Recorded as a fact of history.

    `at_least` makes it yes (1) or no (0); `each` gives one row for each unit; `only_present`
    leaves out what is 0, as a list of medicines does.
    """

    place: Literal["history"]
    kind: Literal["diagnosis", "medication", "substance", "procedure", "family", "event"]
    code: str
    outcome: Literal["failed", "partial", "responded", "stopped"] | None = None
    at_least: float | None = None
    each: bool = False
    only_present: bool = False


Record = Annotated[InColumn | InScore | InSession | InHistory, Field(discriminator="place")]


class Variable(Sourced):
    """One thing that differs between people: how it is spread, where and how often recorded.

    `missing` is the share of people for whom it is not on record. `only` lists the conditions that
    have it (all, where empty). `never_above` names a variable that it may not exceed.
    """

    name: str
    spread: Distribution
    records: tuple[Record, ...] = ()
    missing: Share = 0.0
    only: tuple[str, ...] = ()
    never_above: str | None = None


class Correlation(Definition):
    """The correlation of two variables on the normal scale beneath them."""

    cause: str
    effect: str
    value: float = Field(gt=-1, lt=1)


class Variables(Sourced):
    """All variables and how they hang together.

    Correlations are listed causes first. Variables with a common cause are independent given it,
    and several causes of one effect are independent of each other.
    """

    variables: tuple[Variable, ...]
    correlations: tuple[Correlation, ...]

    @model_validator(mode="after")
    def _causes_come_first(self) -> Self:
        for place, one in enumerate(self.correlations):
            if one.cause in {later.effect for later in self.correlations[place:]}:
                raise ValueError(f"'{one.cause}' is a cause before its own causes are listed")
            explained = sum(o.value**2 for o in self.correlations if o.effect == one.effect)
            if explained >= 1:
                raise ValueError(f"the causes of '{one.effect}' explain more than all of it")
        return self


class Predictor(Sourced):
    """The effect of a variable on response, remission and relapse.

    The variable is first coded: `log` takes its logarithm; `at_least` or `above` (and `at_most`)
    make it yes or no; else it is counted from `beyond`, up to `most` units, in steps of `per`, or
    of the SD of the condition where `per_sd`.
    """

    id: str
    label: str
    stage: Stage
    variable: str
    only: tuple[str, ...] = ()
    log: bool = False
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    beyond: float = 0.0
    most: float = np.inf
    per: float = 1.0
    per_sd: bool = False
    log_odds_response: float
    log_odds_remission: float
    hazard_ratio_relapse: float = Field(gt=0)

    def code(self, values: np.ndarray) -> np.ndarray:
        """Give the values as the effect counts them (before division by an SD)."""
        shown = np.log(values) if self.log else values
        if self.at_least is None and self.above is None and self.at_most is None:
            return np.clip(shown - self.beyond, -self.most, self.most) / self.per
        low = -np.inf if self.above is None else self.above
        least = -np.inf if self.at_least is None else self.at_least
        top = np.inf if self.at_most is None else self.at_most
        return ((shown > low) & (shown >= least) & (shown <= top)).astype("float64")


class Predictors(Definition):
    """All predictors; `signal_scale` multiplies the log-odds of those of the stage baseline."""

    signal_scale: float = Field(gt=0)
    predictors: tuple[Predictor, ...]


class Cell(Sourced):
    """The target rates of one route and number of doses; `weight` says how often it is planned."""

    route: str
    doses: int = Field(ge=1)
    response: float = Field(gt=0, lt=1)
    remission: float = Field(gt=0, lt=1)
    weight: float = Field(default=1.0, gt=0)


class DoseLevels(Definition):
    """The two planned doses of a route: the one meant to be felt, and a sub-perceptual one."""

    high_mg_per_kg: float = Field(gt=0)
    low_mg_per_kg: float = Field(gt=0)


class Route(Sourced):
    """Where a route is given, how far apart its doses are, and how long a session lasts."""

    settings: dict[Literal["trial", "clinic", "telehealth"], Share]
    gap_days: float = Field(gt=0)
    minutes: float = Field(gt=0)
    dose: DoseLevels


class Weibull(Sourced):
    """Survival without relapse: exp(-(day / scale)^shape).

    `survival` holds the targets by day, without maintenance; `survival_maintained` with it. They
    are those of courses of `reference_doses`, where it is given, else of all.
    """

    shape: float = Field(gt=0)
    scale_days: float = Field(gt=0)
    survival: dict[float, Share]
    survival_maintained: dict[float, Share] = Field(default_factory=dict)
    maintenance_hazard_ratio: float = Field(default=1.0, gt=0)
    maintained_share: Share = 0.0
    reference_doses: int | None = None


class Fall(Definition):
    """A fall in score from baseline: its mean and SD, before what the outcome rules leave open."""

    mean: float
    sd: float = Field(gt=0)


class Early(Sourced):
    """What the first two doses show; `variable` says who has fallen by at least `fall`."""

    variable: str
    fall: Share
    at_first_dose: Share
    improved: Fall
    others: Fall


class Scores(Sourced):
    """A condition judged by a score: how it falls, when it is taken, when it comes back.

    Falls are fractions of the baseline, or points. `end_day` is when the end-of-course score is
    taken, in days after the last dose; `follow_up_days` count from there.
    """

    kind: Literal["scores"]
    variable: str
    falls_in: Literal["fractions", "points"]
    responders: Fall
    others: Fall
    relapsed: Fall
    worst_fall: float
    early: Early
    end_day: tuple[float, float]
    follow_up_days: tuple[float, ...]
    items: bool = True


class Stratum(Definition):
    """When use is taken up again, in a share of those with the outcome, on days `start` to `end`.

    `back_by`: abstinent again by that day.
    """

    of: Literal["remitted", "responded", "others"]
    share: Share
    start_day: float = 0.0
    end_day: float = np.inf
    back_by: float | None = None


class Use(Sourced):
    """A condition judged by screens or a diary of use: visits, and the days of relapse.

    `variable` is the baseline of what the rules read, where it is a number of days; else
    `used_before` is the share with use at the last visit before the first dose.
    `never_abstinent` relapse on the index day. `often` is the share of visits after relapse that
    show use; `days_in_use` the share of days used, where a visit counts days; `lapses` the share of
    visits with use too light to count as relapse.
    """

    kind: Literal["use"]
    strata: tuple[Stratum, ...]
    never_abstinent: Share
    visits_every_days: float = Field(gt=0)
    visits_until_day: float = Field(gt=0)
    attended: Share
    often: Share
    days_in_use: Share
    lapses: Share
    used_before: Share
    variable: str | None = None


class SimulatedCondition(Definition):
    """Everything simulated about one condition (`configs/simulation/conditions/<id>.yaml`).

    `spreads` replaces the spread of variables in this condition.
    """

    id: str
    share: Share
    routes: dict[str, Share]
    cells: tuple[Cell, ...]
    gap_days: dict[str, float] = Field(default_factory=dict)
    doses: dict[str, DoseLevels] = Field(default_factory=dict)
    relapse: Weibull
    outcome: Annotated[Scores | Use, Field(discriminator="kind")]
    spreads: dict[str, Distribution] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_route_has_cells(self) -> Self:
        without = set(self.routes) - {cell.route for cell in self.cells}
        if without:
            raise ValueError(f"routes without target rates: {', '.join(sorted(without))}")
        return self


class Missingness(Sourced):
    """Who is not seen, and what is not written down.

    `lost` is the share without an end-of-course score in each setting, `followed` the share seen at
    a follow-up visit; the three `observed_…` are log-odds that shift who is seen (missing not at
    random). `loss_median_days` is the median time to loss of contact.
    """

    lost: dict[str, Share]
    followed: dict[str, Share]
    observed_if_responder: float
    observed_if_young: float
    young_below_years: float
    observed_if_integrated: float
    integrated_from_sessions: float
    seen_again_if_lost: Share
    item: Share
    in_session: Share
    after_dose: Share
    dropout_per_session: Share
    site_sd: float = Field(ge=0)
    recorded_late: Share
    late_days: tuple[float, float]
    loss_median_days: dict[str, float]
    administrative_days: float = Field(gt=0)


class Frame(Sourced):
    """The frame of a simulated study (`configs/simulation/study.yaml`): sites, calendar, routes."""

    study: StudyDefinition
    sites: dict[Literal["trial", "clinic", "telehealth"], int]
    site_sd: float = Field(ge=0)
    first_enrolment: date
    enrolment_days: int = Field(gt=0)
    index_day: tuple[float, float]
    unlisted_dose_weight: Share
    routes: dict[str, Route]
    missing: Missingness
    baseline_days: tuple[tuple[float, float], ...]
    preparation_days: tuple[tuple[float, float], ...]
    maintenance_every_days: float = Field(gt=0)
