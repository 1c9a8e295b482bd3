"""Tests an applet without a database or a network: a script of says and expects.

    script = Script("chatworks.applets.water", "where", answers=[("orders.MyOrders", "answer", [])])
    script.expects("You have not ordered yet. Write “order” to begin.")

It drives the same ``Run`` as the engine. ``answers`` are what the business returns, in order, as
``(request, "answer" | "refused", JSON value)``: what ``chatworks chat --record`` prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from chatworks.kit.errors import Refusal
from chatworks.sdk.applet import load
from chatworks.sdk.chat import SDK_TEXTS
from chatworks.sdk.inputs import NotUnderstood
from chatworks.sdk.messages import Inbound, InboundKind, Message, Place, Sender
from chatworks.sdk.requests import Ask, Do, Now, Say
from chatworks.sdk.runtime import Finished, Progress, Run

Reply = tuple[str, str, Any]


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
    ) -> None:
        self._loaded = load(package)
        start = msgspec.json.encode({"arguments": arguments})
        chat = self._loaded.chat(settings.encode(), language, start)
        self._answers = list(answers)
        self._messages: list[Message] = []
        self._run = Run(self._loaded, command, chat, [])
        self._step: Progress = self._run.replay()
        self._advance()

    def says(self, text: str) -> None:
        """Send a text."""
        self._answer(Inbound(InboundKind.TEXT, Sender("script"), text=text))

    def taps(self, label: str) -> None:
        """Tap a button of the open question."""
        step = self._open()
        ids = {button.label: button.id for button in step.message.buttons}
        assert label in ids, f"there is no button {label!r}, only {sorted(ids)}"  # noqa: S101 - a test's word
        self._answer(Inbound(InboundKind.TAP, Sender("script"), tap=ids[label]))

    def shares(self, latitude: float, longitude: float) -> None:
        """Send a location."""
        place = Place(latitude, longitude)
        self._answer(Inbound(InboundKind.PLACE, Sender("script"), place=place))

    def expects(self, text: str, buttons: Sequence[str] | None = None) -> None:
        """Check the next message: its text (a card's title where it has none), its buttons."""
        assert self._messages, f"nothing was said; expected {text!r}"  # noqa: S101 - a test's word
        message = self._messages.pop(0)
        said = message.text or (message.card.title if message.card else "")
        assert said == text, f"expected {text!r}, but {said!r} was said"  # noqa: S101 - a test's word
        if buttons is not None:
            labels = [button.label for button in message.buttons]
            assert labels == list(buttons), f"the buttons are {labels}"  # noqa: S101 - a test's word

    def expects_end(self) -> None:
        """Check that nothing more was said and the dialogue is over."""
        assert not self._messages, f"more was said: {self._messages}"  # noqa: S101 - a test's word
        assert isinstance(self._step, Finished), f"it waits: {self._step}"  # noqa: S101 - a test's word

    def _open(self) -> Ask[Any]:
        assert isinstance(self._step, Ask), "the dialogue waits for nothing"  # noqa: S101 - a test's word
        return self._step

    def _answer(self, inbound: Inbound) -> None:
        step = self._open()
        try:
            value = step.input.read(inbound)
        except NotUnderstood as problem:
            text = SDK_TEXTS.text(step.language, problem.msgid, **problem.values)
            message = Message(f"{text}\n{step.message.text}", step.message.buttons)
            self._messages.append(message)
            return
        self._step = self._run.resume(value)
        self._advance()

    def _advance(self) -> None:
        while True:
            step = self._step
            if isinstance(step, Say):
                self._messages.append(step.message)
                self._step = self._run.resume(None)
            elif isinstance(step, Now):
                self._step = self._run.resume(datetime(2026, 11, 2, 9, tzinfo=UTC))
            elif isinstance(step, Do):
                self._step = self._do(step)
            else:
                break
        if isinstance(step, Ask):
            self._messages.append(step.message)

    def _do(self, step: Do[Any]) -> Progress:
        name = step.request.request_name
        assert self._answers, f"the applet asks {name}, and no answer is left"  # noqa: S101 - a test's word
        wanted, kind, value = self._answers.pop(0)
        assert wanted == name, f"the applet asks {name}, the script answers {wanted}"  # noqa: S101 - a test's word
        if kind == "refused":
            code, arguments = value
            return self._run.refuse(Refusal.known[code](*arguments))
        return self._run.resume(msgspec.convert(value, step.request.result_type))
