"""The service without its web: who may ask, what is answered, and that it is audited."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, TypeAdapter, ValidationError

from kappredict.errors import UsageError
from kappredict.explanation.course_answers import Answered, answer_courses, conditions_of
from kappredict.explanation.what_if import NOTE, changed_record
from kappredict.serving.answers import PredictAnswer, RecordAnswer, WhatIfAnswer, record_answer
from kappredict.serving.audit import (
    AuditError,
    AuditTrail,
    Entry,
    course_pseudonym,
    pseudonym,
    sha256,
)
from kappredict.serving.kept import Kept, Served, rows_of
from kappredict.serving.keys import KeyRing
from kappredict.serving.principals import Act, Principal
from kappredict.serving.problems import Problem, faults_of, invalid
from kappredict.serving.schemas import MOST_RECORDS, inconsistencies
from kappredict.serving.settings import Settings
from kappredict.serving.shelf import Shelf, Shelved, load_shelf
from kappredict.serving.shields import Buckets
from kappredict.serving.tokens import Issuers, read_issuers

MOST_REASONS = 8
# The rest of a validation (how trust was measured) fills the report, not a list of models.
_SHOWN = ("n", "events", "headline", "schemes", "baselines", "warnings")
DEMO = Principal("demo", "clinician")
Record = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What is sent, and what of it is kept: patients' ids, the models asked, answers served.

    `served` goes with `patients`, one for one.
    """

    content: BaseModel | Mapping[str, Any]
    patients: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    note: str = ""
    media_type: str = "application/json"
    served: tuple[Served, ...] = ()


