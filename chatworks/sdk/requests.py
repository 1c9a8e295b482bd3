"""What an applet asks of the engine: each ``await`` in an applet yields one of these as data.

The engine answers with a value or throws a refusal into the applet. ``fingerprint`` says what kind
of thing was asked and where in the code, never its text: a journal that fits the code by
fingerprints can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from types import coroutine
from typing import Any, Generic, TypeVar

import msgspec
from msgspec.structs import replace

from chatworks.commands.models import Request
from chatworks.sdk.inputs import Input, NotUnderstood
from chatworks.sdk.messages import Message

Answer = TypeVar("Answer")


class Say(msgspec.Struct, frozen=True):
    """Send a message and go on."""

    message: Message
    place: str

    @property
    def fingerprint(self) -> str:
        """Kind and place."""
        return f"say@{self.place}"


class Ask(msgspec.Struct, Generic[Answer], frozen=True):
    """Send a question and wait until ``input`` can read an answer.

    ``write`` makes the message when it is shown: a replay, whose answers are known, never does.
    ``language`` is needed to re-ask. After ``timeout_seconds`` the engine throws ``TimedOut``.
    """

    write: Callable[[], Message]
    input: Input[Answer]
    place: str
    language: str
    timeout_seconds: int | None = None

    @property
    def message(self) -> Message:
        """The question as it is sent."""
        return self.write()

    def again(self, problem: NotUnderstood) -> Message:
        """Return the question with what was wrong above it, and its own buttons beneath."""
        question = self.write()
        return replace(question, text=f"{problem.text(self.language)}\n{question.text}".strip())

    @property
    def fingerprint(self) -> str:
        """Kind, input's kind and place."""
        return f"ask:{self.input.kind}@{self.place}"


class Do(msgspec.Struct, Generic[Answer], frozen=True):
    """Give a command or a query to the business."""

    request: Request[Answer]
    place: str

    @property
    def fingerprint(self) -> str:
        """Kind, command's name and place."""
        return f"do:{self.request.request_name}@{self.place}"


@dataclass(frozen=True, slots=True)
class Now:
    """Read the time of the turn: recorded, so that a replay reads the same."""

    place: str
    fingerprint: str = field(default="now", init=False)


class Can(msgspec.Struct, frozen=True):
    """Whether the messenger has a form of its own for something: recorded like any answer."""

    what: str  # "form"
    place: str

    @property
    def fingerprint(self) -> str:
        """Kind, what, and place."""
        return f"can:{self.what}@{self.place}"


@dataclass(frozen=True, slots=True)
class Restart:
    """Begin the same command again with ``state``: a fresh journal for a long loop."""

    state: Any
    place: str
    fingerprint: str = field(default="restart", init=False)


Step = Say | Ask[Any] | Do[Any] | Now | Can | Restart


@coroutine
def give(step: Step) -> Generator[Step, Any, Any]:
    """Hand ``step`` to the engine and return what it answers."""
    return (yield step)
