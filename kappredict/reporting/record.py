"""The record of a model: every item of TRIPOD+AI, HTI-1, CHAI's card and PROBAST+AI, answered.

Items and where their answers come from are data (`checklists/*.yaml`, Jinja over the findings); an
answer that is empty is "not available", with what is missing.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel, ConfigDict

from kappredict.config.reader import read_definition
from kappredict.config.wording import definition_lines
from kappredict.estimators.encoder import Encoder
from kappredict.evaluation.estimate import Estimate
from kappredict.reporting.findings import Findings
from kappredict.reporting.summary import (
    are_probabilities_right,
    discrimination,
    does_it_work,
    for_whom,
    how_sure,
    interval,
    scheme_words,
    share_lost,
    what_matters,
    would_it_matter_elsewhere,
)

_FOLDER = Path(__file__).with_name("checklists")
_FRAMEWORKS = ("tripod_ai", "hti_1", "chai", "probast_ai")
_JINJA = Environment(undefined=StrictUndefined, autoescape=False)  # noqa: S701  # plain text
NOT_AVAILABLE = "not available"


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(_Closed):
    """What a run cannot know of a model: who made it, for whom, under whose eyes; all of it text.

    `about.yaml` ships the little that holds everywhere; a deployment's own file says the rest.
    """

    developer: str = ""
    contact: str = ""
    funding: str = ""
    conflicts: str = ""
    rationale: str = ""
    intended_use: str = ""
    population: str = ""
    users: str = ""
    out_of_scope: str = ""
    oversight: str = ""
    stage: str = ""
    setting: str = ""
    dates: str = ""
    inequalities: str = ""
    representativeness: str = ""
    relevance: str = ""
    outcome_assessors: str = ""
    outcome_blinding: str = ""
    predictor_assessors: str = ""
    ethics: str = ""
    protocol: str = ""
    registration: str = ""
    data_availability: str = ""
    involvement: str = ""
    next_steps: str = ""
    release_date: str = ""
    availability: str = ""
    approval: str = ""
    risk_level: str = ""
    third_parties: str = ""
    trial: str = ""
    publications: str = ""
    reimbursement: str = ""
    disclosure: str = ""
    external_validation: str = ""
    external_tester: str = ""
    external_demographics: str = ""
    external_process: str = ""
    external_fairness: str = ""
    outcome_studies: str = ""
    monitoring: str = ""
    local_validity: str = ""
    local_fairness: str = ""
    updates: str = ""


class _Asked(_Closed):
    """An item as a checklist states it; `needs` names the key of `about.yaml` that would answer."""

    id: str
    section: str
    asks: str
    answer: str
    needs: str = ""
    missing: str = ""


class _Checklist(_Closed):
    framework: str
    source: str
    mark: Literal["verified", "memory", "assumption"]
    items: tuple[_Asked, ...]


class Item(_Closed):
    """An item with its answer, or with what is missing for one."""

    framework: str
    id: str
    section: str
    asks: str
    answer: str
    available: bool


class Record(_Closed):
    """All items of one model."""

    task: str
    digest: str
    synthetic: bool
    items: tuple[Item, ...]

    def of(self, framework: str) -> tuple[Item, ...]:
        """Give the items of one framework."""
        return tuple(one for one in self.items if one.framework == framework)

    @property
    def frameworks(self) -> tuple[str, ...]:
        """The frameworks, in order."""
        return tuple(dict.fromkeys(one.framework for one in self.items))


def read_about(path: Path | None = None) -> About:
    """Read what a deployment says of itself, on top of what ships.

    Raises
    ------
    DefinitionError
        If the file names an unknown key, with the nearest known one.
    """
    shipped = read_definition(_FOLDER / "about.yaml", About)
    if path is None:
        return shipped
    own = read_definition(path, About)
    return shipped.model_copy(update=own.model_dump(exclude_unset=True))


def make_record(found: Findings, about: About) -> Record:
    """Answer every item of every framework from a model's findings."""
    context = _context(found, about)
    items = [
        _answered(checklist.framework, one, context)
        for checklist in _checklists()
        for one in checklist.items
    ]
    return Record(
        task=found.task,
        digest=found.digest,
        synthetic=found.recipe.study.synthetic,
        items=tuple(items),
    )


@cache
def _checklists() -> tuple[_Checklist, ...]:
    return tuple(read_definition(_FOLDER / f"{name}.yaml", _Checklist) for name in _FRAMEWORKS)