@dataclass
class Core:
    """One process's service: its settings, its shelf of bundles, its trail and its credentials."""

    settings: Settings
    trail: AuditTrail
    keys: KeyRing
    issuers: Issuers
    shelf: Shelf = field(default_factory=Shelf)
    key: Ed25519PublicKey | None = None

    def __post_init__(self) -> None:
        self._buckets = Buckets(self.settings.per_minute)
        self._stamp: tuple[Any, ...] = ()

    @classmethod
    def open(cls, settings: Settings) -> "Core":
        """Open everything; the service does not start without a model, a trail and credentials.

        Raises
        ------
        KappredictError
            If one of them cannot be used.
        """
        keys = KeyRing(settings.keys)
        issuers = read_issuers(settings.issuers)
        if not settings.demo and not len(keys) and not issuers:
            raise UsageError(f"{settings.keys} has no key in use; `kappredict keys add` makes one")
        core = cls(settings, AuditTrail.at(settings.audit), keys, issuers, key=_public(settings))
        core.look()
        if not core.shelf.models:
            raise UsageError(
                f"no bundle in {settings.models}: `kappredict export MODEL {settings.models}`, "
                f"or name another folder with --models"
            )
        return core

    def look(self) -> bool:
        """Look whether the bundles changed, and swap the shelf if they did."""
        folder = self.settings.models
        stamp = tuple(
            sorted((str(one), one.stat().st_mtime_ns) for one in folder.glob("*/*/*/manifest.json"))
        )
        if stamp == self._stamp:
            return False
        self.shelf, self._stamp = load_shelf(folder, self.key, self.shelf), stamp
        return True

    def principal(self, authorisation: str, place: str) -> Principal:
        """Tell who asks, from an Authorization header; `place` is the exact URL that was called.

        Raises
        ------
        Problem
            401 where the credentials are missing, wrong, expired or revoked.
        """
        if self.settings.demo:
            return DEMO
        scheme, _, secret = authorisation.partition(" ")
        found = None
        if scheme.lower() == "bearer":
            secret = secret.strip()
            found = self.keys.principal(secret) or self.issuers.principal(secret, place)
        if found is None:
            detail = "credentials are missing or not accepted: send Authorization: Bearer KEY"
            raise Problem(HTTPStatus.UNAUTHORIZED, detail, WWW_Authenticate="Bearer")
        return found

    def allow(self, who: Principal, act: Act) -> None:
        """Let a principal do an act, if the role and the rate allow it.

        Raises
        ------
        Problem
            403 or 429.
        """
        self._buckets.take(who.name)
        if not who.may(act):
            raise Problem(HTTPStatus.FORBIDDEN, f"the role {who.role} may not {act}")

    def done(
        self, who: Principal, action: str, request_id: str, body: bytes, work: Callable[[], Reply]
    ) -> tuple[bytes, str]:
        """Do the work and audit it; give what is to be sent, once it is on record, and its type.

        Raises
        ------
        Problem
            503 if the act cannot be audited: then nothing is given.
        """
        began = time.perf_counter()
        entry = Entry(who.name, who.role, action, "refused", request_id, request=sha256(body))
        try:
            reply = work()
        except Problem as problem:
            note = f"{int(problem.status)}"
            self._write([_timed(entry, began, note=note)])
            raise
        content = _bytes(reply.content)
        kept = _timed(
            entry,
            began,
            outcome="answered",
            answer=sha256(content),
            models=" ".join(reply.models),
            note=reply.note,
        )
        secret = self.settings.pseudonym_key.encode()
        whom = [pseudonym(one, secret) if one else "" for one in reply.patients] or [""]
        entries = [Entry(**{**vars(kept), "pseudonym": one}) for one in whom]
        self._write(entries, self._kept(reply, request_id, whom, secret))
        return content, reply.media_type

    def _kept(
        self, reply: Reply, request_id: str, whom: Sequence[str], secret: bytes
    ) -> list[Kept]:
        """Lay out what was served, by pseudonym, where the deployment keeps it."""
        if not self.settings.store_predictions:
            return []
        rows: list[Kept] = []
        for one, patient in zip(reply.served, whom, strict=False):
            course = one.record["course"].get("course_id") or ""
            named = {
                "request_id": request_id,
                "patient": patient,
                "course": course_pseudonym(course, secret),
            }
            rows += rows_of(one, named)
        return rows

    def _write(self, entries: Sequence[Entry], kept: Sequence[Kept] = ()) -> None:
        try:
            self.trail.append(entries, kept)
        except AuditError as error:
            detail = "the audit trail cannot be written, and what is not audited is not answered"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, Retry_After="5") from error

    @staticmethod
    def written(content: Mapping[str, Any]) -> bytes:
        """Write an answer as JSON."""
        return _bytes(content)

    def predict(self, body: Any, request_id: str, reasons: int | None = MOST_REASONS) -> Reply:
        """Answer one record, or up to a thousand.

        Raises
        ------
        Problem
            422 naming each field that is wrong.
        """
        shelf = self.shelf
        records = checked(shelf, _records(body))
        found = answer_courses(shelf.bundles, records, reasons)
        results = tuple(
            _whole(shelf, record, one) for record, one in zip(records, found, strict=True)
        )
        reply = _reply(PredictAnswer(request_id=request_id, results=results), records, results)
        digests = {name: one.digest for name, one in shelf.models.items()}
        served = zip(records, found, strict=True)
        return replace(reply, served=tuple(Served(*one, digests) for one in served))

    def what_if(self, body: Any, request_id: str) -> Reply:
        """Answer a record as it is, and with some inputs changed.

        Raises
        ------
        Problem
            422 naming each field that is wrong, or the inputs that there are.
        """
        shelf = self.shelf
        if not isinstance(body, dict) or not {"record", "changes"} == set(body):
            raise invalid([("", "must be an object of `record` and `changes`")])
        (record,) = checked(shelf, {"/record": body["record"]})
        changes = _changes(body["changes"])
        bundles = [one for one in shelf.bundles if one.recipe.condition.id in conditions_of(record)]
        try:
            changed = changed_record_of(bundles, record, changes)
        except UsageError as error:
            raise invalid([("/changes", f"names {error}")]) from error
        after = checked(shelf, {"/changes": changed})
        before, then = answer_courses(shelf.bundles, [record, after[0]], MOST_REASONS)
        results = (
            _whole(shelf, record, before),
            _whole(shelf, record, then),
        )
        answer = WhatIfAnswer(request_id=request_id, note=NOTE, before=results[0], after=results[1])
        return _reply(answer, [record], results)


