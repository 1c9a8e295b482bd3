"""How a message finds a person: routes are decided, held through quiet hours, and tried in order.

A route is written with its decision in the transaction that wished for it. What it chose is said by
whoever writes conversations (``Deliver``). Where sending fails for good, the next candidate of a
fresh decision has its turn, each once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from chatworks.channels.models import Channel, ChannelKind
from chatworks.channels.topics import REOPEN
from chatworks.contacts import core, store
from chatworks.contacts.models import (
    Agreed,
    Candidate,
    Decision,
    Deliver,
    Purpose,
    Route,
    Rules,
    SendTo,
)
from chatworks.contacts.store import Reach
from chatworks.inbox.models import Tick
from chatworks.kit.work import Work
from chatworks.outbox.models import ContactUnreachable, PartFailed
from chatworks.outlets.models import Outlet

DUE_MAX = 100  # held routes that one tick sends


class Router:
    """Decides routes. ``outlet_of`` and ``channel_of`` are the directory's."""

    def __init__(
        self,
        kinds: Mapping[str, ChannelKind],
        channel_of: Callable[[UUID], Awaitable[Channel | None]],
        outlet_of: Callable[[UUID], Awaitable[Outlet]],
    ) -> None:
        self._kinds = kinds
        self._channel_of = channel_of
        self._outlet_of = outlet_of

    async def send(self, work: Work, wishes: list[SendTo]) -> None:
        """Hear ``SendTo``: decide each wish, and keep the decision."""
        routes = [Route(w.outlet_id, work.new_id(), w, "held", Decision()) for w in wishes]
        decided = await self._decide(work, routes)
        if decided:
            await store.add_routes(work, decided)
            _deliver(work, decided)

    async def decide(
        self, work: Work, wishes: Sequence[SendTo], kinds: Sequence[str] = ()
    ) -> list[Route]:
        """Return how each wish would be decided now, in order; nothing is written.

        Where there are ``kinds``, only conversations on such channels are looked at.
        """
        found = await store.reaches(work, [(w.outlet_id, w.conversation_id) for w in wishes])
        return [
            await self._decided(
                work,
                Route(wish.outlet_id, wish.conversation_id, wish, "held", Decision()),
                [reach for reach in reaches if not kinds or reach.kind in kinds],
            )
            for wish, reaches in zip(wishes, found, strict=True)
        ]

    async def send_due(self, work: Work, _ticks: list[Tick]) -> None:
        """Hear ``Tick``: decide what was held anew, for much may have changed meanwhile."""
        await self._again(work, await store.due_routes(work, DUE_MAX))

    async def fall_back(
        self, work: Work, facts: Sequence[PartFailed] | Sequence[ContactUnreachable]
    ) -> None:
        """Hear what could not be sent: the next candidate has its turn."""
        keys = [(fact.outlet_id, fact.conversation_id) for fact in facts]
        failed = [
            replace(route, tried=(*route.tried, route.sent_to))
            for route in await store.failed_routes(work, keys)
        ]
        await self._again(work, failed)

    async def _again(self, work: Work, routes: Sequence[Route]) -> None:
        decided = await self._decide(work, routes)
        if decided:
            await store.change_routes(work, decided)
            _deliver(work, decided)

    async def _decide(self, work: Work, routes: Sequence[Route]) -> list[Route]:
        """Return the routes as they stand after a decision; those to nobody are left out."""
        if not routes:
            return []
        keys = [(route.outlet_id, route.wish.conversation_id) for route in routes]
        found = await store.reaches(work, keys)
        return [
            await self._decided(work, route, reaches)
            for route, reaches in zip(routes, found, strict=True)
            if reaches
        ]

    async def _decided(self, work: Work, route: Route, reaches: Sequence[Reach]) -> Route:
        wish = route.wish
        outlet = await self._outlet_of(route.outlet_id)
        candidates = [await self._candidate(wish, reach) for reach in reaches]
        decision = core.choose(
            candidates,
            wish.purpose,
            work.now,
            Rules(
                prefer=tuple(outlet.routing.prefer),
                prices=outlet.routing.prices,
                home=wish.conversation_id if wish.at_home else None,
                tried=route.tried,
            ),
        )
        until = _quiet_until(outlet, wish, candidates, work.now) if decision.chosen else None
        if until is not None:
            return replace(route, status="held", decision=decision, due_at=until, sent_to=None)
        sent_to = decision.chosen[0].conversation_id if decision.chosen else None
        status = "nowhere" if sent_to is None else "sent"
        return replace(route, status=status, decision=decision, due_at=None, sent_to=sent_to)

    async def _candidate(self, wish: SendTo, reach: Reach) -> Candidate:
        channel, kind = await self._channel_of(reach.channel_id), self._kinds.get(reach.kind)
        off = channel is None or kind is None
        topics = {wish.message.topic, REOPEN}
        return Candidate(
            conversation_id=reach.conversation_id,
            kind=reach.kind,
            status=reach.status,
            agreed=Agreed(marketing=reach.marketing),
            channel="off" if off else "broken" if channel and channel.broken else "",
            pushes=kind is not None and kind.send is not None,
            window_hours=None if kind is None else kind.capabilities.window_hours,
            template=channel is not None
            and any(t.status == "approved" and t.topic in topics for t in channel.templates),
            heard_at=reach.heard_at,
            window_at=reach.window_at,
            phone=reach.phone,
        )


def _quiet_until(
    outlet: Outlet, wish: SendTo, candidates: Sequence[Candidate], now: datetime
) -> datetime | None:
    """Return until when a wish waits; what somebody awake waits for is not held back."""
    if wish.purpose is Purpose.TRANSACTIONAL and (
        not outlet.quiet.transactional or any(core.present(c, now) for c in candidates)
    ):
        return None
    home_first = sorted(candidates, key=lambda c: c.conversation_id != wish.conversation_id)
    zone = core.zone_of([c.phone for c in home_first if c.phone], outlet.timezone)
    return core.quiet_until(outlet.quiet.hours, zone, now)


def _deliver(work: Work, routes: Sequence[Route]) -> None:
    for route in routes:
        if route.status == "sent" and route.sent_to is not None:
            bulk = route.wish.purpose is Purpose.MARKETING
            message = route.wish.message
            work.publish(Deliver(route.outlet_id, route.sent_to, message, route.id, bulk))
        work.notify([f"outlet {route.outlet_id.hex}"])
