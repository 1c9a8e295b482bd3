"""The loop that hands mails to their carrier.

Any number of postmen may run beside each other; leases and fences keep them apart. A try is counted
when it is leased: what its holder did, if it died, is in doubt.
"""

from __future__ import annotations

import psycopg
import structlog
from prometheus_client import Counter

from chatworks.kit.crypto import CannotOpen
from chatworks.kit.db import Database
from chatworks.kit.flights import Flights
from chatworks.kit.listen import Listener, wait_until
from chatworks.mail import core, store
from chatworks.mail.carriers import Carrier
from chatworks.mail.models import LEASE, Fate, Later, Leased, Never, Status
from chatworks.mail.service import Desk

IN_FLIGHT_MAX = 4  # connections to the server at once, of one process
POLL_SECONDS = 2.0
EXPIRE_SECONDS = 60.0
SETTLE_PAUSE_SECONDS = 0.5

log = structlog.get_logger()
mails_total = Counter("chatworks_mail_tries_total", "Tries to send a mail", ["outcome"])


class Postman:
    """Sends the mails of the installation in one process."""

    def __init__(self, db: Database, desk: Desk, carrier: Carrier, listener: Listener) -> None:
        self._db = db
        self._desk = desk
        self.carrier = carrier
        self._listener = listener
        self._stopping = False
        self._flying = Flights("mail")
        self._expired_at = float("-inf")

    async def run(self) -> None:
        """Send until ``stop``; survives a database that is away."""
        with self._listener.subscribe("mail") as wake:
            while not self._stopping:
                wake.clear()
                try:
                    leased = await self.lease()
                    pause = 0.0 if leased else await self._pause()
                except psycopg.OperationalError as error:
                    log.warning("mail waits for the database", error=type(error).__name__)
                    leased, pause = [], POLL_SECONDS
                for mail in leased:
                    self._flying.launch(self.send(mail), wake)
                if pause:
                    await wait_until(wake, pause)
        await self._flying.land()

    def stop(self) -> None:
        """Lease nothing more, let what flies land, then leave ``run``."""
        self._stopping = True
        self._listener.wake("mail")

    async def lease(self) -> list[Leased]:
        """Lease what may be sent now; on the way end what is of no use any more."""
        free = IN_FLIGHT_MAX - len(self._flying)
        if free <= 0:
            return []
        async with self._db.engine() as work:
            if work.clock.monotonic() - self._expired_at > EXPIRE_SECONDS:
                self._expired_at = work.clock.monotonic()
                await store.expire(work)
            return await store.lease(work, free)

    async def _pause(self) -> float:
        """Return how long nothing can be sent, so that a code leaves on time."""
        if len(self._flying) >= IN_FLIGHT_MAX:
            return POLL_SECONDS  # whoever lands wakes us
        async with self._db.engine() as work:
            next_at = await store.next_at(work)
            seconds = POLL_SECONDS if next_at is None else (next_at - work.now).total_seconds()
        return min(POLL_SECONDS, max(0.05, seconds))

    async def send(self, mail: Leased) -> None:
        """Try one leased mail, and write what became of it."""
        fate = await self._carry(mail)
        mails_total.labels(type(fate).__name__.lower()).inc()
        jitter = self._db.clock.random_bytes(1)[0] / 256
        change = core.decide(mail, fate, self._db.clock.now(), jitter)
        if change.status is not Status.SENT:
            log.warning(
                "a mail was not sent", mail=mail.id.hex, status=change.status, why=change.error
            )

        async def settle() -> None:
            async with self._db.engine() as work:
                await store.finish(work, mail, change)

        await self._db.surely(settle, LEASE.total_seconds(), SETTLE_PAUSE_SECONDS)

    async def _carry(self, mail: Leased) -> Fate:
        try:
            content = self._desk.open(mail)
        except CannotOpen:
            return Never("it was sealed with another key")
        try:
            return await self.carrier.carry(mail, content)
        except Exception as error:
            log.exception("sending a mail failed")
            return Later(type(error).__name__)
