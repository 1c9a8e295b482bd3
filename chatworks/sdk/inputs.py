"""What a person's answer may be, and how it is read from whatever they sent.

An ``Input`` reads one inbound event or raises ``NotUnderstood``, whose text says what was wrong, so
that the question can be asked again. Inputs are frozen data: a replay makes the same one again.
Texts given here are msgids of the SDK's own catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import SequenceMatcher
from typing import Any, Generic, Protocol, TypeVar
from unicodedata import combining, normalize

import phonenumbers

from chatworks.kit.errors import Invalid
from chatworks.kit.money import Money
from chatworks.sdk.messages import File, Inbound, InboundKind, Place, Wanted

Answer_co = TypeVar("Answer_co", covariant=True)
Value = TypeVar("Value")

NEAR_MISS_MIN = 0.75  # SequenceMatcher ratio from which a misspelt label counts
NEAR_MISS_LEAD = 0.1  # by how much it must beat the second best
TEXT_LENGTH_MAX = 1000
ADDRESS_LENGTH_MIN = 4
LABEL_PHONE = "Share my phone number"
LABEL_LOCATION = "Share my location"

NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "moja": 1, "mbili": 2, "tatu": 3, "nne": 4, "tano": 5, "sita": 6,
    "saba": 7, "nane": 8, "tisa": 9, "kumi": 10,
}  # fmt: skip
YES = frozenset({"yes", "y", "yeah", "yep", "ok", "okay", "sure", "ndiyo", "ndio", "sawa", "eee"})
NO = frozenset({"no", "n", "nope", "hapana", "la", "sitaki"})


class NotUnderstood(Exception):
    """The answer does not fit. ``msgid`` and ``values`` say why, in the SDK's texts."""

    def __init__(self, msgid: str, **values: object) -> None:
        super().__init__(msgid.format(**values) if values else msgid)
        self.msgid = msgid
        self.values = values


class Input(Protocol[Answer_co]):
    """How one kind of answer is read. ``kind`` is stable: it stands in journals."""

    @property
    def kind(self) -> str:
        """A short name of the kind of answer."""

    @property
    def answer_type(self) -> Any:
        """The type that a journal's value is decoded to."""

    @property
    def wanted(self) -> Wanted:
        """What the messenger's own button should offer."""

    def read(self, inbound: Inbound) -> Answer_co:
        """Return the answer; raises ``NotUnderstood``."""


def fold(text: str) -> str:
    """Return ``text`` without case, accents and doubled spaces."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(c for c in normalize("NFKD", plain) if not combining(c))
    return " ".join(plain.split())


def _typed(inbound: Inbound) -> str:
    if inbound.kind is InboundKind.TEXT and inbound.text.strip():
        return inbound.text.strip()
    raise NotUnderstood("Please write your answer as a message.")


@dataclass(frozen=True, slots=True)
class TextInput:
    """Any text between two lengths, in code points."""

    shortest: int
    longest: int
    kind: str = "text"
    answer_type: Any = str
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> str:
        """Return the text without outer spaces."""
        text = _typed(inbound)
        if len(text) < self.shortest:
            raise NotUnderstood("Please write at least {count} characters.", count=self.shortest)
        if len(text) > self.longest:
            raise NotUnderstood("Please write at most {count} characters.", count=self.longest)
        return text


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A whole number: 3, “three”, “tatu”, “3 bottles”."""

    least: int
    most: int
    kind: str = "whole_number"
    answer_type: Any = int
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> int:
        """Return the number."""
        text = fold(_typed(inbound))
        digits = re.fullmatch(r"(?:x\s*)?(\d{1,9})(?:\s*[^\d\s.,].*)?", text)
        number = int(digits[1]) if digits else NUMBER_WORDS.get(text.partition(" ")[0])
        if number is None:
            raise NotUnderstood("I need a whole number, for example {example}.", example=self.least)
        if not self.least <= number <= self.most:
            raise NotUnderstood(
                "The number must be between {least} and {most}.", least=self.least, most=self.most
            )
        return number


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
            amount = Money.read(_typed(inbound).upper(), self.currency)
        except Invalid:
            raise NotUnderstood(
                "I need an amount of {currency}, for example 250.", currency=self.currency
            ) from None
        if not self.least <= amount <= self.most:
            raise NotUnderstood(
                "The amount must be between {least} and {most}.",
                least=self.least.show("en"),
                most=self.most.show("en"),
            )
        return amount


