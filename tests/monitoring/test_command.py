"""`kappredict monitor`, from what a service kept and from a study alone."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kappredict.data.study import Study
from kappredict.data.writers import write_study
from kappredict.serving.admission import DEMO
from kappredict.serving.core import Core
from kappredict.serving.settings import Settings
from tests.monitoring.conftest import Clinic, part

SECRET = "a secret of the deployment"  # noqa: S105  # of a test
RECORDS = 150


@pytest.fixture(scope="module")
def place(clinics: dict[str, Clinic], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study, and the database of a service that was asked about its patients."""
    folder = tmp_path_factory.mktemp("command")
    study = clinics["response"].study
    write_study(study, folder / "study")
    models = clinics["response"].folder.parents[2]
    database = str(folder / "audit.db")
    core = Core.open(Settings(models=models, audit=database, demo=True, pseudonym_key=SECRET))
    body = {"records": list(records(study, RECORDS))}
    asyncio.run(core.done(DEMO, "predict", "r1", b"", core.predict(body, "r1")))
    core.close()
    return folder


def records(study: Study, n: int) -> Iterator[dict[str, Any]]:
    """Write courses as a clinic's system would send them before the first dose."""
    few = part(study, study.patients["patient_id"].head(n))
    patients = {one["patient_id"]: one for one in plain(few.patients.drop(columns=["enrolled_on"]))}
    for course in plain(few.courses.drop(columns=["last_day"])):
        name = course["patient_id"]
        early = few.assessments[few.assessments["day"] < course["index_day"]]
        yield {
            "patient": patients[name],
            "course": course,
            "assessments": own(early, name),
            "history": own(few.history, name),
        }


def own(table: pd.DataFrame, patient_id: str) -> list[dict[str, Any]]:
    return plain(table[table["patient_id"] == patient_id].drop(columns=["patient_id"]))


def plain(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows = table.to_dict("records")
    return [{key: value for key, value in row.items() if pd.notna(value)} for row in rows]


def test_served_predictions_are_monitored_with_outcomes_that_came_later(
    run: Callable[..., Any], clinic: Clinic, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAPPREDICT_PSEUDONYM_KEY", SECRET)
    # Far enough ahead for all to be due; what was served is of this very day.
    words = [
        "--as-of",
        "2099-01-15",
        "--out",
        place / "served.html",
        "--json",
        place / "served.json",
    ]
    done = run(
        "monitor",
        clinic.folder,
        "--study",
        place / "study",
        "--predictions",
        place / "audit.db",
        *words,
    )
    assert done.returncode in {0, 13}, done.stderr
    found = json.loads((place / "served.json").read_text())
    assert found["unmatched"] == 0
    assert found["looks"][0]["asked"] == RECORDS


def test_with_another_key_nothing_joins_and_it_says_so(
    run: Callable[..., Any], clinic: Clinic, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAPPREDICT_PSEUDONYM_KEY", "another secret altogether")
    words = ["--predictions", place / "audit.db", "--out", place / "other.html"]
    done = run("monitor", clinic.folder, "--study", place / "study", *words)
    assert f"{RECORDS} of {RECORDS} patients asked about are not in the study" in " ".join(
        done.stdout.split()
    )


def test_sicker_patients_alarm_in_exit_code_page_and_metrics(
    run: Callable[..., Any], clinic: Clinic, tmp_path: Path
) -> None:
    study = clinic.study
    scores = study.assessments.copy()
    severe = scores["instrument"].eq("phq9") & scores["item"].isna()
    scores.loc[severe, "value"] = (scores.loc[severe, "value"] + 4).clip(upper=27)
    write_study(
        Study.of(study.definition, {**study.tables, "assessments": scores}), tmp_path / "study"
    )
    files = ["--out", tmp_path / "page.html", "--metrics", tmp_path / "kappredict.prom"]
    done = run("monitor", clinic.folder, "--study", tmp_path / "study", *files)
    assert done.returncode == 13
    assert "ALARM: inputs, one by one" in done.stdout
    task = clinic.bundle.task.name
    metrics = (tmp_path / "kappredict.prom").read_text()
    assert f'kappredict_monitor_alarm{{family="inputs",model="{task}"}} 1.0' in metrics
    page = (tmp_path / "page.html").read_text()
    assert "ALARM: inputs, one by one" in page
    assert "<script src" not in page


def test_there_must_be_something_to_monitor(
    run: Callable[..., Any], clinic: Clinic, place: Path, tmp_path: Path
) -> None:
    assert run("monitor", clinic.folder).returncode == 2
    assert run("monitor", clinic.folder, "--predictions", tmp_path / "none.db").returncode == 11
    other = run("monitor", clinic.folder.parents[2] / "none", "--study", place / "study")
    assert other.returncode in {2, 11, 12}


def test_old_predictions_can_be_pruned(
    run: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "audit.db"
    copy.write_bytes((place / "audit.db").read_bytes())
    done = run("predictions", "prune", "--before", "2099-01-01", "--audit", copy)
    assert done.returncode == 0
    assert f"{2 * RECORDS} served predictions removed" in done.said
