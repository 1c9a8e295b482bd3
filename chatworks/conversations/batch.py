"""Many turns in one transaction: claim, load, run in rounds, write, and the caller commits.

What vendors report about messages that were sent is taken out first and given to the outbox: it is
no turn, and opens no conversation.

In each round every dialogue runs until it needs something of the business; what they need is
grouped by kind and each kind is answered with one handler call for all of them. Nothing here
commits, and nothing here decides for a single conversation: that is ``turn``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from chatworks.channels.capabilities import TEXT_ALONE
from chatworks.channels.models import Channel, ChannelKind, Report
from chatworks.commands.dispatch import Dispatcher
from chatworks.commands.models import Call
from chatworks.conversations import elsewhere, state, store
from chatworks.conversations.menu import Menu
from chatworks.conversations.models import (
    Alias,
    ContactStatus,
    Conversation,
    Dialogue,
    MayPay,
    OutletView,
)
from chatworks.conversations.service import Scribe
from chatworks.conversations.turn import UNSAID, Env, Event, Steps, Turn
from chatworks.conversations.watchdog import ComputedTooLong, Watchdog
from chatworks.inbox import store as inbox
from chatworks.inbox.models import MOVE_EVENT_PREFIX, TIMER_EVENT_PREFIX, PendingEvent
from chatworks.kit.ids import thread_key
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.outbox import service as outbox
from chatworks.outbox.core import reported
from chatworks.outbox.models import Reported
from chatworks.sdk.applet import Applets
from chatworks.sdk.inbound import Inbound, InboundKind, Sender


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine is composed of."""

    applets: Applets
    dispatcher: Dispatcher
    kinds: Mapping[str, ChannelKind]
    channel_of: Callable[[UUID], Awaitable[Channel | None]]
    outlet_of: Callable[[UUID], Awaitable[OutletView]]
    texts: Texts
    scribe: Scribe
    watchdog: Watchdog


class TurnFailed(Exception):
    """A turn raised: the batch rolls back, and this conversation is tried alone."""

    def __init__(self, thread_key: int, cause: BaseException) -> None:
        super().__init__(f"{type(cause).__name__}: {cause}")
        self.thread_key = thread_key


class TimerFired(msgspec.Struct):
    """The payload of a due timer."""

    dialogue: str
    step: int


class TimerPayload(msgspec.Struct):
    """A due timer as the inbox holds it."""

    timer: TimerFired


class MovePayload(msgspec.Struct):
    """What another conversation tells: one key, ``leave`` or ``arrive``, with an id or ""."""

    move: dict[str, str]


_timer = msgspec.json.Decoder(TimerPayload)
_move = msgspec.json.Decoder(MovePayload)


@dataclass(slots=True)
class _Running:
    """A turn between two rounds: its generator and the answer to send next."""

    turn: Turn
    steps: Steps
    answer: Any = None


async def take_batch(work: Work, parts: Parts, events: Sequence[PendingEvent]) -> None:
    """Take ``events`` (whole conversations, in order) inside ``work``; raises ``TurnFailed``."""
    running = await _prepare(work, parts, events)
    await _run(work, parts, running)
    for item in running:
        work.defer(parts.scribe.write, item.turn.update)
        for fact in item.turn.facts:
            work.publish(fact)
    await inbox.done(work, [event.id for event in events])


async def _prepare(work: Work, parts: Parts, events: Sequence[PendingEvent]) -> list[_Running]:
    channels = {source: await parts.channel_of(source) for source in {e.source for e in events}}
    envs = {outlet: await _env(work, parts, outlet) for outlet in {e.outlet_id for e in events}}
    groups: dict[int, PendingEvent] = {}
    read: dict[int, list[Event]] = {}
    reports: list[Reported] = []
    for event in events:
        said = _read(parts, channels[event.source], event)
        if isinstance(said, Report) and not said.status:
            continue  # it tells nothing that we do not know
        if isinstance(said, Report):
            reports.append(Reported(event.outlet_id, event.source, said))
        else:
            groups.setdefault(event.thread_key, event)
            read.setdefault(event.thread_key, []).append(said)
    if reports:
        await outbox.report(work, reports)
    if not groups:
        return []
    firsts = list(groups.values())
    known = await state.load(
        work, [(e.outlet_id, e.source, e.thread) for e in firsts], list(groups)
    )
    conversations = {conversation.thread_key: conversation for conversation in known}
    unknown = [first for first in firsts if first.thread_key not in conversations]
    moved = await _known_otherwise(work, unknown, read, frozenset(groups))
    conversations.update((c.thread_key, c) for c in moved)
    await _add_new(work, envs, firsts, read, conversations)
    arriving = await _arriving(work, conversations, read)
    running = []
    for first in firsts:
        conversation = conversations.get(first.thread_key)
        if conversation is None:
            continue
        channel = channels[first.source]
        capable = parts.kinds[channel.kind].capabilities if channel else TEXT_ALONE
        turn = Turn(envs[first.outlet_id], conversation, capable, arriving)
        running.append(_Running(turn, turn.take(read[first.thread_key])))
    return running


async def _env(work: Work, parts: Parts, outlet_id: UUID) -> Env:
    outlet = await parts.outlet_of(outlet_id)
    return Env(
        applets=parts.applets,
        outlet=outlet,
        menu=Menu(parts.applets, outlet, parts.texts),
        texts=parts.texts,
        now=work.now,
        new_id=work.new_id,
        takes_payments=MayPay.request_name in parts.dispatcher.names(),
    )


