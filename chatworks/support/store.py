"""Reads and writes cases, notes, figures and canned answers."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row, dict_row

from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.support.models import (
    FIGURES_OVER,
    Canned,
    ConversationRow,
    Figures,
    MessageView,
    Note,
)

QUERIES = load_queries(__package__)
NOTES_SHOWN = 100
PAGE_LENGTH = 50
SEARCHED_CONVERSATIONS = 100  # of one page of results; the next page looks further back
SEARCHED_MESSAGES = 100  # the newest of each

Key = tuple[UUID, UUID]  # outlet, conversation


def _columns(keys: Collection[Key]) -> dict[str, Any]:
    ordered = sorted(set(keys))
    return {"outlets": [key[0] for key in ordered], "ids": [key[1] for key in ordered]}


async def wait(work: Work, keys: Collection[Key]) -> None:
    """Note that these wait for a person's answer; who waits already keeps their place."""
    await work.conn.execute(QUERIES["wait"], {**_columns(keys), "now": work.now})


async def settle(work: Work, keys: Collection[Key]) -> None:
    """Note that these wait no longer."""
    await work.conn.execute(QUERIES["settle"], _columns(keys))


async def answer(work: Work, key: Key, operator_id: UUID | None) -> None:
    """Keep how long an answer took, where one was awaited."""
    parameters = {
        "outlet_id": key[0],
        "id": key[1],
        "new_id": work.new_id(),
        "operator_id": operator_id,
        "now": work.now,
    }
    await work.conn.execute(QUERIES["answer"], parameters)


async def assign(work: Work, key: Key, operator_id: UUID | None) -> bool:
    """Give a conversation to an operator; returns whether there is such a conversation."""
    parameters = {"outlet_id": key[0], "id": key[1], "operator_id": operator_id}
    return (await work.conn.execute(QUERIES["assign"], parameters)).rowcount == 1


async def add_note(work: Work, key: Key, operator_id: UUID | None, text: str) -> UUID | None:
    """Keep a note; returns its id, or None where there is no such conversation."""
    parameters = {
        "outlet_id": key[0],
        "id": key[1],
        "note_id": (note_id := work.new_id()),
        "operator_id": operator_id,
        "text": text,
        "now": work.now,
    }
    written = (await work.conn.execute(QUERIES["add_note"], parameters)).rowcount
    return note_id if written else None


async def notes(work: Work, outlet_id: UUID, conversation_id: UUID) -> list[Note]:
    """Return the newest notes of a conversation, the oldest of them first."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id, "limit": NOTES_SHOWN}
    rows = await (await work.conn.execute(QUERIES["notes"], parameters)).fetchall()
    return [Note(*row) for row in reversed(rows)]


async def case(
    work: Work, outlet_id: UUID, conversation_id: UUID
) -> tuple[UUID | None, datetime | None]:
    """Return whose a conversation is, and since when somebody waits in it."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id}
    row = await (await work.conn.execute(QUERIES["case"], parameters)).fetchone()
    return (None, None) if row is None else (row[0], row[1])


async def waiting(
    work: Work, outlet_id: UUID, after: datetime, *, unassigned: bool, kind: str
) -> list[dict[str, Any]]:
    """Return who has waited since later than ``after``, the longest first; "" is every kind."""
    parameters = {
        "outlet_id": outlet_id,
        "after": after,
        "unassigned": unassigned,
        "kind": kind,
        "limit": PAGE_LENGTH,
    }
    return await _rows(work, "waiting", parameters)


async def assigned(
    work: Work, outlet_id: UUID, operator_id: UUID, before: datetime, *, kind: str
) -> list[dict[str, Any]]:
    """Return the conversations of one operator, the latest first; "" is every kind."""
    parameters = {
        "outlet_id": outlet_id,
        "operator_id": operator_id,
        "before": before,
        "kind": kind,
        "limit": PAGE_LENGTH,
    }
    return await _rows(work, "assigned", parameters)


async def search(
    work: Work, outlet_id: UUID, words: str, before: datetime, *, kind: str
) -> tuple[list[dict[str, Any]], datetime | None]:
    """Return the conversations with ``words`` in a name, username, phone or message, or with an
    order of that number; and from where to look further back, None at the end.
    """
    number = words.removeprefix("#")
    parameters = {
        "outlet_id": outlet_id,
        "before": before,
        "words": words,
        "number": int(number) if re.fullmatch("[0-9]{1,15}", number) else -1,
        "kind": kind,
        "conversations": SEARCHED_CONVERSATIONS,
        "messages": SEARCHED_MESSAGES,
    }
    end = await (await work.conn.execute(QUERIES["search_end"], parameters)).fetchone()
    return await _rows(work, "search", parameters), end[0] if end else None


async def _rows(work: Work, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    async with work.conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[query], parameters)
        return await cursor.fetchall()


async def figures(work: Work, outlet_id: UUID) -> list[Figures]:
    """Return how fast people were answered in the last seven days, by kind of channel."""
    parameters = {"outlet_id": outlet_id, "since": work.now - FIGURES_OVER}
    rows = await (await work.conn.execute(QUERIES["figures"], parameters)).fetchall()
    return [Figures(row[0], row[1], *row[2]) for row in rows]


async def canned(work: Work, outlet_id: UUID) -> list[Canned]:
    """Return the outlet's canned answers by shortcut."""
    cursor = await work.conn.execute(QUERIES["canned"], {"outlet_id": outlet_id})
    return [Canned(*row) for row in await cursor.fetchall()]


async def save_canned(work: Work, outlet_id: UUID, canned: Canned) -> None:
    """Write a canned answer, in place of the one with its shortcut."""
    parameters = {"outlet_id": outlet_id, "shortcut": canned.shortcut, "text": canned.text}
    await work.conn.execute(QUERIES["save_canned"], parameters)


async def remove_canned(work: Work, outlet_id: UUID, shortcut: str) -> None:
    """Remove a canned answer."""
    parameters = {"outlet_id": outlet_id, "shortcut": shortcut}
    await work.conn.execute(QUERIES["remove_canned"], parameters)


async def page(
    work: Work, outlet_id: UUID, place: tuple[datetime, UUID], kind: str, limit: int
) -> list[ConversationRow]:
    """Return the conversations that come after ``place``, the latest first; "" is every kind."""
    parameters = {
        "outlet_id": outlet_id,
        "before": place[0],
        "before_id": place[1],
        "kind": kind,
        "limit": limit,
    }
    async with work.conn.cursor(row_factory=class_row(ConversationRow)) as cursor:
        await cursor.execute(QUERIES["page"], parameters)
        return await cursor.fetchall()


async def messages(work: Work, key: Key, after: int, limit: int) -> list[MessageView] | None:
    """Return messages above ``after``; None where there is no such conversation."""
    parameters = {"outlet_id": key[0], "id": key[1], "after": after, "limit": limit}
    rows = await (await work.conn.execute(QUERIES["messages"], parameters)).fetchall()
    if not rows:
        return None
    return [
        MessageView(row[0], row[1], row[2], msgspec.json.decode(row[3]), row[4])
        for row in rows
        if row[0] is not None
    ]


async def last_order(work: Work, outlet_id: UUID, conversation_id: UUID) -> str:
    """Return the number of the person's last order; "" where there is none."""
    parameters = {"outlet_id": outlet_id, "id": conversation_id}
    row = await (await work.conn.execute(QUERIES["last_order"], parameters)).fetchone()
    return "" if row is None else str(row[0])
