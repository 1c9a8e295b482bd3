"""Outlets with business of their own, and the programs that call the API for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg
from stepping import proved

from chatworks.api.models import IssueKey, KeyIssued
from chatworks.app import seed_outlet
from chatworks.commands.models import Actor, ActorKind, Call, Origin
from chatworks.house import House
from chatworks.identity import service as identity
from chatworks.identity.models import Browser
from chatworks.kit.ids import uuid7
from chatworks.orders.models import LineRequest, PlaceOrder
from chatworks.outlets.models import Hours, OutletFile
from chatworks.outlets.service import read_file
from chatworks.sdk.messages import Place

ROOT = Path(__file__).parents[2]
KILIMANI = Place(-1.2921, 36.7836)
PASSWORD = "a long walk by the lake at dawn"
EVERYTHING = ("broadcasts", "catalog", "conversations", "inbox", "orders", "outbox", "outlets",
              "support")  # fmt: skip


def majipro(slug: str = "majipro", name: str = "MajiPro") -> OutletFile:
    """MajiPro's file under another name, open at every hour; it has no messenger's channel."""
    file = read_file(ROOT / "outlets" / "majipro.toml")
    day = [("00:00", "00:00")]
    channels = [channel for channel in file.channels if channel.kind in {"webchat", "terminal"}]
    hours = Hours(*([day] * 7))  # type: ignore[arg-type]
    return msgspec.structs.replace(file, slug=slug, name=name, hours=hours, channels=channels)


@dataclass
class Tenant:
    """An outlet with its owner, a conversation and orders."""

    house: House
    url: str
    id: UUID
    owner: Actor

    def sql(self, query: str, *values: Any) -> list[Any]:
        """Look into the database as its owner."""
        with psycopg.connect(self.url, autocommit=True) as conn:
            cursor = conn.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    async def give(self, request: Any, actor: Actor | None = None) -> Any:
        """Give a request as the outlet's owner, or as another actor."""
        call: Call[Any] = Call(self.id, actor or self.owner, request)
        call = await proved(self.house, call, self.account_id)
        db = self.house.db
        async with db.web(self.id) if call.proof is None else db.engine([self.id]) as work:
            return await self.house.dispatcher.one(work, call)

    @property
    def account_id(self) -> UUID:
        """The owner's account."""
        found: UUID = self.sql(
            "SELECT account_id FROM membership WHERE id = %s", UUID(self.owner.id)
        )[0][0]
        return found

    async def enters(self, browser: httpx.AsyncClient) -> None:
        """Sign the owner in, who has a password to show."""
        prepared = await self.house.passwords.prepare(PASSWORD, [])
        async with self.house.db.engine([self.id]) as work:
            await self.house.passwords.put(work, self.account_id, prepared)
            who = Browser("Firefox", "::1")
            secrets = await identity.sign_in_as(work, self.account_id, {"password"}, who)
        browser.cookies.set("cw_session", secrets.session, domain="127.0.0.1")
        browser.cookies.set("cw_device", secrets.device, domain="127.0.0.1")

    async def key(self, *scopes: str, days: int = 30, issuer: Actor | None = None) -> KeyIssued:
        """Issue a key."""
        issued: KeyIssued = await self.give(IssueKey("a program", scopes, days), issuer)
        return issued

    async def talk(self, name: str) -> Origin:
        """Let somebody write for the first time; returns where their calls come from."""
        channel = (await self.house.directory.channels(self.id, "webchat"))[0]
        contact, talk = uuid7(self.house.clock), uuid7(self.house.clock)
        self.sql(
            "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, name, language, created_at)"
            " VALUES (%s, %s, %s, %s, %s, 'en', now())",
            *(self.id, contact, channel.id, contact.hex, name),
        )
        self.sql(
            "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key,"
            " last_at, last_text, last_seq, created_at)"
            " VALUES (%s, %s, %s, %s, %s, 1, now(), 'hello', 1, now())",
            *(self.id, talk, channel.id, contact, contact.hex),
        )
        self.sql(
            "INSERT INTO message (outlet_id, conversation_id, seq, direction, author, content,"
            " created_at) VALUES (%s, %s, 1, 'in', 'contact', %s, now())",
            *(self.id, talk, '{"kind": "text", "text": "hello"}'),
        )
        return Origin(talk, contact, "en")

    async def order(self, origin: Origin, name: str) -> UUID:
        """Place an order for one bottle; returns its id."""
        product = self.sql(
            "SELECT id FROM product WHERE outlet_id = %s ORDER BY position LIMIT 1", self.id
        )[0][0]
        lines = (LineRequest(product, 1),)
        actor = Actor(ActorKind.CUSTOMER, origin.contact_id.hex)
        request = PlaceOrder(lines, KILIMANI, name, "+254712345678")
        async with self.house.db.engine([self.id]) as work:
            placed = await self.house.dispatcher.one(work, Call(self.id, actor, request, origin))
        found: UUID = placed.order_id
        return found


async def opened(house: House, url: str, slug: str, name: str) -> Tenant:
    """Return an outlet, seeded where it is new, with its owner."""
    outlet = await seed_outlet(house, majipro(slug, name))
    tenant = Tenant(house, url, outlet.id, Actor(ActorKind.SYSTEM, ""))
    row = tenant.sql("SELECT id, role FROM membership WHERE outlet_id = %s", outlet.id)[0]
    tenant.owner = Actor(ActorKind.OPERATOR, row[0].hex, row[1])
    return tenant


async def step_up(browser: httpx.AsyncClient, where: str, form: dict[str, str]) -> httpx.Response:
    """Send a form that asks for a step-up, and show the password for it."""
    asked = await browser.post(where, data=form)
    assert (asked.status_code, "proof-id" in asked.text) == (403, True), asked.text
    page = next(part for part in asked.text.split("<form")[1:] if "proof-id" in part)
    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    again = {name: unescape(value) for name, value in fields} | {"proof-text": PASSWORD}
    return await browser.post(where, data=again)


@dataclass
class Program:
    """A program with a key."""

    client: httpx.AsyncClient
    secret: str

    async def ask(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Give a request; ``body`` None sends nothing."""
        sent = {"authorization": f"Bearer {self.secret}"} if self.secret else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        json = {} if body is None else {"json": body}
        return await self.client.post(f"/api/v1/{path}", headers=sent, **json)


def state(tenant: Tenant) -> list[Any]:
    """Everything of an outlet that a program might touch."""
    return [
        tenant.sql(f"SELECT t::text FROM {table} AS t WHERE outlet_id = %s ORDER BY 1", tenant.id)  # noqa: S608 - of these names
        for table in ("sales_order", "conversation", "message", "product", "channel",
                      "support_note", "support_case", "channel_template", "outbox_part")
    ]  # fmt: skip
