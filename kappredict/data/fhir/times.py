"""FHIR dates and times: what each leaves open, and the day of a course that it is."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from kappredict.data.fhir.elements import Resource, part

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?P<time>T.+)?)?)?")
_MINUTE = timedelta(minutes=1)
_YEAR = 365.25
# Beyond, days overflow; nobody's record reaches there.
_EARLIEST, _LATEST = "1850", "2200"
# An entry as old as the question itself came before it, by an instant that survives rounding.
_JUST_BEFORE = -0.0001


@dataclass(frozen=True)
class Span:
    """The time that a FHIR date leaves open: a year, a month, a day, or no more than an instant."""

    first: datetime
    last: datetime


@dataclass(frozen=True)
class Clock:
    """Where days count from: the first dose that was given, else the moment of the question.

    `asked` is that moment; None for what was exported for a study. Dates without a time are days
    where the first dose was given, so they are read in its time zone.
    """

    index: datetime
    asked: datetime | None
    dosed: bool

    def span(self, value: Any) -> Span | None:
        """Read a date or time."""
        return span_of(value, self.index.tzinfo or UTC)

    def day(self, when: datetime) -> float:
        """Give the day of the course of a moment."""
        day = round((when - self.index) / timedelta(days=1), 4) + 0.0
        if not self.dosed and self.asked is not None and when <= self.asked:
            return min(day, _JUST_BEFORE)
        return day

    def lies_ahead(self, one: Span | None) -> bool:
        """Tell whether something is dated after the question was asked."""
        return one is not None and self.asked is not None and one.first > self.asked

    def recorded(self, happened: Span | None, entered: Span | None) -> float | None:
        """Give the day on which something was known, where that is after it began.

        That is when it was entered; where nothing says so, the end of what its date leaves open:
        a score of the day of a dose may be from after it. What is sent with a question was known
        when that was asked.
        """
        known = entered or happened
        if known is None or happened is None:
            return None if entered is None else self.day(self._by_now(entered.last))
        last = self._by_now(known.last)
        if self.asked is not None and not self.dosed and entered is None:
            return None
        return self.day(last) if last > happened.first else None

    def _by_now(self, when: datetime) -> datetime:
        return when if self.asked is None else min(when, self.asked)


def span_of(value: Any, zone: tzinfo) -> Span | None:
    """Read a FHIR date, dateTime or instant; None where it is none.

    >>> span_of("2024-02", UTC).last.isoformat()
    '2024-02-29T23:59:00+00:00'
    """
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not _EARLIEST <= found[1] <= _LATEST:
        return None
    try:
        if found["time"]:
            when = datetime.fromisoformat(found[0])
            when = when if when.tzinfo else when.replace(tzinfo=zone)
            return Span(when, when)
        year, month, day = (int(one) if one else None for one in found.groups()[:3])
        first = datetime(year or 1, month or 1, day or 1, tzinfo=zone)
        return Span(first, _end(first, month, day) - _MINUTE)
    except ValueError:
        return None


def began(one: Resource, name: str, clock: Clock) -> Span | None:
    """Give when something began: a date, the start of a period, or an instant."""
    values = (
        one.get(f"{name}DateTime"),
        part(one, f"{name}Period").get("start"),
        one.get(f"{name}Instant"),
    )
    return next((found for value in values if (found := clock.span(value))), None)


def ended(one: Resource, name: str, clock: Clock) -> Span | None:
    """Give when something was over: the end of its period."""
    return clock.span(part(one, f"{name}Period").get("end"))


def age_at(born: Span, when: datetime) -> float:
    """Give an age in whole years; where only the year of birth is known, as from its middle."""
    middle = born.first + (born.last - born.first) / 2
    if born.last - born.first < timedelta(days=1):
        before = (when.month, when.day) < (born.first.month, born.first.day)
        return float(when.year - born.first.year - before)
    return float((when - middle) / timedelta(days=_YEAR) // 1)


def _end(first: datetime, month: int | None, day: int | None) -> datetime:
    """Give the first moment after a day, a month or a year."""
    if day:
        return first + timedelta(days=1)
    if month:
        return (first + timedelta(days=31)).replace(day=1)
    return first.replace(year=first.year + 1)
