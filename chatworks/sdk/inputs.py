"""What a person's answer may be, and how it is read from whatever they sent.

An ``Input`` reads one inbound event or raises ``NotUnderstood``, whose text says what was wrong, so
that the question can be asked again. Inputs are frozen data: a replay makes the same one again.
``accepts`` says whether an answer that an older version of the code was given still fits.
Texts given here are msgids of the SDK's own catalogue. Numbers, money and days are in
``quantities``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Any, Generic, Protocol, TypeVar, Union
from unicodedata import category, combining, normalize

import phonenumbers
from babel.dates import format_date

from chatworks.kit.addresses import NotGivenOut, phone_of
from chatworks.kit.errors import Invalid
from chatworks.kit.money import Money
from chatworks.kit.texts import Texts
from chatworks.sdk.inbound import File, Inbound, InboundKind
from chatworks.sdk.messages import Place, Wanted

Answer = TypeVar("Answer")
Value = TypeVar("Value")

SDK_TEXTS = Texts.load("chatworks.sdk")
LANGUAGES = tuple(sorted(SDK_TEXTS.languages() | {"en"}))  # whose names of days and months count

NEAR_MISS_MIN = 0.75  # SequenceMatcher ratio from which a misspelt label counts
NEAR_MISS_LEAD = 0.1  # by how much it must beat the second best
SHORT_ANSWER_MAX = 100  # code points beyond which nothing is a number, a day or a misspelt label
LISTED_LABELS_MAX = 10  # beyond which a re-ask does not write all labels out
TEXT_LENGTH_MAX = 1000
ADDRESS_LENGTH_MIN = 4
MEGABYTE = 1_000_000
LABEL_PHONE = "Share my phone number"
LABEL_LOCATION = "Share my location"

YES = frozenset(
    {"yes", "y", "yeah", "yep", "ok", "okay", "sure", "correct", "right", "👍", "✅", "✓"}
    | {"ndiyo", "ndio", "naam", "sawa", "sahihi", "eee"}
)
NO = frozenset({"no", "n", "nope", "nah", "👎", "❌", "hapana", "la", "sitaki"})
POLITE = frozenset({"please", "thanks", "thank", "you", "tafadhali", "asante", "sana"})
SKIN_TONES = dict.fromkeys([*range(0x1F3FB, 0x1F400), 0xFE0F])  # a thumb of any colour is a thumb
KINDS = ("photo", "document", "audio", "video", "voice", "sticker")  # of files, as texts too


class NotUnderstood(Exception):
    """The answer does not fit. ``msgid`` and ``values`` say why, in the SDK's texts.

    A value that is money, a day, or a tuple of msgids is written in the reader's language.
    """

    def __init__(self, msgid: str, **values: object) -> None:
        super().__init__(msgid)
        self.msgid = msgid
        self.values = values

    def text(self, language: str) -> str:
        """Return what was wrong, for the person."""
        values = {name: _shown(value, language) for name, value in self.values.items()}
        return SDK_TEXTS.text(language, self.msgid, **values)

    def __str__(self) -> str:
        return self.text("en")


def _shown(value: object, language: str) -> str:
    match value:
        case Money():
            return value.show(language)
        case date():
            return str(format_date(value, "d MMMM y", locale=language))
        case tuple():
            return ", ".join(SDK_TEXTS.text(language, msgid) for msgid in value)
    return str(value)


class Input(Protocol[Answer]):
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

    def read(self, inbound: Inbound) -> Answer:
        """Return the answer; raises ``NotUnderstood``."""

    def accepts(self, answer: Answer) -> bool:
        """Return whether an answer that was given before the code changed still fits."""


def fold(text: str) -> str:
    """Return ``text`` without case, accents and doubled spaces."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(c for c in normalize("NFKD", plain) if not combining(c)).casefold()
    return " ".join(plain.split())


def clean(text: str) -> str:
    """Return ``text`` without outer spaces and control characters; line breaks stay."""
    if text.isprintable():
        return text.strip()
    return "".join(c for c in text if c == "\n" or category(c) != "Cc").strip()


def typed(inbound: Inbound) -> str:
    """Return what was written; raises ``NotUnderstood`` where nothing was."""
    text = clean(inbound.text) if inbound.kind is InboundKind.TEXT else ""
    if not text:
        raise NotUnderstood("Please write your answer as a message.")
    return text


