"""The loop that sends: lease, send side by side, settle together.

Any number of senders may run beside each other; leases, fences and shared limits keep them apart.
Outcomes that arrive while a settling commit is in flight share the next one, and while that is on
its way the next parts are leased.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Counts
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
    Channel,
    ChannelKind,
    Outcome,
    Permanent,
    RetryAfter,
    WirePart,
)
from chatworks.kit.db import Database
from chatworks.kit.flights import Flights
from chatworks.kit.listen import Listener, wait_until
from chatworks.kit.work import Work
from chatworks.outbox import core, service, store
from chatworks.outbox.leasing import Room, lease
from chatworks.outbox.models import (
    LEASE,
    SEND_SECONDS_MAX,
    Change,
    ChatMigrated,
    Leased,
    Part,
    PartFailed,
    Status,
    Told,
)

IN_FLIGHT = 128  # of one channel
CHANNELS_ABREAST = 2  # so many channels with slow vendors leave room for the rest
POLL_SECONDS = 1.0
GATHER_SECONDS = 0.02
RECOVER_SECONDS = 5.0
SETTLE_PAUSE_SECONDS = 0.25

log = structlog.get_logger()
outcomes_total = Counter("chatworks_sends_total", "Outcomes of sends", ["outcome"])
send_seconds = Histogram("chatworks_send_seconds", "Time of one request to a vendor")
open_parts = Gauge("chatworks_outbox_in_flight", "Parts in this sender's hands")

ChannelOf = Callable[[UUID], Awaitable[Channel | None]]
Settled = tuple[Part, Outcome | None, Change, datetime]


class Sender:
    """Sends the parts of every channel in one process, ``in_flight`` of one channel at a time."""

    def __init__(
        self,
        db: Database,
        kinds: Mapping[str, ChannelKind],
        channel_of: ChannelOf,
        listener: Listener,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self._db = db
        self._kinds = kinds
        self._channel_of = channel_of
        self._listener = listener
        self._in_flight = in_flight
        self._stopping = False
        self._flying = Flights("part")
        self._of_channel: Counts[UUID] = Counts()
        self._settled: list[Settled] = []
        self._settling = asyncio.Lock()
        self._room = asyncio.Event()  # half of what one channel may have in flight has landed
        self._recovered_at = float("-inf")

    async def run(self) -> None:
        """Send until ``stop``; survives a database that is away."""
        with self._listener.subscribe("outbox") as wake:
            while not self._stopping:
                wake.clear()
                try:
                    leased = await self._lease()
                    pause = self._pause(leased)
                except psycopg.OperationalError as error:
                    log.warning("sending waits for the database", error=type(error).__name__)
                    leased, pause = Leased([], None), POLL_SECONDS
                channels = {
                    ident: await self._channel_of(ident)
                    for ident in {part.channel_id for part in leased.parts}
                }
                for part in leased.parts:
                    self._launch(part, channels[part.channel_id], wake)
                if leased.parts:
                    await self._gather()
                else:
                    await wait_until(wake, pause)
        await self._flying.land()

    def stop(self) -> None:
        """Lease nothing more, let what flies land, then leave ``run``."""
        self._stopping = True
        self._listener.wake("outbox")

    async def _lease(self) -> Leased:
        free = self._in_flight * CHANNELS_ABREAST - len(self._flying)
        if free <= 0:
            return Leased([], None)
        async with self._db.engine() as work:
            doubtful: list[Part] = []
            if work.clock.monotonic() - self._recovered_at > RECOVER_SECONDS:
                self._recovered_at = work.clock.monotonic()
                await store.recover(work, self._kinds.values())
            if any(kind.reconcile is not None for kind in self._kinds.values()):
                doubtful = await store.lease_doubtful(work, free)
            room = Room(free - len(doubtful), self._in_flight, self._of_channel)
            leased = await lease(work, self._kinds, room)
            return Leased(doubtful + leased.parts, leased.again_at)

    async def _gather(self) -> None:
        """While many fly, let some land before the next lease, which costs the same for one part
        as for sixty; a slow vendor holds up nobody for longer than a moment.
        """
        if len(self._flying) > self._in_flight // 2:
            self._room.clear()
            await wait_until(self._room, GATHER_SECONDS)

    def _pause(self, leased: Leased) -> float:
        """Return how long nothing can be sent, so that a postponed part leaves on time."""
        if leased.again_at is None:
            return POLL_SECONDS
        seconds = (leased.again_at - self._db.clock.now()).total_seconds()
        return min(POLL_SECONDS, max(0.005, seconds))

    def _launch(self, part: Part, channel: Channel | None, wake: asyncio.Event) -> None:
        def landed() -> None:  # the next part of this conversation may leave now
            self._of_channel[part.channel_id] -= 1
            open_parts.set(len(self._flying))
            if len(self._flying) <= self._in_flight // 2:
                self._room.set()

        self._flying.launch(self._fly(part, channel), wake, landed)
        self._of_channel[part.channel_id] += 1
        open_parts.set(len(self._flying))

    async def _fly(self, part: Part, channel: Channel | None) -> None:
        began = self._db.clock.now()
        kind = None if channel is None else self._kinds.get(channel.kind)
        if channel is None or kind is None:
            off = Permanent("the channel is switched off")
            outcome: Outcome | None = None if part.in_doubt else off
        elif part.in_doubt:
            outcome = await _ask(part, channel, kind)
        else:
            outcome = await _send(part, channel, kind)
        outcomes_total.labels(type(outcome).__name__.lower()).inc()
        jitter = self._db.clock.random_bytes(1)[0] / 256
        asks = kind is not None and kind.reconcile is not None
        change = core.decide(part, outcome, self._db.clock.now(), jitter, asks=asks)
        self._settled.append((part, outcome, change, began))
        async with self._settling:  # whoever is first settles for all that landed meanwhile
            group, self._settled = self._settled, []
            if group:
                settle = partial(self._settle, group)
                await self._db.surely(settle, LEASE.total_seconds(), SETTLE_PAUSE_SECONDS)

    async def _settle(self, group: list[Settled]) -> None:
        outlets = sorted({part.outlet_id for part, _, _, _ in group})
        async with self._db.engine(outlets) as work:
            ours = await store.finish(work, [(part, change) for part, _, change, _ in group])
            held = [item for item in group if item[0].id in ours]
            sent = [
                (part.outlet_id, part.channel_id, change.vendor_id)
                for part, _, change, _ in held
                if change.vendor_id
            ]
            if sent:
                await service.merge_kept(work, sent)
            await self._hold(work, held)
            for part, outcome, change, began in held:
                await _follow(work, part, outcome, began)
                if change.status is Status.FAILED:
                    key = (part.outlet_id, part.conversation_id)
                    work.publish(PartFailed(*key, part.message_seq))
                if change.status in {Status.FAILED, Status.UNKNOWN}:
                    log.warning("a part was not sent", part=part.id.hex, status=change.status.value)
            work.notify(f"outlet {outlet.hex}" for outlet in outlets)

    async def _hold(self, work: Work, group: list[Settled]) -> None:
        """Let vendors' waits hold their chats, or channels, in every process."""
        scopes = []
        tails = []
        for part, outcome, change, _ in group:
            if not isinstance(outcome, RetryAfter):
                continue
            tails.append((part, change.ready_at))
            limits = self._kinds[part.kind].limits
            if outcome.seconds <= 0 or limits is None:
                continue
            if outcome.scope == "chat":
                scope, interval, burst = core.chat_bucket(
                    part.kind, part.channel_id.hex, part.thread, limits
                )
            else:
                scope = core.channel_scope(part.kind, part.channel_id.hex)
                interval, burst = limits.channel_interval, limits.channel_burst
            seconds = outcome.seconds + interval * (burst - 1)  # no burst before the wait is over
            scopes.append((scope, work.now + timedelta(seconds=seconds)))
        if scopes:
            await store.hold_scopes(work, scopes)
        await store.give_back(work, tails)  # what is behind them waits as long


