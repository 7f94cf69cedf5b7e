"""What is served is kept with its audit entry, by pseudonym, and holds no free text."""

import asyncio
import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from kappredict.explanation.answer import answer_records
from kappredict.serving.admission import DEMO
from kappredict.serving.audit import AuditTrail, Entry
from kappredict.serving.core import Core
from kappredict.serving.kept import OTHER, Kept
from kappredict.serving.pseudonyms import course_pseudonym, pseudonym
from kappredict.serving.together import answer_alone

KEPT = Kept("r1", "p", "c", "m/o/l", "d", 0.0, 0.0, 0.4, 0.3, 0.5, "{}", "", '{"age": 40.0}')


def ask(core: Core, record: dict[str, Any], work: str = "predict") -> None:
    asyncio.run(core.done(DEMO, work, "r1", b"{}", getattr(core, work)(record, "r1")))


def kept(core: Core) -> list[dict[str, Any]]:
    return [
        row
        for one in core.shelf.models.values()
        for row in core.trail.predictions(one.name, one.digest)[0]
    ]


def test_each_models_answer_is_kept_with_the_features_it_was_made_from(
    core: Core, record: dict[str, Any]
) -> None:
    record["course"]["course_id"] = "marked-course"
    ask(core, record)
    rows = {row["model"]: row for row in kept(core)}
    assert set(rows) == set(core.shelf.models)
    for name, row in rows.items():
        (said,) = answer_records(core.shelf.models[name].bundle, [record])
        assert row["probability"] == getattr(said, "probability", None)
        assert row["no_prediction"] == getattr(said, "reason", "")
        assert row["features"]["age"] == 41.0
        assert row["features"]["sex"] == "female"
        assert row["patient"] == pseudonym("marked-7431", b"")
        assert row["course"] == course_pseudonym("marked-course", b"")
    assert "marked" not in json.dumps(list(rows.values()))


def test_a_word_that_no_training_patient_had_is_not_kept(
    core: Core, record: dict[str, Any]
) -> None:
    """A further column of a study may hold any text; only levels that training knew are kept."""
    answered = answer_alone(core.predict(record, "r1")).served[0].answered[0]
    reference = answered.bundle.recipe.reference
    used = next(name for name, levels in reference.features.items() if "female" in levels.words)
    from kappredict.data.columns import Columns, Words
    from kappredict.serving.kept import features_of

    columns = answered.features.columns
    texts = {**columns.texts, used: Words.of(["Jane Marker"])}
    found = features_of(answered.bundle, Columns(columns.numbers, texts), 0)
    assert found[used] == OTHER


def test_a_what_if_is_no_prediction_of_anybody(core: Core, record: dict[str, Any]) -> None:
    ask(core, {"record": record, "changes": {"age": 50.0}}, "what_if")
    assert kept(core) == []


def test_a_deployment_may_keep_nothing(core: Core, record: dict[str, Any]) -> None:
    core.settings = core.settings.model_copy(update={"store_predictions": False})
    ask(core, record)
    assert kept(core) == []
    assert core.trail.verify() == 1


def test_what_cannot_be_audited_is_not_kept(tmp_path: Path) -> None:
    """Both are in one transaction."""
    place = str(tmp_path / "audit.db")
    trail = AuditTrail.at(place)
    trail.make()
    connection = sqlite3.connect(place)
    connection.execute("ALTER TABLE audit RENAME TO gone")
    connection.close()
    with pytest.raises(Exception, match="cannot be written"):
        trail.append([Entry("w", "clinician", "predict", "answered", "r1")], [KEPT])
    assert trail.predictions("m/o/l", "d") == ([], 0)


def changed_and_pruned(place: str) -> None:
    """Try what is refused and do what is not."""
    trail = AuditTrail.at(place)
    trail.make()
    before = trail.verify()
    entry = Entry("w", "clinician", "predict", "answered", "r1")
    trail.append([entry], [KEPT, KEPT])
    rows, others = trail.predictions("m/o/l", "d")
    assert [row["features"] for row in rows] == [{"age": 40.0}] * 2
    assert others == 0
    assert trail.predictions("m/o/l", "another") == ([], 2)
    engine = sa.create_engine(place if "://" in place else f"sqlite:///{place}")
    with pytest.raises(sa.exc.DBAPIError, match="never changed"), engine.begin() as connection:
        connection.execute(sa.text("UPDATE predictions SET model = 'x'"))
    engine.dispose()
    assert trail.prune(date(2000, 1, 1), "somebody") == 0
    assert trail.prune(date(2100, 1, 1), "somebody") == 2
    assert trail.verify() == before + 3
    trail.close()


def test_rows_are_never_changed_and_old_ones_can_be_removed(tmp_path: Path) -> None:
    changed_and_pruned(str(tmp_path / "audit.db"))


def test_a_real_postgresql_keeps_them_too(postgresql: Any) -> None:
    changed_and_pruned(postgresql.database("psycopg"))
