"""The loop that sends broadcasts, a step at a time, behind everybody's answers.

A step locks one broadcast and takes some of its recipients. The router chooses a conversation for
each, as it stands at this moment; the message is posted there and the recipient marked in the same
transaction, so that a crash leaves either both or none. No more is queued than a channel sends in a
few seconds: a pause takes effect within them. Any number of these loops may run beside each other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter

from chatworks.broadcasts import core, store
from chatworks.broadcasts.models import Broadcast, Status
from chatworks.broadcasts.service import TOPIC, offer
from chatworks.channels.models import ChannelKind
from chatworks.contacts.jobs import Router
from chatworks.conversations.models import Post
from chatworks.conversations.service import post
from chatworks.kit.db import Database
from chatworks.kit.listen import Listener
from chatworks.kit.stepping import Stepper
from chatworks.kit.work import Work
from chatworks.outlets.models import Outlet

POLL_SECONDS = 1.0
FAILED_SECONDS = 30.0  # before a step that failed is tried again: others go on meanwhile

log = structlog.get_logger()
outcomes_total = Counter("chatworks_broadcast_recipients_total", "Recipients seen to", ["outcome"])


class Broadcaster(Stepper):
    """Sends the broadcasts of every outlet in one process."""

    topic = TOPIC
    poll_seconds = POLL_SECONDS

    def __init__(
        self,
        db: Database,
        router: Router,
        kinds: Mapping[str, ChannelKind],
        outlet_of: Callable[[UUID], Awaitable[Outlet]],
        listener: Listener,
    ) -> None:
        super().__init__(listener)
        self._db = db
        self._router = router
        self._kinds = kinds
        self._outlet_of = outlet_of

    async def step(self) -> bool:
        """Take one step of the broadcast that is due; returns whether there was one."""
        taken: list[store.Key] = []
        try:
            async with self._db.engine() as work:
                found = await store.claim(work)
                if found is not None:
                    taken.append((found.outlet_id, found.id))
                    await self._step(work, found)
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("a step of a broadcast failed", broadcasts=[key[1].hex for key in taken])
            async with self._db.engine() as work:
                for key in taken:
                    await store.put_off(work, key, FAILED_SECONDS)
        return bool(taken)

    async def _step(self, work: Work, broadcast: Broadcast) -> None:
        key = (broadcast.outlet_id, broadcast.id)
        if broadcast.status is Status.SCHEDULED:
            await store.begin(work, broadcast)
        recipients = await store.recipients(work, key)
        outlet = await self._outlet_of(broadcast.outlet_id)
        wishes = [
            offer(
                broadcast.outlet_id,
                recipient.conversation_id,
                core.text_for(broadcast.texts, recipient.language, outlet.languages),
                broadcast.topic,
            )
            for recipient in recipients
        ]
        routes = await self._router.decide(work, wishes, broadcast.segment.kinds)
        rooms = await self._rooms(work, broadcast.outlet_id)
        outcomes = core.outcomes(recipients, routes, rooms, work.now)
        await store.settle(work, key, outcomes)
        for outcome, wish in zip(outcomes, wishes, strict=True):
            if outcome.sent_to is not None:
                post(
                    work,
                    Post(
                        broadcast.outlet_id,
                        outcome.sent_to,
                        wish.message,
                        author=f"broadcast:{broadcast.id.hex}",
                        bulk=True,
                        reference=broadcast.id,
                    ),
                )
            outcomes_total.labels("sent" if outcome.sent_to else outcome.why or "later").inc()
        await store.go_on(work, key)
        work.notify([f"outlet {broadcast.outlet_id.hex}"])

    async def _rooms(self, work: Work, outlet_id: UUID) -> dict[str, int]:
        queued = await store.queued(work, outlet_id)
        return {
            name: core.room(
                None if kind.limits is None else kind.limits.channel_interval, queued.get(name, 0)
            )
            for name, kind in self._kinds.items()
        }
