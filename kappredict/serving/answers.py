"""What the service answers: typed, so that the interface describes itself."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from pydantic import BaseModel, ConfigDict, Field

from kappredict.domain.conditions import Landmark, Outcome
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.explanation.course_answers import Answered
from kappredict.explanation.next_measurement import measure_next, not_known
from kappredict.serving.shelf import Shelved

INTERVAL_LEVEL = 0.9
CAVEAT = (
    "An estimate for people like this, made from past patients. It cannot say what will happen to "
    "this person, and what goes with an outcome need not cause it. Not a substitute for clinical "
    "judgement. Research use."
)


class Sent(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(Sent):
    """The ends between which the true probability lies in `level` of cases."""

    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    level: float = Field(default=INTERVAL_LEVEL, description="0.9: nine of ten cases")


class Frequency(Sent):
    """A probability as a natural frequency: so many of a hundred."""

    of: int = 100
    number: int = Field(ge=0, le=100)
    responders: bool = Field(default=False, description="the hundred are people who respond")
    sentence: str


class CurvePoint(Sent):
    """The probability of staying well up to a day, with its band and the usual figure."""

    day: float = Field(description="days since the clock started or the landmark, if later")
    probability: float = Field(ge=0, le=1)
    interval: Interval
    base_rate: float = Field(ge=0, le=1)


class ReasonSent(Sent):
    """What one clinical idea adds, in percentage points of the probability."""

    group: str
    value: str
    typical: str
    points: float
    sentence: str


class Lacking(Sent):
    """A clinical idea that the model uses and that is not known of this patient."""

    group: str
    narrows: float = Field(
        ge=0, description="by how many percentage points knowing it would narrow the interval"
    )


class SafetyNote(Sent):
    """What a clinician must judge, raised by a rule of its own: no part of the prediction."""

    id: str
    label: str
    text: str
    urgent: bool = False


class ModelSent(Sent):
    """Which model answered."""

    name: str = Field(description="condition/outcome/landmark")
    version: str
    digest: str = Field(description="SHA-256 of the bundle's manifest")


class OutcomeAnswer(Sent):
    """All that is said of one outcome: a probability with everything to judge it by, or none."""

    condition: str
    outcome: Outcome
    landmark: Landmark
    landmark_day: float = Field(description="what is dated on or after this day was not used")
    definition: str
    probability: float | None = Field(default=None, ge=0, le=1)
    interval: Interval | None = None
    base_rate: float | None = Field(default=None, ge=0, le=1)
    natural_frequency: Frequency | None = None
    curve: tuple[CurvePoint, ...] = ()
    start: float | None = Field(default=None, description="what the reasons' points start from")
    reasons: tuple[ReasonSent, ...] = ()
    warnings: tuple[str, ...] = ()
    lacking: tuple[Lacking, ...] = Field(
        default=(), description="what is not known, the most useful to know first; by what-if only"
    )
    no_prediction: str | None = Field(default=None, description="why there is no number")
    model: ModelSent
    synthetic: bool = Field(description="the model was trained on synthetic patients")


class RecordAnswer(Sent):
    """The answers to one record: one an outcome, for each condition that it names."""

    course_id: str | None = None
    safety: tuple[SafetyNote, ...] = ()
    answers: tuple[OutcomeAnswer, ...]
    not_answered: tuple[str, ...] = Field(
        default=(), description="conditions of the record that no model is for"
    )


class PredictAnswer(Sent):
    """The answers to a request, in the order of its records."""

    request_id: str
    caveat: str = CAVEAT
    results: tuple[RecordAnswer, ...]


class WhatIfAnswer(Sent):
    """The answers as they are, and as they would be for a patient who differs in this."""

    request_id: str
    note: str
    before: RecordAnswer
    after: RecordAnswer


def record_answer(
    found: Sequence[Answered],
    shelved: Mapping[str, Shelved],
    course_id: str | None = None,
    safety: tuple[SafetyNote, ...] = (),
) -> RecordAnswer:
    """Put the answers to one record together."""
    return RecordAnswer(
        course_id=course_id,
        safety=safety,
        answers=tuple(_outcome(one, shelved[one.bundle.task.name]) for one in found),
    )


def with_lacking(answer: RecordAnswer, found: Sequence[Answered]) -> RecordAnswer:
    """Add to each outcome what is not known, and how far knowing it would narrow the range."""
    answers = [
        said.model_copy(update={"lacking": _lacking(one)})
        for said, one in zip(answer.answers, found, strict=True)
    ]
    return answer.model_copy(update={"answers": tuple(answers)})


def of_hundred(probability: float) -> int:
    """Give a probability as so many of a hundred, a half to the even number.

    >>> of_hundred(0.584)
    58
    """
    return int((Decimal(repr(probability)) * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


def _outcome(one: Answered, shelved: Shelved) -> OutcomeAnswer:
    recipe, said = one.bundle.recipe, one.said
    whole = OutcomeAnswer(
        condition=recipe.condition.id,
        outcome=recipe.outcome,
        landmark=recipe.landmark,
        landmark_day=one.landmark_day,
        definition=shelved.definition,
        model=ModelSent(name=shelved.name, version=shelved.version, digest=shelved.digest),
        synthetic=recipe.study.synthetic,
        no_prediction=said.reason if isinstance(said, Abstention) else None,
    )
    if isinstance(said, Abstention):
        return whole
    return whole.model_copy(update=_numbers(said, one))


def _lacking(one: Answered) -> tuple[Lacking, ...]:
    asked = one.bundle, one.features, one.row
    narrows = {each.group: each.now - each.then for each in measure_next(*asked)}
    found = [Lacking(group=group, narrows=narrows.get(group, 0.0)) for group in not_known(*asked)]
    return tuple(sorted(found, key=lambda each: -each.narrows))


def _numbers(said: Prediction, one: Answered) -> dict[str, object]:
    base = one.bundle.recipe.base_rate
    days = zip(said.survival.items(), base.values(), strict=True) if said.survival else ()
    return {
        "probability": said.probability,
        "interval": Interval(low=said.interval[0], high=said.interval[1]),
        "base_rate": said.base_rate,
        "natural_frequency": _frequency(said, one),
        "curve": tuple(
            CurvePoint(
                day=day,
                probability=value,
                interval=Interval(
                    low=said.survival_interval[day][0], high=said.survival_interval[day][1]
                ),
                base_rate=usual,
            )
            for (day, value), usual in days
        ),
        "start": said.start,
        "reasons": tuple(
            ReasonSent(
                group=reason.group,
                value=reason.value,
                typical=reason.typical,
                points=reason.points,
                sentence=reason.sentence,
            )
            for reason in said.reasons
        ),
        "warnings": said.warnings,
    }


def _frequency(said: Prediction, one: Answered) -> Frequency:
    number = of_hundred(said.probability)
    recipe = one.bundle.recipe
    responders = recipe.outcome == "relapse" and recipe.condition.at_risk.clock_starts == "response"
    if recipe.outcome == "relapse":
        days = list(said.survival)[-1]
        what = f"about {number} stay well for {days:g} days and about {100 - number} relapse"
    else:
        done = {"response": "respond", "remission": "reach remission"}[recipe.outcome]
        what = f"about {number} {done} and about {100 - number} do not"
    who = "people like this who respond" if responders else "people like this"
    return Frequency(number=number, responders=responders, sentence=f"Of 100 {who}, {what}.")
