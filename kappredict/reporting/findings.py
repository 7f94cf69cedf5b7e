"""The findings about one model: everything that a report, a card or a notebook says of it.

A folder of `findings.json` (the bundle's recipe and digest), Parquet tables and plotly figures in
JSON. Training writes it once; what reads it computes nothing slow and needs no patient's record.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
from pydantic import ValidationError

from kappredict.errors import DataError
from kappredict.estimators.bundle import Recipe

CONTENT, TABLES, FIGURES = "findings.json", "tables", "figures"


@dataclass(frozen=True)
class Findings:
    """A model's recipe, its bundle's digest, and the tables and figures of its training.

    Row-level tables (`predictions`, `contributions`, `features`) have a `row` number that means
    nothing outside of them, no identifier and no date.
    """

    recipe: Recipe
    digest: str
    tables: Mapping[str, pd.DataFrame] = field(repr=False)
    figures: Mapping[str, go.Figure] = field(repr=False)

    @property
    def task(self) -> str:
        """The name of the model's task."""
        return f"{self.recipe.condition.id}/{self.recipe.outcome}/{self.recipe.landmark}"

    def save(self, folder: Path) -> None:
        """Write everything into a folder."""
        for part in (TABLES, FIGURES):
            (folder / part).mkdir(parents=True, exist_ok=True)
        content = {"digest": self.digest, "recipe": self.recipe.model_dump(mode="json")}
        (folder / CONTENT).write_text(json.dumps(content, indent=1), encoding="utf-8")
        for name, table in self.tables.items():
            table.to_parquet(folder / TABLES / f"{name}.parquet", index=False)
        for name, figure in self.figures.items():
            (folder / FIGURES / f"{name}.json").write_text(figure.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Findings":
        """Read what `save` wrote.

        Raises
        ------
        DataError
            If the folder holds no findings of this version.
        """
        try:
            content = json.loads((folder / CONTENT).read_text(encoding="utf-8"))
            recipe = Recipe.model_validate(content["recipe"])
        except (OSError, ValueError, KeyError, ValidationError) as error:
            raise DataError(f"{folder} holds no findings that this version can read") from error
        return cls(
            recipe,
            content["digest"],
            {one.stem: pd.read_parquet(one) for one in sorted((folder / TABLES).glob("*.parquet"))},
            {
                one.stem: pio.from_json(one.read_text(encoding="utf-8"))
                for one in sorted((folder / FIGURES).glob("*.json"))
            },
        )
