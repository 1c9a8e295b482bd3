"""The loop that fetches what came in from its vendors, and lets go of what is over.

Any number of fetchers may run beside each other; leases and fences keep them apart. A try is
counted when it is leased, so that a file whose decoding kills its process is not tried for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter

from chatworks.channels.models import Channel, ChannelKind, Fetched, NotFetched
from chatworks.kit.db import Database
from chatworks.kit.flights import Flights
from chatworks.kit.listen import Listener, wait_until
from chatworks.media import core, store
from chatworks.media.models import (
    ATTEMPTS_MAX,
    FETCH_SECONDS_MAX,
    Change,
    Examined,
    Fetch,
    NotTaken,
    Origin,
    OutletFull,
    Owner,
    State,
    TooLarge,
)
from chatworks.media.service import Shelf

IN_FLIGHT_MAX = 4  # each holds a whole file in memory
POLL_SECONDS = 2.0
EXPIRE_SECONDS = 600.0
EXPIRED_AT_ONCE = 200

log = structlog.get_logger()
fetches_total = Counter("chatworks_media_fetches_total", "Tries to fetch a file", ["outcome"])


class Fetcher:
    """Fetches the files of every channel in one process."""

    def __init__(
        self,
        db: Database,
        shelf: Shelf,
        kinds: Mapping[str, ChannelKind],
        channel_of: Callable[[UUID], Awaitable[Channel | None]],
        listener: Listener,
    ) -> None:
        self._db = db
        self._shelf = shelf
        self._kinds = kinds
        self._channel_of = channel_of
        self._listener = listener
        self._stopping = False
        self._flying = Flights("fetch")
        self._expired_at = float("-inf")

    async def run(self) -> None:
        """Fetch until ``stop``; survives a database that is away."""
        with self._listener.subscribe("media") as wake:
            while not self._stopping:
                wake.clear()
                try:
                    leased = await self.lease()
                except psycopg.OperationalError as error:
                    log.warning("fetching waits for the database", error=type(error).__name__)
                    leased = []
                for fetch in leased:
                    self._flying.launch(self.fetch(fetch), wake)
                if not leased:
                    await wait_until(wake, POLL_SECONDS)
        await self._flying.land()

    def stop(self) -> None:
        """Lease nothing more, let what flies land, then leave ``run``."""
        self._stopping = True
        self._listener.wake("media")

    async def lease(self) -> list[Fetch]:
        """Lease what may be fetched now; on the way let go of files whose time is over."""
        free = IN_FLIGHT_MAX - len(self._flying)
        if free <= 0:
            return []
        async with self._db.engine() as work:
            if work.clock.monotonic() - self._expired_at > EXPIRE_SECONDS:
                self._expired_at = work.clock.monotonic()
                await store.expire(work, EXPIRED_AT_ONCE)
            return await store.lease(work, free)

    async def fetch(self, fetch: Fetch) -> None:
        """Try one leased file, and write what became of it."""
        try:
            await self._keep(fetch, await self._get(fetch))
            fetches_total.labels("here").inc()
        except _Late:
            fetches_total.labels("late").inc()
        except (NotTaken, TooLarge, OutletFull) as no:
            await self._failed(fetch, str(no), for_good=True)
        except NotFetched as no:
            await self._failed(fetch, str(no), for_good=no.for_good)
        except psycopg.OperationalError:
            raise  # the lease runs out, and somebody tries again
        except Exception as error:
            log.exception("fetching a file failed")
            await self._failed(fetch, type(error).__name__, for_good=False)

    async def _get(self, fetch: Fetch) -> Examined:
        wanted, most = fetch.wanted, self._shelf.bounds.file_bytes
        if fetch.attempts > ATTEMPTS_MAX:  # whoever held it never came to write what became of it
            raise NotFetched(f"it could not be had in {ATTEMPTS_MAX} tries", for_good=True)
        if (wanted.file.size_bytes or 0) > most:
            raise TooLarge(most)
        channel = await self._channel_of(wanted.channel_id)
        kind = None if channel is None else self._kinds.get(channel.kind)
        if channel is None or kind is None or kind.fetch is None:
            raise NotFetched("the channel is switched off, or gives no files", for_good=True)
        try:
            async with asyncio.timeout(FETCH_SECONDS_MAX):
                fetched: Fetched = await kind.fetch(channel, wanted.file, most)
        except TimeoutError:
            raise NotFetched(f"it did not come within {FETCH_SECONDS_MAX:.0f} s") from None
        name = wanted.file.name or fetched.name or wanted.file.kind
        return await self._shelf.examine(fetched.content, name)

    async def _keep(self, fetch: Fetch, file: Examined) -> None:
        async with self._db.engine([fetch.wanted.outlet_id]) as work:
            owner = Owner(Origin.INBOUND, fetch.wanted.conversation_id)
            kept = await self._shelf.put(work, fetch.wanted.outlet_id, file, owner)
            if not await store.finish(work, fetch, Change(State.HERE, work.now, kept.id)):
                raise _Late
            work.notify(_topics(fetch))

    async def _failed(self, fetch: Fetch, reason: str, *, for_good: bool) -> None:
        jitter = self._db.clock.random_bytes(1)[0] / 256
        async with self._db.engine([fetch.wanted.outlet_id]) as work:
            seconds = None if for_good else core.pause(fetch.attempts, jitter)
            change = Change(State.FAILED, work.now, reason=reason)
            if seconds is not None:
                ready_at = work.now + timedelta(seconds=seconds)
                change = Change(State.WAITING, ready_at, reason=reason)
            await store.finish(work, fetch, change)
            work.notify(_topics(fetch))
        fetches_total.labels(change.state.value).inc()


class _Late(Exception):
    """Another fetcher holds the file by now: what this one kept is rolled back."""


def _topics(fetch: Fetch) -> list[str]:
    wanted = fetch.wanted
    return [f"outlet {wanted.outlet_id.hex}", f"chat {wanted.conversation_id.hex}"]