def _answered(framework: str, asked: _Asked, context: dict[str, Any]) -> Item:
    answer = " ".join(_JINJA.from_string(asked.answer).render(context).split())
    missing = asked.missing or (f"`{asked.needs}` in about.yaml would say" if asked.needs else "")
    return Item(
        framework=framework,
        id=asked.id,
        section=asked.section,
        asks=asked.asks,
        answer=answer or (f"{NOT_AVAILABLE}: {missing}" if missing else NOT_AVAILABLE),
        available=bool(answer),
    )


def _context(found: Findings, about: About) -> dict[str, Any]:
    """Give what the answers of the checklists are made of."""
    recipe, validation = found.recipe, found.recipe.validation
    trust = validation.get("trust") or {}
    columns = Encoder.from_json(recipe.columns).columns
    group = {spec.name: spec.group for spec in recipe.specs}
    return {
        "about": about,
        "recipe": recipe,
        "task": found.task,
        "digest": found.digest,
        "synthetic": recipe.study.synthetic,
        "relapse": recipe.outcome == "relapse",
        "condition": recipe.condition.label,
        "landmark": recipe.landmark.replace("_", " "),
        "output": _output(found),
        "definitions": definition_lines(recipe.condition, recipe.instruments),
        "schemes": [scheme_words(one) for one in validation["schemes"]],
        "sites": len(trust["sites"][0]["sites"]) if trust.get("sites") else 0,
        "criteria": found.tables["attrition"]["criterion"].tolist(),
        "flow": [
            f"{row.criterion}: {row.remaining}" for row in found.tables["attrition"].itertuples()
        ],
        "features": len(recipe.specs),
        "groups": list(dict.fromkeys(group[column.feature] for column in columns)),
        "facts": int(found.tables["table_one"]["fact"].nunique() - 1),
        "numbers": [
            f"{scheme_words(name)}: {one['n']} courses, {one['events']} outcomes"
            for name, one in validation["schemes"].items()
        ],
        "left_out": list(_held_out(validation)),
        "transported": _transported(found),
        "lost": round(100 * share_lost(found)),
        "parameters": (trust.get("sample") or {}).get("parameters", 0),
        "structural": len(trust.get("structural", ())),
        "leaks": [one for one in validation["warnings"] if one.startswith("possible leak")],
        "limitations": limitations(found),
        "sources": _sources(found),
        "said": _said(found),
    }


def _said(found: Findings) -> dict[str, str]:
    return {
        "works": does_it_work(found).sentence,
        "right": are_probabilities_right(found),
        "whom": for_whom(found),
        "sure": how_sure(found),
        "matters": what_matters(found),
        "elsewhere": would_it_matter_elsewhere(found),
    }


def limitations(found: Findings) -> list[str]:
    """Say what a reader must beware of, as far as the run shows it."""
    validation = found.recipe.validation
    words = [
        "Simulated patients: nothing here is a finding about people."
        if found.recipe.study.synthetic
        else "",
        "Predictions are associations in past patients, not the effect of a choice.",
        "" if _held_out(validation) else "Not shown to hold in another study.",
        *(f"Beware: {one}." for one in validation["warnings"]),
        *(f"{scheme_words(one)}: not run, {why}." for one, why in validation["not_run"].items()),
    ]
    return [one for one in words if one]


def _output(found: Findings) -> str:
    condition = found.recipe.condition
    if found.recipe.outcome == "relapse":
        days = ", ".join(f"{day:g}" for day in condition.at_risk.horizons)
        return f"The probability of staying well up to days {days}, each with an interval."
    return f"The probability of {found.recipe.outcome}, with an interval."


def _held_out(validation: dict[str, Any]) -> dict[str, Any]:
    return dict(validation["schemes"].get("leave_study_out", {}).get("held_out", {}))


def _transported(found: Findings) -> list[str]:
    name = discrimination(found)
    figures = {
        study: Estimate(**{part: _number(one) for part, one in metrics[name].items()})
        for study, metrics in _held_out(found.recipe.validation).items()
    }
    return [f"{study}: {name} {interval(one)}" for study, one in figures.items()]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _sources(found: Findings) -> Sequence[str]:
    """Name the sources of the definitions that decide the outcome."""
    condition = found.recipe.condition
    parts = [
        judged
        for scale in condition.scales
        for judged in (scale.response, scale.remission, scale.relapse)
    ]
    return list(dict.fromkeys(key for part in parts for key in part.sources))
