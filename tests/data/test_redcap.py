"""The REDCap import on a small longitudinal export made for it."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from reading import drawn

from kappredict.config.catalogue import Catalogue, shipped_configs
from kappredict.data.importing import import_study
from kappredict.data.study import Study
from kappredict.data.validation import CheckedStudy, check
from kappredict.domain.task import PredictionTask
from kappredict.errors import DefinitionError
from kappredict.evaluation.modelling_set import build_modelling_set

REDCAP = shipped_configs() / "studies" / "redcap"

# A raw export: one line for each record, event and instance of a repeating form. Forms that an
# event does not have are blank; so is what nobody filled in, but for boxes, which are then 0.
FORMS = """
    record_id | redcap_event_name | redcap_repeat_instrument | visit_date | sex    | birth_date | condition___depression | condition___ptsd | diagnosis___ptsd | diagnosis___epilepsy | diagnosis___none
    101       | baseline_arm_1    |                          | 2020-02-28 | female | 1980-01-01 | 1                      | 0                | 0                | 1                    | 0
    101       | dosing_arm_1      | session                  |            |        |            |                        |                  |                  |                      |
    101       | dosing_arm_1      | session                  |            |        |            |                        |                  |                  |                      |
    101       | dosing_arm_1      |                          | 2020-03-02 |        |            |                        |                  |                  |                      |
    101       | week_4_arm_1      |                          | 2020-03-30 |        |            |                        |                  |                  |                      |
    101       | baseline_arm_1    | medication               |            |        |            |                        |                  |                  |                      |
    101       | week_4_arm_1      | event                    |            |        |            |                        |                  |                  |                      |
    102       | baseline_arm_1    |                          | 2020-03-02 | male   | 1990-06-01 | 1                      | 1                | 0                | 0                    | 0
    102       | dosing_arm_1      |                          | 2020-03-02 |        |            |                        |                  |                  |                      |
    103       | baseline_arm_1    |                          | 2020-02-20 | other  |            | 1                      | 0                | 0                | 0                    | 1
    103       | dosing_arm_1      |                          | 2020-03-02 |        |            |                        |                  |                  |                      |
    104       | baseline_arm_1    |                          | 2020-02-20 | male   |            | 1                      | 0                | 0                | 0                    | 0
"""  # noqa: E501  # as wide as an export is
# What those lines hold besides, by their number.
SESSIONS = """
    line | session_kind | session_date        | session_route | session_dose_mg_per_kg | session_minutes
    2    | dosing       | 2020-03-02 10:00:00 | im            | 0.75                   | 40
    3    | dosing       | 2020-03-09          | im            | -99                    |
    9    | dosing       |                     | iv            | 0.5                    |
    11   | dosing       | 2020-03-02          | iv            | 0.5                    |
"""  # noqa: E501
SCORES = """
    line | phq9_1 | phq9_2 | phq9_9 | phq9_total | phq9_date           | pcl5_total | pcl5_timestamp
    1    | 3      | -99    | 0      | 20         |                     |            |
    4    |        |        |        | 17         | 2020-03-02 09:00:00 |            |
    5    | 1      | 1      | 0      | 8          |                     |            |
    8    |        |        |        | 18         |                     | 44         | 2020-03-01 12:00:00
    9    |        |        |        | 11         |                     |            | [not completed]
    10   | twice  | 2      | 0      | 19         |                     |            |
    12   | 3      | 3      | 3      | 25         |                     |            |
"""  # noqa: E501
FACTS = """
    line | medication_code | medication_date | medication_end_date | medication_outcome | event_code       | event_date
    6    | antidepressant  | 2019-12-01      | 2020-01-15          | failed             |                  |
    7    |                 |                 |                     |                    | treatment_switch | 2020-03-20
