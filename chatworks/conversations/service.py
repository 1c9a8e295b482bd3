"""Writes what is said: numbers messages, plans them for their channel, queues the wire parts.

Turns and everybody else (an order's progress, an operator's reply) come through the same writer,
once per transaction, after all business rows are locked.

Where a vendor takes free text only for a while after the person wrote, a message that comes too
late is held, and a template that the channel's plan chooses goes out instead; what is held leaves,
in its old place, before anything that answers what the person writes next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from chatworks.channels.models import WINDOW, Channel, ChannelKind, Plan, Prompt, Settle, WirePart
from chatworks.channels.topics import ANSWER, REOPEN
from chatworks.commands.models import Actor, Call
from chatworks.contacts.models import Deliver
from chatworks.contacts.store import addresses, place_routes
from chatworks.conversations import state, store
from chatworks.conversations.models import (
    LEASE,
    REPLY_LENGTH_MAX,
    BotSpeaks,
    CannotReach,
    ContactStatus,
    EmptyReply,
    HeldBy,
    NewMessage,
    NoSuchConversation,
    NoSuchFile,
    PendingSettle,
    PersonAnswered,
    Post,
    PostWritten,
    Speaker,
    Spoken,
    Update,
)
from chatworks.conversations.state import Held
from chatworks.conversations.store import Reachable, SpeakerChange
from chatworks.inbox import store as inbox
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.media import service as media
from chatworks.media.models import Wanted
from chatworks.outbox import service as outbox
from chatworks.outbox.models import HELD_FOR_MOST, NewPart, WindowClosed
from chatworks.sdk.inbound import Inbound
from chatworks.sdk.messages import Media, Message

ChannelOf = Callable[[UUID], Awaitable[Channel | None]]


def typing_topic(side: str, outlet_id: UUID, conversation_id: UUID) -> str:
    """Return what is notified while a ``side`` ("shop", "person") writes; nothing is stored."""
    return f"typing {side}:{outlet_id.hex}:{conversation_id.hex}"


def post(work: Work, message: Post) -> None:
    """Have ``message`` written and sent with this transaction."""
    work.publish(message)


class Scribe:
    """The one writer of conversations. ``hear_posts`` subscribes to ``Post``, ``hear_closed`` to
    ``WindowClosed``; ``address`` is this installation's public one.
    """

    def __init__(
        self, kinds: Mapping[str, ChannelKind], channel_of: ChannelOf, address: str = ""
    ) -> None:
        self._kinds = kinds
        self._channel_of = channel_of
        self._address = address

    async def hear_posts(self, work: Work, posts: list[Post]) -> None:
        """Take the posts of a transaction; they are written with everything else at its end."""
        for item in posts:
            message = NewMessage(
                "out", item.author, item.message, bulk=item.bulk, reference=item.reference
            )
            work.defer(self.write, Update(item.outlet_id, item.conversation_id, [message]))

    async def hear_routes(self, work: Work, chosen: list[Deliver]) -> None:
        """Take what routes chose these conversations for."""
        for item in chosen:
            message = NewMessage(
                "out", "system", item.message, route_id=item.route_id, bulk=item.bulk
            )
            work.defer(self.write, Update(item.outlet_id, item.conversation_id, [message]))

    async def write(self, work: Work, updates: list[Update]) -> None:
        """Write all ``updates`` of a transaction; meant for ``work.defer``."""
        merged = _merge(updates)
        changed = [u.state for u in merged if u.state is not None and u.contact_changed]
        if changed:
            await state.change_contacts(work, changed)
        rows = await state.hold(work, merged)
        merged = [update for update in merged if update.conversation_id in rows]
        for update in merged:
            _number(update, rows[update.conversation_id].last_seq)
        if any(update.messages for update in merged):
            await state.write_messages(work, merged)
        await _want_files(work, merged, rows)
        await state.advance(work, merged, rows)
        await self._write_dialogues(work, merged)
        await _write_routes(work, merged)
        _tell_written(work, merged, rows)
        await _write_moves(work, merged)
        await self._send(work, merged, rows)

    async def _write_dialogues(self, work: Work, updates: Sequence[Update]) -> None:
        owned = [(update, d) for update in updates for d in update.dialogues.values()]
        for _, dialogue in owned:
            if dialogue.question is not None:
                dialogue.asked_seq = dialogue.question.seq
        rewritten = [pair for pair in owned if pair[1].rewritten]
        if rewritten:
            await state.clear_journals(work, rewritten)
        if owned:
            await state.write_dialogues(work, owned)
        timers = [(u.state, t) for u in updates if u.state is not None for t in u.timers]
        if timers:
            await state.write_timers(work, timers)

    async def _send(self, work: Work, updates: Sequence[Update], rows: Mapping[UUID, Held]) -> None:
        drafts: list[_Draft] = []
        topics: set[str] = set()
        for update in updates:
            row = rows[update.conversation_id]
            topics.add(f"outlet {update.outlet_id.hex}")
            channel = await self._channel_of(row.channel_id)
            kind = None if channel is None else self._kinds.get(channel.kind)
            if channel is None or kind is None or kind.send is None:
                topics.add(f"chat {update.conversation_id.hex}")
            elif row.status is ContactStatus.ACTIVE or update.must_reach:
                drafts.append(_Draft(work, update, row, channel, kind))
        work.notify(topics)
        for draft in drafts:
            draft.plan(self._address)
        heard = [draft.key for draft in drafts if draft.opens_window]
        if heard:
            await outbox.release(work, heard, WINDOW)
        late = [draft.key for draft in drafts if draft.holds]
        waiting = await outbox.waiting(work, late) if late else set()
        parts = [part for draft in drafts for part in draft.parts(waits=draft.key in waiting)]
        if parts:
            await outbox.queue(work, parts)

    async def hear_closed(self, work: Work, facts: list[WindowClosed]) -> None:
        """Plan refused messages anew: a template leaves, and what was said waits in its place.

        What the person wrote since the message left has opened the window again: then it is sent
        again. A message for which there is no other way stays failed.
        """
        rows = await state.hold_keys(work, [(f.outlet_id, f.conversation_id) for f in facts])
        for fact in facts:
            row = rows.get(fact.conversation_id)
            channel = None if row is None else await self._channel_of(row.channel_id)
            kind = None if channel is None else self._kinds.get(channel.kind)
            if row is None or channel is None or kind is None:
                continue
            if row.heard_at is not None and row.heard_at > fact.at:
                await outbox.send_anew(work, fact.outlet_id, fact.part_id)
                continue
            key = (fact.outlet_id, fact.conversation_id)
            await store.close_window(work, *key, fact.at)
            message = await store.said(work, *key, fact.message_seq)
            if message is not None:
                again = NewMessage("out", "", message, seq=fact.message_seq)
                draft = _Draft(
                    work, Update(*key, [again]), replace(row, heard_at=None), channel, kind
                )
                await self._hold_back(work, fact, draft)

    async def _hold_back(self, work: Work, fact: WindowClosed, draft: _Draft) -> None:
        draft.plan(self._address)
        waits = draft.key in await outbox.waiting(work, [draft.key])
        told = await outbox.templated(work, *draft.key, fact.message_seq)
        if draft.holds and not await outbox.hold_back(work, fact, WINDOW):
            return
        parts = [part for part in draft.parts(waits=waits) if part.payload.template]
        if parts and not told:
            await outbox.queue(work, parts)


@dataclass(slots=True)
class _Draft:
    """What one update sends: planned, then turned into parts of the outbox."""

    work: Work
    update: Update
    row: Held
    channel: Channel
    kind: ChannelKind
    plans: list[tuple[NewMessage, Plan]] = field(default_factory=list)
    made: list[NewPart] = field(default_factory=list)

    @property
    def key(self) -> tuple[UUID, UUID]:
        """Return whose it is: outlet and conversation."""
        return self.update.outlet_id, self.update.conversation_id

    @property
    def opens_window(self) -> bool:
        """Whether the person wrote where free text is taken for a while; not if they said stop."""
        windowed = self.kind.capabilities.window_hours is not None
        return windowed and self.update.heard and self.row.status is ContactStatus.ACTIVE

    @property
    def holds(self) -> bool:
        """Whether some of it must wait."""
        return any(plan.held for _, plan in self.plans)

    def plan(self, address: str) -> None:
        """Plan every message for its channel."""
        hours, heard_at = self.kind.capabilities.window_hours, self.row.heard_at
        opened = hours is None or self.update.heard
        if hours is not None and heard_at is not None:
            opened = opened or self.work.now - heard_at < timedelta(hours=hours)
        for message in self.update.messages:
            if message.direction == "out" and isinstance(message.content, Message):
                prompt = Prompt(
                    thread=self.row.thread,
                    seq=message.seq,
                    message=message.content,
                    is_group=self.row.is_group,
                    language=self.row.language,
                    address=address,
                    window_open=opened,
                    templates=self.channel.templates,
                )
                self.plans.append((message, self.kind.plan(prompt)))

    def parts(self, *, waits: bool) -> list[NewPart]:
        """Answer taps first, then say what there is to say, then tidy up the answered questions.

        ``waits`` tells that something is held here already: the person was asked to write.
        """
        settles = [(p, w) for p in self.update.settles for w in self.kind.settle(_settle(p))]
        reopening = {t.name for t in self.channel.templates if t.topic == REOPEN}
        for pending, part in settles:
            if part.urgent:
                self._add(0, [part], since=pending.heard_at)
        for message, plan in self.plans:
            asked = reopening if waits else frozenset()
            first = [part for part in plan.first if part.template not in asked]
            self._add(message.seq, first, bulk=message.bulk)
            self._add(message.seq, plan.parts, held_for=plan.held, bulk=message.bulk)
            waits = waits or bool(plan.held)
        self._add(0, [part for _, part in settles if not part.urgent])
        return self.made

    def _add(
        self,
        seq: int,
        wire: Sequence[WirePart],
        *,
        held_for: str = "",
        bulk: bool = False,
        since: datetime | None = None,
    ) -> None:
        """Add parts; what expires does so counted from ``since``, or from now."""
        now = self.work.now
        for part in wire:
            expires_at = now + HELD_FOR_MOST if held_for else None
            if part.expires_seconds is not None:
                expires_at = (since or now) + timedelta(seconds=part.expires_seconds)
                if expires_at <= now:
                    continue  # whoever waited for it has gone; what it did stays done
            self.made.append(
                NewPart(
                    id=self.work.new_id(),
                    outlet_id=self.update.outlet_id,
                    channel_id=self.row.channel_id,
                    conversation_id=self.update.conversation_id,
                    thread=self.row.thread,
                    message_seq=seq,
                    part=len(self.made),
                    payload=part,
                    ready_at=self.work.now,
                    expires_at=expires_at,
                    held_for=held_for,
                    bulk=bulk,
                )
            )


async def _want_files(work: Work, updates: Sequence[Update], rows: Mapping[UUID, Held]) -> None:
    """Have the files fetched that people sent: after this transaction, never inside it."""
    wanted = [
        Wanted(
            update.outlet_id,
            rows[update.conversation_id].channel_id,
            update.conversation_id,
            message.seq,
            message.content.file,
        )
        for update in updates
        for message in update.messages
        if isinstance(message.content, Inbound) and message.content.file is not None
    ]
    if wanted:
        await media.want(work, wanted)


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


def _tell_written(work: Work, updates: Sequence[Update], rows: Mapping[UUID, Held]) -> None:
    """Tell whoever posted with a reference which message it is."""
    for update in updates:
        for message in update.messages:
            if message.reference is not None:
                key = (update.outlet_id, update.conversation_id)
                status = rows[update.conversation_id].status
                work.publish(PostWritten(*key, message.seq, message.reference, status))


async def _write_moves(work: Work, updates: Sequence[Update]) -> None:
    """Tell other conversations what comes to them."""
    moves = [(update.outlet_id, move) for update in updates for move in update.moves]
    if not moves:
        return
    known = await addresses(work, [(outlet, m.conversation_id) for outlet, m in moves])
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


def _settle(pending: PendingSettle) -> Settle:
    if pending.question is None:
        return pending.settle
    return replace(pending.settle, asked_seq=pending.question.seq)


async def take_over(work: Work, calls: Sequence[Call[Any]]) -> list[Spoken | Refusal]:
    """Handle ``TakeOver``: the operator holds the conversation until the lease runs out."""
    return await _set_speakers(work, calls, Speaker.HUMAN, _taking)


async def hand_back(work: Work, calls: Sequence[Call[Any]]) -> list[Spoken | Refusal]:
    """Handle ``HandBack``."""
    answers = await _set_speakers(work, calls, Speaker.BOT, _holding)
    for call, answer in zip(calls, answers, strict=True):
        if isinstance(answer, Spoken):
            work.publish(BotSpeaks(call.outlet_id, call.request.conversation_id))
    return answers


async def reply(work: Work, calls: Sequence[Call[Any]]) -> list[Spoken | Refusal]:
    """Handle ``Reply``: the operator's words leave through the outbox, and the bot keeps silent."""
    files: dict[int, tuple[Media, ...] | None] = {}
    for call in calls:
        if call.request.media:
            key = (call.outlet_id, call.request.conversation_id)
            files[id(call)] = await media.given(work, key, call.request.media)

    def objection(work: Work, call: Call[Any], row: Reachable) -> Refusal | None:
        return NoSuchFile() if files.get(id(call), ()) is None else _replying(work, call, row)

    answers = await _set_speakers(work, calls, Speaker.HUMAN, objection)
    for call, answer in zip(calls, answers, strict=True):
        if isinstance(answer, Spoken):
            key = (call.outlet_id, call.request.conversation_id)
            text = call.request.text.strip()
            message = Message(text, media=files.get(id(call)) or (), topic=ANSWER)
            post(work, Post(*key, message, author=f"operator:{call.actor.behalf or call.actor.id}"))
            work.publish(PersonAnswered(*key, call.actor.operator_id))
    return answers


