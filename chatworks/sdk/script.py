"""Tests an applet without a database or a network: a script of says and expects.

    script = Script("chatworks.applets.water", "where", answers=[("orders.MyOrders", "answer", [])])
    script.expects("You have not ordered yet. Write “order” to begin.")

It drives the same ``Run`` as the engine. ``answers`` are what the business returns, in order, as
``(request, "answer" | "refused", JSON value)``; ``("now", "answer", time)`` is what ``chat.now()``
gives. ``chatworks chat --record`` prints such scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from chatworks.kit.errors import Refusal
from chatworks.sdk.applet import load
from chatworks.sdk.chat import TimedOut
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender
from chatworks.sdk.inputs import NotUnderstood
from chatworks.sdk.messages import Card, Message, Place
from chatworks.sdk.requests import Ask, Can, Do, Now, Restart, Say
from chatworks.sdk.runtime import Entry, Finished, Progress, Run

Reply = tuple[str, str, Any]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)  # a Monday; where a test gives no other time


class Script:
    """One run of a command, played by a test."""

    def __init__(  # noqa: PLR0913 - a test names what it needs
        self,
        package: str,
        command: str,
        answers: Sequence[Reply] = (),
        *,
        settings: str = "{}",
        language: str = "en",
        arguments: str = "",
        state: Any = None,
    ) -> None:
        loaded = load(package)
        start = msgspec.json.encode({"arguments": arguments, "state": state})
        chat = loaded.chat(settings.encode(), language, start)
        self._answers = list(answers)
        self._messages: list[Message] = []
        self._run = Run(loaded, command, chat, [])
        self._step: Progress = self._run.replay()
        self._advance()

    # -- what the person does ----------------------------------------------------------------

    def says(self, text: str) -> None:
        """Send a text."""
        self.gives(Inbound(InboundKind.TEXT, Sender("script"), text=text))

    def taps(self, label: str) -> None:
        """Tap the first button of the open question that is called ``label``."""
        ids = {button.label: button.id for button in reversed(self._open().message.choices)}
        _must(label in ids, f"there is no button {label!r}, only {sorted(ids)}")
        self.gives(Inbound(InboundKind.TAP, Sender("script"), tap=ids[label]))

    def shares(self, latitude: float, longitude: float) -> None:
        """Send a location."""
        place = Place(latitude, longitude)
        self.gives(Inbound(InboundKind.PLACE, Sender("script"), place=place))

    def shares_phone(self, phone: str) -> None:
        """Share a phone number, with its country code."""
        self.gives(Inbound(InboundKind.PHONE, Sender("script"), phone=phone))

    def sends(self, file: File) -> None:
        """Send a photo or a file."""
        self.gives(Inbound(InboundKind.FILE, Sender("script"), file=file))

    def times_out(self) -> None:
        """Let the time of the open question run out."""
        _must(self._open().timeout_seconds is not None, "the question has no timeout")
        self._step = self._run.refuse(TimedOut())
        self._advance()

    def gives(self, inbound: Inbound) -> None:
        """Answer the open question with any event; what does not fit is asked again."""
        step = self._open()
        try:
            value = step.input.read(inbound)
        except NotUnderstood as problem:
            self._messages.append(step.again(problem))
            return
        self._step = self._run.resume(value)
        self._advance()

    def fills(self, **values: str) -> None:
        """Send the open question's form, each field as it is typed (a choice by its place)."""
        self.gives(Inbound(InboundKind.FORM, Sender("script"), values=values))

    # -- what the applet does ----------------------------------------------------------------

    def expects(
        self, text: str, buttons: Sequence[str] | None = None, *, card: Card | None = None
    ) -> None:
        """Check the next message: its text (a card's title where it has none), buttons, card."""
        _must(self._messages, f"nothing was said; expected {text!r}")
        message = self._messages.pop(0)
        said = message.text or (message.card.title if message.card else "")
        _must(said == text, f"expected {text!r}, but {said!r} was said")
        if buttons is not None:
            labels = [button.label for button in message.choices]
            _must(labels == list(buttons), f"the buttons are {labels}")
        if card is not None:
            _must(message.card == card, f"the card is {message.card}")

    def expects_end(self) -> None:
        """Check that nothing more was said and the dialogue is over."""
        _must(not self._messages, f"more was said: {self._messages}")
        _must(isinstance(self._step, Finished), f"it waits: {self._step}")

    def expects_restart(self, state: Any = None) -> None:
        """Check that nothing more was said and the command begins again with ``state``."""
        _must(not self._messages, f"more was said: {self._messages}")
        step = self._step
        _must(isinstance(step, Restart) and step.state == state, f"no such restart: {step}")

    def heard(self) -> list[Message]:
        """Return what was said since the last look, and forget it."""
        said, self._messages = self._messages, []
        return said

    @property
    def step(self) -> Progress:
        """Where the run stands: a question, a restart, or the end."""
        return self._step

    @property
    def entries(self) -> list[Entry]:
        """The journal so far."""
        return self._run.entries

    def _open(self) -> Ask[Any]:
        if isinstance(self._step, Ask):
            return self._step
        raise AssertionError("the dialogue waits for nothing")

    def _advance(self) -> None:
        while True:
            step = self._step
            if isinstance(step, Say):
                self._messages.append(step.message)
                self._step = self._run.resume(None)
            elif isinstance(step, Now):
                self._step = self._run.resume(self._now())
            elif isinstance(step, Can):
                self._step = self._run.resume(self._can(step))
            elif isinstance(step, Do):
                self._step = self._do(step)
            else:
                break
        if isinstance(step, Ask):
            self._messages.append(step.message)

    def _now(self) -> datetime:
        if self._answers and self._answers[0][0] == "now":
            return msgspec.convert(self._answers.pop(0)[2], datetime)
        return NOW

    def _can(self, step: Can) -> bool:
        """Return what the recording or the test says of the messenger; it can nothing else."""
        if self._answers and self._answers[0][0] == f"can:{step.what}":
            return bool(self._answers.pop(0)[2])
        return False

    def _do(self, step: Do[Any]) -> Progress:
        name = step.request.request_name
        _must(self._answers, f"the applet asks {name}, and no answer is left")
        wanted, kind, value = self._answers.pop(0)
        _must(wanted == name, f"the applet asks {name}, the script answers {wanted}")
        if kind == "refused":
            code, arguments = value
            return self._run.refuse(Refusal.known[code](*arguments))
        return self._run.resume(msgspec.convert(value, step.request.result_type))


def _must(holds: object, otherwise: str) -> None:
    """Fail the test that plays the script, saying why, where something does not hold."""
    if not holds:
        raise AssertionError(otherwise)