def changed_record_of(
    bundles: Sequence[Any], record: Record, changes: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Change a record by the first of its models that has all the inputs.

    Raises
    ------
    UsageError
        If none has; it names those it has.
    """
    error = UsageError("no model for the record's condition")
    for bundle in bundles:
        try:
            return changed_record(bundle, record, changes)
        except UsageError as caught:
            error = caught
    raise error


def checked(shelf: Shelf, given: Mapping[str, Any]) -> list[Record]:
    """Check records, by their place in the request, against their type and the rules across fields.

    Raises
    ------
    Problem
        422 with every fault by JSON pointer.
    """
    faults, records = [], []
    for here, one in given.items():
        try:
            # By way of JSON: in strict mode a date is text there, as it is on the wire.
            record = shelf.record_type.model_validate_json(json.dumps(one)).model_dump()
        except ValidationError as error:
            faults += [(here + pointer, said) for pointer, said in faults_of(error)]
            continue
        faults += [(here + at, said) for at, said in inconsistencies(record, shelf.instruments)]
        records.append(record)
    if faults:
        raise invalid(faults)
    return records


_changes_type = TypeAdapter(dict[str, float | str | bool | None])


def _changes(content: Any) -> dict[str, Any]:
    try:
        return _changes_type.validate_python(content, strict=True)
    except ValidationError as error:
        raise invalid([("/changes", "must be an object of input names and values")]) from error


def _records(body: Any) -> dict[str, Any]:
    """Give the records of a request by their place in it."""
    if not isinstance(body, dict) or "records" not in body:
        return {"": body}
    records = body["records"]
    if set(body) != {"records"}:
        raise invalid([("", "has fields beside `records`")])
    if not isinstance(records, list) or not 1 <= len(records) <= MOST_RECORDS:
        raise invalid([("/records", f"must be a list of 1 to {MOST_RECORDS:,} records")])
    return {f"/records/{number}": one for number, one in enumerate(records)}


def _whole(shelf: Shelf, record: Record, found: Sequence[Answered]) -> RecordAnswer:
    return record_answer(found, shelf.models, record["course"].get("course_id"))


def _reply(content: BaseModel, records: Sequence[Record], results: Sequence[RecordAnswer]) -> Reply:
    asked = {(one.model.name, one.model.digest) for result in results for one in result.answers}
    return Reply(
        content,
        tuple(patient_of(one) for one in records),
        tuple(f"{name}@{digest}" for name, digest in sorted(asked)),
    )


def patient_of(record: Record) -> str:
    """Give the patient's id, by either part that may name it; empty where neither does."""
    return record["patient"].get("patient_id") or record["course"].get("patient_id") or ""


def model_facts(one: Shelved) -> dict[str, Any]:
    """Say of a model what its bundle knows: for the list of models and its short card."""
    recipe = one.bundle.recipe
    return {
        "name": one.name,
        "condition": recipe.condition.id,
        "outcome": recipe.outcome,
        "landmark": recipe.landmark,
        "version": one.version,
        "digest": one.digest,
        "definition": one.definition,
        "synthetic": recipe.study.synthetic,
        "card": {
            "trained_on": recipe.provenance.trained_on,
            "study": recipe.study.label,
            "licence": recipe.study.licence,
            "courses": recipe.provenance.n,
            "events": recipe.provenance.events,
            "data_digest": recipe.provenance.data_digest,
            "base_rate": recipe.base_rate,
            "validation": {name: recipe.validation.get(name) for name in _SHOWN},
            "recalibration": recipe.recalibration and recipe.recalibration.model_dump(),
        },
    }


def _timed(entry: Entry, began: float, **changes: Any) -> Entry:
    taken = round((time.perf_counter() - began) * 1000, 3)
    return Entry(**{**vars(entry), "milliseconds": taken, **changes})


def _bytes(content: BaseModel | Mapping[str, Any]) -> bytes:
    if isinstance(content, BaseModel):
        return content.model_dump_json().encode()
    return _any.dump_json(dict(content))


_any = TypeAdapter(dict[str, Any])


def _public(settings: Settings) -> Ed25519PublicKey | None:
    if settings.verify_key is None:
        return None
    try:
        key = load_pem_public_key(settings.verify_key.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{settings.verify_key} is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{settings.verify_key} is no Ed25519 key")
    return key
