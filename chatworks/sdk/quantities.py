"""Inputs that are counted: a whole number, an amount of money, a day.

They take what people write in a chat: “3”, “three”, “chupa tatu”, “2 bottles”; “KSh 1,200”,
“250/=”; “tomorrow”, “jumatatu”, “24/12”, “24 December”. Where two readings are possible the answer
is not understood and asked again: nobody gets twenty bottles for “2 or 20”. Digits of every script
count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.numbers import get_currency_name, get_currency_symbol

from chatworks.kit.errors import Invalid
from chatworks.kit.money import Money
from chatworks.sdk.inbound import Inbound
from chatworks.sdk.inputs import LANGUAGES, SHORT_ANSWER_MAX, Input, NotUnderstood, fold, typed
from chatworks.sdk.messages import Wanted

WORDS_MAX = 6  # a longer answer is a sentence, not a number
WEEK = 7
CENTURY = 2000  # of a year that is written with two digits
SHORT_YEAR_MAX = 99

NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "moja": 1, "mbili": 2, "tatu": 3, "nne": 4,
    "tano": 5, "sita": 6, "saba": 7, "nane": 8, "tisa": 9, "kumi": 10,
}  # fmt: skip
TEN = 10
_TEENS = re.compile(r"\bkumi na (moja|mbili|tatu|nne|tano|sita|saba|nane|tisa)\b")
# With one of these a number word is not the whole number: “two hundred”, “mbili na nusu”.
MORE_WORDS = frozenset(
    {"half", "dozen", "hundred", "thousand", "point", "and", "or", "not", "no", "nobody"}
    | {"twenty", "thirty", "forty", "fifty", "nusu", "mia", "elfu", "ishirini", "na", "au", "si"}
)
AHEAD = {
    "today": 0, "leo": 0, "tomorrow": 1, "kesho": 1, "day after tomorrow": 2,
    "the day after tomorrow": 2, "kesho kutwa": 2, "keshokutwa": 2,
}  # fmt: skip
SIGNS = {  # what people write and CLDR does not list
    "KES": ("ksh", "kshs", "sh", "shs", "shilling", "shillings", "shilingi", "bob"),
    "TZS": ("tsh", "sh", "shs", "shilling", "shillings", "shilingi"),
    "UGX": ("ush", "sh", "shs", "shilling", "shillings", "shilingi"),
}
DATE_FILLERS = frozenset({"the", "of", "on", "tarehe", "ya", "mwezi"})
_WRITTEN = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})",
        r"(?P<d>\d{1,2})[./-](?P<m>\d{1,2})(?:[./-](?P<y>\d{4}|\d{2}))?",
        r"(?P<d>\d{1,2})(?:st|nd|rd|th)? (?P<m>[^\W\d]+)(?: (?P<y>\d{4}))?",
        r"(?P<m>[^\W\d]+) (?P<d>\d{1,2})(?:st|nd|rd|th)?(?: (?P<y>\d{4}))?",
    )
)


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number: 3, “three”, “tatu”, “3 bottles”, “chupa tatu”."""

    least: int
    most: int
    kind: str = "whole_number"
    answer_type: Any = int
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> int:
        """Return the number."""
        number = _whole(fold(typed(inbound)))
        if number is None:
            example = max(self.least, min(1, self.most))
            raise NotUnderstood("I need a whole number, for example {example}.", example=example)
        if not self.accepts(number):
            raise NotUnderstood(
                "The number must be between {least} and {most}.", least=self.least, most=self.most
            )
        return number

    def accepts(self, answer: int) -> bool:
        """Whether it is within the bounds."""
        return self.least <= answer <= self.most


def _whole(text: str) -> int | None:
    """Return the one whole number in ``text``, or None where there is none or a choice of them."""
    if len(text) > SHORT_ANSWER_MAX:
        return None
    tokens = re.findall(r"-?\d+(?:[.,⁄/:]\d+)*|[^\W\d_]+", _TEENS.sub(_teen, text))
    digits = [token for token in tokens if token[-1].isdecimal()]
    words = [token for token in tokens if token in NUMBER_WORDS]
    if len(tokens) > WORDS_MAX or len(digits) + len(words) != 1 or MORE_WORDS & set(tokens):
        return None
    if words:
        return NUMBER_WORDS[words[0]]
    plain = re.fullmatch(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)", digits[0])
    return int(digits[0].replace(",", "")) if plain else None


def _teen(found: re.Match[str]) -> str:
    return str(TEN + NUMBER_WORDS[found[1]])


