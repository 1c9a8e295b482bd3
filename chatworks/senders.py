"""The Twilio senders of an installation: connected, provided with Content, their templates tracked.

Whoever looks after a sender holds the advisory lock of its account meanwhile, so that two processes
never make the same Content twice: what one made the other finds by its name. A sender is looked
after at the first start, every few minutes, and when the console asks. An account that is refused
is marked broken, told on the terminal and in the console, and tried again like the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog
from msgspec.structs import replace
from psycopg import AsyncConnection

from chatworks.channels.models import Channel, Template
from chatworks.channels.twilio import connect, content
from chatworks.channels.twilio.api import NotDone, Refused, TwilioApi
from chatworks.channels.twilio.send import SMS_KIND, WHATSAPP_KIND, Messenger, webhook
from chatworks.kit.db import Database
from chatworks.outbox.store import known_ids
from chatworks.outlets import store
from chatworks.outlets.service import Directory
from chatworks.outlets.store import Seen

LOOK_SECONDS = 2.0  # how long the console's wish may wait
CARE_EVERY = timedelta(minutes=5)  # how old a template's status may be
ACCOUNTS_LOCK = 0x43570003  # any number, the same in every process

log = structlog.get_logger()


@dataclass(slots=True)
class Senders:
    """Looks after the senders. ``conninfo`` is the engine's login, ``address`` the public one."""

    db: Database
    conninfo: str
    directory: Directory
    api: TwilioApi
    address: str
    _told: dict[UUID, str] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def messenger(self) -> Messenger:
        """Return what sends on the senders."""
        return Messenger(self.api, self.address, self.resource_of, self.known_of)

    async def run(self) -> None:
        """Look after senders until cancelled; survives a database that is away."""
        while True:
            try:
                await self.round()
            except psycopg.OperationalError as error:
                log.warning("senders wait for the database", error=type(error).__name__)
            except Exception:
                log.exception("senders begin anew")
            await asyncio.sleep(LOOK_SECONDS)

    async def round(self) -> None:
        """Look after every sender that is due."""
        kinds = (WHATSAPP_KIND, SMS_KIND)
        listed = [c for kind in kinds for c in await self.directory.channels(kind=kind)]
        if not listed:
            return
        async with self.db.engine() as work:
            due = await store.unchecked(work, [c.id for c in listed], work.now - CARE_EVERY)
        for channel in listed:
            if channel.id in due:
                await self._locked(channel)

    async def _locked(self, channel: Channel) -> None:
        """Look after a sender unless another process does so for its account."""
        async with await AsyncConnection.connect(self.conninfo, autocommit=True) as conn:
            if await store.lock_account(conn, ACCOUNTS_LOCK, channel.account):
                await self.care(channel)

    async def care(self, channel: Channel) -> None:
        """Connect a sender, give it its Content, and ask for its templates; tell what is wrong."""
        try:
            seen = await self._connect(channel)
        except Refused as no:
            seen = Seen("", webhook(self.address, channel), None, str(no), works=False)
        except NotDone as no:
            seen = Seen("", webhook(self.address, channel), None, str(no), not channel.broken)
        async with self.db.engine() as work:
            if not seen.works:
                await store.break_channel(work, channel.outlet_id, channel.id, seen.trouble)
            await store.checked(work, channel, seen)
            work.notify(["outbox", f"outlet {channel.outlet_id.hex}"])
        self.directory.forget()
        if seen.trouble and self._told.get(channel.id) != seen.trouble:
            log.warning("a Twilio sender has trouble", sender=channel.address, reason=seen.trouble)
        self._told[channel.id] = seen.trouble

    async def _connect(self, channel: Channel) -> Seen:
        found = await connect.connect(self.api, channel, self.address)
        if channel.kind == WHATSAPP_KIND:
            await self._provide(channel, tuple(content.pool(self.address)))
            await self._track(channel)
        return Seen(found.name, found.webhook, found.webhook_set, found.trouble)

    # -- Content -----------------------------------------------------------------------------

    async def _provide(self, channel: Channel, names: tuple[str, ...]) -> dict[str, str]:
        """Make what of the pool is not at Twilio yet, and keep all ids; returns them by name."""
        pool = content.pool(self.address)
        if all(name in channel.resources for name in names):
            return dict(channel.resources)
        there = await connect.made(self.api, channel)
        sids = {
            name: there.get(pool[name].friendly_name)
            or await connect.make(self.api, channel, pool[name])
            for name in names
        }
        async with self.db.engine() as work:
            await store.save_resources(work, channel, sids)
        self.directory.forget()
        return sids

    async def resource_of(self, channel: Channel, name: str) -> str:
        """Return the sid of one resource, for a message that leaves before all are made.

        Raises ``NotDone``: another process makes it now, or Twilio does not.
        """
        async with (
            self._making,
            await AsyncConnection.connect(self.conninfo, autocommit=True) as conn,
        ):
            known = await self.directory.channel(channel.id) or channel
            if name in known.resources:
                return known.resources[name]
            if not await store.lock_account(conn, ACCOUNTS_LOCK, channel.account):
                raise NotDone(f"its Content {name} is being made", LOOK_SECONDS)
            return (await self._provide(channel, (name,)))[name]

    async def known_of(self, channel: Channel, sids: Sequence[str]) -> frozenset[str]:
        """Return those of ``sids`` that belong to messages which the outbox has sent."""
        async with self.db.engine() as work:
            return await known_ids(work, channel, sids)

    # -- templates ---------------------------------------------------------------------------

    async def _track(self, channel: Channel) -> None:
        """Submit the drafts, and ask what became of the rest."""
        for template in channel.templates:
            reason = ""
            try:
                decided, reason = await self._decide(channel, template)
            except NotDone as no:
                if not no.code:  # Twilio cannot be reached: the template is not to blame
                    raise
                decided, reason = replace(template, status="rejected"), str(no)
            async with self.db.engine() as work:
                if await store.decide_template(work, channel, decided, reason):
                    # nosemgrep: personal-field-in-a-log - a message's name, not a person's
                    log.info("template", name=template.name, status=decided.status)

    async def _decide(self, channel: Channel, template: Template) -> tuple[Template, str]:
        if template.status == "draft":
            sid = await connect.submit(self.api, channel, template)
            template = replace(template, vendor_id=sid, status="pending")
        if not template.vendor_id:
            return template, ""
        decided = await connect.decision(self.api, channel, template.vendor_id)
        status, reason = decided or ("pending", "")
        return replace(template, status=status), reason
