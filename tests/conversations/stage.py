"""A stage for conversations: people on Telegram, workers that are stepped and struck by hand.

A *script* is a list of intents; a run without disturbance turns each intent into a concrete event
(a tap needs the number of the message it belongs to). The same events can then be given again to
another chat in any interleaving, while workers crash. ``story`` is everything that became of one
conversation, with what may differ between two runs (ids, times, order numbers, the chat's own
number) replaced by the order of its first appearance: two equal stories are the same conversation.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import structlog

from chatworks.channels.models import Channel, RawRequest
from chatworks.conversations.worker import Worker
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.kit.work import Work

COMMIT = 0  # a fault at no statement strikes when everything is written, before the commit
IDLE_STATEMENTS = 4  # a step that finds nothing to take commits after fewer
MESSAGES, TAPPED = 7_000_000, 8_000_000  # Telegram's message numbers: no order is called like them
BLOCKED_SECONDS = 0.2  # how long a step may wait for rows that a paused worker holds
ROUNDS_MAX = 100  # of steps until everything is taken; an engine that needs more has lost its way

Intent = tuple[str, Any]


@dataclass(frozen=True)
class Event:
    """One event of a script: Telegram's content, and the message that a tap belongs to."""

    kind: str
    content: dict[str, Any]
    needs_seq: int = 0


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


STRUCK = (Killed, psycopg.OperationalError, RuntimeError, asyncio.CancelledError)
_fault: contextvars.ContextVar[Fault | None] = contextvars.ContextVar("fault", default=None)


@dataclass
class Fault:
    """Strikes a worker's step once, at its ``at``-th statement."""

    kind: str  # raised, lost, killed, terminated, paused
    at: int
    admin: psycopg.Connection[Any]
    seen: int = 0
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def meet(self, conn: psycopg.AsyncConnection[Any], *, commit: bool = False) -> None:
        """Strike, if this is the moment."""
        self.seen += not commit
        at_commit = commit and self.at == COMMIT and self.seen > IDLE_STATEMENTS
        if self.struck.is_set() or not (at_commit or (not commit and self.seen == self.at)):
            return
        self.struck.set()
        match self.kind:
            case "raised":
                raise RuntimeError("injected")
            case "lost":
                raise psycopg.OperationalError("injected")
            case "killed":
                raise Killed
            case "terminated":
                self.admin.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
            case "paused":
                await self.release.wait()


def arm(monkeypatch: Any) -> None:
    """Let faults strike: before a statement, and before a commit."""
    execute, flush = psycopg.AsyncCursor.execute, Work.flush

    async def executed(self: Any, *args: Any, **kwargs: Any) -> Any:
        fault = _fault.get()
        if fault is not None:
            await fault.meet(self.connection)
        return await execute(self, *args, **kwargs)

    async def flushed(self: Work) -> None:
        await flush(self)
        fault = _fault.get()
        if fault is not None:
            await fault.meet(self.conn, commit=True)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", executed)
    monkeypatch.setattr(Work, "flush", flushed)
    monkeypatch.setattr("chatworks.conversations.worker.BACKOFF_SECONDS", (0, 0, 0, 0))
    quiet = structlog.wrap_logger(structlog.ReturnLogger(), processors=[lambda *_: ""])
    monkeypatch.setattr("chatworks.conversations.worker.log", quiet)


