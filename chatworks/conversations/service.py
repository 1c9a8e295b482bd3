"""Writes what is said: numbers messages, plans them for their channel, queues the wire parts.

Turns and everybody else (an order's progress, an operator's reply) come through the same writer,
once per transaction, after all business rows are locked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from chatworks.channels.models import Channel, ChannelKind, Prompt, Settle, WirePart
from chatworks.commands.models import Actor, ActorKind, Call
from chatworks.contacts.models import Deliver
from chatworks.contacts.store import place_routes
from chatworks.conversations import store
from chatworks.conversations.models import (
    REPLY_LENGTH_MAX,
    CannotReach,
    ContactStatus,
    EmptyReply,
    NewMessage,
    NoSuchConversation,
    PendingSettle,
    Post,
    Speaker,
    Spoken,
    Update,
)
from chatworks.conversations.store import Held, SpeakerChange
from chatworks.inbox import store as inbox
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.outbox import service as outbox
from chatworks.outbox.models import NewPart
from chatworks.sdk.messages import Message

HUMAN_SPEAKS_FOR = timedelta(hours=12)  # then the bot answers again by itself

ChannelOf = Callable[[UUID], Awaitable[Channel | None]]


def post(work: Work, message: Post) -> None:
    """Have ``message`` written and sent with this transaction."""
    work.publish(message)


class Scribe:
    """The one writer of conversations. ``hear_posts`` subscribes to ``Post``."""

    def __init__(self, kinds: Mapping[str, ChannelKind], channel_of: ChannelOf) -> None:
        self._kinds = kinds
        self._channel_of = channel_of

    async def hear_posts(self, work: Work, posts: list[Post]) -> None:
        """Take the posts of a transaction; they are written with everything else at its end."""
        for item in posts:
            message = NewMessage("out", item.author, item.message)
            work.defer(self.write, Update(item.outlet_id, item.conversation_id, [message]))

    async def hear_routes(self, work: Work, chosen: list[Deliver]) -> None:
        """Take what routes chose these conversations for."""
        for item in chosen:
            message = NewMessage("out", "system", item.message, route_id=item.route_id)
            work.defer(self.write, Update(item.outlet_id, item.conversation_id, [message]))

    async def write(self, work: Work, updates: list[Update]) -> None:
        """Write all ``updates`` of a transaction; meant for ``work.defer``."""
        merged = _merge(updates)
        changed = [u.state for u in merged if u.state is not None and u.contact_changed]
        if changed:
            await store.change_contacts(work, changed)
        rows = await store.hold(work, merged)
        merged = [update for update in merged if update.conversation_id in rows]
        for update in merged:
            _number(update, rows[update.conversation_id].last_seq)
        await store.advance(work, merged, rows)
        await self._write_dialogues(work, merged)
        if any(update.messages for update in merged):
            await store.write_messages(work, merged)
        await _write_routes(work, merged)
        await _write_moves(work, merged)
        await self._send(work, merged, rows)

    async def _write_dialogues(self, work: Work, updates: Sequence[Update]) -> None:
        owned = [(update, d) for update in updates for d in update.dialogues.values()]
        for _, dialogue in owned:
            if dialogue.question is not None:
                dialogue.asked_seq = dialogue.question.seq
        rewritten = [pair for pair in owned if pair[1].rewritten]
        if rewritten:
            await store.clear_journals(work, rewritten)
        if owned:
            await store.write_dialogues(work, owned)
        timers = [(u.state, t) for u in updates if u.state is not None for t in u.timers]
        if timers:
            await store.write_timers(work, timers)

    async def _send(self, work: Work, updates: Sequence[Update], rows: Mapping[UUID, Held]) -> None:
        parts: list[NewPart] = []
        topics: set[str] = set()
        for update in updates:
            row = rows[update.conversation_id]
            topics.add(f"outlet {update.outlet_id.hex}")
            channel = await self._channel_of(row.channel_id)
            kind = None if channel is None else self._kinds.get(channel.kind)
            if kind is None or kind.send is None:
                topics.add(f"chat {update.conversation_id.hex}")
            elif row.status is ContactStatus.ACTIVE or update.must_reach:
                parts.extend(_parts(work, update, row, kind))
        work.notify(topics)
        if parts:
            await outbox.queue(work, parts)


async def _write_routes(work: Work, updates: Sequence[Update]) -> None:
    """Tell routes which message they have become."""
    placed = [
        (update.outlet_id, message.route_id, message.seq)
        for update in updates
        for message in update.messages
        if message.route_id is not None
    ]
    if placed:
        await place_routes(work, placed)


async def _write_moves(work: Work, updates: Sequence[Update]) -> None:
    """Tell other conversations what comes to them."""
    moves = [(update.outlet_id, move) for update in updates for move in update.moves]
    if not moves:
        return
    known = await store.addresses(work, [(outlet, m.conversation_id) for outlet, m in moves])
    events = []
    for outlet_id, move in moves:
        address = known.get(move.conversation_id)
        told = "" if move.dialogue_id is None else move.dialogue_id.hex
        if address is not None:
            events.append(inbox.move_event(work, outlet_id, address, {"arrive": told}))
    await inbox.accept(work.conn, events, work.now)


def _merge(updates: Sequence[Update]) -> list[Update]:
    """Put what several callers say in one conversation together, the turn's own words first."""
    by_id: dict[UUID, Update] = {}
    for update in sorted(updates, key=lambda item: item.state is None):
        known = by_id.get(update.conversation_id)
        if known is None:
            by_id[update.conversation_id] = update
        else:
            known.messages.extend(update.messages)
    return list(by_id.values())


