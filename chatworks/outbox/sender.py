"""The loop that sends: lease, send side by side, settle together.

Any number of senders may run beside each other; leases, fences and shared limits keep them apart.
Outcomes that arrive while a settling commit is in flight share the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter, Gauge, Histogram

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
    Channel,
    ChannelKind,
    Consequence,
    Outcome,
    Permanent,
    RetryAfter,
    WirePart,
)
from chatworks.kit.db import Database
from chatworks.kit.listen import Listener
from chatworks.kit.work import Work
from chatworks.outbox import core, store
from chatworks.outbox.models import (
    LEASE,
    SEND_SECONDS_MAX,
    Change,
    ChannelBroken,
    ChatMigrated,
    ContactUnreachable,
    Part,
    PartFailed,
    Status,
)

IN_FLIGHT_MAX = 64
POLL_SECONDS = 1.0
RECOVER_SECONDS = 5.0
GRACE_SECONDS = 10.0
SETTLE_PAUSE_SECONDS = 0.25

log = structlog.get_logger()
outcomes_total = Counter("chatworks_sends_total", "Outcomes of sends", ["outcome"])
send_seconds = Histogram("chatworks_send_seconds", "Time of one request to a vendor")
open_parts = Gauge("chatworks_outbox_in_flight", "Parts in this sender's hands")

Settled = tuple[Part, Outcome, Change]


class Sender:
    """Sends the parts of every channel in one process."""

    def __init__(
        self,
        db: Database,
        kinds: Mapping[str, ChannelKind],
        channel_of: Callable[[UUID], Awaitable[Channel | None]],
        listener: Listener,
    ) -> None:
        self._db = db
        self._kinds = kinds
        self._channel_of = channel_of
        self._listener = listener
        self._stopping = False
        self._flying: set[asyncio.Task[None]] = set()
        self._settled: list[Settled] = []
        self._settling = asyncio.Lock()
        self._known: dict[UUID, ChannelKind] = {}
        self._recovered_at = float("-inf")

    async def run(self) -> None:
        """Send until ``stop``; survives a database that is away."""
        with self._listener.subscribe("outbox") as wake:
            while not self._stopping:
                wake.clear()
                try:
                    leased = await self._lease()
                    pause = POLL_SECONDS if leased is None else await self._pause()
                except psycopg.OperationalError as error:
                    log.warning("sending waits for the database", error=type(error).__name__)
                    leased, pause = [], POLL_SECONDS
                for part in leased or ():
                    self._launch(part, wake)
                if not leased:
                    await _wait(wake, pause)
        await asyncio.wait(self._flying, timeout=GRACE_SECONDS) if self._flying else None

    def stop(self) -> None:
        """Lease nothing more, let what flies land, then leave ``run``."""
        self._stopping = True
        self._listener.wake("outbox")

    async def _lease(self) -> list[Part] | None:
        free = IN_FLIGHT_MAX - len(self._flying)
        if free <= 0:
            return None
        async with self._db.engine() as work:
            if work.clock.monotonic() - self._recovered_at > RECOVER_SECONDS:
                self._recovered_at = work.clock.monotonic()
                await store.recover(work)
            default = next(iter(self._kinds.values()))
            return await store.lease(work, self._known, default, free)

    async def _pause(self) -> float:
        """Return how long nothing can be sent, so that a postponed part leaves on time."""
        async with self._db.engine() as work:
            ready_at = await store.next_ready(work)
            if ready_at is None:
                return POLL_SECONDS
            return min(POLL_SECONDS, max(0.005, (ready_at - work.now).total_seconds()))

    def _launch(self, part: Part, wake: asyncio.Event) -> None:
        task = asyncio.create_task(self._fly(part))
        self._flying.add(task)
        open_parts.set(len(self._flying))

        def landed(done: asyncio.Task[None]) -> None:
            self._flying.discard(done)
            open_parts.set(len(self._flying))
            wake.set()  # the next part of this conversation may leave now
            if not done.cancelled() and done.exception() is not None:
                log.error("settling a part failed", exc_info=done.exception())

        task.add_done_callback(landed)

    async def _fly(self, part: Part) -> None:
        outcome = await self._send(part)
        outcomes_total.labels(type(outcome).__name__.lower()).inc()
        now = self._db.clock.now()
        jitter = self._db.clock.random_bytes(1)[0] / 256
        change = core.decide(part, outcome, now, jitter)
        self._settled.append((part, outcome, change))
        async with self._settling:  # whoever is first settles for all that landed meanwhile
            group, self._settled = self._settled, []
            if group:
                await self._settle_surely(group)

    async def _send(self, part: Part) -> Outcome:
        channel = await self._channel_of(part.channel_id)
        kind = None if channel is None else self._kinds.get(channel.kind)
        if channel is None or kind is None or kind.send is None:
            return Permanent("the channel is switched off")
        self._known[channel.id] = kind
        wire = _refer(part)
        if wire is None:  # its message was never sent: there is nothing to edit, and so no harm
            return Accepted("")
        try:
            with send_seconds.time():
                async with asyncio.timeout(SEND_SECONDS_MAX):
                    return await kind.send(channel, wire)
        except TimeoutError:
            return Ambiguous(f"no answer within {SEND_SECONDS_MAX:.0f} s")

    async def _settle_surely(self, group: list[Settled]) -> None:
        """Settle, and try again while the database is away: what was sent is known only here."""
        until = self._db.clock.monotonic() + LEASE.total_seconds()
        while True:
            try:
                await self._settle(group)
            except psycopg.OperationalError:
                if self._db.clock.monotonic() > until:
                    raise
                await asyncio.sleep(SETTLE_PAUSE_SECONDS)
            else:
                return

    async def _settle(self, group: list[Settled]) -> None:
        outlets = sorted({part.outlet_id for part, _, _ in group})
        async with self._db.engine(outlets) as work:
            ours = await store.finish(work, [(part, change) for part, _, change in group])
            for part, outcome, change in group:
                if part.id in ours:
                    await self._follow(work, part, outcome, change)
            work.notify(f"outlet {outlet.hex}" for outlet in outlets)

    async def _hold(self, work: Work, part: Part, outcome: RetryAfter) -> None:
        """Let the vendor's wait hold its chat, or its channel, in every process."""
        kind = self._known[part.channel_id]
        if kind.limits is None:
            return
        scopes = core.scopes(kind.kind, part.channel_id.hex, part.thread, kind.limits)
        scope, interval, burst = scopes[1 if outcome.scope == "chat" else 0]
        seconds = outcome.seconds + interval * (burst - 1)  # no burst before the wait is over
        await store.hold_scope(work, scope, work.now + timedelta(seconds=seconds))

    async def _follow(self, work: Work, part: Part, outcome: Outcome, change: Change) -> None:
        """Carry an outcome's meaning further than its own part."""
        if isinstance(outcome, RetryAfter) and outcome.seconds > 0:
            await self._hold(work, part, outcome)
        if isinstance(outcome, Permanent):
            if outcome.migrate_to:
                await store.readdress(
                    work, part.outlet_id, part.conversation_id, outcome.migrate_to
                )
                work.publish(
                    ChatMigrated(
                        part.outlet_id, part.channel_id, part.conversation_id, outcome.migrate_to
                    )
                )
            elif outcome.consequence is Consequence.STOP_CONTACT:
                await store.fail_rest(work, part.outlet_id, part.conversation_id, outcome.reason)
                work.publish(
                    ContactUnreachable(part.outlet_id, part.conversation_id, outcome.reason)
                )
            elif outcome.consequence is Consequence.DISABLE_CHANNEL:
                work.publish(ChannelBroken(part.outlet_id, part.channel_id, outcome.reason))
        if change.status is Status.FAILED:
            work.publish(PartFailed(part.outlet_id, part.conversation_id, part.message_seq))
        if change.status in {Status.FAILED, Status.UNKNOWN}:
            log.warning("a part was not sent", part=part.id.hex, status=change.status.value)


def _refer(part: Part) -> WirePart | None:
    """Return the wire part with the vendor's id of what it edits; None where there is none."""
    wire = part.payload
    if wire.refers_to is None:
        return wire
    if not part.refers_vendor_id:
        return None
    params = {**wire.params, "message_id": int(part.refers_vendor_id)}
    return WirePart(wire.method, params, wire.urgent)


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(wake.wait(), timeout=seconds)
    except TimeoutError:
        return
