"""A conversation's dialogue: begin it, answer its question, time it out, cancel it. Pure.

A dialogue is replayed from its journal whenever something happens to it and put away again when it
waits for the person. It stays on the version it began with, as long as that version is installed;
if the code no longer fits the journal, the person is told, and what still fits is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from chatworks.channels.models import Settle
from chatworks.commands.models import Call
from chatworks.conversations.menu import Found
from chatworks.conversations.models import (
    Dialogue,
    DialogueStatus,
    NewMessage,
    NewTimer,
)
from chatworks.kit.errors import Invalid, Refusal
from chatworks.sdk.chat import TimedOut
from chatworks.sdk.inbound import Inbound, InboundKind
from chatworks.sdk.inputs import Choice, NotUnderstood, YesNo
from chatworks.sdk.messages import Message
from chatworks.sdk.requests import Ask, Can, Do, Now, Restart, Say
from chatworks.sdk.runtime import Finished, Mismatch, Progress, Run

if TYPE_CHECKING:
    from chatworks.conversations.turn import Turn

Steps = Generator[Call[Any], Any, None]

PUT_OFF_FOR = timedelta(minutes=10)  # how long a timer waits for the person who speaks


def begin(turn: Turn, found: Found) -> Steps:
    """Start a command; a dialogue that waits is cancelled."""
    installed, loaded, command = found
    cancel(turn)
    name, _, arguments = command.partition(" ")
    yield from _start(
        turn,
        Dialogue(
            id=turn.env.new_id(),
            applet=installed.applet,
            version=loaded.manifest.version,
            command=name,
            language=turn.conversation.language,
            settings=installed.settings or b"{}",
            start=msgspec.json.encode({"arguments": arguments}),
            started_at=turn.env.now,
            is_new=True,
        ),
    )


def _start(turn: Turn, dialogue: Dialogue) -> Steps:
    turn.conversation.dialogue = dialogue
    turn.update.dialogues[dialogue.id] = dialogue
    run = _run(turn, dialogue)
    if run is not None:
        yield from _drive(turn, run, run.replay())


def answer(turn: Turn, inbound: Inbound) -> Steps:
    """Answer the open question with what came in; asks again if it does not fit."""
    dialogue = _open(turn)
    if dialogue is None:
        return
    run = _run(turn, dialogue)
    if run is None:
        _withdraw(turn, dialogue)
        return
    step = run.replay()
    if isinstance(step, Mismatch):
        yield from _adapt(turn, run)
        return
    if not isinstance(step, Ask):
        yield from _drive(turn, run, step)
        return
    try:
        value = step.input.read(inbound)
    except NotUnderstood as problem:
        _reask(turn, step, problem, inbound)
        run.suspend()
        return
    _close_question(turn, dialogue, step, inbound, value)
    yield from _drive(turn, run, run.resume(value))


def time_out(turn: Turn, arguments: str) -> Steps:
    """A timer fell due: throw ``TimedOut`` if the question that it timed is still open."""
    dialogue = _timed(turn, arguments)
    if dialogue is None:
        return
    run = _run(turn, dialogue)
    if run is None:
        _withdraw(turn, dialogue)
        return
    step = run.replay()
    if isinstance(step, Ask):
        yield from _drive(turn, run, run.refuse(TimedOut()))


def put_off(turn: Turn, arguments: str) -> None:
    """A timer fell due while a person speaks: let it fall due again, so that none talks over."""
    dialogue = _timed(turn, arguments)
    if dialogue is not None:
        due = turn.env.now + PUT_OFF_FOR
        turn.update.timers.append(NewTimer(dialogue.id, len(dialogue.entries), due))


def _timed(turn: Turn, arguments: str) -> Dialogue | None:
    """Return the dialogue whose open question a timer (``<dialogue> <step>``) times, or None."""
    dialogue = _open(turn)
    wanted, _, step = arguments.partition(" ")
    if dialogue is None or dialogue.id.hex != UUID(wanted).hex:
        return None
    return dialogue if len(dialogue.entries) == int(step) else None


def cancel(turn: Turn) -> bool:
    """End the dialogue that waits; returns whether there was one."""
    dialogue = _open(turn)
    if dialogue is None:
        return False
    _end(turn, dialogue, DialogueStatus.CANCELLED)
    return True


def hand_over(turn: Turn, conversation_id: UUID) -> UUID | None:
    """Let the dialogue that waits go on in another conversation; returns which one it is."""
    dialogue = _open(turn)
    if dialogue is None:
        return None
    dialogue.moved_to, dialogue.question = conversation_id, None
    turn.update.dialogues[dialogue.id] = dialogue
    turn.conversation.dialogue = None
    return dialogue.id


def take_in(turn: Turn, dialogue: Dialogue) -> None:
    """Go on with a dialogue that another conversation handed over; one that waits is cancelled."""
    cancel(turn)
    turn.conversation.dialogue = dialogue
    turn.update.dialogues[dialogue.id] = dialogue


def ask_again(
    turn: Turn, first: int = 0, *, timed: bool = False
) -> Generator[Call[Any], Any, bool]:
    """Send the open question once more, from its choice ``first`` on; returns whether there is
    one. ``timed`` sets its timer anew: the one that was set wakes another conversation.
    """
    dialogue = _open(turn)
    if dialogue is None:
        return False
    run = _run(turn, dialogue)
    if run is None:
        _withdraw(turn, dialogue)
        return True
    step = run.replay()
    if isinstance(step, Ask):
        _ask(turn, dialogue, replace(step.message, first=first))
        if timed:
            _set_timer(turn, dialogue, step)
        run.suspend()
    else:
        yield from _drive(turn, run, step)
    return True


# -- running -----------------------------------------------------------------------------


def _open(turn: Turn) -> Dialogue | None:
    dialogue = turn.conversation.dialogue
    if dialogue is None or dialogue.status is not DialogueStatus.WAITING:
        return None
    return dialogue


def _run(turn: Turn, dialogue: Dialogue) -> Run | None:
    """Return a run of the dialogue's version, or of the newest; None where there is none."""
    applets = turn.env.applets
    loaded = applets.get(dialogue.applet, dialogue.version) or applets.latest(dialogue.applet)
    if loaded is None or dialogue.command not in loaded.applet.functions:
        return None
    dialogue.version = loaded.manifest.version
    turn.update.dialogues[dialogue.id] = dialogue
    try:
        chat = loaded.chat(dialogue.settings, dialogue.language, dialogue.start)
    except Invalid:  # the snapshot is of an older version: the outlet's settings of today
        of_today = (i.settings for i in turn.env.outlet.installed if i.applet == dialogue.applet)
        chat = loaded.chat(next(of_today, b"{}"), dialogue.language, dialogue.start)
    return Run(loaded, dialogue.command, chat, dialogue.entries)


