"""A bulk export is read as the service reads a Bundle: the same patient gives the same tables."""

import gzip
import json
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ehr
import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue, shipped_configs
from kappredict.data.fhir.elements import Definitions
from kappredict.data.fhir.patient import read_patient_record
from kappredict.data.fhir.reading import Located
from kappredict.data.importing import import_study
from kappredict.data.validation import CheckedStudy, check

IMPORT = shipped_configs() / "studies" / "fhir_bulk"


def of_patient(name: str, *resources: ehr.Resource) -> list[ehr.Resource]:
    """The same resources, of another patient."""
    text = json.dumps(resources).replace('"Patient/p"', f'"Patient/{name}"')
    found: list[ehr.Resource] = json.loads(text)
    return [ehr.patient(id=name), *found]


def an_export(folder: Path, resources: list[ehr.Resource], odd_lines: str = "") -> Path:
    """Write the files of an export, by type and in no order; one of them is gzipped."""
    lines = defaultdict(list)
    for one in sorted(resources, key=lambda each: zlib.crc32(json.dumps(each).encode())):
        lines[one["resourceType"]].append(json.dumps(one))
    folder.mkdir()
    for kind, found in lines.items():
        text = "\n".join(found) + "\n" + (odd_lines if kind == "Observation" else "")
        if kind == "Condition":
            (folder / f"{kind}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{kind}.ndjson").write_text(text)
    return folder


DRUG = {"resourceType": "Medication", "id": "m", "code": ehr.coded(ehr.RXNORM, "36437")}
OF_A = of_patient(
    "a",
    ehr.diagnosis(),
    ehr.diagnosis("F43.1", id="other"),
    ehr.score(effectiveDateTime="2024-02-24T09:00:00Z", issued="2024-02-24T12:00:00Z"),
    ehr.score(8, effectiveDateTime="2024-04-01"),
    ehr.answers({"/44250-9": {"valueInteger": 2}, "/44260-8": {"valueInteger": 0}}),
    ehr.order(),
    ehr.dose(),
    ehr.dose("2024-03-03T10:00:00Z"),
    ehr.resource(
        "MedicationStatement", "ms", status="active", dateAsserted="2023-01-10",
        medicationReference={"reference": "Medication/m"},
    ),
)  # fmt: skip
WHOLE = [*OF_A, DRUG]


def imported(folder: Path, catalogue: Catalogue) -> CheckedStudy:
    return check(import_study(IMPORT, folder, catalogue), catalogue)


def test_the_same_patient_gives_the_same_tables_as_in_a_bundle(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    others = of_patient("b", ehr.diagnosis(), ehr.score(3), ehr.dose())
    found = imported(an_export(tmp_path / "export", WHOLE + others), catalogue)
    assert found.problems == ()
    known = Definitions.of(catalogue.conditions, catalogue.instruments, catalogue.terminology)
    located = [Located(str(place), one) for place, one in enumerate(WHOLE)]
    record = read_patient_record(located[0], located, known).record
    study = found.study
    assert set(study.courses["course_id"]) == {"a-depression", "a-ptsd", "b-depression"}
    for name in ("assessments", "history"):
        rows = study.tables[name]
        assert in_order(entries(rows[rows["patient_id"] == "a"])) == in_order(record[name])
    sessions = study.sessions[study.sessions["course_id"] == "a-ptsd"]
    assert in_order(entries(sessions)) == in_order(record["sessions"])
    (patient,) = entries(study.patients[study.patients["patient_id"] == "a"])
    assert patient | record["patient"] == patient | {"patient_id": "a"}
    (course,) = entries(study.courses[study.courses["course_id"] == "a-ptsd"])
    assert course | record["course"] | {"condition": "ptsd"} == course
    assert course["last_day"] == pytest.approx(35.58, abs=0.01)


def entries(rows: Any) -> list[dict[str, Any]]:
    """Give rows as a record has them: without whose they are, and without empty cells."""
    found = rows.drop(columns=["patient_id", "course_id"], errors="ignore").to_dict("records")
    return [{name: value for name, value in one.items() if pd.notna(value)} for one in found]


def in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda one: sorted(map(str, one.items())))


def test_what_cannot_be_used_is_named_by_file_and_line_or_counted(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    resources = [
        *WHOLE,
        *of_patient("b", ehr.diagnosis(), ehr.score(999), ehr.dose()),
        *of_patient("never-dosed", ehr.diagnosis()),
        *of_patient("c", ehr.dose()),
        ehr.resource("Encounter", "e", status="finished"),
        ehr.score(subject={"reference": "Patient/nobody"}),
        ehr.score(code="1-1") | {"subject": {"reference": "Patient/a"}},
    ]
    export = an_export(tmp_path / "export", resources, odd_lines="{half of a\n\n[1]\n")
    raw = import_study(IMPORT, export, catalogue)
    said = {str(one) for one in raw.problems}
    assert len(said) == 4
    assert sum("no FHIR resource" in one for one in said) == 2
    assert any("0 patients of the export" in one for one in said)
    (wrong,) = (one for one in raw.problems if "outside 0 to 27" in one.rule)
    line = (export / "Observation.ndjson").read_text().splitlines()[(wrong.row or 0) - 1]
    assert json.loads(line)["valueQuantity"]["value"] == 999
    assert "999" not in " ".join(said)
    assert raw.notes == (
        "Encounter.ndjson: resources of this type are not used: 1",
        "Observation.ndjson: its code is of no instrument that is known here: 1",
        "patients with a dose, and no diagnosis that is known here: 1",
        "patients without a dose that was given, so without a course: 1",
    )


def test_the_command_imports_the_sound_rows_and_ends_by_naming_the_others(
    tmp_path: Path, run: Callable[..., Any]
) -> None:
    sound = an_export(tmp_path / "sound", WHOLE)
    assert run("import", IMPORT, sound, tmp_path / "study").returncode == 0
    assert run("validate", tmp_path / "study").returncode == 0
    odd = an_export(tmp_path / "odd", WHOLE, odd_lines="{half of a\n")
    done = run("import", IMPORT, odd, tmp_path / "second")
    assert done.returncode == 11
    assert "Observation.ndjson, row 3" in done.stdout
    assert "courses: 2 rows" in done.said
