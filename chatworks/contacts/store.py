"""Persons, codes, consent and routes in the database. Every function takes any number at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import dict_row

from chatworks.contacts.core import Member
from chatworks.contacts.models import (
    ROUTES_KEPT,
    Agreed,
    Choice,
    Decision,
    Purpose,
    Route,
    SendTo,
)
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.sdk.messages import Message

QUERIES = load_queries(__package__)
PERSONS_LOCK = 0x43570003  # any number, the same in every process

_decision = msgspec.json.Decoder(Decision)
_message = msgspec.json.Decoder(Message)

Key = tuple[UUID, UUID]  # outlet, conversation or contact


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def may_try(work: Work, scopes: Sequence[str], seconds: float, burst: int) -> set[str]:
    """Draw one try of each scope by GCRA, for all processes; returns those that may."""
    interval = timedelta(seconds=seconds)
    parameters = {
        "scopes": sorted(set(scopes)),
        "now": work.now,
        "interval": interval,
        "tolerance": interval * (burst - 1),
    }
    cursor = await work.conn.execute(QUERIES["try_many"], parameters)
    return {row[0] for row in await cursor.fetchall()}


# -- codes and persons -------------------------------------------------------------------


async def show_codes(work: Work, codes: Mapping[Key, bytes], expires_at: datetime) -> None:
    """Keep each (outlet, conversation)'s new code as its hash; the one before counts no more."""
    keys = sorted(codes)
    await work.conn.execute(
        QUERIES["show_codes"],
        {
            "outlets": [key[0] for key in keys],
            "conversations": [key[1] for key in keys],
            "hashes": [codes[key] for key in keys],
            "expires_at": expires_at,
        },
    )


class Shown(msgspec.Struct, frozen=True):
    """Where a code that still counts was shown; ``contacts`` are those of the two persons."""

    conversation_id: UUID
    contact_id: UUID
    channel_id: UUID
    thread: str
    kind: str
    contacts: int


async def shown(work: Work, given: Sequence[tuple[UUID, bytes, UUID]]) -> list[Shown | None]:
    """Return where each (outlet, hash, giving contact)'s code was shown; None for no such code."""
    parameters = {
        "outlets": [item[0] for item in given],
        "hashes": [item[1] for item in given],
        "contacts": [item[2] for item in given],
        "now": work.now,
    }
    cursor = await work.conn.execute(QUERIES["shown"], parameters)
    found: list[Shown | None] = [None] * len(given)
    for row in await cursor.fetchall():
        found[row[0] - 1] = Shown(*row[1:])
    return found


async def spend(work: Work, codes: Sequence[tuple[UUID, bytes]]) -> set[tuple[UUID, bytes]]:
    """Spend codes by (outlet, hash); each comes back to exactly one transaction."""
    ordered = sorted(codes)  # who waits for another's code waits in one order
    parameters = {
        "outlets": [code[0] for code in ordered],
        "hashes": [code[1] for code in ordered],
        "now": work.now,
    }
    cursor = await work.conn.execute(QUERIES["spend"], parameters)
    return {(row[0], row[1]) for row in await cursor.fetchall()}


async def lock_persons(work: Work, outlets: Sequence[UUID]) -> None:
    """Be the only one who changes persons of these outlets until the commit."""
    parameters = {"space": PERSONS_LOCK, "outlets": sorted(set(outlets))}
    await work.conn.execute(QUERIES["lock_persons"], parameters)


async def persons(work: Work, contacts: Sequence[Key]) -> dict[Member, UUID]:
    """Return the person of each contact that shares one with these (outlet, contact)s."""
    parameters = {"outlets": [key[0] for key in contacts], "contacts": [key[1] for key in contacts]}
    cursor = await work.conn.execute(QUERIES["persons"], parameters)
    return {(row[0], row[1]): row[2] for row in await cursor.fetchall()}