def _withdraw(turn: Turn, dialogue: Dialogue) -> None:
    """The applet, or its command, is gone: say so, and show what there is instead."""
    _end(turn, dialogue, DialogueStatus.FAILED)
    turn.say_text("This service is no longer offered, so we stop here. I am sorry.")
    turn.show_menu()


def _adapt(turn: Turn, run: Run) -> Steps:
    """The code changed under a running dialogue: keep what fits, tell the person, go on."""
    dialogue = _open(turn)
    if dialogue is None:
        return
    turn.say_text(
        "We have improved this service while we were talking. I kept your answers that still "
        "fit; let us go on from here."
    )
    yield from _drive(turn, run, run.salvage())


def _drive(turn: Turn, run: Run, step: Progress) -> Steps:
    """Run until the dialogue waits or ends, yielding its calls to the business."""
    dialogue = _open(turn)
    while dialogue is not None:
        match step:
            case Say():
                turn.say(step.message)
                step = run.resume(None)
            case Now():
                step = run.resume(turn.env.now)
            case Can():
                step = run.resume(step.what == "form" and turn.capable.form)
            case Do():
                answer = yield turn.call(step.request)
                refused = isinstance(answer, Refusal)
                step = run.refuse(answer) if refused else run.resume(answer)
            case Ask():
                _keep(dialogue, run)
                _ask(turn, dialogue, step.message)
                _set_timer(turn, dialogue, step)
                run.suspend()
                return
            case Restart():
                _keep(dialogue, run)
                run.suspend()
                _end(turn, dialogue, DialogueStatus.DONE)
                yield from _start(turn, _again(turn, dialogue, step.state))
                return
            case Finished():
                _keep(dialogue, run)
                _end(turn, dialogue, DialogueStatus.DONE)
                return
            case Mismatch():
                yield from _adapt(turn, run)
                return


def _keep(dialogue: Dialogue, run: Run) -> None:
    """Take the journal over; a salvaged one is written anew."""
    dialogue.entries = run.journal()
    if run.salvaged:
        dialogue.rewritten, dialogue.written = True, 0


def _again(turn: Turn, dialogue: Dialogue, state: object) -> Dialogue:
    return dataclasses.replace(
        dialogue,
        id=turn.env.new_id(),
        start=msgspec.json.encode({"state": state}),
        started_at=turn.env.now,
        status=DialogueStatus.WAITING,
        ended_at=None,
        entries=[],
        pages=0,
        written=0,
        asked_seq=0,
        question=None,
        is_new=True,
    )


def _end(turn: Turn, dialogue: Dialogue, status: DialogueStatus) -> None:
    dialogue.status = status
    dialogue.ended_at = turn.env.now
    turn.update.dialogues[dialogue.id] = dialogue
    turn.conversation.dialogue = None


# -- questions ---------------------------------------------------------------------------


def _ask(turn: Turn, dialogue: Dialogue, message: Message) -> NewMessage:
    dialogue.question = turn.say(message)
    return dialogue.question


def _set_timer(turn: Turn, dialogue: Dialogue, step: Ask[Any]) -> None:
    if step.timeout_seconds is not None:
        due = turn.env.now + timedelta(seconds=step.timeout_seconds)
        timer = NewTimer(dialogue.id, len(dialogue.entries), due)
        turn.update.timers.append(timer)


def _reask(turn: Turn, step: Ask[Any], problem: NotUnderstood, inbound: Inbound) -> None:
    """Say what was wrong, with the question's own buttons beneath."""
    dialogue = _open(turn)
    if inbound.reply_ref:
        turn.settle(Settle(turn.conversation.thread, inbound.reply_ref))
    if dialogue is not None:
        _ask(turn, dialogue, step.again(problem))


def _close_question(
    turn: Turn, dialogue: Dialogue, step: Ask[Any], inbound: Inbound, value: object
) -> None:
    """Take the buttons away from the answered question and answer the tap."""
    tapped = inbound.kind is InboundKind.TAP
    if not tapped and not isinstance(step.input, Choice | YesNo):
        return
    settle = Settle(
        thread=turn.conversation.thread,
        reply_ref=inbound.reply_ref,
        asked_seq=dialogue.asked_seq,
        message_ref=inbound.message_ref if tapped else "",
        message=step.message,
        chosen=_label(step, value),
    )
    turn.settle(settle, dialogue.question)
    dialogue.question = None


def _label(step: Ask[Any], value: object) -> str:
    chosen = step.input
    if isinstance(chosen, Choice) and value in chosen.values:
        return chosen.labels[chosen.values.index(value)]
    if isinstance(chosen, YesNo):
        return step.message.buttons[0 if value else 1].label
    return ""
