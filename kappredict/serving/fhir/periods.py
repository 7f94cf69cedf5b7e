"""When a prediction is for: as dates where they can be told, and in days from what starts them."""

from datetime import datetime, timedelta
from typing import Any

from kappredict.domain.task import PredictionTask, open_at
from kappredict.serving.fhir.names import ABSENT, extension


def when_period(
    task: PredictionTask, landmark_day: float, index: datetime, horizon: float | None
) -> dict[str, Any]:
    """Give the days in which the outcome is judged, or up to a horizon of relapse.

    Where they count from something that lies ahead (the last dose, the response), the period begins
    with the landmark and its end is said to be unknown: no date is made up.
    """
    anchor, start, end = _window(task, horizon)
    days = {"index_day": 0.0, "landmark": landmark_day}
    if anchor in days:
        return {
            "start": _date(index, days[anchor] + start),
            "end": _date(index, days[anchor] + end),
        }
    unknown = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
    return {"start": _date(index, landmark_day), "_end": unknown}


def relative_window(task: PredictionTask, horizon: float | None) -> dict[str, Any]:
    """Give the same in days from what they count from: always known, dated or not."""
    anchor, start, end = _window(task, horizon)
    return {
        "url": extension("window"),
        "extension": [
            {"url": "from", "valueCode": anchor.replace("_", "-")},
            {"url": "start-day", "valueDecimal": start},
            {"url": "end-day", "valueDecimal": end},
        ],
    }


def _window(task: PredictionTask, horizon: float | None) -> tuple[str, float, float]:
    """Give what a window counts from, its first day and its last."""
    if horizon is None:
        window = task.condition.window_of(task.outcome)
        return window.anchor, window.start_day, window.end_day
    clock = task.condition.at_risk.clock_starts
    if clock == "response" and task.landmark in open_at(task.condition, clock):
        return clock, 0.0, horizon
    # What starts the clock lies behind: the days count from the landmark, which is later.
    return "landmark", 0.0, horizon


def _date(index: datetime, day: float) -> str:
    return (index + timedelta(days=day)).date().isoformat()
