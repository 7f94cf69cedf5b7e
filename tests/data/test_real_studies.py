"""The shipped imports of real studies, against counts made another way from the same files."""

from pathlib import Path

import pandas as pd
import pytest

from kappredict.config.catalogue import Catalogue, shipped_configs
from kappredict.data.importing import import_study
from kappredict.data.study import Study
from kappredict.data.validation import check

pytestmark = pytest.mark.real
IMPORTS = (
    "ctn0094",
    "ctn0094_kept_visits",
    "nimh_ketamine",
    "beat_the_blues",
    "antidepressant_dia",
    "uis",
)
# Two imports read one source.
SOURCES = {"ctn0094_kept_visits": "ctn0094"}


@pytest.fixture(scope="module")
def studies(real_data: Path, catalogue: Catalogue) -> dict[str, Study]:
    checked = {
        name: check(
            import_study(
                shipped_configs() / "studies" / name, real_data / SOURCES.get(name, name), catalogue
            ),
            catalogue,
        )
        for name in IMPORTS
    }
    problems = {name: [str(one) for one in of.problems] for name, of in checked.items()}
    assert problems == {name: [] for name in IMPORTS}
    return {name: of.study for name, of in checked.items()}


@pytest.fixture(scope="module")
def trials(real_data: Path) -> dict[str, pd.DataFrame]:
    """The files of the opioid trials, read without DuckDB."""
    return {
        path.name.removesuffix(".csv.gz"): pd.read_csv(path)
        for path in sorted((real_data / "ctn0094").glob("*.csv.gz"))
    }


def first_randomised(trials: dict[str, pd.DataFrame]) -> pd.Series:
    """The day of the first randomisation by person."""
    rows = trials["randomization"]
    return rows[(rows["which"] == 1) & rows["when"].notna()].set_index("who")["when"]


def test_every_import_that_ships_is_tested() -> None:
    shipped = {path.name for path in (shipped_configs() / "studies").iterdir() if path.is_dir()}
    assert set(IMPORTS) <= shipped


def test_every_query_says_what_it_decides() -> None:
    for query in (shipped_configs() / "studies").glob("**/*.sql"):
        assert query.read_text().startswith("--"), query


def test_the_opioid_trials_have_their_1922_courses_at_26_sites(studies: dict[str, Study]) -> None:
    study = studies["ctn0094"]
    courses = study.courses.merge(study.patients, on="patient_id", validate="one_to_one")
    assert courses.groupby("study").size().to_dict() == {"CTN-0027": 1269, "CTN-0030": 653}
    assert courses.groupby("study")["site"].nunique().to_dict() == {"CTN-0027": 16, "CTN-0030": 10}
    assert (courses["last_day"] - courses["index_day"] == 84).all()


def test_no_opioid_trial_patient_has_two_rows_or_no_age(studies: dict[str, Study]) -> None:
    patients = studies["ctn0094"].patients
    assert patients["patient_id"].is_unique
    assert patients["age"].notna().all()


def test_every_urine_sample_in_the_twelve_weeks_is_a_screen(
    studies: dict[str, Study], trials: dict[str, pd.DataFrame]
) -> None:
    index_day = first_randomised(trials)
    samples = pd.concat([trials["uds_temp"], trials["uds"]])[["who", "when"]].drop_duplicates()
    samples = samples[samples["when"] <= samples["who"].map(index_day) + 84]
    screens = studies["ctn0094"].assessments.query("instrument == 'uds' and item == 'opioid'")
    assert len(screens) == len(samples)
    positive = trials["uds"].query("what == 'Opioid'")
    positive = positive[positive["when"] <= positive["who"].map(index_day) + 84]
    assert screens["value"].sum() == len(positive)


