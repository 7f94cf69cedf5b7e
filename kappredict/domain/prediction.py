"""Answers: a prediction with its reasons, or an abstention that says why there is none."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reason:
    """What one clinical idea adds to the answer.

    `contribution` is on the model's margin: log-odds for response and remission; for relapse the
    minus the log of the hazard, so positive is better throughout. `value` is the patient's value in
    words, "not known" where it is missing.
    """

    group: str
    value: str
    contribution: float


@dataclass(frozen=True)
class Prediction:
    """The answer to one task for one course.

    `probability` is of the outcome; for relapse, of staying well up to the last horizon, and
    `survival` gives each horizon (days since the clock started or the landmark, whichever is
    later). `interval` and `survival_interval` hold the true probability in nine of ten cases.
    `base_rate` is the same figure among all courses of the training study.
    """

    course_id: str
    task: str
    probability: float
    interval: tuple[float, float]
    base_rate: float
    survival: dict[float, float] = field(default_factory=dict)
    survival_interval: dict[float, tuple[float, float]] = field(default_factory=dict)
    reasons: tuple[Reason, ...] = ()
    warnings: tuple[str, ...] = ()
    synthetic: bool = False


@dataclass(frozen=True)
class Abstention:
    """No number, with the reason."""

    course_id: str
    task: str
    reason: str
    synthetic: bool = False