def _read(parts: Parts, channel: Channel | None, event: PendingEvent) -> Event | Report:
    """Read a stored event into our words, or the vendor's report that it is; what cannot be read
    fails its turn.
    """
    try:
        if event.event_id.startswith(TIMER_EVENT_PREFIX):
            fired = _timer.decode(event.payload).timer
            arguments = f"{fired.dialogue} {fired.step}"
            due = Inbound(InboundKind.TIMER, Sender(""), arguments=arguments)
            return Event(event.id, due, event.received_at)
        if event.event_id.startswith(MOVE_EVENT_PREFIX):
            ((what, which),) = _move.decode(event.payload).move.items()
            move = Inbound(InboundKind.MOVE, Sender(""), text=what, arguments=which)
            return Event(event.id, move, event.received_at)
        if channel is not None:
            read = parts.kinds[channel.kind].read(event.payload, channel)
            if isinstance(read, Inbound):
                return Event(event.id, read, event.received_at)
            if read.status:
                reported(read.status)
            return read
    except Exception as error:
        raise TurnFailed(event.thread_key, error) from error
    gone = LookupError("the channel of this event is switched off or gone")
    raise TurnFailed(event.thread_key, gone)


async def _arriving(
    work: Work, conversations: Mapping[int, Conversation], read: Mapping[int, Sequence[Event]]
) -> Mapping[UUID, Dialogue]:
    """Load the dialogues that other conversations have handed over to these."""
    wanted = [
        (c.outlet_id, UUID(event.inbound.arguments), c.id)
        for key, c in conversations.items()
        for event in read[key]
        if elsewhere.arrives(event.inbound) and event.inbound.arguments
    ]
    return await state.arriving(work, wanted) if wanted else {}


async def _known_otherwise(
    work: Work,
    firsts: Sequence[PendingEvent],
    read: Mapping[int, Sequence[Event]],
    taken: frozenset[int],
) -> list[Conversation]:
    """Return the conversations that are known under another id of their person, moved to this one.

    A conversation is moved under both locks. Where somebody else holds the other one, or this very
    batch takes its events, the turn fails and is tried again alone.
    """
    aliases: dict[int, Alias] = {}  # by the lock that guards them now
    for first in firsts:
        for alias in {a for e in read[first.thread_key] for a in e.inbound.sender.aliases}:
            lock = thread_key(first.source, alias)
            where = (first.outlet_id, first.source, alias)
            aliases[lock] = (*where, first.thread, first.thread_key)
    if not aliases:
        return []
    locked = set(await inbox.lock(work, list(aliases)))
    for lock, (*_, key) in aliases.items():
        if lock in taken or lock not in locked:
            busy = LookupError("this person's conversation under another id is busy")
            raise TurnFailed(key, busy)
    await store.adopt(work, list(aliases.values()))
    return await state.load(
        work, [(f.outlet_id, f.source, f.thread) for f in firsts], [f.thread_key for f in firsts]
    )


async def _add_new(
    work: Work,
    envs: Mapping[UUID, Env],
    firsts: Sequence[PendingEvent],
    read: Mapping[int, Sequence[Event]],
    conversations: dict[int, Conversation],
) -> None:
    new = []
    for first in firsts:
        if first.thread_key in conversations:
            continue
        inbound = next((e.inbound for e in read[first.thread_key] if _opens(e.inbound)), None)
        if inbound is not None:
            new.append(_newcomer(work, first, inbound, envs[first.outlet_id].outlet))
    if new:
        await state.add_people(work, new)
        conversations.update((conversation.thread_key, conversation) for conversation in new)


def _opens(inbound: Inbound) -> bool:
    """Whether an event may begin a conversation; being blocked by a stranger does not."""
    return inbound.kind not in UNSAID


def _newcomer(
    work: Work, event: PendingEvent, inbound: Inbound, outlet: OutletView
) -> Conversation:
    """Return a new conversation. A group is a contact of its own: whoever speaks in it may be
    known from a chat in private, under the id that is theirs.
    """
    wanted = inbound.sender.language.partition("-")[0]
    group = Sender(event.thread, name=inbound.chat_title)
    return Conversation(
        outlet_id=event.outlet_id,
        id=work.new_id(),
        channel_id=event.source,
        contact_id=work.new_id(),
        thread=event.thread,
        thread_key=event.thread_key,
        sender=group if inbound.is_group else inbound.sender,
        status=ContactStatus.ACTIVE,
        language=wanted if wanted in outlet.languages else outlet.languages[0],
        is_group=inbound.is_group,
        is_new=True,
    )


async def _run(work: Work, parts: Parts, running: Sequence[_Running]) -> None:
    """Run every turn to its end, answering one round of calls at a time."""
    ready = list(running)
    while ready:
        waiting: list[_Running] = []
        calls: list[Call[Any]] = []
        for item in ready:
            call = _step(parts.watchdog, item)
            if call is not None:
                waiting.append(item)
                calls.append(call)
        answers = await parts.dispatcher.run(work, calls) if calls else []
        for item, answer in zip(waiting, answers, strict=True):
            item.answer = answer
        ready = waiting


def _step(watchdog: Watchdog, item: _Running) -> Call[Any] | None:
    try:
        with watchdog.step():
            return item.steps.send(item.answer)
    except StopIteration:
        return None
    except (Exception, ComputedTooLong) as error:
        raise TurnFailed(item.turn.conversation.thread_key, error) from error
