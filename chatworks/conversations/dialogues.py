"""A conversation's dialogue: begin it, answer its question, time it out, cancel it. Pure.

A dialogue is replayed from its journal whenever something happens to it and put away again when it
waits for the person. It stays on the version it began with, as long as that version is installed;
if the code no longer fits the journal, the person is told, and what still fits is kept.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from chatworks.channels.models import Settle
from chatworks.commands.models import Actor, ActorKind, Call, Origin
from chatworks.conversations.menu import Found
from chatworks.conversations.models import (
    Dialogue,
    DialogueStatus,
    NewMessage,
    NewTimer,
)
from chatworks.kit.errors import Invalid, Refusal
from chatworks.sdk.chat import TimedOut
from chatworks.sdk.inputs import Choice, NotUnderstood, YesNo
from chatworks.sdk.messages import Inbound, InboundKind, Message
from chatworks.sdk.requests import Ask, Do, Now, Restart, Say
from chatworks.sdk.runtime import Finished, Mismatch, Progress, Run

if TYPE_CHECKING:
    from chatworks.conversations.turn import Turn

Steps = Generator[Call[Any], Any, None]


class DialogueDriver:
    """Drives the dialogue of the turn's conversation."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn

    def begin(self, found: Found) -> Steps:
        """Start a command; a dialogue that waits is cancelled."""
        installed, loaded, command = found
        self.cancel()
        name, _, arguments = command.partition(" ")
        yield from self._start(
            Dialogue(
                id=self._turn.env.new_id(),
                applet=installed.applet,
                version=loaded.manifest.version,
                command=name,
                language=self._turn.conversation.language,
                settings=installed.settings or b"{}",
                start=msgspec.json.encode({"arguments": arguments}),
                started_at=self._turn.env.now,
                is_new=True,
            )
        )

    def _start(self, dialogue: Dialogue) -> Steps:
        self._turn.conversation.dialogue = dialogue
        self._turn.update.dialogues[dialogue.id] = dialogue
        run = self._run(dialogue)
        if run is not None:
            yield from self._drive(run, run.replay())

    def answer(self, inbound: Inbound) -> Steps:
        """Answer the open question with what came in; asks again if it does not fit."""
        dialogue = self._open()
        if dialogue is None:
            return
        run = self._run(dialogue)
        if run is None:
            self._withdraw(dialogue)
            return
        step = run.replay()
        if isinstance(step, Mismatch):
            yield from self._adapt(run)
            return
        if not isinstance(step, Ask):
            yield from self._drive(run, step)
            return
        try:
            value = step.input.read(inbound)
        except NotUnderstood as problem:
            self._reask(step, problem, inbound)
            run.suspend()
            return
        self._close_question(dialogue, step, inbound, value)
        yield from self._drive(run, run.resume(value))

    def time_out(self, arguments: str) -> Steps:
        """A timer fell due: throw ``TimedOut`` if the question that it timed is still open."""
        dialogue = self._open()
        wanted, _, step_count = arguments.partition(" ")
        if dialogue is None or dialogue.id.hex != UUID(wanted).hex:
            return
        if len(dialogue.entries) != int(step_count):
            return
        run = self._run(dialogue)
        if run is None:
            self._withdraw(dialogue)
            return
        step = run.replay()
        if isinstance(step, Ask):
            yield from self._drive(run, run.refuse(TimedOut()))

    def cancel(self) -> bool:
        """End the dialogue that waits; returns whether there was one."""
        dialogue = self._open()
        if dialogue is None:
            return False
        self._end(dialogue, DialogueStatus.CANCELLED)
        return True

    def ask_again(self) -> bool:
        """Send the open question once more; returns whether there is one."""
        dialogue = self._open()
        if dialogue is None:
            return False
        run = self._run(dialogue)
        step = None if run is None else run.replay()
        if run is not None and isinstance(step, Ask):
            self._ask(dialogue, step.message)
            run.suspend()
            return True
        return False

    # -- running -----------------------------------------------------------------------------

    def _open(self) -> Dialogue | None:
        dialogue = self._turn.conversation.dialogue
        if dialogue is None or dialogue.status is not DialogueStatus.WAITING:
            return None
        return dialogue

    def _run(self, dialogue: Dialogue) -> Run | None:
        """Return a run of the dialogue's version, or of the newest; None where there is none."""
        applets = self._turn.env.applets
        loaded = applets.get(dialogue.applet, dialogue.version) or applets.latest(dialogue.applet)
        if loaded is None or dialogue.command not in loaded.applet.functions:
            return None
        dialogue.version = loaded.manifest.version
        self._turn.update.dialogues[dialogue.id] = dialogue
        try:
            chat = loaded.chat(dialogue.settings, dialogue.language, dialogue.start)
        except Invalid:  # the snapshot is of an older version: the outlet's settings of today
            chat = loaded.chat(self._settings_of_today(dialogue), dialogue.language, dialogue.start)
        return Run(loaded, dialogue.command, chat, dialogue.entries)

    def _settings_of_today(self, dialogue: Dialogue) -> bytes:
        installed = self._turn.env.outlet.installed
        return next((i.settings for i in installed if i.applet == dialogue.applet), b"{}")

    def _withdraw(self, dialogue: Dialogue) -> None:
        """The applet, or its command, is gone: say so, and show what there is instead."""
        self._end(dialogue, DialogueStatus.FAILED)
        self._turn.say_text("This service is no longer offered, so we stop here. I am sorry.")
        self._turn.show_menu()

    def _adapt(self, run: Run) -> Steps:
        """The code changed under a running dialogue: keep what fits, tell the person, go on."""
        dialogue = self._open()
        if dialogue is None:
            return
        self._turn.say_text(
            "We have improved this service while we were talking. I kept your answers that still "
            "fit; let us go on from here."
        )
        yield from self._drive(run, run.salvage())

    def _drive(self, run: Run, step: Progress) -> Steps:
        """Run until the dialogue waits or ends, yielding its calls to the business."""
        turn = self._turn
        dialogue = self._open()
        while dialogue is not None:
            match step:
                case Say():
                    turn.say(step.message)
                    step = run.resume(None)
                case Now():
                    step = run.resume(turn.env.now)
                case Do():
                    answer = yield self._call(step)
                    refused = isinstance(answer, Refusal)
                    step = run.refuse(answer) if refused else run.resume(answer)
                case Ask():
                    self._keep(dialogue, run)
                    self._ask(dialogue, step.message)
                    self._set_timer(dialogue, step)
                    run.suspend()
                    return
                case Restart():
                    self._keep(dialogue, run)
                    run.suspend()
                    self._end(dialogue, DialogueStatus.DONE)
                    yield from self._start(self._again(dialogue, step.state))
                    return
                case Finished():
                    self._keep(dialogue, run)
                    self._end(dialogue, DialogueStatus.DONE)
                    return
                case Mismatch():
                    yield from self._adapt(run)
                    return

    def _keep(self, dialogue: Dialogue, run: Run) -> None:
        """Take the journal over; a salvaged one is written anew."""
        dialogue.entries = run.journal()
        if run.salvaged:
            dialogue.rewritten, dialogue.written = True, 0

    def _call(self, step: Do[Any]) -> Call[Any]:
        c = self._turn.conversation
        actor = Actor(ActorKind.CUSTOMER, c.contact_id.hex)
        return Call(c.outlet_id, actor, step.request, Origin(c.id, c.contact_id, c.language))

    def _again(self, dialogue: Dialogue, state: object) -> Dialogue:
        return replace(
            dialogue,
            id=self._turn.env.new_id(),
            start=msgspec.json.encode({"state": state}),
            started_at=self._turn.env.now,
            status=DialogueStatus.WAITING,
            ended_at=None,
            entries=[],
            pages=0,
            written=0,
            asked_seq=0,
            question=None,
            is_new=True,
        )

    def _end(self, dialogue: Dialogue, status: DialogueStatus) -> None:
        dialogue.status = status
        dialogue.ended_at = self._turn.env.now
        self._turn.update.dialogues[dialogue.id] = dialogue
        self._turn.conversation.dialogue = None

    # -- questions ---------------------------------------------------------------------------

    def _ask(self, dialogue: Dialogue, message: Message) -> NewMessage:
        dialogue.question = self._turn.say(message)
        return dialogue.question

    def _set_timer(self, dialogue: Dialogue, step: Ask[Any]) -> None:
        if step.timeout_seconds is not None:
            due = self._turn.env.now + timedelta(seconds=step.timeout_seconds)
            timer = NewTimer(dialogue.id, len(dialogue.entries), due)
            self._turn.update.timers.append(timer)

    def _reask(self, step: Ask[Any], problem: NotUnderstood, inbound: Inbound) -> None:
        """Say what was wrong, with the question's own buttons beneath."""
        dialogue = self._open()
        if inbound.reply_ref:
            self._turn.settle(Settle(self._turn.conversation.thread, inbound.reply_ref))
        if dialogue is not None:
            self._ask(dialogue, step.again(problem))

    def _close_question(
        self, dialogue: Dialogue, step: Ask[Any], inbound: Inbound, value: object
    ) -> None:
        """Take the buttons away from the answered question and answer the tap."""
        tapped = inbound.kind is InboundKind.TAP
        if not tapped and not isinstance(step.input, Choice | YesNo):
            return
        settle = Settle(
            thread=self._turn.conversation.thread,
            reply_ref=inbound.reply_ref,
            asked_seq=dialogue.asked_seq,
            message_ref=inbound.message_ref if tapped else "",
            message=step.message,
            chosen=_label(step, value),
        )
        self._turn.settle(settle, dialogue.question)
        dialogue.question = None


def _label(step: Ask[Any], value: object) -> str:
    chosen = step.input
    if isinstance(chosen, Choice) and value in chosen.values:
        return chosen.labels[chosen.values.index(value)]
    if isinstance(chosen, YesNo):
        return step.message.buttons[0 if value else 1].label
    return ""
