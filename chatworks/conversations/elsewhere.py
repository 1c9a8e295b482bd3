"""Going on in another app: a code is shown here and given there, and what waits moves over. Pure.

The move has two turns, one on each side, each in its own transaction: the side that was shown the
code hears ``leave`` and lets its dialogue go; the side that gave it hears ``arrive`` and asks the
open question again. In between the dialogue belongs to the side that it goes to, and waits for its
turn there: at no time do both have it, and a crash leaves it with one.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chatworks.channels.topics import APPS_JOINED
from chatworks.commands.models import Call
from chatworks.contacts.core import read_code
from chatworks.contacts.models import (
    GiveLink,
    Joined,
    LinkNotValid,
    NoOtherWay,
    NotLinked,
    Offered,
    OfferLink,
    OwnLink,
    TooManyContacts,
    TooManyTries,
    Unlink,
    Way,
)
from chatworks.conversations import choices, dialogues
from chatworks.conversations.models import NewMove
from chatworks.kit.errors import Refusal
from chatworks.sdk.inbound import Inbound, InboundKind
from chatworks.sdk.messages import Message

if TYPE_CHECKING:
    from chatworks.conversations.turn import Turn

Steps = Generator[Call[Any], Any, None]

REFUSED = {
    LinkNotValid: "This code does not count: it is wrong, was used, or is older than ten minutes. "
    "Write “continue” in the other app to get a new one.",
    OwnLink: "This is the code for the other app: please give it there.",
    TooManyTries: "That was a lot in a short time. Please wait a minute and try again.",
    TooManyContacts: "You have joined as many apps as we can keep together.",
    NoOtherWay: "There is no other app here to go on in.",
    NotLinked: "Nothing is joined with this app.",
}


def code_in(inbound: Inbound) -> str | None:
    """Return the code that somebody gives: typed as a whole message, or behind a deep link."""
    if inbound.kind is InboundKind.TEXT:
        return read_code(inbound.text)
    if inbound.kind is InboundKind.COMMAND and inbound.text == "start":
        return read_code(inbound.arguments)
    return None


def arrives(inbound: Inbound) -> bool:
    """Return whether another conversation says that it has handed over."""
    return inbound.kind is InboundKind.MOVE and inbound.text == "arrive"


def offer(turn: Turn) -> Steps:
    """Show a code and where it can be given."""
    if _in_group(turn):
        return
    answer = yield turn.call(OfferLink(turn.conversation.channel_id))
    if not isinstance(answer, Offered):
        _refuse(turn, answer)
        return
    intro = turn.text(
        "Go on in another app, and what we are doing comes along. It works once, for ten minutes."
    )
    turn.say_plain("\n".join([intro, *(_line(turn, way, answer.code) for way in answer.ways)]))


def _line(turn: Turn, way: Way, code: str) -> str:
    if way.link:
        return f"{way.app}: {way.link}"
    if way.number:
        said = turn.text("send {code} to {number}", code=code, number=way.number)
    else:
        said = turn.text("open {page} and write {code}", page=way.page, code=code)
    return f"{way.app}: {said}"


def give(turn: Turn, code: str) -> Steps:
    """Give a code that the other side was shown; who does is willing to hear from us here."""
    if _in_group(turn):
        return
    answer = yield turn.call(GiveLink(code))
    if not isinstance(answer, Joined):
        _refuse(turn, answer)
        return
    yield from choices.start(turn)
    turn.say_text(
        "This app and {app} are joined now: both are you. Write “unlink” to part them.",
        app=answer.app,
    )


def unlink(turn: Turn) -> Steps:
    """Part this app from the others."""
    answer = yield turn.call(Unlink())
    if isinstance(answer, Refusal):
        _refuse(turn, answer)
    else:
        turn.say_text("This app is no longer joined with your others.")


def hear(turn: Turn, inbound: Inbound) -> Steps:
    """Hear from another conversation: let go of what waits, or take it in and ask again."""
    if arrives(inbound):
        yield from _arrive(turn, inbound.arguments)
    else:
        _leave(turn, UUID(inbound.arguments))


def _leave(turn: Turn, conversation_id: UUID) -> None:
    dialogue_id = dialogues.hand_over(turn, conversation_id)
    turn.update.moves.append(NewMove(conversation_id, dialogue_id))
    if dialogue_id is None:
        told = turn.text("Your other app is joined with this one now. Write “unlink” to part them.")
    else:
        told = turn.text(
            "We go on in your other app: the open question is waiting for you there. If that was "
            "not you, write “unlink”."
        )
    turn.say(Message(told, topic=APPS_JOINED))


def _arrive(turn: Turn, dialogue: str) -> Steps:
    found = turn.arriving.get(UUID(dialogue)) if dialogue else None
    if found is not None:
        dialogues.take_in(turn, found)
    if turn.human_speaks():
        return
    if not (yield from dialogues.ask_again(turn, timed=found is not None)):
        turn.show_menu()


def _in_group(turn: Turn) -> bool:
    if turn.conversation.is_group:
        turn.say_text("Please write this to me in private: it is about you alone.")
    return turn.conversation.is_group


def _refuse(turn: Turn, no: Refusal) -> None:
    turn.say_plain(turn.text(REFUSED[type(no)]))