class Stage:
    """One house, its Telegram channel, and workers of several batch sizes."""

    def __init__(self, house: House, channel: Channel, admin: psycopg.Connection[Any]) -> None:
        self.house = house
        self.channel = channel
        self.admin = admin
        parts = house.worker._parts
        self.workers = [Worker(house.db, parts, house.listener, size) for size in (1, 2, 300)]
        self._chats = itertools.count(10_000_000)
        self._paused: list[tuple[asyncio.Task[int], Fault]] = []

    # -- events ------------------------------------------------------------------------------

    def new_chat(self) -> int:
        """Return a chat that nobody has used."""
        return next(self._chats)

    async def deliver(self, chat: int, events: Sequence[tuple[int, Event]]) -> None:
        """Have Telegram deliver ``(index in the script, event)``s of a chat, in this order."""
        kind = self.house.kinds["telegram"]
        arrivals = []
        for index, event in events:
            place = {"id": chat, "type": "private", "first_name": "P"}
            person = {"id": chat, "is_bot": False, "first_name": "P", "language_code": "en"}
            content: dict[str, Any] = {"from": person, **event.content}
            if event.kind == "callback_query":
                content["message"] = {**content["message"], "chat": place}
            else:
                content |= {"chat": place, "date": 1_790_000_000, "message_id": MESSAGES + index}
            body = {"update_id": chat * 1000 + index, event.kind: content}
            request = RawRequest({}, msgspec.json.encode(body))
            arrivals += kind.split(request, self.channel, self.house.clock.now())
        await self.house.committer.accept(
            [NewEvent(self.channel.outlet_id, self.channel.id, arrival) for arrival in arrivals]
        )

    async def play(self, script: Sequence[Intent]) -> tuple[list[Event], dict[str, Any]]:
        """Play a script alone and undisturbed; returns its events, and the story."""
        chat = self.new_chat()
        events: list[Event] = []
        for index, intent in enumerate(script):
            event = _event(intent, index, self._asked(chat))
            events.append(event)
            await self.deliver(chat, [(index, event)])
            while await self.workers[-1].step():
                pass
        return events, self.story(chat)

    def _asked(self, chat: int) -> list[tuple[int, list[str]]]:
        """Return the messages with buttons that a chat was sent: (seq, ids of buttons)."""
        rows = self.admin.execute(
            "SELECT m.seq, m.content->'buttons' FROM message m JOIN conversation c"
            " ON c.id = m.conversation_id WHERE c.thread = %s AND m.direction = 'out'"
            " ORDER BY m.seq",
            [str(chat)],
        ).fetchall()
        return [(seq, [b["id"] for b in buttons]) for seq, buttons in rows if buttons]

    def last_seq(self, chat: int) -> int:
        """Return how many messages a chat has."""
        row = self.admin.execute(
            "SELECT last_seq FROM conversation WHERE thread = %s", [str(chat)]
        ).fetchone()
        return 0 if row is None else int(row[0])

    # -- workers -----------------------------------------------------------------------------

    async def step(self, worker: int, fault: Fault | None = None) -> None:
        """Let a worker take a batch, until it is done, struck, or paused by its fault."""
        context = contextvars.copy_context()
        context.run(_fault.set, fault)
        step = self.workers[worker].step()
        task: asyncio.Task[int] = asyncio.create_task(step, context=context)
        if fault is not None and fault.kind == "paused":
            struck = asyncio.create_task(fault.struck.wait())
            await asyncio.wait({task, struck}, return_when=asyncio.FIRST_COMPLETED)
            struck.cancel()
            if not task.done():
                self._paused.append((task, fault))
                return
        while not task.done():
            await asyncio.wait({task}, timeout=BLOCKED_SECONDS if self._paused else None)
            if not task.done():
                await self.release(kill=False)
        await _outcome(task)

    async def release(self, *, kill: bool) -> None:
        """Let the longest paused worker go on, or end it where it is: claimed, not committed."""
        if not self._paused:
            return
        task, fault = self._paused.pop(0)
        if kill:
            task.cancel()
        fault.release.set()
        await _outcome(task)

    async def release_all(self) -> None:
        """Let every paused worker go on."""
        while self._paused:
            await self.release(kill=False)

    async def drain(self) -> None:
        """Work until nothing is left to take."""
        await self.release_all()
        for _ in range(ROUNDS_MAX):
            await self.step(len(self.workers) - 1)
            row = self.admin.execute("SELECT count(*) FROM inbox_pending").fetchone()
            if row == (0,):
                return
        raise AssertionError("events are left that nobody takes")

    # -- what became of it -------------------------------------------------------------------

    def story(self, chat: int) -> dict[str, Any]:
        """Return everything that became of a chat's conversation."""
        who = self.admin.execute(
            "SELECT c.id, c.contact_id FROM conversation c WHERE c.thread = %s", [str(chat)]
        ).fetchone()
        if who is None:
            return {}
        told = {name: self._rows(query, who) for name, query in STORY.items()}
        numbers = [row[0] for row in told["orders"]]
        story: dict[str, Any] = json.loads(_plain(json.dumps(told), chat, numbers))
        story["dialogues"].sort(key=json.dumps)  # several that began in one batch have one time
        return story

    def _rows(self, query: str, who: tuple[Any, ...]) -> list[list[Any]]:
        named = {"conversation": who[0], "contact": who[1], "actor": who[1].hex}
        return [list(row) for row in self.admin.execute(query, named).fetchall()]

    def stock(self) -> dict[str, int]:
        """Return what is left of each product."""
        return dict(self.admin.execute("SELECT id::text, stock FROM product").fetchall())

    def sold(self, chats: Sequence[int]) -> dict[str, int]:
        """Return what these chats hold in orders that were not cancelled."""
        rows = self.admin.execute(
            "SELECT l.product_id::text, sum(l.count)::integer FROM order_line l JOIN sales_order o"
            " ON o.id = l.order_id JOIN conversation c ON c.id = o.conversation_id"
            " WHERE c.thread = ANY(%s) AND o.status <> 'cancelled' GROUP BY l.product_id",
            [[str(chat) for chat in chats]],
        ).fetchall()
        return dict(rows)


