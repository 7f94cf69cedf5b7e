"""A prediction task: condition, outcome and landmark; one task is one registered model."""

from dataclasses import dataclass

from kappredict.domain.conditions import Condition, Landmark, Outcome
from kappredict.domain.windows import Moment


@dataclass(frozen=True)
class PredictionTask:
    """What is predicted, for whom and when."""

    condition: Condition
    outcome: Outcome
    landmark: Landmark

    @property
    def name(self) -> str:
        """The name under which the task's model is registered: condition/outcome/landmark."""
        return f"{self.condition.id}/{self.outcome}/{self.landmark}"

    @property
    def moment(self) -> Moment:
        """When the prediction is made."""
        return self.condition.landmarks[self.landmark]

    @property
    def is_relapse(self) -> bool:
        """Whether the outcome is a time rather than a yes or no."""
        return self.outcome == "relapse"


def tasks_of(
    condition: Condition, outcomes: tuple[Outcome, ...], landmarks: tuple[Landmark, ...]
) -> list[PredictionTask]:
    """List a condition's tasks among the wanted outcomes and landmarks.

    Response and remission are predicted while they are still open: at `baseline` and `early`.
    """
    return [
        PredictionTask(condition, outcome, landmark)
        for outcome in outcomes
        for landmark in landmarks
        if landmark in open_at(condition, outcome) and landmark in condition.landmarks
    ]


def open_at(condition: Condition, outcome: Outcome) -> tuple[Landmark, ...]:
    """Name the landmarks at which an outcome is not yet settled."""
    settled_later: dict[Outcome, tuple[Landmark, ...]] = {"relapse": condition.relapse_landmarks}
    return settled_later.get(outcome, ("baseline", "early"))
