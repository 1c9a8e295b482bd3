"""Handles the commands about broadcasts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from chatworks.broadcasts import core, store
from chatworks.broadcasts.models import (
    BroadcastMoved,
    BroadcastWritten,
    CannotMove,
    Counted,
    Move,
    NoSuchBroadcast,
    Status,
    WriteBroadcast,
    WrongBroadcast,
)
from chatworks.channels.models import Channel
from chatworks.commands.models import Call
from chatworks.contacts.jobs import Router
from chatworks.contacts.models import Purpose, SendTo
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.outlets.models import Outlet
from chatworks.sdk.messages import Message

LOOKED_AT_ONCE = 500
TOPIC = "broadcast"  # wakes whoever sends


def offer(outlet_id: UUID, conversation_id: UUID, text: str, topic: str) -> SendTo:
    """Return the wish that the person behind a conversation reads an offer."""
    message = Message(text, topic=topic)
    return SendTo(outlet_id, conversation_id, message, Purpose.MARKETING, at_home=False)


class Planner:
    """Handles the writing of drafts. ``outlet_of`` and ``channels_of`` are the directory's."""

    def __init__(
        self,
        router: Router,
        outlet_of: Callable[[UUID], Awaitable[Outlet]],
        channels_of: Callable[[UUID], Awaitable[Sequence[Channel]]],
    ) -> None:
        self._router = router
        self._outlet_of = outlet_of
        self._channels_of = channels_of

    async def write(
        self, work: Work, calls: Sequence[Call[Any]]
    ) -> list[BroadcastWritten | Refusal]:
        """Handle ``WriteBroadcast``: a draft is counted as it is written."""
        answers: list[BroadcastWritten | Refusal] = []
        for call in calls:
            draft: WriteBroadcast = call.request
            outlet = await self._outlet_of(call.outlet_id)
            kinds = [channel.kind for channel in await self._channels_of(call.outlet_id)]
            if problem := core.problem(draft, outlet.languages, kinds):
                answers.append(WrongBroadcast(problem))
                continue
            counted = await self._count(work, call.outlet_id, draft)
            if await store.write_draft(work, call.outlet_id, draft, counted):
                reached = sum(counted.reached.values())
                answers.append(BroadcastWritten(draft.broadcast_id, reached, counted.persons))
            else:
                answers.append(await _no_draft(work, (call.outlet_id, draft.broadcast_id)))
        work.notify(f"outlet {call.outlet_id.hex}" for call in calls)
        return answers

    async def _count(self, work: Work, outlet_id: UUID, draft: WriteBroadcast) -> Counted:
        """Ask the router about the first persons of the segment, as every step will."""
        found, persons = await store.persons(work, (outlet_id, draft.broadcast_id), draft.segment)
        text = next(iter(draft.texts.values()))
        wishes = [offer(outlet_id, one, text, draft.topic) for one in found]
        routes = []
        for start in range(0, len(wishes), LOOKED_AT_ONCE):
            some = wishes[start : start + LOOKED_AT_ONCE]
            routes += await self._router.decide(work, some, draft.segment.kinds)
        return core.count(persons, routes)


async def _no_draft(work: Work, key: store.Key) -> Refusal:
    found = await store.broadcast(work, key)
    return NoSuchBroadcast() if found is None else CannotMove(found.status.value)


async def move(work: Work, calls: Sequence[Call[Any]]) -> list[BroadcastMoved | Refusal]:
    """Handle ``MoveBroadcast``: the broadcast is locked, so that no step runs meanwhile."""
    answers: list[BroadcastMoved | Refusal] = []
    for call in calls:
        key = (call.outlet_id, call.request.broadcast_id)
        found = await store.lock(work, key)
        to = None if found is None else core.moved(found.status, call.request.move)
        if found is None:
            answers.append(NoSuchBroadcast())
        elif to is None:
            answers.append(CannotMove(found.status.value))
        else:
            at = call.request.at if call.request.move is Move.SEND else None
            goes_on = to in {Status.SCHEDULED, Status.SENDING}
            await store.move(work, key, to, (at or work.now) if goes_on else None)
            answers.append(BroadcastMoved(to))
    work.notify([TOPIC, *(f"outlet {call.outlet_id.hex}" for call in calls)])
    return answers
