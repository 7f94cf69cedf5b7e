"""Answers: a prediction with its reasons, or an abstention that says why there is none."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reason:
    """What one clinical idea adds to the answer.

    `points` are percentage points of the probability (for relapse, of staying well up to the last
    horizon; `points_by_day` has each horizon), so positive is better throughout. `value` is the
    patient's value in words, "not known" where it is missing, `typical` that of the training
    courses.
    """

    group: str
    value: str
    typical: str
    points: float
    points_by_day: dict[float, float] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The reason in one line.

        >>> Reason("PHQ-9", "21, severe", "17, moderately severe", -6.2).sentence
        'PHQ-9 21, severe; typical 17, moderately severe: −6.2 points'
        """
        sign = "+" if self.points > 0 else "−"
        typical = f"; typical {self.typical}" if self.typical else ""
        return f"{self.group} {self.value}{typical}: {sign}{abs(self.points):.1f} points"


@dataclass(frozen=True)
class Prediction:
    """The answer to one task for one course.

    `probability` is of the outcome; for relapse, of staying well up to the last horizon, and
    `survival` gives each horizon (days since the clock started or the landmark, whichever is
    later). `interval` and `survival_interval` hold the true probability in nine of ten cases.
    `base_rate` is the same figure among all courses of the training study; `start` is what the
    reasons' points start from (the probability at the expected margin): with them it adds up to
    `probability`, and `start_by_day` to `survival`.
    """

    course_id: str
    task: str
    probability: float
    interval: tuple[float, float]
    base_rate: float
    start: float
    survival: dict[float, float] = field(default_factory=dict)
    survival_interval: dict[float, tuple[float, float]] = field(default_factory=dict)
    start_by_day: dict[float, float] = field(default_factory=dict)
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
