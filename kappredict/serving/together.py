"""Questions that wait at the same moment, answered in one pass.

Of one record, calling numpy costs several times what it computes. So the work on a request stops
where it asks the models, and what many ask is answered together (adaptive batching without waiting:
Crankshaw et al., "Clipper", NSDI 2017). An answer is the same alone and together.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kappredict.cohort.records import Record
from kappredict.estimators.bundle import ModelBundle
from kappredict.explanation.course_answers import Answered, answer_courses

# Records in each turn of the loop, so that what is light, /livez too, gets its turns; a question of
# more has a turn of its own.
MOST_TOGETHER = 16
Answers = list[list[Answered]]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Question:
    """Records for some models, with so many reasons each or all: as `answer_courses` takes them."""

    bundles: Sequence[ModelBundle]
    records: Sequence[Record]
    most_reasons: int | None

    def answer(self) -> Answers:
        """Answer it."""
        return answer_courses(self.bundles, self.records, self.most_reasons)


Asks = Generator[Question, Answers, T]
"""Work on a request: it yields its questions, is sent their answers, and gives its result."""


def without_asking(work: Callable[[], T]) -> Asks[T]:
    """Make work of what asks no model."""
    yield from ()
    return work()


def answer_alone(work: Asks[T]) -> T:
    """Do some work, and answer its questions as they come."""
    try:
        question = next(work)
        while True:
            question = work.send(question.answer())
    except StopIteration as done:
        result: T = done.value
        return result


class Together:
    """Answers the questions that wait in one event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    async def answer(self, work: Asks[T]) -> T:
        """Do some work, its questions answered with those of others."""
        try:
            question = next(work)
            while True:
                question = work.send(await self._ask(question))
        except StopIteration as done:
            result: T = done.value
            return result

    async def _ask(self, question: Question) -> Answers:
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer)
        answered = loop.create_future()
        self._waiting.append((question, answered))
        return await answered

    def _answer(self) -> None:
        """Answer what has waited longest and can be asked in one pass; the rest has its turn."""
        asked, self._waiting = _one_pass(self._waiting)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        if not asked:
            return
        first = asked[0][0]
        try:
            records = [record for question, _ in asked for record in question.records]
            found = iter(Question(first.bundles, records, first.most_reasons).answer())
        except Exception:  # whosever it is, the others are answered all the same
            for question, answered in asked:
                _settle(question, answered)
            return
        for question, answered in asked:
            answered.set_result([next(found) for _ in question.records])


_Waiting = tuple[Question, "asyncio.Future[Answers]"]


def _one_pass(waiting: Sequence[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
    """Part what is answered next from the rest; who gave up is in neither."""
    taken: list[_Waiting] = []
    left: list[_Waiting] = []
    records = 0
    for one in waiting:
        question, answered = one
        if answered.done():
            continue
        if not taken or (
            _alike(question, taken[0][0]) and records + len(question.records) <= MOST_TOGETHER
        ):
            taken.append(one)
            records += len(question.records)
        else:
            left.append(one)
    return taken, left


def _alike(one: Question, other: Question) -> bool:
    return one.bundles is other.bundles and one.most_reasons == other.most_reasons


def _settle(question: Question, answered: "asyncio.Future[Answers]") -> None:
    try:
        answered.set_result(question.answer())
    except Exception as error:
        answered.set_exception(error)