async def _ask(part: Part, channel: Channel, kind: ChannelKind) -> Outcome | None:
    """Ask the vendor what became of a part whose fate is unknown."""
    if kind.reconcile is None:
        return None
    try:
        async with asyncio.timeout(SEND_SECONDS_MAX):
            return await kind.reconcile(channel, _wire(part, kind), part.created_at)
    except TimeoutError:
        return None


async def _send(part: Part, channel: Channel, kind: ChannelKind) -> Outcome:
    if kind.send is None:
        return Permanent("the channel is switched off")
    if part.payload.refers_to is not None and not part.refers_vendor_id:
        return Accepted("")  # its message was never sent: there is nothing to edit, and so no harm
    try:
        with send_seconds.time():
            async with asyncio.timeout(SEND_SECONDS_MAX):
                return await kind.send(channel, _wire(part, kind))
    except TimeoutError:
        return Ambiguous(f"no answer within {SEND_SECONDS_MAX:.0f} s")


def _wire(part: Part, kind: ChannelKind) -> WirePart:
    """Return the wire part, with the vendor's id of what it refers to filled in by its kind."""
    wire = part.payload
    if wire.refers_to is None or kind.refer is None or not part.refers_vendor_id:
        return wire
    return kind.refer(wire, part.refers_vendor_id)


async def _follow(work: Work, part: Part, outcome: Outcome | None, began: datetime) -> None:
    """Carry a vendor's no further than its own part."""
    if not isinstance(outcome, Permanent):
        return
    if outcome.migrate_to:
        thread = outcome.migrate_to
        await store.readdress(work, part.outlet_id, part.conversation_id, thread)
        work.publish(ChatMigrated(part.outlet_id, part.channel_id, part.conversation_id, thread))
        return
    about = Told(
        outlet_id=part.outlet_id,
        channel_id=part.channel_id,
        conversation_id=part.conversation_id,
        part_id=part.id,
        message_seq=part.message_seq,
        template=part.payload.template,
        at=began,
        changed=True,
    )
    await service.follow(work, about, outcome.consequence, outcome.reason)