def _is_own_label(text: str, label: str) -> bool:
    """Whether ``text`` is the label of our own button, typed or sent by a client without it."""
    return any(text == SDK_TEXTS.text(language, label) for language in LANGUAGES)


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
        text = typed(inbound)
        if len(text) < self.shortest:
            raise NotUnderstood("Please write at least {count} characters.", count=self.shortest)
        if len(text) > self.longest:
            raise NotUnderstood("Please write at most {count} characters.", count=self.longest)
        return text

    def accepts(self, answer: str) -> bool:
        """Whether its length fits."""
        return self.shortest <= len(answer) <= self.longest


@dataclass(frozen=True, slots=True)
class Choice(Generic[Value]):
    """One of some values: tapped, typed as its number or label, or nearly as its label.

    A number that is itself a label means the label.
    """

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
        return Union[tuple({type(value): None for value in self.values})]  # noqa: UP007 - made at run time

    def read(self, inbound: Inbound) -> Value:
        """Return the chosen value."""
        if inbound.kind is InboundKind.TAP:
            index = _index(inbound.tap, len(self.values))
            if index is None:
                raise NotUnderstood("Please choose one of the buttons.")
            return self.values[index]
        labels = [clean(label) for label in self.labels]
        index = _chosen(typed(inbound), labels)
        if index is not None:
            return self.values[index]
        if len(labels) > LISTED_LABELS_MAX or len({fold(label) for label in labels}) < len(labels):
            raise NotUnderstood(
                "Please tap a button, or write its number: 1 to {count}.", count=len(labels)
            )
        raise NotUnderstood("Please choose one of: {labels}.", labels=", ".join(labels))

    def accepts(self, answer: Value) -> bool:
        """Whether it is still offered under the same label."""
        return self.label(answer) in self.labels


def _index(text: str, count: int) -> int | None:
    """Return the number that ``text`` is, where it is below ``count``."""
    short = text.isdecimal() and len(text) <= len(str(count))
    return int(text) if short and int(text) < count else None


def _compact(label: str) -> str:
    return fold(label).replace(" ", "")


def _head(label: str) -> str:
    """Return what people type of a label: prices and the like stand behind a dot."""
    return _compact(label.partition(" · ")[0])


def _chosen(text: str, labels: Sequence[str]) -> int | None:
    """Return the index of the label that ``text`` means, the strictest reading first."""
    for simple in (str, fold, _compact, _head):
        heads = [simple(label) for label in labels]
        if heads.count(simple(text)) == 1:
            return heads.index(simple(text))
    short = fold(text)
    if len(short) > SHORT_ANSWER_MAX:
        return None
    number = re.fullmatch(r"(?:#|no\.?|number|namba)?\s*(\d{1,4})\s*[.)]?", short)
    if number and 1 <= int(number[1]) <= len(labels):
        return int(number[1]) - 1
    return _begun(_head(text), heads) if len(_head(text)) > 1 else None


def _begun(text: str, heads: Sequence[str]) -> int | None:
    """Return the one label that ``text`` begins, or else the one that it misspells."""
    numbers = re.findall(r"\d+", text)
    begins = [
        index
        for index, head in enumerate(heads)
        if head.startswith(text) and re.findall(r"\d+", head)[: len(numbers)] == numbers
    ]
    return begins[0] if len(begins) == 1 else nearest(text, heads)


def nearest(text: str, labels: Sequence[str]) -> int | None:
    """Return the index of the label that ``text`` misspells, where one clearly wins.

    Letters may be wrong, numbers may not: “15 L bottle” is no misspelt “5 L bottle”.
    """
    if not text or len(text) > SHORT_ANSWER_MAX:
        return None
    numbers = re.findall(r"\d+", text)
    scores = sorted(
        (
            (SequenceMatcher(None, text, label).ratio(), -index)
            for index, label in enumerate(labels)
            if not numbers or re.findall(r"\d+", label) == numbers
        ),
        reverse=True,
    )
    if not scores or scores[0][0] < NEAR_MISS_MIN:
        return None
    if len(scores) > 1 and scores[0][0] - scores[1][0] < NEAR_MISS_LEAD:
        return None
    return -scores[0][1]


@dataclass(frozen=True, slots=True)
class YesNo:
    """Yes or no: tapped or typed, with a polite word or two."""

    kind: str = "yes_no"
    answer_type: Any = bool
    wanted: Wanted = Wanted.NOTHING

    def read(self, inbound: Inbound) -> bool:
        """Return True for yes; a sentence that says more than that is neither."""
        text = inbound.tap if inbound.kind is InboundKind.TAP else typed(inbound)
        plain = fold(text).translate(SKIN_TONES)
        words = {word.strip(".,!") for word in plain.split()} - POLITE
        if words and (words <= YES or words == {"1"}):
            return True
        if words and (words <= NO or words == {"2"}):
            return False
        raise NotUnderstood("Please answer yes or no.")

    def accepts(self, answer: bool) -> bool:  # noqa: ARG002, FBT001 - the protocol's argument
        """Yes and no always fit."""
        return True


