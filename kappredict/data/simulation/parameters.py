"""The parameters of a simulation, as `configs/simulation/` has them, checked against each other."""

from collections.abc import Iterator
from dataclasses import dataclass

from kappredict.config.catalogue import Catalogue, load_catalogue, shipped_configs, unknown
from kappredict.config.reader import read_definition
from kappredict.domain.conditions import Condition
from kappredict.domain.simulation import (
    Frame,
    InScore,
    InSession,
    Predictor,
    Predictors,
    SimulatedCondition,
    Variable,
    Variables,
)
from kappredict.errors import DefinitionError


@dataclass(frozen=True)
class Parameters:
    """All that a simulation is drawn from; `catalogue` says how its scores are judged."""

    frame: Frame
    variables: Variables
    predictors: Predictors
    conditions: dict[str, SimulatedCondition]
    catalogue: Catalogue

    def variables_of(self, condition: SimulatedCondition) -> list[Variable]:
        """Give the variables that people with a condition have, spread as in that condition."""
        return [
            variable.model_copy(update={"spread": condition.spreads[variable.name]})
            if variable.name in condition.spreads
            else variable
            for variable in self.variables.variables
            if not variable.only or condition.id in variable.only
        ]

    def predictors_of(self, condition: SimulatedCondition) -> list[Predictor]:
        """Give the predictors that have an effect in a condition."""
        return [
            predictor
            for predictor in self.predictors.predictors
            if not predictor.only or condition.id in predictor.only
        ]

    def definition_of(self, condition: SimulatedCondition) -> Condition:
        """Give the clinical definition of a simulated condition."""
        return self.catalogue.condition(condition.id)

    def check(self) -> None:
        """Check what one file cannot know about another.

        Raises
        ------
        DefinitionError
            With all problems of all files.
        """
        problems = [*self._check_names(), *self._check_variables(), *self._check_sources()]
        if problems:
            raise DefinitionError("configs/simulation", problems)

    def _check_names(self) -> Iterator[str]:
        for condition in self.conditions.values():
            if condition.id not in self.catalogue.conditions:
                yield f"condition {unknown(condition.id, self.catalogue.conditions)}"
            for route in condition.routes:
                if route not in self.frame.routes:
                    yield f"{condition.id}: route {unknown(route, self.frame.routes)}"
        for variable in self.variables.variables:
            for record in variable.records:
                known = self.catalogue.instruments
                if isinstance(record, InScore | InSession) and record.instrument not in known:
                    yield f"{variable.name}: instrument {unknown(record.instrument, known)}"

    def _check_variables(self) -> Iterator[str]:
        for condition in self.conditions.values():
            names = {variable.name for variable in self.variables_of(condition)} | {"planned_doses"}
            needed = {predictor.variable for predictor in self.predictors_of(condition)}
            for name in sorted((needed | set(condition.spreads)) - names):
                yield f"{condition.id}: variable {unknown(name, names)}"

    def _check_sources(self) -> Iterator[str]:
        everything = [
            *self.variables.variables,
            *self.predictors.predictors,
            *(cell for condition in self.conditions.values() for cell in condition.cells),
            *(condition.relapse for condition in self.conditions.values()),
            *(condition.outcome for condition in self.conditions.values()),
        ]
        for key in sorted({key for one in everything for key in one.sources}):
            if key not in self.catalogue.sources:
                yield f"source {unknown(key, self.catalogue.sources)}"


def load_parameters(catalogue: Catalogue | None = None) -> Parameters:
    """Read `configs/simulation/`; scores are judged as the catalogue (the shipped one) says.

    Raises
    ------
    DefinitionError
        If a file is wrong, or two of them do not fit together.
    """
    folder = shipped_configs() / "simulation"
    paths = sorted((folder / "conditions").glob("*.yaml"))
    conditions = [read_definition(path, SimulatedCondition) for path in paths]
    parameters = Parameters(
        frame=read_definition(folder / "study.yaml", Frame),
        variables=read_definition(folder / "variables.yaml", Variables),
        predictors=read_definition(folder / "predictors.yaml", Predictors),
        conditions={condition.id: condition for condition in conditions},
        catalogue=load_catalogue() if catalogue is None else catalogue,
    )
    parameters.check()
    return parameters