Objection = Callable[[Work, Call[Any], Reachable], Refusal | None]


def _taking(work: Work, call: Call[Any], row: Reachable) -> Refusal | None:
    """Refuse to take what somebody else holds than the one that the operator saw."""
    return None if row.operator_id == call.request.holder_id else _holding(work, call, row)


def _holding(work: Work, call: Call[Any], row: Reachable) -> Refusal | None:
    """Refuse where a colleague holds the conversation."""
    if row.speaker is Speaker.BOT or row.operator_id in {None, call.actor.operator_id}:
        return None
    if row.until is None or row.until <= work.now:
        return None
    return HeldBy(row.holder, -(-(row.until - work.now) // timedelta(minutes=1)))


def _replying(work: Work, call: Call[Any], row: Reachable) -> Refusal | None:
    if row.status is not ContactStatus.ACTIVE:
        return CannotReach(row.status.value)
    length = len(call.request.text.strip())
    if length > REPLY_LENGTH_MAX or not (length or call.request.media):
        return EmptyReply()
    return _holding(work, call, row)


async def _set_speakers(
    work: Work, calls: Sequence[Call[Any]], speaker: Speaker, objection: Objection
) -> list[Spoken | Refusal]:
    """Have ``speaker`` speak in each conversation, unless there is an ``objection``.

    The conversations are locked first: of several who come at the same moment, each sees what the
    one before has done.
    """
    keys = [(call.outlet_id, call.request.conversation_id) for call in calls]
    found = await store.for_commands(work, keys)
    answers: list[Spoken | Refusal] = []
    changes: dict[tuple[UUID, UUID], SpeakerChange] = {}
    for call, key, row in zip(calls, keys, found, strict=True):
        no = NoSuchConversation() if row is None else objection(work, call, row)
        answers.append(no or Spoken(speaker.value))
        if no is None:
            changes[key] = _change(work, call.actor, key, speaker)
    await store.set_speakers(work, list(changes.values()))
    work.notify(f"outlet {outlet.hex}" for outlet, _ in keys)
    return answers


def _change(work: Work, actor: Actor, key: tuple[UUID, UUID], speaker: Speaker) -> SpeakerChange:
    if speaker is Speaker.BOT:
        return SpeakerChange(*key, speaker, None, None)
    return SpeakerChange(*key, speaker, actor.operator_id, work.now + LEASE)