@dataclass(frozen=True, slots=True)
class LocationOrAddress:
    """A place on the map, or an address in words."""

    kind: str = "place"
    answer_type: Any = Place
    wanted: Wanted = Wanted.LOCATION

    def read(self, inbound: Inbound) -> Place:
        """Return the place: with coordinates, or with an address that names something."""
        place = inbound.place
        if inbound.kind is InboundKind.PLACE and place is not None:
            if place.latitude is not None and place.longitude is not None:
                return place
            return Place(address=_address(place.address))
        if inbound.kind is not InboundKind.TEXT:
            raise NotUnderstood("Please send your location, or write the address.")
        return Place(address=_address(inbound.text))

    def accepts(self, answer: Place) -> bool:
        """Whether it says where."""
        return answer.latitude is not None or bool(answer.address)


def _address(written: str) -> str:
    text = " ".join(clean(written).split())
    named = any(character.isalpha() for character in text)
    if not named or len(text) < ADDRESS_LENGTH_MIN or _is_own_label(text, LABEL_LOCATION):
        raise NotUnderstood("Please write the address with a street or a place name.")
    if len(text) > TEXT_LENGTH_MAX:
        raise NotUnderstood("Please write at most {count} characters.", count=TEXT_LENGTH_MAX)
    return text


@dataclass(frozen=True, slots=True)
class Phone:
    """A phone number, shared or typed; kept as E.164. ``region`` reads numbers without a code."""

    region: str
    kind: str = "phone"
    answer_type: Any = str
    wanted: Wanted = Wanted.PHONE

    def read(self, inbound: Inbound) -> str:
        """Return the number in its E.164 form."""
        text = clean(inbound.phone) if inbound.kind is InboundKind.PHONE else typed(inbound)
        try:
            return phone_of(text, self.region)
        except NotGivenOut:
            raise NotUnderstood("This phone number does not exist. Please check it.") from None
        except Invalid:
            raise NotUnderstood(
                "I need a phone number, for example {example}.", example=self._example()
            ) from None

    def accepts(self, answer: str) -> bool:
        """A number that was valid stays valid."""
        return bool(answer)

    def _example(self) -> str:
        kind = phonenumbers.PhoneNumberType.MOBILE
        number = phonenumbers.example_number_for_type(self.region, kind)
        if number is None:  # an island without mobile numbers of its own
            return f"+{phonenumbers.country_code_for_region(self.region)} …"
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL))


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
            raise NotUnderstood("Please send one of these: {kinds}.", kinds=self.kinds)
        if not self.accepts(file):
            raise NotUnderstood(
                "The file is larger than {limit}.", limit=_size(self.size_bytes_max)
            )
        return file

    def accepts(self, answer: File) -> bool:
        """Whether kind and size fit; a size that the messenger does not tell is let through."""
        return answer.kind in self.kinds and (answer.size_bytes or 0) <= self.size_bytes_max


def _size(size_bytes: int) -> str:
    if size_bytes >= MEGABYTE:
        return f"{size_bytes // MEGABYTE} MB"
    return f"{size_bytes // 1000} kB"


def text(shortest: int = 1, longest: int = TEXT_LENGTH_MAX) -> Input[str]:
    """Ask for text of ``shortest`` to ``longest`` characters."""
    if not 0 < shortest <= longest:
        raise ValueError(f"text({shortest}, {longest}): no text is that long")
    return TextInput(shortest, longest)


def location() -> Input[Place]:
    """Ask for a location or an address."""
    return LocationOrAddress()


def phone(region: str) -> Input[str]:
    """Ask for a phone number; ``region`` is ISO 3166 (KE)."""
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"phone({region!r}): a region is two capital letters, such as KE")
    return Phone(region)


def file(
    kinds: Sequence[str] = ("photo", "document"), size_bytes_max: int = 10 * MEGABYTE
) -> Input[File]:
    """Ask for a photo or a file: ``kinds`` of ``KINDS``."""
    if not kinds or not set(kinds) <= set(KINDS):
        raise ValueError(f"file({kinds!r}): the kinds are {', '.join(KINDS)}")
    return PhotoOrFile(tuple(kinds), size_bytes_max)