def test_a_kept_visit_without_a_sample_was_clean_in_the_trial_that_lists_hardly_any_clean_sample(
    studies: dict[str, Study],
) -> None:
    def screens(name: str) -> pd.DataFrame:
        found = studies[name].assessments.query("instrument == 'uds' and item == 'opioid'")
        return found.merge(studies[name].courses[["patient_id", "study"]], on="patient_id")

    as_listed, kept = screens("ctn0094"), screens("ctn0094_kept_visits")
    clean = {
        name: (rows["value"] == 0).groupby(rows["study"]).mean().round(2).to_dict()
        for name, rows in (("listed", as_listed), ("kept", kept))
    }
    assert clean["listed"]["CTN-0027"] == clean["kept"]["CTN-0027"]
    assert clean["listed"]["CTN-0030"] < clean["kept"]["CTN-0030"]
    positive = [int(rows["value"].sum()) for rows in (as_listed, kept)]
    assert positive[0] == positive[1]


def test_a_screen_of_the_randomisation_day_lies_before_the_first_dose(
    studies: dict[str, Study], trials: dict[str, pd.DataFrame]
) -> None:
    index_day = first_randomised(trials)
    samples = pd.concat([trials["uds_temp"], trials["uds"]])[["who", "when"]].drop_duplicates()
    same_day = (samples["when"] == samples["who"].map(index_day)).sum()
    days = studies["ctn0094"].courses.set_index("patient_id")["index_day"]
    screens = studies["ctn0094"].assessments.query("instrument == 'uds' and item == 'opioid'")
    relative = screens["day"] - screens["patient_id"].map(days)
    assert (relative == 0).sum() == 0
    assert (relative == -0.5).sum() == same_day


def test_medicines_of_the_trial_are_no_opioid_use(studies: dict[str, Study]) -> None:
    screens = studies["ctn0094"].assessments.query("instrument == 'uds'")
    screens = screens.assign(item=screens["item"].fillna("total"))
    wide = screens.pivot_table(index=["patient_id", "day"], columns="item", values="value")
    only = (wide["methadone"] == 1) & (
        wide.drop(columns=["methadone", "buprenorphine", "total"]).max(axis=1) == 0
    )
    assert only.sum() > 0
    assert (wide.loc[only, "total"] == 0).all()


def test_withdrawal_at_baseline_is_the_score_from_before_the_dose(
    studies: dict[str, Study], trials: dict[str, pd.DataFrame]
) -> None:
    """The day's own score is the highest of the day, and so may come after the dose."""
    index_day = first_randomised(trials)
    day = trials["withdrawal"]
    day = day[day["when"] == day["who"].map(index_day)].set_index("who")["withdrawal"]
    dated = trials["withdrawal_pre_post"].dropna(subset=["when"])
    dated = dated[dated["when"] == dated["who"].map(index_day)]
    highest = dated.groupby("who")["withdrawal"].max()
    assert (day.reindex(highest.index).dropna() == highest.reindex(day.index).dropna()).all()

    before = trials["withdrawal_pre_post"].query("what == 'pre'").set_index("who")
    scores = studies["ctn0094"].assessments.query("instrument == 'withdrawal'")
    first = scores["patient_id"].astype("int64").map(index_day) - 0.5 == scores["day"]
    at_baseline = scores[first].set_index(scores[first]["patient_id"].astype("int64"))["value"]
    assert len(at_baseline) > 1800
    assert (at_baseline == before["withdrawal"].reindex(at_baseline.index)).all()


def test_the_diary_before_consent_counts_the_28_days_before_it(
    studies: dict[str, Study], trials: dict[str, pd.DataFrame]
) -> None:
    diary = trials["tlfb"]
    used = diary[diary["what"].isin(["Heroin", "Opioid"]) & diary["when"].between(-28, -1)]
    expected = used.drop_duplicates(["who", "when"]).groupby("who").size()
    rows = studies["ctn0094"].assessments.query(
        "instrument == 'tlfb' and item == 'opioid_days' and day == -0.5"
    )
    found = rows.set_index(rows["patient_id"].astype("int64"))["value"]
    assert len(found) == 1921
    assert (found == expected.reindex(found.index).fillna(0)).all()