@dataclass(frozen=True, slots=True)
class DateInput:
    """A day: 2026-12-24, 24.12.2026, 24/12, tomorrow. ``today`` comes from ``chat.now()``."""

    today: date
    last: date
    kind: str = "date"
    answer_type: Any = date
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> date:
        """Return the day."""
        day = self._day(fold(_typed(inbound)))
        if day is None:
            raise NotUnderstood("I need a date, for example {example}.", example=str(self.today))
        if not self.today <= day <= self.last:
            raise NotUnderstood(
                "The date must be between {first} and {last}.", first=self.today, last=self.last
            )
        return day

    def _day(self, text: str) -> date | None:
        ahead = {"today": 0, "leo": 0, "tomorrow": 1, "kesho": 1}.get(text)
        if ahead is not None:
            return self.today + timedelta(days=ahead)
        iso = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text)
        short = re.fullmatch(r"(\d{1,2})[./](\d{1,2})(?:[./](\d{4}))?\.?", text)
        try:
            if iso:
                return date(int(iso[1]), int(iso[2]), int(iso[3]))
            if short:
                year = int(short[3]) if short[3] else self.today.year
                day = date(year, int(short[2]), int(short[1]))
                passed = day < self.today and not short[3]
                return day.replace(year=year + 1) if passed else day
        except ValueError:
            return None
        return None


@dataclass(frozen=True, slots=True)
class Choice(Generic[Value]):
    """One of some values: tapped, typed as its number or label, or nearly as its label."""

    values: tuple[Value, ...]
    label: Callable[[Value], str]
    kind: str = "choice"
    wanted: Wanted = Wanted.NOTHING

    @property
    def labels(self) -> tuple[str, ...]:
        """What the buttons say."""
        return tuple(self.label(value) for value in self.values)

    @property
    def answer_type(self) -> Any:
        """The values' own type: they are journalled themselves, since options may change."""
        return type(self.values[0])

    def read(self, inbound: Inbound) -> Value:
        """Return the chosen value."""
        if inbound.kind is InboundKind.TAP:
            if inbound.tap.isdigit() and int(inbound.tap) < len(self.values):
                return self.values[int(inbound.tap)]
            raise NotUnderstood("Please choose one of the buttons.")
        index = self._typed_index(fold(_typed(inbound)))
        if index is None:
            raise NotUnderstood("Please choose one of: {labels}.", labels=", ".join(self.labels))
        return self.values[index]

    def _typed_index(self, text: str) -> int | None:
        if text.rstrip(".)").isdigit() and 1 <= int(text.rstrip(".)")) <= len(self.values):
            return int(text.rstrip(".)")) - 1
        # Prices and the like stand behind a dot: nobody types them, and spaces do not count.
        heads = [fold(label.partition(" · ")[0]).replace(" ", "") for label in self.labels]
        typed = text.partition(" · ")[0].replace(" ", "")
        if heads.count(typed) == 1:
            return heads.index(typed)
        begins = [i for i, head in enumerate(heads) if head.startswith(typed) and len(typed) > 1]
        if len(begins) == 1:
            return begins[0]
        return nearest(typed, heads)


def nearest(text: str, labels: Sequence[str]) -> int | None:
    """Return the index of the label that ``text`` misspells, where one clearly wins."""
    scores = sorted(
        ((SequenceMatcher(None, text, label).ratio(), -i) for i, label in enumerate(labels)),
        reverse=True,
    )
    if not scores or scores[0][0] < NEAR_MISS_MIN:
        return None
    if len(scores) > 1 and scores[0][0] - scores[1][0] < NEAR_MISS_LEAD:
        return None
    return -scores[0][1]