@dataclass(frozen=True, slots=True)
class MoneyInput:
    """An amount of one currency."""

    currency: str
    least: Money
    most: Money
    kind: str = "money"
    answer_type: Any = Money
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> Money:
        """Return the amount."""
        try:
            amount = Money.read(_without_marks(fold(typed(inbound)), self.currency), self.currency)
        except Invalid:
            raise NotUnderstood(
                "I need an amount of {currency}, for example {example}.",
                currency=self.currency,
                example=self.most,
            ) from None
        if not self.accepts(amount):
            raise NotUnderstood(
                "The amount must be between {least} and {most}.", least=self.least, most=self.most
            )
        return amount

    def accepts(self, answer: Money) -> bool:
        """Whether it is of the currency and within the bounds."""
        return answer.currency == self.currency and self.least <= answer <= self.most


def _without_marks(text: str, currency: str) -> str:
    """Return ``text`` without the currency's code, sign or name before or behind the amount."""
    bare = text.removesuffix("/=").removesuffix("/-")
    for mark in _marks(currency):
        if bare.startswith(mark):
            return bare.removeprefix(mark).lstrip(". ")
        if bare.endswith(mark):
            return bare.removesuffix(mark).rstrip()
    return bare.strip()


@lru_cache(maxsize=64)
def _marks(currency: str) -> tuple[str, ...]:
    """Return how people write a currency, the longest first."""
    marks = {currency, *SIGNS.get(currency, ())}
    for language in LANGUAGES:
        marks.add(get_currency_symbol(currency, locale=language))
        marks |= {get_currency_name(currency, count, locale=language) for count in (1, 2)}
    return tuple(sorted({fold(mark) for mark in marks}, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class DateInput:
    """A day: 2026-12-24, 24.12.2026, 24/12, 24 December, Monday, tomorrow, kesho.

    ``today`` comes from ``chat.now()``. A weekday is the coming one, not today; a day without a
    year is the next one.
    """

    today: date
    last: date
    kind: str = "date"
    answer_type: Any = date
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> date:
        """Return the day."""
        text = fold(typed(inbound)).strip(".!")
        day = self._day(text) if len(text) <= SHORT_ANSWER_MAX else None
        if day is None:
            raise NotUnderstood("I need a date, for example {example}.", example=self.today)
        if not self.accepts(day):
            raise NotUnderstood(
                "The date must be between {first} and {last}.", first=self.today, last=self.last
            )
        return day

    def accepts(self, answer: date) -> bool:
        """Whether it is within the bounds."""
        return self.today <= answer <= self.last

    def _day(self, text: str) -> date | None:
        if text in AHEAD:
            return self.today + timedelta(days=AHEAD[text])
        weekdays, months = _names()
        words = [w.rstrip(".") for w in re.split(r"[\s,]+", text) if w not in DATE_FILLERS]
        if len(words) == 1 and words[0] in weekdays:
            return self.today + timedelta(
                (weekdays[words[0]] - self.today.weekday() - 1) % WEEK + 1
            )
        rest = " ".join(word for word in words if word not in weekdays)
        found = next((m for m in (p.fullmatch(rest) for p in _WRITTEN) if m), None)
        if found is None:
            return None
        month = int(found["m"]) if found["m"].isdecimal() else months.get(found["m"], 0)
        return self._made(found["d"], month, found["y"])

    def _made(self, day: str, month: int, year: str | None) -> date | None:
        number = int(year) if year else self.today.year
        if year and number <= SHORT_YEAR_MAX:
            number += CENTURY
        try:
            made = date(number, month, int(day))
            return made.replace(year=number + 1) if made < self.today and not year else made
        except ValueError:
            return None


@lru_cache(maxsize=1)
def _names() -> tuple[dict[str, int], dict[str, int]]:
    """Return weekdays (Monday is 0) and months (January is 1) by their names in our languages."""
    weekdays: dict[str, int] = {}
    months: dict[str, int] = {}
    for language in LANGUAGES:
        locale = Locale.parse(language)
        for width in ("wide", "abbreviated"):
            days = locale.days["format"][width].items()
            named = locale.months["format"][width].items()
            weekdays.update((fold(name).rstrip("."), number) for number, name in days)
            months.update((fold(name).rstrip("."), number) for number, name in named)
    return weekdays, months


def whole_number(least: int, most: int) -> Input[int]:
    """Ask for a whole number from ``least`` to ``most``."""
    if least > most:
        raise ValueError(f"whole_number({least}, {most}): no number lies between these")
    return WholeNumber(least, most)


def money(least: Money, most: Money) -> Input[Money]:
    """Ask for an amount from ``least`` to ``most``, of their currency."""
    if least.currency != most.currency or least > most:
        raise ValueError(f"money({least}, {most}): no amount lies between these")
    return MoneyInput(least.currency, least, most)


def day(today: date, within: timedelta) -> Input[date]:
    """Ask for a date from ``today`` on, at most ``within`` ahead."""
    if within < timedelta(0):
        raise ValueError(f"day(within={within}): the last day lies before today")
    return DateInput(today, today + within)