# The open question's number means something only while a dialogue waits.
STORY = {
    "orders": "SELECT number, id::text, status, language, goods_minor, delivery_minor, total_minor,"
    " customer_name, customer_phone, address, latitude, longitude, cancel_reason, ("
    "   SELECT json_agg(json_build_array(l.product_id, l.name, l.count, l.price_minor)"
    "     ORDER BY l.line)"
    "   FROM order_line l WHERE l.order_id = o.id), ("
    "   SELECT json_agg(json_build_array(s.step, s.status, s.actor_kind) ORDER BY s.step)"
    "   FROM order_step s WHERE s.order_id = o.id)"
    " FROM sales_order o WHERE conversation_id = %(conversation)s ORDER BY number",
    "messages": "SELECT seq, direction, author, content, event_id IS NULL FROM message"
    " WHERE conversation_id = %(conversation)s ORDER BY seq",
    "conversation": "SELECT c.speaker, c.speaker_until IS NULL, c.dialogue_id IS NULL, c.last_seq,"
    " c.last_text, p.status, p.language, p.name, p.phone FROM conversation c JOIN contact p"
    " ON p.id = c.contact_id WHERE c.id = %(conversation)s",
    "dialogues": "SELECT applet, version, command, language, settings, start, status, steps,"
    " CASE WHEN status = 'waiting' THEN asked_seq END, ended_at IS NULL, ("
    "   SELECT json_agg(e.value ORDER BY j.page, e.ordinality) FROM journal j,"
    "   json_array_elements(j.entries) WITH ORDINALITY AS e WHERE j.dialogue_id = d.id)"
    " FROM dialogue d WHERE conversation_id = %(conversation)s ORDER BY started_at, asked_seq",
    "sent": "SELECT message_seq, payload FROM outbox_part"
    " WHERE conversation_id = %(conversation)s AND message_seq > 0 ORDER BY n",
    # Taps are answered at once, edits wait for their turn: the order within each is what counts.
    "settled": "SELECT payload FROM outbox_part"
    " WHERE conversation_id = %(conversation)s AND message_seq = 0 ORDER BY lane, n",
    "leaves": "SELECT action, actor_kind FROM audit_leaf WHERE actor_id = %(actor)s ORDER BY id",
}

_IDS = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}")
_TIMES = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)")
_LEFT = re.compile(r'"left": \d+')  # others buy too


def _plain(text: str, chat: int, numbers: Sequence[int]) -> str:
    """Replace what may differ between two runs of the same conversation."""
    ids: dict[str, str] = {}
    text = _IDS.sub(lambda m: ids.setdefault(UUID(m[0]).hex, f"id {len(ids)}"), text)
    text = _LEFT.sub('"left": 0', _TIMES.sub("T", text)).replace(str(chat), "7")
    for nth, number in enumerate(numbers, start=1):
        text = re.sub(rf"\b{number}\b", f"9000{nth}", text)
    return text


async def _outcome(task: asyncio.Task[int]) -> None:
    """Wait for a step; that it was struck is no error here."""
    try:
        await task
    except STRUCK:
        return


def _event(intent: Intent, index: int, asked: Sequence[tuple[int, list[str]]]) -> Event:
    """Make an intent concrete: a tap becomes the data of a button that was sent."""
    kind, value = intent
    if kind in {"tap", "stale"} and asked:
        seq, buttons = asked[-1] if kind == "tap" else asked[value % len(asked)]
        button = buttons[value % len(buttons)]
        message = {"message_id": TAPPED + seq, "date": 1_790_000_000}
        content = {"id": f"cb{index}", "message": message, "chat_instance": "1"}
        return Event("callback_query", {**content, "data": f"{seq}.{button}"}, seq)
    match kind:
        case "place":
            place = {"latitude": value[0], "longitude": value[1]}
            return Event("message", {"location": place})
        case "photo":
            return Event("message", {"photo": [{"file_id": value, "width": 9, "file_size": 9}]})
        case "edit":
            return Event("edited_message", {"text": value})
        case "member":
            return Event("my_chat_member", {"new_chat_member": {"status": value}})
    return Event("message", _text(value if kind == "say" else "menu"))


def _text(text: str) -> dict[str, Any]:
    if not text.startswith("/"):
        return {"text": text}
    length = len(text.split(" ", maxsplit=1)[0])
    return {"text": text, "entities": [{"type": "bot_command", "offset": 0, "length": length}]}


def flattened(parts: Sequence[Sequence[Intent]]) -> Iterator[Intent]:
    """Return the intents of several parts of a script, one after the other."""
    return itertools.chain.from_iterable(parts)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return where two stories differ, one line for each place."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [d for key in one for d in differences(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, list) and isinstance(other, list):
        pairs = itertools.zip_longest(one, other)
        return [d for n, pair in enumerate(pairs) for d in differences(*pair, f"{path}[{n}]")]
    return [] if one == other else [f"{path}: {one!r} is not {other!r}"]
