"""What an applet holds: ``chat``. Every method is awaited, and yields what it wants as data.

Texts are msgids of the applet's own catalogue (the English text), with ``str.format`` fields given
as keywords; ``*bold*``, ``_italic_``, ``~strike~`` and `code` in a msgid are formatting, in what
fills its fields never. Nothing here does I/O: the engine answers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, NoReturn, TypeVar

import msgspec

from chatworks.commands.models import Request
from chatworks.kit.errors import Refusal
from chatworks.kit.texts import Texts
from chatworks.sdk.formatting import formatted
from chatworks.sdk.forms import FormInput, field
from chatworks.sdk.inputs import LABEL_LOCATION, LABEL_PHONE, SDK_TEXTS, Choice, Input, YesNo
from chatworks.sdk.messages import Button, Card, Form, Mark, Message, Section, Wanted
from chatworks.sdk.requests import Ask, Can, Do, Now, Restart, Say, give

S = TypeVar("S")
Answer = TypeVar("Answer")
Value = TypeVar("Value")

LOCATION_BUTTON = "__location"
PHONE_BUTTON = "__phone"
BOT_BUTTON = "__bot"


class TimedOut(Refusal):
    """Nobody answered within the time that ``ask`` gave."""


class Chat(Generic[S]):
    """One run of an applet's command with one person.

    ``settings`` and ``language`` are as they were when the dialogue began; ``arguments`` is what
    followed the command; ``state`` is what ``restart`` carried over, or None.
    """

    def __init__(
        self, settings: S, language: str, texts: Texts, *, arguments: str = "", state: Any = None
    ) -> None:
        self.settings = settings
        self.language = language
        self.arguments = arguments
        self.state = state
        self._texts = texts

    def text(self, msgid: str, **values: object) -> str:
        """Return a text of the applet in the person's language."""
        return self._texts.text(self.language, msgid, **values)

    async def say(self, msgid: str, **values: object) -> None:
        """Send a text."""
        text, marks = self._words(msgid, values)
        await give(Say(Message(text, marks=marks), _place()))

    async def send(self, message: Message) -> None:
        """Send any message: media, a place, a contact, an invoice …; its texts are ready."""
        await give(Say(message, _place()))

    async def show(self, card: Card, *, text: str = "") -> None:
        """Send a card; its texts are ready, in the person's language."""
        await give(Say(Message(text, card=card), _place()))

    async def ask(
        self,
        msgid: str,
        input: Input[Answer],  # noqa: A002 - the word an applet's author reads
        *,
        timeout: int | None = None,  # noqa: ASYNC109 - the engine keeps the time, not asyncio
        **values: object,
    ) -> Answer:
        """Ask, and return what was answered; asks again until the input can read it.

        After ``timeout`` seconds without an answer raises ``TimedOut``.
        """

        def write() -> Message:
            buttons = self._own_buttons(input.wanted)
            text, marks = self._words(msgid, values)
            return Message(text, buttons, wanted=input.wanted, marks=marks)

        answer: Answer = await give(Ask(write, input, _place(), self.language, timeout))
        return answer

    async def choose(  # noqa: PLR0913 - an author names what they need
        self,
        msgid: str,
        options: Sequence[Value],
        *,
        label: Callable[[Value], str] | None = None,
        description: Callable[[Value], str] | None = None,
        section: Callable[[Value], str] | None = None,
        card: Card | None = None,
        timeout: int | None = None,  # noqa: ASYNC109 - see ask
        **values: object,
    ) -> Value:
        """Ask for one of ``options``; ``label`` writes each (default: its ``title``, or itself).

        ``description`` says more of each where the messenger has room; ``section`` gives the title
        under which it stands in a longer list: options of one section follow each other. An option
        with a ``photo`` shows it where the messenger can.
        """
        if not options:
            raise ValueError("choose() needs at least one option")
        choice = Choice(tuple(options), label or _title)

        def write() -> Message:
            more = [description(option) if description else "" for option in options]
            buttons = tuple(
                Button(str(i), text, str(getattr(option, "photo", "")), said)
                for i, (text, option, said) in enumerate(
                    zip(choice.labels, options, more, strict=True)
                )
            )
            text, marks = self._words(msgid, values)
            if section is None:
                return Message(text, buttons, card, marks=marks)
            titles = [section(option) for option in options]
            return Message(text, card=card, marks=marks, sections=_sections(titles, buttons))

        answer: Value = await give(Ask(write, choice, _place(), self.language, timeout))
        return answer

    async def confirm(
        self,
        msgid: str,
        *,
        card: Card | None = None,
        timeout: int | None = None,  # noqa: ASYNC109 - see ask
        **values: object,
    ) -> bool:
        """Ask yes or no, under ``card`` if one is given."""

        def write() -> Message:
            yes, no = self._yes_no()
            buttons = (Button("yes", yes), Button("no", no))
            text, marks = self._words(msgid, values)
            return Message(text, buttons, card, marks=marks)

        answer: bool = await give(Ask(write, YesNo(), _place(), self.language, timeout))
        return answer

    async def form(
        self,
        msgid: str,
        into: type[Answer],
        *,
        timeout: int | None = None,  # noqa: ASYNC109 - see ask
        **fields: tuple[str, Input[Any]],
    ) -> Answer:
        """Ask several questions at once, and return their answers as an ``into`` (a struct).

        ``fields`` are its fields' names, each with its question and input: ``name=("Your name",
        text())``. A messenger without forms is asked one question after the other.
        """
        place = _place()
        inputs = {name: wanted for name, (_, wanted) in fields.items()}
        labels = {name: self.text(label) for name, (label, _) in fields.items()}
        if await give(Can("form", place)):
            together = FormInput(into, inputs, labels)
            write = self._form_writer(msgid, inputs, labels)
            answer: Answer = await give(Ask(write, together, place, self.language, timeout))
            return answer
        await give(Say(Message(self.text(msgid)), place))
        found = {}
        for name, wanted in inputs.items():
            write = self._field_writer(labels[name], wanted)
            asked = Ask(write, wanted, f"{place}.{name}", self.language, timeout)
            found[name] = await give(asked)
        return into(**found)

    async def do(self, request: Request[Answer]) -> Answer:
        """Give a command or ask a query; raises the ``Refusal`` that the business answers."""
        answer: Answer = await give(Do(request, _place()))
        return answer

    async def now(self) -> datetime:
        """Return the time of the turn; a replay reads the same."""
        answer: datetime = await give(Now(_place()))
        return answer

    async def restart(self, state: object) -> NoReturn:
        """Begin this command again with ``state`` (JSON): a fresh journal for a long loop.

        ``arguments`` are empty then: what is still needed of them belongs into ``state``.
        """
        await give(Restart(msgspec.to_builtins(state), _place()))
        raise AssertionError("the engine never resumes after a restart")

    def _words(self, msgid: str, values: dict[str, object]) -> tuple[str, tuple[Mark, ...]]:
        return formatted(self._texts.template(self.language, msgid), values)

    def _yes_no(self) -> tuple[str, str]:
        return SDK_TEXTS.text(self.language, "Yes"), SDK_TEXTS.text(self.language, "No")

    def _form_writer(
        self, msgid: str, inputs: Mapping[str, Input[Any]], labels: Mapping[str, str]
    ) -> Callable[[], Message]:
        def write() -> Message:
            fields = (field(n, labels[n], i, *self._yes_no()) for n, i in inputs.items())
            submit = SDK_TEXTS.text(self.language, "Send")
            return Message(self.text(msgid), form=Form(tuple(fields), submit))

        return write

    def _field_writer(self, label: str, wanted: Input[Any]) -> Callable[[], Message]:
        def write() -> Message:
            own = field("", label, wanted, *self._yes_no()).options
            return Message(label, own or self._own_buttons(wanted.wanted), wanted=wanted.wanted)

        return write

    def _own_buttons(self, wanted: Wanted) -> tuple[Button, ...]:
        if wanted is Wanted.LOCATION:
            label = SDK_TEXTS.text(self.language, LABEL_LOCATION)
            return (Button(LOCATION_BUTTON, label),)
        if wanted is Wanted.PHONE:
            return (Button(PHONE_BUTTON, SDK_TEXTS.text(self.language, LABEL_PHONE)),)
        return ()


def _title(option: object) -> str:
    return option if isinstance(option, str) else str(getattr(option, "title", option))


def _sections(titles: Sequence[str], buttons: Sequence[Button]) -> tuple[Section, ...]:
    """Return the choices under their titles, in their order."""
    grouped = groupby(zip(titles, buttons, strict=True), key=itemgetter(0))
    return tuple(Section(title, tuple(b for _, b in group)) for title, group in grouped)


def _place() -> str:
    """Return the name of the applet's function that awaits: the place in a fingerprint."""
    return sys._getframe(2).f_code.co_qualname  # noqa: SLF001 - the cheap, documented way
