"""What may leave now: which lanes, how many parts of each, and what a vendor's limits hold back.

A lease costs as much as there are lanes with work and parts to take, however many parts wait: a
lane of a channel is one range of an index in the order of time, a channel that its limit holds is
not looked at, and what a chat's limit holds back moves behind that time with all that follows it.

Fairness: places are shared among channels, so that one channel's backlog or a slow vendor leaves
room for the others; urgent parts go first, and bulk parts take what the others leave and a part of
what the limits allow, so that an answer to a person finds room at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chatworks.channels.models import ChannelKind, Limits
from chatworks.kit.work import Work
from chatworks.outbox import core, store
from chatworks.outbox.models import Leased, Part, PartLane, Waiting

BULK_SHARE = 2 / 3  # of a channel's places, and of its burst


@dataclass(slots=True)
class Room:
    """How many parts a sender takes: in all, and at most of one channel; and what flies now."""

    free: int
    channel_most: int
    flying: Mapping[UUID, int] = field(default_factory=dict)

    def of(self, channel_id: UUID, lane: PartLane) -> int:
        """Return how many places a lane of a channel has."""
        flying = self.flying.get(channel_id, 0)
        most = self.channel_most
        if lane is PartLane.BULK:
            most = int(most * BULK_SHARE)
        return self.free if lane is PartLane.URGENT else max(0, most - flying)


@dataclass(slots=True)
class _Limited:
    """The locked buckets of the channels of one lease."""

    now: datetime
    limits: dict[UUID, tuple[str, Limits]]
    arrivals: dict[str, datetime]

    def allowance(self, lane: Waiting) -> tuple[int | None, datetime | None]:
        """Return how many sends a channel's limit allows (None: any), and when the next."""
        known = self.limits.get(lane.channel_id)
        if known is None or lane.lane is PartLane.URGENT:
            return None, None
        scope, limits = known
        burst = limits.channel_burst
        if lane.lane is PartLane.BULK:
            burst = max(1, int(burst * BULK_SHARE))
        arrival = self.arrivals.get(scope)
        return core.allowance(arrival, self.now, limits.channel_interval, burst)

    def charge(self, parts: Sequence[Part]) -> None:
        """Draw what leaves from the channels' buckets."""
        for part in parts:
            known = self.limits.get(part.channel_id)
            if known is not None and part.lane != PartLane.URGENT:
                scope, limits = known
                arrival = self.arrivals.get(scope)
                interval, burst = limits.channel_interval, limits.channel_burst
                self.arrivals[scope] = core.admit(arrival, self.now, interval, burst)[0]


async def lease(work: Work, kinds: Mapping[str, ChannelKind], room: Room) -> Leased:
    """Lease what may leave now within ``room``; what a chat's limit holds goes back."""
    waiting = await store.lanes(work)
    if not waiting:
        return Leased([], None)
    limited = await _limited(work, waiting, kinds)
    times = [lane.next_at for lane in waiting if lane.next_at is not None]
    taken: list[Part] = []
    postponed: list[tuple[Part, datetime]] = []
    chats: dict[str, datetime] = {}
    for bulk in (False, True):
        tier = [lane for lane in waiting if lane.ready and (lane.lane is PartLane.BULK) is bulk]
        left = Room(room.free - len(taken), room.channel_most, _flying(room.flying, taken))
        parts = await store.lease(work, _counts(tier, left, limited, times))
        admitted = await _through_chats(work, parts, kinds, (chats, postponed))
        limited.charge(admitted)
        taken += admitted
    await store.set_arrivals(work, {**limited.arrivals, **chats})
    await store.give_back(work, postponed)
    times += [ready_at for _, ready_at in postponed]
    return Leased(taken, min(times, default=None))


async def _limited(
    work: Work, waiting: Sequence[Waiting], kinds: Mapping[str, ChannelKind]
) -> _Limited:
    limits: dict[UUID, tuple[str, Limits]] = {}
    for lane in waiting:
        kind = kinds.get(lane.kind)
        if lane.ready and lane.lane is not PartLane.URGENT and kind and kind.limits:
            scope = core.channel_scope(lane.kind, lane.channel_id.hex)
            limits[lane.channel_id] = (scope, kind.limits)
    arrivals = await store.arrivals(work, [scope for scope, _ in limits.values()])
    return _Limited(work.now, limits, arrivals)


def _flying(known: Mapping[UUID, int], taken: Sequence[Part]) -> dict[UUID, int]:
    flying = dict(known)
    for part in taken:
        flying[part.channel_id] = flying.get(part.channel_id, 0) + 1
    return flying


def _counts(
    lanes: Sequence[Waiting], room: Room, limited: _Limited, times: list[datetime]
) -> dict[tuple[PartLane, UUID], int]:
    """Return how many parts to take of each lane; ``times`` gets when held channels go on."""
    counts: dict[tuple[PartLane, UUID], int] = {}
    free = room.free
    for tier in PartLane:
        wanted: dict[UUID, int] = {}
        for lane in lanes:
            if lane.lane is not tier:
                continue
            most, next_at = limited.allowance(lane)
            wanted[lane.channel_id] = room.of(lane.channel_id, tier)
            if most is not None:
                wanted[lane.channel_id] = min(most, wanted[lane.channel_id])
            if most == 0 and next_at is not None:
                times.append(next_at)
        for channel_id, count in core.share(wanted, free).items():
            counts[tier, channel_id] = count
            free -= count
    return counts


async def _through_chats(
    work: Work,
    parts: Sequence[Part],
    kinds: Mapping[str, ChannelKind],
    found: tuple[dict[str, datetime], list[tuple[Part, datetime]]],
) -> list[Part]:
    """Draw each part from its chat's bucket; ``found`` gets the buckets, and who must wait."""
    chats, postponed = found
    buckets = {part.id: bucket for part in parts if (bucket := _bucket(part, kinds)) is not None}
    unknown = {scope for scope, _, _ in buckets.values() if scope not in chats}
    chats.update(await store.arrivals(work, sorted(unknown)))
    admitted = []
    for part in parts:
        if part.id in buckets:
            scope, interval, burst = buckets[part.id]
            chats[scope], wait = core.admit(chats.get(scope), work.now, interval, burst)
            if wait is not None:
                postponed.append((part, wait))
                continue
        admitted.append(part)
    return admitted


def _bucket(part: Part, kinds: Mapping[str, ChannelKind]) -> tuple[str, float, int] | None:
    kind = kinds.get(part.kind)
    if kind is None or kind.limits is None or part.lane == PartLane.URGENT:
        return None
    return core.chat_bucket(part.kind, part.channel_id.hex, part.thread, kind.limits)