async def save_persons(work: Work, changed: Mapping[Member, UUID | None]) -> None:
    """Write who belongs to which person; None is one of their own."""
    joined = sorted(member for member, person in changed.items() if person is not None)
    left = sorted(member for member, person in changed.items() if person is None)
    if joined:
        await work.conn.execute(
            QUERIES["join_persons"],
            {
                "now": work.now,
                "outlets": [member[0] for member in joined],
                "contacts": [member[1] for member in joined],
                "persons": [changed[member] for member in joined],
            },
        )
    if left:
        parameters = {"outlets": [m[0] for m in left], "contacts": [m[1] for m in left]}
        await work.conn.execute(QUERIES["leave_persons"], parameters)


# -- consent -----------------------------------------------------------------------------


async def agreed(work: Work, contacts: Sequence[Key]) -> list[tuple[Agreed, int]]:
    """Return how each (outlet, contact)'s consent stands, and the number of its last change."""
    parameters = {"outlets": [key[0] for key in contacts], "contacts": [key[1] for key in contacts]}
    cursor = await work.conn.execute(QUERIES["agreed"], parameters)
    stands: list[dict[str, bool]] = [{} for _ in contacts]
    last = [0] * len(contacts)
    for i, purpose, given, n in await cursor.fetchall():
        stands[i - 1][purpose] = given
        last[i - 1] = max(last[i - 1], n)
    return [(Agreed(**stand), n) for stand, n in zip(stands, last, strict=True)]


class NewConsent(msgspec.Struct, frozen=True):
    """One change to log; ``n`` is its number among the contact's."""

    outlet_id: UUID
    contact_id: UUID
    n: int
    choice: Choice
    source: str
    wording: str
    version: str


async def log_consent(work: Work, new: Sequence[NewConsent]) -> None:
    """Append these changes."""
    await work.conn.execute(
        QUERIES["log_consent"],
        {
            "now": work.now,
            "outlets": [item.outlet_id for item in new],
            "contacts": [item.contact_id for item in new],
            "ns": [item.n for item in new],
            "purposes": [item.choice.purpose.value for item in new],
            "givens": [item.choice.given for item in new],
            "sources": [item.source for item in new],
            "wordings": [item.wording for item in new],
            "versions": [item.version for item in new],
        },
    )


async def consents(
    work: Work, outlet_id: UUID, contact_id: UUID, limit: int = 20
) -> list[dict[str, Any]]:
    """Return a contact's changes of consent, the newest first."""
    async with work.conn.cursor(row_factory=dict_row) as cursor:
        parameters = {"outlet_id": outlet_id, "contact_id": contact_id, "limit": limit}
        await cursor.execute(QUERIES["consents"], parameters)
        return await cursor.fetchall()


# -- routes ------------------------------------------------------------------------------


class Reach(msgspec.Struct, frozen=True):
    """One conversation of a person, as the database knows it. ``heard_at`` is when they wrote last;
    ``window_at`` when their vendor's window opened, None where it was told to be closed since.
    """

    conversation_id: UUID
    channel_id: UUID
    kind: str
    status: str
    phone: str
    marketing: bool
    heard_at: datetime | None
    window_at: datetime | None


async def reaches(work: Work, conversations: Sequence[Key]) -> list[list[Reach]]:
    """Return, for each (outlet, conversation), every conversation of the person behind it."""
    parameters = {
        "outlets": [key[0] for key in conversations],
        "conversations": [key[1] for key in conversations],
    }
    cursor = await work.conn.execute(QUERIES["candidates"], parameters)
    found: list[list[Reach]] = [[] for _ in conversations]
    for row in await cursor.fetchall():
        found[row[0] - 1].append(Reach(*row[1:]))
    return found


