"""What a model's validation found, as far as live outcomes are held to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kappredict.estimators.bundle import Recipe
from kappredict.evaluation.estimate import Estimate

GAIN = "model − best alternative"
_AS_STATED = {"level": Estimate(0.0, 0.0, 0.0), "slope": Estimate(1.0, 1.0, 1.0)}


@dataclass(frozen=True)
class Validated:
    """The question that outcomes answer, and the calibration and net benefit of validation.

    `level` and `slope` are calibration in the large and calibration slope under the hardest split;
    `gain` is by threshold what acting on the model gains over acting on all or on none; `between`
    is the standard deviation of the level between sites, NaN where it could not be told.
    """

    question: str
    level: Estimate
    slope: Estimate
    gain: dict[float, Estimate]
    between: float

    @classmethod
    def of(cls, recipe: Recipe) -> "Validated":
        """Read a bundle's validation; a recalibrated bundle is held to what it says instead."""
        trust = recipe.validation.get("trust")
        if recipe.recalibration is not None or not trust:
            return cls(_asked(recipe, trust), **_AS_STATED, gain={}, between=np.nan)
        figures = trust["calibration"][trust["question"]]
        return cls(
            trust["question"],
            _estimate(figures["intercept"]) or _AS_STATED["level"],
            _estimate(figures["slope"]) or _AS_STATED["slope"],
            _gains(trust),
            next(
                (
                    float(one["between"])
                    for one in trust["sites"]
                    if one["figure"] == "calibration_intercept"
                ),
                np.nan,
            ),
        )


def standard_error(figure: Estimate) -> float:
    """Give the standard error that an interval of 95 % stands for."""
    return (figure.high - figure.low) / (2 * 1.96)


def _asked(recipe: Recipe, trust: Any) -> str:
    if trust:
        return str(trust["question"])
    if recipe.outcome != "relapse":
        return recipe.outcome
    return f"day {max(recipe.condition.at_risk.horizons):g}"


def _estimate(content: dict[str, float | None]) -> Estimate | None:
    """Read an estimate; None where validation could not give it."""
    values = [content[name] for name in ("value", "low", "high")]
    return None if None in values else Estimate(*values)  # type: ignore[arg-type]  # none is None


def _gains(trust: dict[str, Any]) -> dict[float, Estimate]:
    """Give the gain at the thresholds that predictions reach."""
    reached = {one["threshold"] for one in trust["thresholds"]}
    found = {
        one["threshold"]: _estimate(one) for one in trust["net_benefit"] if one["strategy"] == GAIN
    }
    return {at: one for at, one in found.items() if at in reached and one is not None}