@dataclass(frozen=True, slots=True)
class YesNo:
    """Yes or no: tapped or typed."""

    kind: str = "yes_no"
    answer_type: Any = bool
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> bool:
        """Return True for yes."""
        text = inbound.tap if inbound.kind is InboundKind.TAP else fold(_typed(inbound)).strip(".!")
        if text in YES or text == "1":
            return True
        if text in NO or text == "2":
            return False
        raise NotUnderstood("Please answer yes or no.")


@dataclass(frozen=True, slots=True)
class LocationOrAddress:
    """A place on the map, or an address in words."""

    kind: str = "place"
    answer_type: Any = Place
    wanted: Wanted = Wanted.LOCATION

    def read(self, inbound: Inbound) -> Place:
        """Return the place."""
        if inbound.kind is InboundKind.PLACE and inbound.place is not None:
            return inbound.place
        if inbound.kind is not InboundKind.TEXT:
            raise NotUnderstood("Please send your location, or write the address.")
        text = " ".join(inbound.text.split())
        if len(text) < ADDRESS_LENGTH_MIN or text == LABEL_LOCATION:
            raise NotUnderstood("Please write the address with a street or a place name.")
        if len(text) > TEXT_LENGTH_MAX:
            raise NotUnderstood("Please write at most {count} characters.", count=TEXT_LENGTH_MAX)
        return Place(address=text)


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number, shared or typed; kept as E.164. ``region`` reads numbers without a code."""

    region: str
    kind: str = "phone"
    answer_type: Any = str
    wanted: Wanted = Wanted.PHONE

    def read(self, inbound: Inbound) -> str:
        """Return the number in its E.164 form."""
        text = inbound.phone if inbound.kind is InboundKind.PHONE else _typed(inbound)
        try:
            number = phonenumbers.parse(text, self.region)
        except phonenumbers.NumberParseException:
            raise NotUnderstood("I need a phone number, for example 0712 345 678.") from None
        if not phonenumbers.is_valid_number(number):
            raise NotUnderstood("This phone number does not exist. Please check it.")
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


@dataclass(frozen=True, slots=True)
class PhotoOrFile:
    """A photo or a file of one of ``kinds``, up to ``size_bytes_max``."""

    kinds: tuple[str, ...]
    size_bytes_max: int
    kind: str = "file"
    answer_type: Any = File
    wanted: Wanted = Wanted.FILE

    def read(self, inbound: Inbound) -> File:
        """Return the file as the channel can fetch it."""
        file = inbound.file
        if inbound.kind is not InboundKind.FILE or file is None or file.kind not in self.kinds:
            raise NotUnderstood("Please send one of these: {kinds}.", kinds=", ".join(self.kinds))
        if (file.size_bytes or 0) > self.size_bytes_max:
            limit = self.size_bytes_max // 1_000_000
            raise NotUnderstood("The file is larger than {limit} MB.", limit=limit)
        return file


def text(shortest: int = 1, longest: int = TEXT_LENGTH_MAX) -> TextInput:
    """Ask for text of ``shortest`` to ``longest`` characters."""
    return TextInput(shortest, longest)


def whole_number(least: int, most: int) -> WholeNumber:
    """Ask for a whole number from ``least`` to ``most``."""
    return WholeNumber(least, most)


def money(least: Money, most: Money) -> MoneyInput:
    """Ask for an amount from ``least`` to ``most``, of their currency."""
    return MoneyInput(least.currency, least, most)


def day(today: date, within: timedelta) -> DateInput:
    """Ask for a date from ``today`` on, at most ``within`` ahead."""
    return DateInput(today, today + within)


def location() -> LocationOrAddress:
    """Ask for a location or an address."""
    return LocationOrAddress()


def phone(region: str) -> Phone:
    """Ask for a phone number; ``region`` is ISO 3166 (KE)."""
    return Phone(region)


def file(
    kinds: Sequence[str] = ("photo", "document"), size_bytes_max: int = 10_000_000
) -> PhotoOrFile:
    """Ask for a photo or a file."""
    return PhotoOrFile(tuple(kinds), size_bytes_max)
