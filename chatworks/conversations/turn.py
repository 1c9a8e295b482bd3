"""One conversation's turns in a batch: what each event means, and what follows. Pure.

A ``Turn`` is a generator: it yields the calls that its dialogues make to the business and is sent
their answers; everything else it decides is collected in ``update``. It reads no clock and no
database, so that any interleaving of turns, crashes and replays gives the same conversation.

Which rule applies, first to last: reachability and timers; a stopped contact is heard but not
answered; the words that always work; a human speaker keeps the bot silent; buttons of menus; the
open question of a dialogue; an applet's command or its words; the menu.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from chatworks.channels.capabilities import Capabilities
from chatworks.channels.models import Settle
from chatworks.commands.models import Call
from chatworks.conversations import dialogues, words
from chatworks.conversations.menu import Menu
from chatworks.conversations.models import (
    HISTORY_KINDS,
    ContactStatus,
    Conversation,
    DialogueStatus,
    HumanWanted,
    NewMessage,
    OutletView,
    PendingSettle,
    Speaker,
    Update,
)
from chatworks.conversations.words import Word
from chatworks.kit.texts import Texts
from chatworks.sdk.applet import Applets
from chatworks.sdk.inbound import Inbound, InboundKind, Sender
from chatworks.sdk.messages import Message

HUMAN_WANTED_FOR = timedelta(hours=12)
MORE = "more"  # the scope of a row that shows another page of its list

UNSAID = frozenset(
    {InboundKind.OTHER, InboundKind.BLOCKED, InboundKind.UNBLOCKED, InboundKind.TIMER}
)
MIRRORED = frozenset({InboundKind.STOP, InboundKind.START, InboundKind.NOTED})

Steps = Generator[Call[Any], Any, None]


@dataclass(frozen=True, slots=True)
class Env:
    """What a turn may know besides its conversation."""

    applets: Applets
    outlet: OutletView
    menu: Menu
    texts: Texts
    now: datetime
    new_id: Callable[[], UUID]


class Event(msgspec.Struct, frozen=True):
    """An inbox event, read into our words."""

    id: int
    inbound: Inbound


class Turn:
    """Takes the events of one conversation, in order."""

    def __init__(self, env: Env, conversation: Conversation, capable: Capabilities) -> None:
        self.env = env
        self.capable = capable
        self.conversation = conversation
        self.update = Update(conversation.outlet_id, conversation.id, state=conversation)
        self.facts: list[object] = []
        self.menu = env.menu
        self.greeted = not conversation.is_new
        self.event_id = 0

    def take(self, events: Sequence[Event]) -> Steps:
        """Take ``events``; yields calls and is sent their results or refusals."""
        for event in events:
            self.event_id = event.id
            yield from self._take(event.inbound)

    def _take(self, inbound: Inbound) -> Steps:
        if inbound.kind in UNSAID:
            yield from self._notice(inbound)
            return
        self._meet(inbound)
        if inbound.kind in MIRRORED:
            self._mirror(inbound.kind)
            return
        if inbound.reply_ref and inbound.kind is not InboundKind.TAP:  # a tap has its own answer
            self.settle(Settle(self.conversation.thread, inbound.reply_ref))
            inbound = replace(inbound, reply_ref="")
        word = self._word(inbound)
        if self.conversation.status is ContactStatus.STOPPED and word is not Word.START:
            return
        if not self.greeted:
            self._greet()
        if inbound.kind in {InboundKind.EDITED, InboundKind.UNKNOWN}:
            self._explain(inbound)
        elif word is not None:
            yield from self._obey(word, inbound)
        elif not self._human_speaks():
            yield from self._answer(inbound)

    def _notice(self, inbound: Inbound) -> Steps:
        """Take what no person said to us."""
        match inbound.kind:
            case InboundKind.BLOCKED | InboundKind.UNBLOCKED:
                self._reach(inbound.kind is InboundKind.UNBLOCKED)
            case InboundKind.TIMER if self._human_speaks():
                dialogues.put_off(self, inbound.arguments)
            case InboundKind.TIMER:
                yield from dialogues.time_out(self, inbound.arguments)

    def _mirror(self, kind: InboundKind) -> None:
        """Note what the messenger did on its own word; it has answered it, so we do not."""
        c = self.conversation
        if kind is InboundKind.STOP:
            dialogues.cancel(self)
            c.status = ContactStatus.STOPPED
            self.update.contact_changed = True
        elif kind is InboundKind.START and c.status is ContactStatus.STOPPED:
            c.status = ContactStatus.ACTIVE
            self.update.contact_changed = True

    # -- who it is ---------------------------------------------------------------------------

    def _reach(self, reachable: bool) -> None:  # noqa: FBT001 - the caller names what it passes
        c = self.conversation
        if c.status is not ContactStatus.STOPPED:
            c.status = ContactStatus.ACTIVE if reachable else ContactStatus.BLOCKED
            self.update.contact_changed = True

    def _meet(self, inbound: Inbound) -> None:
        """Keep what was said, and what the event tells of the person."""
        c = self.conversation
        if inbound.kind in HISTORY_KINDS:
            self.update.messages.append(NewMessage("in", "customer", inbound, self.event_id))
        known, seen = c.sender, inbound.sender
        if c.is_group:
            seen = Sender(known.vendor_id, name=inbound.chat_title)
        told = (
            seen.name or known.name,
            seen.username or known.username,
            seen.phone or known.phone,
        )
        if told != (known.name, known.username, known.phone):
            c.sender = replace(known, name=told[0], username=told[1], phone=told[2])
            self.update.contact_changed = True
        if c.status is ContactStatus.BLOCKED:  # who writes can be reached
            self._reach(reachable=True)

    def _greet(self) -> None:
        self.greeted = True
        notice = self.env.outlet.notices.get(self.conversation.language)
        if notice:
            self.say(Message(notice))

    def _human_speaks(self) -> bool:
        c = self.conversation
        if c.speaker is Speaker.BOT:
            return False
        if c.speaker_until is not None and c.speaker_until <= self.env.now:
            self._bot_speaks()
            return False
        return True

    def _bot_speaks(self) -> None:
        c = self.conversation
        c.speaker, c.operator_id, c.speaker_until = Speaker.BOT, None, None

    # -- what it means -----------------------------------------------------------------------

    def _word(self, inbound: Inbound) -> Word | None:
        if inbound.kind is InboundKind.COMMAND:
            if inbound.text == "start" and inbound.arguments:
                return None  # a deep link: an applet's business
            return words.find(inbound.text, self.env.outlet.languages)
        if inbound.kind is InboundKind.TEXT:
            return words.find(inbound.text, self.env.outlet.languages)
        return None

    def _explain(self, inbound: Inbound) -> None:
        if self._human_speaks():
            return
        if inbound.kind is InboundKind.EDITED:
            self.say_text("I have kept your first answer. To change it, send a new message.")
        elif not self.conversation.is_group:
            self.say_text("I cannot take this kind of message yet. Please write it as text.")

    def _obey(self, word: Word, inbound: Inbound) -> Steps:
        if inbound.reply_ref:
            self.settle(Settle(self.conversation.thread, inbound.reply_ref))
        match word:
            case Word.MENU:
                self._bot_speaks()
                dialogues.cancel(self)
                self.show_menu()
            case Word.HELP:
                self.say(self.menu.help(self.conversation.language))
                yield from dialogues.ask_again(self)
            case Word.HUMAN:
                self._want_human()
            case Word.STOP:
                self._stop()
            case Word.START:
                self._start()
            case Word.LANGUAGE:
                self.say(self.menu.languages(self.conversation.language))
            case Word.CANCEL:
                self._cancel()

    def _want_human(self) -> None:
        c = self.conversation
        if c.speaker is Speaker.BOT:
            c.speaker = Speaker.HUMAN
            c.speaker_until = self.env.now + HUMAN_WANTED_FOR
        self.facts.append(HumanWanted(c.outlet_id, c.id, c.sender.name))
        self.say_text(
            "A person from {outlet} will answer you here. Write “menu” to come back to me.",
            outlet=self.env.outlet.name,
        )

    def _stop(self) -> None:
        dialogues.cancel(self)
        self.say_text("You will get no more messages from us here. Write “start” to come back.")
        self.conversation.status = ContactStatus.STOPPED
        self.update.contact_changed = True
        self.update.must_reach = True

    def _start(self) -> None:
        if self.conversation.status is not ContactStatus.ACTIVE:
            self.conversation.status = ContactStatus.ACTIVE
            self.update.contact_changed = True
        self._bot_speaks()
        dialogues.cancel(self)
        self.show_menu()

    def _cancel(self) -> None:
        if dialogues.cancel(self):
            self.say_text("Cancelled: nothing was done. Write “menu” to see what I can do.")
        else:
            self.say_text("There is nothing open to cancel.")
            self.show_menu()

    def _answer(self, inbound: Inbound) -> Steps:
        if inbound.kind is InboundKind.TAP:
            yield from self._tapped(inbound)
            return
        if self.waiting and inbound.kind is not InboundKind.COMMAND:
            yield from dialogues.answer(self, inbound)
            return
        offered = self._by_number(inbound)
        if offered:
            yield from self._menu_tapped(*offered, inbound)
            return
        command = self.menu.command_of(inbound)
        if command is not None:
            yield from dialogues.begin(self, command)
        elif not self.conversation.is_group:
            self.show_menu()

    def _by_number(self, inbound: Inbound) -> tuple[str, str] | None:
        """Return the choice of the last menu that a typed number means: its scope and target."""
        number = inbound.text.strip().rstrip(".)")
        offered = self.conversation.offered
        if inbound.kind is not InboundKind.TEXT or not number.isdecimal():
            return None
        if not 0 < int(number[:4]) <= len(offered) or len(number) > len(str(len(offered))):
            return None
        scope, _, target = offered[int(number) - 1].partition(":")
        return (scope, target) if target else None

    def _tapped(self, inbound: Inbound) -> Steps:
        """A button: of a menu (always valid), of the open question, or of one that is closed."""
        seq, _, ident = inbound.tap.partition(".")
        c = self.conversation
        scope, _, target = ident.partition(":")
        dialogue = c.dialogue
        if scope == MORE and target.isdecimal():
            self.settle(Settle(c.thread, inbound.reply_ref))
            asked = dialogue is not None and seq == str(dialogue.asked_seq)
            if not asked or not (yield from dialogues.ask_again(self, first=int(target))):
                self.show_menu(first=int(target))
        elif target:
            self.settle(Settle(c.thread, inbound.reply_ref))
            yield from self._menu_tapped(scope, target, inbound)
        elif dialogue is not None and seq == str(dialogue.asked_seq) and not dialogue.question:
            yield from dialogues.answer(self, replace(inbound, tap=ident))
        else:
            notice = self.text("That question is closed.")
            self.settle(Settle(c.thread, inbound.reply_ref, notice=notice))
            if not (yield from dialogues.ask_again(self)):
                self.show_menu()

    def _menu_tapped(self, scope: str, target: str, inbound: Inbound) -> Steps:
        word = Word(target) if scope == "word" and target in set(Word) else None
        command = self.menu.command_named(target) if scope == "go" else None
        if word is not None:
            yield from self._obey(word, replace(inbound, reply_ref=""))
        elif scope == "lang" and target in self.env.outlet.languages:
            self.conversation.language = target
            self.update.contact_changed = True
            self.say_text("We speak English now.")
            if not (yield from dialogues.ask_again(self)):
                self.show_menu()
        elif command is not None:
            yield from dialogues.begin(self, command)
        else:
            self.show_menu()

    # -- what goes out -----------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether a dialogue waits for an answer."""
        dialogue = self.conversation.dialogue
        return dialogue is not None and dialogue.status is DialogueStatus.WAITING

    def text(self, msgid: str, **values: object) -> str:
        """Return the engine's own text in the person's language."""
        return self.env.texts.text(self.conversation.language, msgid, **values)

    def say_text(self, msgid: str, **values: object) -> NewMessage:
        """Send one of the engine's own texts."""
        return self.say(Message(self.text(msgid, **values)))

    def say(self, message: Message) -> NewMessage:
        """Send ``message``."""
        new = NewMessage("out", "bot", message)
        self.update.messages.append(new)
        menu = [button.id for button in message.choices]
        if menu and all(":" in ident for ident in menu):  # a dialogue's question has no colon
            self.conversation.offered = tuple(menu)
        return new

    def settle(self, settle: Settle, question: NewMessage | None = None) -> None:
        """Answer a tap, or close a question's buttons, where there is something to do."""
        if settle.reply_ref or settle.asked_seq or question is not None:
            self.update.settles.append(PendingSettle(settle, question))

    def show_menu(self, first: int = 0) -> None:
        """Send the outlet's menu, from its choice ``first`` on where it has pages."""
        self.say(replace(self.menu.main(self.conversation.language), first=first))
