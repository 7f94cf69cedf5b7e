"""The service without its web: who may ask, what is answered, and that it is audited."""

import json
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from http import HTTPStatus
from typing import Any

import anyio
import anyio.to_thread
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, TypeAdapter, ValidationError

from kappredict.errors import UsageError
from kappredict.explanation.course_answers import Answered, conditions_of
from kappredict.explanation.what_if import NOTE
from kappredict.serving import safety
from kappredict.serving.admission import Admission, Asking
from kappredict.serving.answers import (
    PredictAnswer,
    RecordAnswer,
    WhatIfAnswer,
    record_answer,
    with_lacking,
)
from kappredict.serving.audit import AuditError, AuditTrail, Entry, sha256
from kappredict.serving.form import changed_record_of
from kappredict.serving.guard import failed, place_of
from kappredict.serving.kept import Kept, Served, rows_of
from kappredict.serving.keys import KeyRing
from kappredict.serving.metrics import Metrics
from kappredict.serving.principals import Principal
from kappredict.serving.problems import Problem, faults_of, invalid
from kappredict.serving.pseudonyms import course_pseudonym, pseudonym
from kappredict.serving.schemas import MOST_RECORDS, inconsistencies
from kappredict.serving.scribe import Scribe
from kappredict.serving.settings import Settings
from kappredict.serving.shelf import Shelf, load_shelf, stamp_of
from kappredict.serving.signatures import public_key
from kappredict.serving.together import Asks, Question, Together, answer_alone
from kappredict.serving.tokens import read_issuers