"""  # noqa: E501


def an_export() -> pd.DataFrame:
    """The lines of the export, every value a text."""
    lines = drawn(FORMS)
    lines.index = pd.Index(range(1, len(lines) + 1)).astype(str)
    for more in (SESSIONS, SCORES, FACTS):
        lines = lines.join(drawn(more).set_index("line"))
    return lines.assign(phq9_complete=2).fillna("")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    an_export().to_csv(folder / "records.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def imported(source: Path, catalogue: Catalogue) -> CheckedStudy:
    return check(import_study(REDCAP, source, catalogue), catalogue)


def scores_of(study: Study, record: int) -> list[tuple[Any, ...]]:
    rows = study.assessments[study.assessments["patient_id"] == str(record)]
    columns = rows[["day", "instrument", "item", "value"]].fillna("")
    return sorted(columns.itertuples(index=False, name=None))


def test_a_course_is_a_record_with_a_dose_and_a_condition(imported: CheckedStudy) -> None:
    """Record 104 was never treated; record 102 is treated for two conditions."""
    courses = imported.study.courses[["course_id", "index_day", "last_day", "arm"]]
    assert courses.to_numpy().tolist() == [
        ["101-depression", 0, 28, "arm_1"],
        ["102-depression", 0, 0, "arm_1"],
        ["102-ptsd", 0, 0, "arm_1"],
        ["103-depression", 0, 0, "arm_1"],
    ]
    patients = imported.study.patients
    assert patients["sex"].tolist() == ["female", "male", "other"]
    assert patients["age"].fillna(-1).tolist() == [40, 29, -1]


def test_sessions_come_from_repeated_forms_or_from_the_event(imported: CheckedStudy) -> None:
    rows = imported.study.sessions[["course_id", "day", "route", "dose_mg_per_kg", "minutes"]]
    assert rows.fillna(-1).to_numpy().tolist() == [
        ["101-depression", 0, "im", 0.75, 40],
        ["101-depression", 7, "im", -1, -1],
        ["102-depression", 0, "iv", 0.5, -1],
        ["102-ptsd", 0, "iv", 0.5, -1],
        ["103-depression", 0, "iv", 0.5, -1],
    ]


def test_scores_of_the_dose_day_lie_before_it_by_their_time_or_by_their_event(
    imported: CheckedStudy,
) -> None:
    """The code -99 is no score, and an unfinished survey has no date of its own."""
    assert scores_of(imported.study, 101) == [
        (-3, "phq9", "", 20), (-3, "phq9", "1", 3), (-3, "phq9", "9", 0),
        (-0.5, "phq9", "", 17),
        (28, "phq9", "", 8), (28, "phq9", "1", 1), (28, "phq9", "2", 1), (28, "phq9", "9", 0),
    ]  # fmt: skip
    assert scores_of(imported.study, 102) == [
        (-1, "pcl5", "", 44), (-0.5, "phq9", "", 18), (0, "phq9", "", 11)
    ]  # fmt: skip


def test_text_in_a_number_is_rejected_and_the_rest_is_kept(imported: CheckedStudy) -> None:
    (problem,) = imported.problems
    assert (problem.file, problem.column, problem.rule) == (
        "assessments.sql", "value", "is not a number"
    )  # fmt: skip
    assert scores_of(imported.study, 103) == [
        (-11, "phq9", "", 19), (-11, "phq9", "2", 2), (-11, "phq9", "9", 0)
    ]  # fmt: skip


def test_ticked_boxes_are_facts_and_the_others_are_no_where_somebody_answered(
    imported: CheckedStudy,
) -> None:
    rows = imported.study.history
    columns = ["patient_id", "kind", "code", "start_day", "end_day", "outcome", "value"]
    facts = rows[[*columns, "recorded_day"]].astype("object").where(rows.notna(), None)
    assert set(facts.itertuples(index=False, name=None)) == {
        ("101", "diagnosis", "epilepsy", None, None, None, 1, -3),
        ("101", "diagnosis", "ptsd", None, None, None, 0, -3),
        ("103", "diagnosis", "epilepsy", None, None, None, 0, -11),
        ("103", "diagnosis", "ptsd", None, None, None, 0, -11),
        ("101", "medication", "antidepressant", -92, -47, "failed", None, -3),
        ("101", "event", "treatment_switch", 18, None, None, None, 28),
    }


def test_scores_reach_features_and_outcomes(imported: CheckedStudy, catalogue: Catalogue) -> None:
    task = PredictionTask(catalogue.condition("depression"), "response", "baseline")
    made = build_modelling_set(imported.study, catalogue, task)
    rows = made.features.frame.set_axis(made.courses["course_id"])
    assert rows["phq9_last"].to_dict() == {
        "101-depression": 17, "102-depression": 18, "103-depression": 19
    }  # fmt: skip
    assert rows["failed_antidepressants"].tolist() == [1, 0, 0]
    assert rows["epilepsy"].fillna(-1).tolist() == [1, -1, 0]
    assert made.target.outcome[0] == 1


def test_an_export_without_dates_is_placed_by_its_events(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    export = an_export()
    dates = [name for name in export if name.endswith(("_date", "_timestamp"))]
    (tmp_path / "export").mkdir()
    export.drop(columns=dates).to_csv(tmp_path / "export" / "records.csv", index=False)
    copy = shutil.copytree(REDCAP, tmp_path / "mine")
    (copy / "shared" / "events.sql").write_text(
        "SELECT * FROM (VALUES ('baseline_arm_1', -7.0, TRUE), ('dosing_arm_1', 0, FALSE), "
        "('week_4_arm_1', 28, FALSE)) AS events (event, day, before_dose)"
    )
    checked = check(import_study(copy, tmp_path / "export", catalogue), catalogue)
    assert checked.study.courses["last_day"].tolist()[0] == 28
    assert {score[0] for score in scores_of(checked.study, 101)} == {-7, 0, 28}


def test_every_score_has_a_field_name_of_its_own_that_redcap_allows(catalogue: Catalogue) -> None:
    fields = [
        f"{one.id}_{item or 'total'}"
        for one in catalogue.instruments.values()
        for item in ("", *one.item_ids)
    ]
    assert len(set(fields)) == len(fields)
    assert not [field for field in fields if not re.fullmatch(r"[a-z][a-z0-9_]*", field)]


def test_what_is_no_date_stops_the_import_and_names_its_field(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    export = an_export().replace({"phq9_date": {"2020-03-02 09:00:00": "the second of March"}})
    export.to_csv(tmp_path / "records.csv", index=False)
    with pytest.raises(DefinitionError, match="phq9_date holds what is no date") as caught:
        import_study(REDCAP, tmp_path, catalogue)
    assert "March" not in str(caught.value)


def test_the_commands_reject_what_is_wrong_and_leave_a_sound_study(
    source: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    done = run("import", REDCAP, source, tmp_path / "study")
    assert (done.returncode, "1 rows were rejected" in done.said) == (11, True)
    assert run("validate", tmp_path / "study").returncode == 0