def _number(update: Update, last_seq: int) -> None:
    for seq, message in enumerate(update.messages, start=last_seq + 1):
        message.seq = seq


def _parts(work: Work, update: Update, row: Held, kind: ChannelKind) -> list[NewPart]:
    """Answer taps first, then say what there is to say, then tidy up the answered questions."""
    parts: list[NewPart] = []

    def add(seq: int, wire: Sequence[WirePart]) -> None:
        for part in wire:
            expires = part.expires_seconds
            parts.append(
                NewPart(
                    id=work.new_id(),
                    outlet_id=update.outlet_id,
                    channel_id=row.channel_id,
                    conversation_id=update.conversation_id,
                    thread=row.thread,
                    message_seq=seq,
                    part=len(parts),
                    payload=part,
                    ready_at=work.now,
                    expires_at=None if expires is None else work.now + timedelta(seconds=expires),
                )
            )

    settled = [part for pending in update.settles for part in kind.settle(_settle(pending))]
    add(0, [part for part in settled if part.urgent])
    for message in update.messages:
        if message.direction == "out" and isinstance(message.content, Message):
            prompt = Prompt(row.thread, message.seq, message.content, row.is_group)
            add(message.seq, kind.plan(prompt).parts)
    add(0, [part for part in settled if not part.urgent])
    return parts


def _settle(pending: PendingSettle) -> Settle:
    if pending.question is None:
        return pending.settle
    return replace(pending.settle, asked_seq=pending.question.seq)


async def take_over(work: Work, calls: Sequence[Call[Any]]) -> list[Spoken | Refusal]:
    """Handle ``TakeOver``: the operator speaks for the next twelve hours."""
    return await _set_speaker(work, calls, Speaker.HUMAN)


async def hand_back(work: Work, calls: Sequence[Call[Any]]) -> list[Spoken | Refusal]:
    """Handle ``HandBack``."""
    return await _set_speaker(work, calls, Speaker.BOT)


async def _set_speaker(
    work: Work, calls: Sequence[Call[Any]], speaker: Speaker
) -> list[Spoken | Refusal]:
    keys = [(call.outlet_id, call.request.conversation_id) for call in calls]
    found = await store.for_commands(work, keys)
    changes = [
        _change(work, call.actor, key, speaker)
        for call, key, row in zip(calls, keys, found, strict=True)
        if row is not None
    ]
    await store.set_speakers(work, changes)
    work.notify(f"outlet {outlet.hex}" for outlet, _ in keys)
    return [NoSuchConversation() if row is None else Spoken(speaker.value) for row in found]


def _change(work: Work, actor: Actor, key: tuple[UUID, UUID], speaker: Speaker) -> SpeakerChange:
    human = speaker is Speaker.HUMAN
    operator = UUID(actor.id) if human and actor.kind is ActorKind.OPERATOR else None
    until = work.now + HUMAN_SPEAKS_FOR if human else None
    return SpeakerChange(key[0], key[1], speaker, operator, until)


async def reply(work: Work, calls: Sequence[Call[Any]]) -> list[Spoken | Refusal]:
    """Handle ``Reply``: the operator's words leave through the outbox, and the bot keeps silent."""
    keys = [(call.outlet_id, call.request.conversation_id) for call in calls]
    found = await store.for_commands(work, keys)
    answers: list[Spoken | Refusal] = []
    changes = []
    for call, key, row in zip(calls, keys, found, strict=True):
        text = call.request.text.strip()
        if row is None:
            answers.append(NoSuchConversation())
        elif row.status is not ContactStatus.ACTIVE:
            answers.append(CannotReach(row.status.value))
        elif not 0 < len(text) <= REPLY_LENGTH_MAX:
            answers.append(EmptyReply())
        else:
            post(work, Post(*key, Message(text), author=f"operator:{call.actor.id}"))
            changes.append(_change(work, call.actor, key, Speaker.HUMAN))
            answers.append(Spoken(Speaker.HUMAN.value))
    await store.set_speakers(work, changes)
    return answers
