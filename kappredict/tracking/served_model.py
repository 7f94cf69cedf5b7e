"""The MLflow model of a bundle, logged from this code and not pickled (`mlflow.pyfunc`).

Input is a feature table with the bundle's schema; output is the probability of the outcome or, for
relapse, the probability of having had none by each horizon.
"""

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel

from kappredict.estimators.bundle import load_bundle
from kappredict.features.table import FeatureTable


class ServedBundle(PythonModel):  # type: ignore[misc]  # mlflow ships no types
    """A bundle behind MLflow's `predict`."""

    def load_context(self, context: Any) -> None:
        """Load the bundle that was logged with the model, checking its manifest."""
        self._bundle = load_bundle(Path(context.artifacts["bundle"]))

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """Give one row of probabilities per row of features."""
        specs = self._bundle.recipe.specs
        kinds = {spec.name: "str" if spec.kind == "category" else "float64" for spec in specs}
        table = FeatureTable(model_input[list(kinds)].astype(kinds), specs)
        days = [f"well_on_day_{day:g}" for day in self._bundle.horizons]
        return pd.DataFrame(self._bundle.probabilities(table), columns=days or ["probability"])


mlflow.models.set_model(ServedBundle())
