"""All that a set of models says of patient records: every condition, every outcome, in one pass.

Which landmark is asked follows from the record: the latest whose day it has reached.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kappredict.cohort.records import Record, record_history
from kappredict.domain.conditions import LANDMARKS, Condition, Landmark, Outcome
from kappredict.domain.prediction import Abstention, Prediction
from kappredict.domain.task import PredictionTask, open_at
from kappredict.domain.windows import Moment
from kappredict.estimators.bundle import ModelBundle
from kappredict.explanation.answer import answer_features
from kappredict.features.build import build_features
from kappredict.features.table import FeatureTable

Said = Prediction | Abstention


@dataclass(frozen=True)
class Answered:
    """What one model says of one record, on which day of its course, and from which features."""

    bundle: ModelBundle
    landmark_day: float
    said: Said
    features: FeatureTable = field(repr=False)
    row: int


@dataclass(frozen=True)
class Asking:
    """One record, one condition, one landmark, with the models that answer there."""

    number: int
    record: Record
    day: float
    bundles: tuple[ModelBundle, ...]


def answer_courses(
    bundles: Sequence[ModelBundle], records: Sequence[Record], most_reasons: int | None = None
) -> list[list[Answered]]:
    """Answer every outcome of every condition that a record names; one list a record.

    A course's `condition` may be a list. Features are built once for all the models that share
    them, by the functions of training, for all records at once.
    """
    groups: dict[tuple[int, ...], list[Asking]] = defaultdict(list)
    found: list[list[Answered]] = [[] for _ in records]
    for number, record in enumerate(records):
        for condition_id in conditions_of(record):
            own = [one for one in bundles if one.recipe.condition.id == condition_id]
            for asking in _askings(own, number, record, condition_id):
                groups[tuple(id(one) for one in asking.bundles)].append(asking)
    for askings in groups.values():
        for number, answered in _answer(askings, most_reasons):
            found[number].append(answered)
    order = {id(one): place for place, one in enumerate(bundles)}
    return [sorted(one, key=lambda answered: order[id(answered.bundle)]) for one in found]


def conditions_of(record: Record) -> list[str]:
    """Name the conditions that a record's course treats."""
    named = record["course"]["condition"]
    return [named] if isinstance(named, str) else list(named)


def landmarks_reached(condition: Condition, record: Record) -> dict[Landmark, float]:
    """Give the landmarks that a record has reached, in order, each with its day.

    The first is always reached. A later one is when its dose was given and the record goes on to
    its day: by a score, a session, a fact or the last day under observation.
    """
    doses = sorted(one["day"] for one in record.get("sessions", ()) if one["kind"] == "dosing")
    now = _last_day(record)
    reached: dict[Landmark, float] = {}
    for name in (one for one in LANDMARKS if one in condition.landmarks):
        day = _day_of(condition.landmarks[name], record["course"]["index_day"], doses)
        if not reached or (day is not None and day <= now):
            reached[name] = record["course"]["index_day"] if day is None else day
    return reached


def _day_of(moment: Moment, index_day: float, doses: Sequence[float]) -> float | None:
    if moment.anchor == "index_day":
        return index_day + moment.day
    needed = moment.dose or 1
    if len(doses) < needed:
        return None
    return (doses[-1] if moment.dose is None else doses[needed - 1]) + moment.day


def _last_day(record: Record) -> float:
    course = record["course"]
    days = [entry["day"] for name in ("assessments", "sessions") for entry in record.get(name, ())]
    facts = [entry.get("start_day") for entry in record.get("history", ())]
    known = [*days, *facts, course.get("last_day"), course["index_day"]]
    return max(float(day) for day in known if day is not None)


def _askings(
    bundles: Sequence[ModelBundle], number: int, record: Record, condition_id: str
) -> Iterable[Asking]:
    """Say which models to ask, those that share features together."""
    if not bundles:
        return
    one = {**record, "course": {**record["course"], "condition": condition_id}}
    reached = landmarks_reached(bundles[0].recipe.condition, one)
    shared: dict[tuple[Landmark, str], list[ModelBundle]] = defaultdict(list)
    for bundle in _latest(bundles, reached):
        shared[bundle.recipe.landmark, bundle.shares_features_with].append(bundle)
    for (landmark, _), together in shared.items():
        yield Asking(number, one, reached[landmark], tuple(together))


def _latest(
    bundles: Sequence[ModelBundle], reached: Mapping[Landmark, float]
) -> Iterable[ModelBundle]:
    """Choose for each outcome the model of the latest landmark that was reached."""
    chosen: dict[Outcome, ModelBundle] = {}
    for bundle in bundles:
        landmark = bundle.recipe.landmark
        known = chosen.get(bundle.recipe.outcome)
        if landmark in reached and (known is None or _later(landmark, known.recipe.landmark)):
            chosen[bundle.recipe.outcome] = bundle
    return chosen.values()


def _later(one: Landmark, other: Landmark) -> bool:
    return LANDMARKS.index(one) > LANDMARKS.index(other)


def _answer(askings: Sequence[Asking], most_reasons: int | None) -> Iterable[tuple[int, Answered]]:
    """Ask models that share their features about the records that ask for just these."""
    first = askings[0].bundles[0]
    recipe = first.recipe
    records = [one.record for one in askings]
    history = record_history(records, first.task.moment, recipe.instruments, recipe.study)
    needed = {spec.name: spec for bundle in askings[0].bundles for spec in bundle.needed_specs}
    features = build_features(history, tuple(needed.values()))
    names = [str(one["course"].get("course_id") or "") for one in records]
    for bundle in askings[0].bundles:
        answers = answer_features(bundle, features, names, most_reasons)
        for row, (asking, said) in enumerate(zip(askings, answers, strict=True)):
            last = list(landmarks_reached(recipe.condition, asking.record))[-1]
            settled = _settled(bundle.task, last, asking.record)
            yield asking.number, Answered(bundle, asking.day, settled or said, features, row)


def _settled(task: PredictionTask, last: Landmark, record: Record) -> Abstention | None:
    """Abstain where the outcome can be seen by now: its window had closed."""
    if task.is_relapse or not _later(last, open_at(task.condition, task.outcome)[-1]):
        return None
    reason = f"{task.outcome} is settled by now: the days in which it is judged have passed"
    return Abstention(str(record["course"].get("course_id") or ""), task.name, reason)
