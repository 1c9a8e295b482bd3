"""A *house* is everything that one process holds, and the loops that it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from chatworks.audit.sequencer import Sequencer
from chatworks.audit.sequencer import measure as measure_audit
from chatworks.bots.holder import Bots
from chatworks.broadcasts.broadcaster import Broadcaster
from chatworks.channels.models import ChannelKind
from chatworks.commands.dispatch import Dispatcher
from chatworks.conversations.watchdog import Watchdog
from chatworks.conversations.worker import Worker
from chatworks.couriers import Couriers
from chatworks.factors.proving import Prover
from chatworks.factors.recoverer import Recoverer
from chatworks.federation.feature import Federation
from chatworks.inbox.committer import Committer
from chatworks.inbox.service import measure as measure_inbox
from chatworks.kit.clock import Clock
from chatworks.kit.db import Database
from chatworks.kit.feature import Feature
from chatworks.kit.http import HttpClient
from chatworks.kit.listen import Listener
from chatworks.mail.postman import Postman
from chatworks.mail.service import measure as measure_mail
from chatworks.media.fetcher import Fetcher
from chatworks.media.service import Shelf
from chatworks.media.service import measure as measure_media
from chatworks.outbox.sender import Sender
from chatworks.outbox.service import measure as measure_outbox
from chatworks.outlets.service import Directory
from chatworks.passwords.service import Passwords
from chatworks.sdk.applet import Applets
from chatworks.senders import Senders
from chatworks.settings import Settings


@dataclass(slots=True)
class House:
    """Every part of a process, wired."""

    settings: Settings
    clock: Clock
    db: Database
    listener: Listener
    directory: Directory
    dispatcher: Dispatcher
    applets: Applets
    kinds: dict[str, ChannelKind]
    features: Sequence[Feature]
    committer: Committer
    worker: Worker
    sender: Sender
    shelf: Shelf
    fetcher: Fetcher
    broadcaster: Broadcaster
    sequencer: Sequencer
    postman: Postman
    passwords: Passwords
    federation: Federation
    recoverer: Recoverer
    prover: Prover
    http: HttpClient
    bots: Bots
    senders: Senders
    watchdog: Watchdog
    couriers: Couriers

    async def open(self) -> None:
        """Connect to everything."""
        await self.db.open()
        await self.listener.open()
        await self.http.open()
        self.watchdog.start()

    async def close(self) -> None:
        """Let go of everything."""
        self.watchdog.stop()
        await self.http.close()
        await self.listener.close()
        self.shelf.close()
        self.passwords.close()
        self.federation.close()
        await self.db.close()

    async def ready(self) -> None:
        """Return where the database answers; raises where it does not."""
        async with self.db.engine() as work:
            # nosemgrep: sql-outside-of-stores - it reads no table
            await work.conn.execute("SELECT 1")

    async def measure(self) -> None:
        """Set the gauges of the queues as the database has them."""
        async with self.db.engine() as work:
            await measure_inbox(work)
            await measure_outbox(work)
            await measure_media(work)
            await measure_audit(work)
            await measure_mail(work)

    async def work(self, stop: asyncio.Event) -> None:
        """Take turns, send, fetch files, and poll bots until ``stop`` is set; then end well.

        A loop that ends by an error ends the others too and raises: a process that does half of
        its work must not look alive.
        """
        care = [asyncio.create_task(run()) for run in (self.bots.run, self.senders.run)]
        busy = (
            self.worker,
            self.sender,
            self.fetcher,
            self.broadcaster,
            self.postman,
            self.recoverer,
            self.sequencer,
        )
        loops = [asyncio.create_task(loop.run()) for loop in busy]
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([*loops, *care, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in care:
            task.cancel()
        for loop in busy:
            loop.stop()
        ended = await asyncio.gather(*loops, *care, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error
