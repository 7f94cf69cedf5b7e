"""What waits together is answered in one pass, and as it is alone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from kappredict.explanation.course_answers import Answered, answer_courses
from kappredict.serving import together
from kappredict.serving.core import Core
from kappredict.serving.together import MOST_TOGETHER, Asks, Together, answer_alone, without_asking

Record = dict[str, Any]


def aged(record: Record, age: int) -> Record:
    return {**record, "patient": {**record["patient"], "age": age}}


async def all_of(*works: Asks[Any]) -> list[Any]:
    service = Together()
    return await asyncio.gather(*map(service.answer, works), return_exceptions=True)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the records of each pass."""
    sizes: list[int] = []

    def counted(bundles: Any, records: Sequence[Any], most: int | None) -> list[list[Answered]]:
        sizes.append(len(records))
        return answer_courses(bundles, records, most)

    monkeypatch.setattr(together, "answer_courses", counted)
    return sizes


def test_answers_are_the_same_alone_and_together(
    core: Core, record: Record, passes: list[int]
) -> None:
    records = [aged(record, age) for age in range(25, 60, 5)]
    alone = [answer_alone(core.predict(one, "r")).content for one in records]
    passes.clear()
    found = asyncio.run(all_of(*(core.predict(one, "r") for one in records)))
    assert [one.content for one in found] == alone
    assert passes == [len(records)]


def test_what_is_asked_differently_has_passes_of_its_own_and_none_is_too_large(
    core: Core, record: Record, passes: list[int]
) -> None:
    works = [core.predict(record, "r") for _ in range(MOST_TOGETHER + 3)]
    every = core.predict(record, "r", reasons=None)
    changed = core.what_if({"record": record, "changes": {"age": 60.0}}, "r")
    found = asyncio.run(all_of(every, *works, changed))
    assert passes == [1, MOST_TOGETHER, 3 + 2]
    most, few = (
        max(len(one.reasons) for one in reply.content.results[0].answers) for reply in found[:2]
    )
    assert most > few > 0


def test_many_records_in_one_request_have_a_turn_of_their_own(
    core: Core, record: Record, passes: list[int]
) -> None:
    many = {"records": [record] * (MOST_TOGETHER + 1)}
    works = [core.predict(one, "r") for one in (many, record, many, record)]
    asyncio.run(all_of(*works))
    assert passes == [MOST_TOGETHER + 1, 2, MOST_TOGETHER + 1]


def test_one_that_fails_fails_alone(core: Core, record: Record) -> None:
    def broken() -> Asks[Any]:
        yield together.Question(core.shelf.bundles, [{"course": {}}], 8)

    well, failed = asyncio.run(all_of(core.predict(record, "r"), broken()))
    assert well.content == answer_alone(core.predict(record, "r")).content
    assert isinstance(failed, KeyError)


def test_who_gives_up_does_not_keep_others_waiting(core: Core, record: Record) -> None:
    async def one_leaves() -> Any:
        service = Together()
        leaving = asyncio.create_task(service.answer(core.predict(record, "gone")))
        staying = asyncio.create_task(service.answer(core.predict(record, "r")))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    assert asyncio.run(one_leaves()).content == answer_alone(core.predict(record, "r")).content


def test_work_that_asks_nothing_is_done_at_once() -> None:
    assert asyncio.run(all_of(without_asking(lambda: 7))) == [7]
    assert answer_alone(without_asking(lambda: 7)) == 7
