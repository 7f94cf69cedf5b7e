"""Every drawn course is judged as it is drawn."""

from dataclasses import replace
from pathlib import Path

import pytest
from cases import CASES
from reading import Case, judged

from kappredict.config.catalogue import Catalogue
from kappredict.data.readers import read_study_definition
from kappredict.domain.studies import StudyDefinition

ROOT = Path(__file__).resolve().parents[2]
EVERY = [case for cases in CASES.values() for case in cases]


@pytest.fixture(scope="session")
def opioid_trials() -> StudyDefinition:
    return read_study_definition(ROOT / "configs" / "studies" / "ctn0094")


@pytest.mark.parametrize("case", EVERY, ids=[case.title for case in EVERY])
def test_the_course_is_judged_as_drawn(
    case: Case, catalogue: Catalogue, opioid_trials: StudyDefinition
) -> None:
    if case.study is None:  # a definition that the opioid trials bring along
        case = replace(case, study=opioid_trials)
    found = judged(case, catalogue)
    assert {outcome: found[outcome] for outcome in case.expect} == case.expect