async def add_routes(work: Work, routes: Sequence[Route]) -> None:
    """Insert routes, and forget the old ones of the same conversations."""
    await work.conn.execute(
        QUERIES["add_routes"],
        {
            "now": work.now,
            "outlets": [route.outlet_id for route in routes],
            "ids": [route.id for route in routes],
            "conversations": [route.wish.conversation_id for route in routes],
            "homes": [route.wish.at_home for route in routes],
            "purposes": [route.wish.purpose.value for route in routes],
            "messages": [_json(route.wish.message) for route in routes],
            "statuses": [route.status for route in routes],
            "due": [route.due_at for route in routes],
            "sent_to": [route.sent_to for route in routes],
            "decisions": [_json(route.decision) for route in routes],
        },
    )
    keys = sorted({(route.outlet_id, route.wish.conversation_id) for route in routes})
    parameters = {
        "outlets": [key[0] for key in keys],
        "conversations": [key[1] for key in keys],
        "kept": ROUTES_KEPT,
    }
    await work.conn.execute(QUERIES["forget_routes"], parameters)


async def change_routes(work: Work, routes: Sequence[Route]) -> None:
    """Write where routes stand now."""
    await work.conn.execute(
        QUERIES["change_routes"],
        {
            "now": work.now,
            "outlets": [route.outlet_id for route in routes],
            "ids": [route.id for route in routes],
            "statuses": [route.status for route in routes],
            "due": [route.due_at for route in routes],
            "sent_to": [route.sent_to for route in routes],
            "tried": [f"{{{','.join(str(i) for i in route.tried)}}}" for route in routes],
            "decisions": [_json(route.decision) for route in routes],
        },
    )


async def place_routes(work: Work, placed: Sequence[tuple[UUID, UUID, int]]) -> None:
    """Note which message of its conversation each (outlet, route) has become."""
    parameters = {
        "outlets": [item[0] for item in placed],
        "ids": [item[1] for item in placed],
        "seqs": [item[2] for item in placed],
    }
    await work.conn.execute(QUERIES["place_routes"], parameters)


async def due_routes(work: Work, limit: int) -> list[Route]:
    """Return held routes whose time has come; nobody else gets them."""
    cursor = await work.conn.execute(QUERIES["due_routes"], {"now": work.now, "limit": limit})
    return [_route(row) for row in await cursor.fetchall()]


async def failed_routes(work: Work, conversations: Sequence[Key]) -> list[Route]:
    """Return the routes to these (outlet, conversation)s of which a part has failed for good."""
    keys = sorted(set(conversations))
    parameters = {"outlets": [key[0] for key in keys], "conversations": [key[1] for key in keys]}
    cursor = await work.conn.execute(QUERIES["failed_routes"], parameters)
    return [_route(row) for row in await cursor.fetchall()]


async def routes_of(
    work: Work, outlet_id: UUID, conversation_id: UUID, limit: int = 5
) -> list[tuple[Route, datetime]]:
    """Return the newest routes from or to a conversation, with when they last changed."""
    parameters = {"outlet_id": outlet_id, "conversation_id": conversation_id, "limit": limit}
    cursor = await work.conn.execute(QUERIES["routes_of"], parameters)
    return [(_route(row), row[12]) for row in await cursor.fetchall()]


def _route(row: tuple[Any, ...]) -> Route:
    wish = SendTo(row[0], row[2], _message.decode(row[5]), Purpose(row[4]), at_home=row[3])
    return Route(
        outlet_id=row[0],
        id=row[1],
        wish=wish,
        status=row[6],
        decision=_decision.decode(row[7]),
        due_at=row[8],
        sent_to=row[9],
        message_seq=row[10],
        tried=tuple(row[11]),
    )


async def addresses(work: Work, keys: Sequence[tuple[UUID, UUID]]) -> dict[UUID, tuple[UUID, str]]:
    """Return the channel and chat of each (outlet, conversation) that there is."""
    parameters = {"outlets": [key[0] for key in keys], "ids": [key[1] for key in keys]}
    cursor = await work.conn.execute(QUERIES["addresses"], parameters)
    return {row[1]: (row[2], row[3]) for row in await cursor.fetchall()}
