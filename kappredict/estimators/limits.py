"""The limits of a model: how sure each of its answers is, and when it should give none."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from kappredict.estimators.applicability import LEAST_ALIKE, Applicability
from kappredict.estimators.blocks import spread_out
from kappredict.estimators.uncertainty import Uncertainty, fit_uncertainty

if TYPE_CHECKING:
    from kappredict.estimators.fit import FittedModel, Rows

# The coverage that intervals state, and half their width in standard deviations.
COVERAGE = 0.9
HALF = float(ndtri(0.5 + COVERAGE / 2))


@dataclass(frozen=True)
class Limits:
    """Uncertainty and applicability, learnt from the same training rows."""

    uncertainty: Uncertainty
    applicability: Applicability

    FILE = "limits.npz"

    def bounds(self, margins: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the interval of each row's calibrated margin, at the stated coverage."""
        # One row alone is summed in another order than in a batch; the answer is the same.
        half = np.round(HALF * self.uncertainty.spread(matrix), 10)
        return margins - half, margins + half

    def objections(self, matrix: np.ndarray) -> list[str]:
        """Say for each row why there should be no prediction; empty where there may be one."""
        alike = self.applicability.alike(self.uncertainty.sampling(matrix))
        far = self.applicability.outside(matrix)
        return [_objection(one, outside=bool(out)) for one, out in zip(alike, far, strict=True)]

    def save(self, folder: Path) -> None:
        """Write the numbers as arrays; they hold nothing else."""
        arrays = {
            f"{part}.{name}": value
            for part in ("uncertainty", "applicability")
            for name, value in vars(getattr(self, part)).items()
        }
        np.savez_compressed(folder / self.FILE, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> "Limits":
        """Read what `save` wrote."""
        with np.load(folder / cls.FILE, allow_pickle=False) as arrays:
            return cls(
                Uncertainty(**_part(arrays, "uncertainty")),
                Applicability(**_part(arrays, "applicability")),
            )


def _part(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key.split(".")[1]: arrays[key] for key in arrays if key.startswith(f"{name}.")}


def limits_of(model: "FittedModel", rows: "Rows") -> Limits:
    """Learn a model's limits from the rows that it was fitted to.

    Of very many rows some are enough; what they leave open is then more than all of them would.
    """
    judged = rows.judged[spread_out(len(rows.judged))]
    matrix = model.encoder.transform(rows.features.take(judged))
    working = rows.target.take(judged).working(model.calibration)  # type: ignore[arg-type]  # its own
    weights = rows.weights[judged]
    lost = 1 - rows.target.known[rows.own].mean()
    uncertainty = fit_uncertainty(matrix, rows.sites[judged], working, weights, float(lost))
    curvature, _ = working(model.calibration.margin(model.margin.values(matrix)))
    return Limits(uncertainty, Applicability.fit(matrix, float(1 / curvature.mean())))


def _objection(alike: float, *, outside: bool) -> str:
    if outside:
        return "this patient is unlike all those the model was trained on, taken together"
    if alike < LEAST_ALIKE:
        return (
            f"too few patients like this: what the model knows is worth {alike:.0f} of them, "
            f"and at least {LEAST_ALIKE} are needed"
        )
    return ""
