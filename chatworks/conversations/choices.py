"""What people choose to hear: stop, start, offers. Pure.

Each choice is logged with the words that the person read. Where the messenger itself has heard an
opt-out word it has also answered it: that is only noted.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from chatworks.commands.models import Call
from chatworks.contacts.models import Choice, Purpose, SetConsent
from chatworks.conversations import dialogues
from chatworks.conversations.models import ContactStatus
from chatworks.sdk.inbound import Inbound, InboundKind

if TYPE_CHECKING:
    from chatworks.conversations.turn import Turn

Steps = Generator[Call[Any], Any, None]

STOPPED = "You will get no more messages from us here. Write “start” to come back."
STARTED = "They came back by their own word."  # of the log alone: the menu answers
OFFERS = {
    True: "We will send you our offers here. Write “offers off” to end that.",
    False: "You will get no offers from us here. What you order is still confirmed.",
}
BY_MESSENGER = "The messenger's own opt-out word."  # of the log alone

_ALL_OFF = (Choice(Purpose.TRANSACTIONAL, given=False), Choice(Purpose.MARKETING, given=False))
_ON = (Choice(Purpose.TRANSACTIONAL, given=True),)


def stop(turn: Turn) -> Steps:
    """Nothing goes out any more but this one answer."""
    dialogues.cancel(turn)
    turn.say_plain(turn.text(STOPPED))
    turn.update.must_reach = True
    yield from _set(turn, ContactStatus.STOPPED, "chat", STOPPED)


def start(turn: Turn) -> Steps:
    """They may be written to again; offers stay off until they ask for them."""
    yield from _set(turn, ContactStatus.ACTIVE, "chat", STARTED)


def mirror(turn: Turn, inbound: Inbound) -> Steps:
    """Note what the messenger's own opt-out or opt-in word did; it has answered it."""
    if inbound.kind is InboundKind.STOP:
        dialogues.cancel(turn)
        yield from _set(turn, ContactStatus.STOPPED, "messenger", BY_MESSENGER)
    else:
        yield from _set(turn, ContactStatus.ACTIVE, "messenger", BY_MESSENGER)


def offers(turn: Turn, *, wanted: bool) -> Steps:
    """Send offers from now on, or none."""
    text = turn.text(OFFERS[wanted])
    choice = Choice(Purpose.MARKETING, given=wanted)
    yield turn.call(SetConsent((choice,), "chat", text, OFFERS[wanted]))
    turn.say_plain(text)


def _set(turn: Turn, status: ContactStatus, source: str, msgid: str) -> Steps:
    """Write a contact's status where it changes, and log the consent that changes with it."""
    c = turn.conversation
    if c.status is status:
        return
    was, c.status = c.status, status
    turn.update.contact_changed = True
    if ContactStatus.STOPPED in {was, status}:
        changed = _ALL_OFF if status is ContactStatus.STOPPED else _ON
        yield turn.call(SetConsent(changed, source, turn.text(msgid), msgid))