def test_the_four_weekly_diary_says_nothing_before_its_first_interview(
    studies: dict[str, Study],
) -> None:
    """Counting over days nobody was asked about would tell who stayed to week 4."""
    study = studies["ctn0094"]
    courses = study.courses.set_index("patient_id")
    rows = study.assessments.query("instrument == 'tlfb' and day > -0.5")
    since = rows["day"] - rows["patient_id"].map(courses["index_day"])
    monthly = rows["patient_id"].map(courses["study"]) == "CTN-0027"
    assert since[monthly].min() >= 28
    assert since[~monthly].min() >= 7


def test_ketamine_patients_have_one_course_for_each_infusion(studies: dict[str, Study]) -> None:
    study = studies["nimh_ketamine"]
    assert len(study.patients) == 31
    assert study.courses.groupby("arm").size().to_dict() == {"ketamine": 29, "placebo": 27}
    doses = study.courses.merge(study.sessions, on="course_id", validate="one_to_one")
    assert (doses["day"] == doses["index_day"]).all()
    assert doses.groupby("arm")["dose_mg_per_kg"].max().to_dict() == {"ketamine": 0.5, "placebo": 0}


def test_paired_ketamine_scores_survive_the_invented_timeline(
    studies: dict[str, Study], real_data: Path
) -> None:
    source = pd.read_csv(real_data / "nimh_ketamine" / "nimh_ketamine.csv").query("group == 'MDD'")
    wide = source.pivot_table(index="participant_id", columns="session_id", values="MADRS_Total")
    expected = (wide["d2"] - wide["p2"]).dropna()
    study = studies["nimh_ketamine"]
    scores = study.courses.merge(study.assessments.query("instrument == 'madrs'"), on="patient_id")
    second_day = scores[scores["day"] == scores["index_day"] + 2]
    pairs = second_day.pivot_table(index="patient_id", columns="arm", values="value")
    found = (pairs["ketamine"] - pairs["placebo"]).dropna()
    assert found.to_dict() == expected.to_dict()
    assert found.mean() < 0


def test_beat_the_blues_keeps_every_score_and_invents_none(
    studies: dict[str, Study], real_data: Path
) -> None:
    source = pd.read_csv(real_data / "beat_the_blues" / "beat_the_blues.csv")
    scores = source.filter(like="bdi.")
    assert len(studies["beat_the_blues"].assessments) == scores.notna().sum().sum() == 380
    assert studies["beat_the_blues"].assessments["value"].sum() == scores.sum().sum()
    assert len(studies["beat_the_blues"].history) == (source["drug"] == "Yes").sum() == 44


def test_the_antidepressant_study_has_172_courses_and_129_scores_at_week_6(
    studies: dict[str, Study],
) -> None:
    study = studies["antidepressant_dia"]
    assert study.courses.groupby("arm").size().to_dict() == {"drug": 84, "placebo": 88}
    assert study.patients["site"].nunique() == 17
    scores = study.assessments.query("instrument == 'hamd17'")
    assert (scores["day"] == -0.5).sum() == 172
    assert (scores["day"] > 0).sum() == 608
    late = scores[scores["day"].between(36, 56)]
    assert late["patient_id"].nunique() >= 126


def test_residential_patients_are_followed_to_relapse_or_last_contact(
    studies: dict[str, Study], real_data: Path
) -> None:
    source = pd.read_csv(real_data / "uis" / "uis.csv").query("hercoc in (1, 2, 3)")
    study = studies["uis"]
    assert study.courses.groupby("condition").size().to_dict() == {"cud": 178, "oud": 225}
    events = study.history.query("code == 'relapse'").merge(study.courses, on="patient_id")
    assert len(events) == source["relapse_or_ltfu"].sum()
    assert (events["start_day"] == events["last_day"]).all()
    assert study.courses["last_day"].sum() == source["time"].sum()


def test_what_is_learnt_only_after_admission_is_not_imported(studies: dict[str, Study]) -> None:
    for table in studies["uis"].tables.values():
        assert not any("treatment" in column for column in table.columns)
