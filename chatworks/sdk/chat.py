"""What an applet holds: ``chat``. Every method is awaited, and yields what it wants as data.

Texts are msgids of the applet's own catalogue (the English text), with ``str.format`` fields given
as keywords. Nothing here does I/O: the engine answers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, NoReturn, TypeVar

import msgspec

from chatworks.commands.models import Request
from chatworks.kit.errors import Refusal
from chatworks.kit.texts import Texts
from chatworks.sdk.inputs import LABEL_LOCATION, LABEL_PHONE, SDK_TEXTS, Choice, Input, YesNo
from chatworks.sdk.messages import Button, Card, Message, Wanted
from chatworks.sdk.requests import Ask, Do, Now, Restart, Say, give

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
        await give(Say(Message(self.text(msgid, **values)), _place()))

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
            return Message(self.text(msgid, **values), buttons, wanted=input.wanted)

        answer: Answer = await give(Ask(write, input, _place(), self.language, timeout))
        return answer

    async def choose(
        self,
        msgid: str,
        options: Sequence[Value],
        *,
        label: Callable[[Value], str] | None = None,
        card: Card | None = None,
        timeout: int | None = None,  # noqa: ASYNC109 - see ask
        **values: object,
    ) -> Value:
        """Ask for one of ``options``; ``label`` writes each (default: its ``title``, or itself).

        An option with a ``photo`` shows it where the messenger can.
        """
        if not options:
            raise ValueError("choose() needs at least one option")
        choice = Choice(tuple(options), label or _title)

        def write() -> Message:
            buttons = tuple(
                Button(str(i), text, str(getattr(option, "photo", "")))
                for i, (text, option) in enumerate(zip(choice.labels, options, strict=True))
            )
            return Message(self.text(msgid, **values), buttons, card)

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
            buttons = (
                Button("yes", SDK_TEXTS.text(self.language, "Yes")),
                Button("no", SDK_TEXTS.text(self.language, "No")),
            )
            return Message(self.text(msgid, **values), buttons, card)

        answer: bool = await give(Ask(write, YesNo(), _place(), self.language, timeout))
        return answer

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

    def _own_buttons(self, wanted: Wanted) -> tuple[Button, ...]:
        if wanted is Wanted.LOCATION:
            label = SDK_TEXTS.text(self.language, LABEL_LOCATION)
            return (Button(LOCATION_BUTTON, label),)
        if wanted is Wanted.PHONE:
            return (Button(PHONE_BUTTON, SDK_TEXTS.text(self.language, LABEL_PHONE)),)
        return ()


def _title(option: object) -> str:
    return option if isinstance(option, str) else str(getattr(option, "title", option))


def _place() -> str:
    """Return the name of the applet's function that awaits: the place in a fingerprint."""
    return sys._getframe(2).f_code.co_qualname  # noqa: SLF001 - the cheap, documented way