MOST_REASONS = 8
# One patient is answered sooner in the event loop than by a thread; of large requests few at once.
_SMALL = 100_000
_LARGE_AT_ONCE = 2
Record = dict[str, Any]
_log = logging.getLogger("kappredict")


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
    admission: Admission
    shelf: Shelf = field(default_factory=Shelf)
    key: Ed25519PublicKey | None = None

    def __post_init__(self) -> None:
        self.scribe = Scribe(self.trail)
        self.metrics = Metrics()
        self._stamp: tuple[Any, ...] = ()
        self._together = Together()
        self._large = anyio.CapacityLimiter(_LARGE_AT_ONCE)

    @classmethod
    def open(cls, settings: Settings) -> "Core":
        """Open everything; the service does not start without a model and credentials.

        The trail may be out of reach: then nothing is answered until it is there.

        Raises
        ------
        KappredictError
            If one of them cannot be used.
        """
        keys = KeyRing(settings.keys)
        trail = AuditTrail.at(settings.audit)
        issuers = read_issuers(settings.issuers, trail)
        if not settings.demo and not len(keys) and not issuers:
            raise UsageError(f"{settings.keys} has no key in use; `kappredict keys add` makes one")
        admission = Admission(settings, keys, issuers)
        core = cls(settings, trail, admission, key=public_key(settings))
        core.look()
        if not core.shelf.models:
            core.close()
            raise UsageError(
                f"no bundle in {settings.models} that can be served: `kappredict export MODEL "
                f"{settings.models}`, or name another folder with --models"
            )
        return core

    def close(self) -> None:
        """Write what waits for the trail, and close it."""
        self.scribe.close()
        self.trail.close()

    def look(self) -> bool:
        """Look whether the bundles changed, and swap the shelf if they did."""
        folder = self.settings.models
        stamp = stamp_of(folder)
        if stamp == self._stamp:
            return False
        self.shelf, self._stamp = load_shelf(folder, self.key, self.shelf), stamp
        return True

    async def begin(self) -> None:
        """Put on record that answers begin: the first time, or again after the trail failed."""
        entry = Entry("kappredict", "service", "begin", "answered", secrets.token_hex(8))
        await self.scribe.write([entry])

    @property
    def ready(self) -> bool:
        """Whether there is a model to answer with and a trail to write to."""
        return bool(self.shelf.models) and self.scribe.well

    async def admitted(self, asking: Asking) -> Principal:
        """Let a request in, or put on record that it was not.

        Raises
        ------
        Problem
            401, 403 or 429; the last is not on record, or asking often would fill the disk.
        """
        who: Principal | None = None
        try:
            who = await self._known(asking)
            if who is None:
                raise self.admission.refuse(asking)
            self.admission.allow(who, asking.act)
        except AuditError as error:
            raise self._unaudited() from error
        except Problem as problem:
            if problem.status != HTTPStatus.TOO_MANY_REQUESTS:
                name, role = (who.name, who.role) if who else ("unknown", "none")
                entry = Entry(name, role, asking.action, "refused", secrets.token_hex(8))
                await self._write([replace(entry, note=f"{int(problem.status)}")])
            raise
        return who

    async def _known(self, asking: Asking) -> Principal | None:
        if self.admission.at_once(asking):
            return self.admission.known(asking)
        return await anyio.to_thread.run_sync(self.admission.known, asking)

    async def done(
        self, who: Principal, action: str, request_id: str, body: bytes, work: Asks[Reply]
    ) -> tuple[bytes, str]:
        """Do the work and audit it; give what is to be sent, once it is on record, and its type.

        Raises
        ------
        Problem
            503 if the work failed, or the act cannot be audited: then nothing is given.
        """
        began = time.perf_counter()
        entry = Entry(who.name, who.role, action, "refused", request_id, request=sha256(body))
        try:
            reply, content = await self._worked(body, _written(work), request_id)
        except Problem as problem:
            await self._write([_timed(entry, began, note=f"{int(problem.status)}")])
            raise
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
        entries = [replace(kept, pseudonym=one) for one in whom]
        await self._write(entries, self._kept(reply, request_id, whom))
        return content, reply.media_type

    def _kept(self, reply: Reply, request_id: str, whom: Sequence[str]) -> list[Kept]:
        """Lay out what was served, by pseudonym, where the deployment keeps it."""
        if not self.settings.store_predictions:
            return []
        secret = self.settings.pseudonym_key.encode()
        rows: list[Kept] = []
        for one, patient in zip(reply.served, whom, strict=False):
            course = course_pseudonym(one.record["course"].get("course_id") or "", secret)
            rows += rows_of(one, {"request_id": request_id, "patient": patient, "course": course})
        return rows

    async def _worked(
        self, body: bytes, work: Asks[tuple[Reply, bytes]], request_id: str
    ) -> tuple[Reply, bytes]:
        """Work in the event loop, with what else waits there, or alone in a thread if it is large.

        What nobody foresaw is logged without its message.
        """
        try:
            if len(body) < _SMALL:
                return await self._together.answer(work)
            return await anyio.to_thread.run_sync(
                answer_alone, work, limiter=self._large, abandon_on_cancel=True
            )
        except Problem:
            raise
        except Exception as error:
            _log.error("request %s failed: %s", request_id, place_of(error))
            raise failed() from None

    async def _write(self, entries: Sequence[Entry], kept: Sequence[Kept] = ()) -> None:
        try:
            await self.scribe.write(entries, kept)
        except AuditError as error:
            raise self._unaudited() from error

    def _unaudited(self) -> Problem:
        self.metrics.unaudited.inc()
        detail = "the audit trail cannot be written, and what is not audited is not answered"
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, Retry_After="5")

    @staticmethod
    def written(content: Mapping[str, Any]) -> bytes:
        """Write an answer as JSON."""
        return _bytes(content)

    def predict(
        self, body: Any, request_id: str, reasons: int | None = MOST_REASONS
    ) -> Asks[Reply]:
        """Answer one record, or up to a thousand.

        Raises
        ------
        Problem
            422 naming each field that is wrong.
        """
        shelf = self.shelf
        records = checked(shelf, _records(body))
        found = yield Question(shelf.bundles, records, reasons)
        results = tuple(
            _whole(shelf, record, one) for record, one in zip(records, found, strict=True)
        )
        for one in (answer for result in results for answer in result.answers):
            kind = "abstained" if one.probability is None else "predicted"
            self.metrics.answers.labels(one.model.name, kind).inc()
        reply = _reply(PredictAnswer(request_id=request_id, results=results), records, results)
        digests = {name: one.digest for name, one in shelf.models.items()}
        served = zip(records, found, strict=True)
        return replace(reply, served=tuple(Served(*one, digests) for one in served))

    def what_if(self, body: Any, request_id: str) -> Asks[Reply]:
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
        before, then = yield Question(shelf.bundles, [record, after[0]], MOST_REASONS)
        results = (
            with_lacking(_whole(shelf, record, before), before),
            with_lacking(_whole(shelf, after[0], then), then),
        )
        answer = WhatIfAnswer(request_id=request_id, note=NOTE, before=results[0], after=results[1])
        return _reply(answer, [record], results)


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
            record = shelf.record_type.model_validate_json(_json(one)).model_dump()
        except ValidationError as error:
            faults += [(here + pointer, said) for pointer, said in faults_of(error)]
            continue
        faults += [(here + at, said) for at, said in inconsistencies(record, shelf.instruments)]
        records.append(record)
    if faults:
        raise invalid(faults)
    return records


def _json(record: Any) -> str:
    """Write a record that was sent, or one that was checked before and holds dates."""
    return json.dumps(record, default=date.isoformat)


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
    course_id = record["course"].get("course_id")
    return record_answer(found, shelf.models, course_id, safety.raised(record))


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


def _written(work: Asks[Reply]) -> Asks[tuple[Reply, bytes]]:
    reply = yield from work
    return reply, _bytes(reply.content)


def _timed(entry: Entry, began: float, **changes: Any) -> Entry:
    taken = round((time.perf_counter() - began) * 1000, 3)
    return replace(entry, milliseconds=taken, **changes)


def _bytes(content: BaseModel | Mapping[str, Any]) -> bytes:
    if isinstance(content, BaseModel):
        return content.model_dump_json().encode()
    return _any.dump_json(dict(content))


_any = TypeAdapter(dict[str, Any])
