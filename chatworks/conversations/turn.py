"""One conversation's turns in a batch: what each event means, and what follows. Pure.

A ``Turn`` is a generator: it yields the calls that its dialogues make to the business and is sent
their answers; everything else it decides is collected in ``update``. It reads no clock and no
database, so that any interleaving of turns, crashes and replays gives the same conversation.

Which rule applies, first to last: what nobody said (reachability, a chat that moved, timers); a
payment, which is never passed by; a stopped contact is heard but not answered; the words that
always work; a human speaker keeps the bot silent; buttons of menus; the open question of a
dialogue; an applet's command or its words; the menu.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from chatworks.channels.capabilities import Capabilities
from chatworks.channels.models import Settle
from chatworks.commands.models import Actor, ActorKind, Call, Origin, Request
from chatworks.conversations import choices, dialogues, elsewhere, words
from chatworks.conversations.menu import Menu
from chatworks.conversations.models import (
    HISTORY_KINDS,
    BotMade,
    BotSpeaks,
    ContactStatus,
    Conversation,
    Dialogue,
    DialogueStatus,
    HumanWanted,
    MayPay,
    NewMessage,
    OutletView,
    PaymentTaken,
    PendingSettle,
    PersonWaits,
    Speaker,
    Update,
    Verdict,
)
from chatworks.conversations.words import Word
from chatworks.kit.texts import Texts
from chatworks.outbox.models import ChatMigrated
from chatworks.sdk.applet import Applets
from chatworks.sdk.inbound import Inbound, InboundKind, Payment, Sender
from chatworks.sdk.messages import Message

HUMAN_WANTED_FOR = timedelta(hours=12)
UNSAID = frozenset(
    {
        InboundKind.TIMER,
        InboundKind.MOVE,
        InboundKind.BLOCKED,
        InboundKind.UNBLOCKED,
        InboundKind.MOVED,
        InboundKind.BOT,
        InboundKind.OTHER,
    }
)
MORE = "more"  # the scope of a row that shows another page of its list
NOTHING: Mapping[UUID, Dialogue] = {}

Steps = Generator[Call[Any], Any, None]


@dataclass(frozen=True, slots=True)
class Env:
    """What a turn may know besides its conversation. ``takes_payments``: somebody answers
    ``MayPay``.
    """

    applets: Applets
    outlet: OutletView
    menu: Menu
    texts: Texts
    now: datetime
    new_id: Callable[[], UUID]
    takes_payments: bool = False


class Event(msgspec.Struct, frozen=True):
    """An inbox event, read into our words, and when it came in."""

    id: int
    inbound: Inbound
    received_at: datetime


class Turn:
    """Takes the events of one conversation, in order."""

    def __init__(
        self,
        env: Env,
        conversation: Conversation,
        capable: Capabilities,
        arriving: Mapping[UUID, Dialogue] = NOTHING,
    ) -> None:
        self.env = env
        self.capable = capable
        self.conversation = conversation
        self.update = Update(conversation.outlet_id, conversation.id, state=conversation)
        self.facts: list[object] = []
        self.menu = env.menu
        self.arriving = arriving
        self.greeted = not conversation.is_new
        self.event_id = 0
        self.heard_at = env.now

    def take(self, events: Sequence[Event]) -> Steps:
        """Take ``events``; yields calls and is sent their results or refusals."""
        for event in events:
            self.event_id = event.id
            self.heard_at = event.received_at
            yield from self._take(event.inbound)

    def _take(self, inbound: Inbound) -> Steps:
        if inbound.kind in UNSAID:
            yield from self._unsaid(inbound)
            return
        if inbound.kind is InboundKind.CHECKOUT:
            yield from self._check_out(inbound)
            return
        self._meet(inbound)
        if inbound.kind is InboundKind.PAID and inbound.payment is not None:
            self._take_payment(inbound.payment)
            return
        if inbound.kind is InboundKind.NOTED:
            return
        if inbound.kind in {InboundKind.STOP, InboundKind.START}:
            yield from choices.mirror(self, inbound)
            return
        yield from self._hear(self._seen(inbound))

    def _hear(self, inbound: Inbound) -> Steps:
        """Take what was said to us."""
        word, code = self._word(inbound), elsewhere.code_in(inbound)
        stopped = self.conversation.status is ContactStatus.STOPPED
        if stopped and word is not Word.START and code is None:
            return
        if not self.greeted:
            self._greet()
        if inbound.kind in {InboundKind.EDITED, InboundKind.UNKNOWN}:
            self._explain(inbound)
        elif code is not None:
            yield from elsewhere.give(self, code)
        elif word is not None:
            yield from self._obey(word, inbound)
        elif self.human_speaks():
            self.facts.append(PersonWaits(self.conversation.outlet_id, self.conversation.id))
        else:
            yield from self._answer(inbound)

    def _unsaid(self, inbound: Inbound) -> Steps:
        """Take what no person said here: it opens no conversation and is answered by nobody."""
        c = self.conversation
        match inbound.kind:
            case InboundKind.BLOCKED | InboundKind.UNBLOCKED:
                self._reach(inbound.kind is InboundKind.UNBLOCKED)
            case InboundKind.MOVED:
                self.facts.append(ChatMigrated(c.outlet_id, c.channel_id, c.id, inbound.arguments))
            case InboundKind.BOT:
                number, _, name = inbound.arguments.partition(" ")
                person = inbound.sender.vendor_id
                made = BotMade(c.outlet_id, c.channel_id, c.id, person, int(number), name)
                self.facts.append(made)
            case InboundKind.MOVE:
                yield from elsewhere.hear(self, inbound)
            case InboundKind.TIMER if self.human_speaks():
                dialogues.put_off(self, inbound.arguments)
            case InboundKind.TIMER:
                yield from dialogues.time_out(self, inbound.arguments)

    def _seen(self, inbound: Inbound) -> Inbound:
        """Let the messenger show that a message was read; a tap has an answer of its own."""
        if not inbound.reply_ref or inbound.kind is InboundKind.TAP:
            return inbound
        self.settle(Settle(self.conversation.thread, inbound.reply_ref))
        return replace(inbound, reply_ref="")

    # -- payments ----------------------------------------------------------------------------

    def _check_out(self, inbound: Inbound) -> Steps:
        """Answer whether a payment may go on; nobody pays while nobody takes payments.

        Who said stop is answered too: they are about to pay, and the messenger waits.
        """
        c = self.conversation
        self.update.must_reach = True
        reason = self.text("Payment is not possible here yet. Nothing was charged.")
        if self.env.takes_payments and inbound.payment is not None:
            verdict = yield self.call(MayPay(inbound.payment))
            if isinstance(verdict, Verdict):
                reason = verdict.reason
        approved = not reason
        self.settle(Settle(c.thread, inbound.reply_ref, notice=reason, approved=approved))
        if not self.greeted:
            self._greet()

    def _take_payment(self, payment: Payment) -> None:
        """Tell the business what the messenger took: also from somebody who said stop."""
        c = self.conversation
        self.facts.append(
            PaymentTaken(c.outlet_id, c.channel_id, c.id, c.contact_id, self.event_id, payment)
        )

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

    def human_speaks(self) -> bool:
        """Return whether a person answers here now; one whose time is over leaves to the bot."""
        c = self.conversation
        if c.speaker is Speaker.BOT:
            return False
        if c.speaker_until is not None and c.speaker_until <= self.env.now:
            self._bot_speaks(forgot=c.operator_id)
            return False
        return True

    def _bot_speaks(self, forgot: UUID | None = None) -> None:
        c = self.conversation
        if c.speaker is Speaker.HUMAN:
            self.facts = [fact for fact in self.facts if not isinstance(fact, PersonWaits)]
            self.facts.append(BotSpeaks(c.outlet_id, c.id, forgot))
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
        if self.human_speaks():
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
            case Word.LANGUAGE:
                self.say(self.menu.languages(self.conversation.language))
            case Word.CANCEL:
                self._cancel()
            case _:
                yield from self._decide(word)

    def _decide(self, word: Word) -> Steps:
        """Obey a word about how we may reach the person, and where."""
        match word:
            case Word.STOP:
                self._bot_speaks()
                yield from choices.stop(self)
            case Word.START:
                yield from choices.start(self)
                self._bot_speaks()
                dialogues.cancel(self)
                self.show_menu()
            case Word.CONTINUE:
                yield from elsewhere.offer(self)
            case Word.UNLINK:
                yield from elsewhere.unlink(self)
            case Word.OFFERS_ON | Word.OFFERS_OFF:
                yield from choices.offers(self, wanted=word is Word.OFFERS_ON)

    def _want_human(self) -> None:
        c = self.conversation
        if c.speaker is Speaker.BOT:
            c.speaker = Speaker.HUMAN
            c.speaker_until = self.env.now + HUMAN_WANTED_FOR
        self.facts.append(HumanWanted(c.outlet_id, c.id, c.sender.name))
        self.facts.append(PersonWaits(c.outlet_id, c.id))
        self.say_text(
            "A person from {outlet} will answer you here. Write “menu” to come back to me.",
            outlet=self.env.outlet.name,
        )

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
        return self.say_plain(self.text(msgid, **values))

    def say_plain(self, text: str) -> NewMessage:
        """Send a text as it is."""
        return self.say(Message(text))

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
            self.update.settles.append(PendingSettle(settle, question, self.heard_at))

    def show_menu(self, first: int = 0) -> None:
        """Send the outlet's menu, from its choice ``first`` on where it has pages."""
        c = self.conversation
        menu = self.menu.main(c.language, c.channel_id in self.env.outlet.continues)
        self.say(replace(menu, first=first))

    def call(self, request: Request[Any]) -> Call[Any]:
        """Return a request to the business, as the person of this conversation gives it."""
        c = self.conversation
        actor = Actor(ActorKind.CUSTOMER, c.contact_id.hex)
        return Call(c.outlet_id, actor, request, Origin(c.id, c.contact_id, c.language))
