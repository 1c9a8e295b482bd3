"""What a million idle conversations cost those that talk: plans and buffers of the hot queries.

The same three hundred conversations are taken on a database with few idle ones and on one with a
million: same plans, and block reads that differ by the depth of the indexes alone. Queries run as
the product runs them: the engine's login, its planner settings, one generic plan.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import ClientCursor

from bench import place
from chatworks.conversations.store import QUERIES as CONVERSATIONS
from chatworks.inbox.store import QUERIES as INBOX
from chatworks.kit.db import PLANNER
from chatworks.kit.migrate import ENGINE, login_url
from chatworks.outbox.store import QUERIES as OUTBOX

FEW, MANY = 10_000, 1_000_000
ACTIVE = 300
IDLE = """
SET session_replication_role = replica;  -- rows that fit by making need no checks
INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language, created_at)
SELECT %(outlet)s, md5('p' || n)::uuid, %(channel)s, n::text, 'en', now()
FROM generate_series(%(first)s, %(last)s) n;
INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread, thread_key, last_seq,
                          last_at, created_at, dialogue_id)
SELECT %(outlet)s, md5('c' || n)::uuid, %(channel)s, md5('p' || n)::uuid, n::text, n, 1,
       now() - n * interval '1 second', now(), md5('d' || n)::uuid
FROM generate_series(%(first)s, %(last)s) n;
INSERT INTO dialogue (outlet_id, id, conversation_id, applet, version, command, language, settings,
                      start, status, pages, steps, asked_seq, started_at)
SELECT %(outlet)s, md5('d' || n)::uuid, md5('c' || n)::uuid, 'water', '1.0.0', 'order', 'en', '{}',
       '{}', 'waiting', 1, 1, 1, now()
FROM generate_series(%(first)s, %(last)s) n;
INSERT INTO journal (outlet_id, dialogue_id, page, entries)
SELECT %(outlet)s, md5('d' || n)::uuid, 1, '[["now", "answer", "2026-11-24T09:00:00Z"]]'
FROM generate_series(%(first)s, %(last)s) n;
INSERT INTO message (outlet_id, conversation_id, seq, direction, author, content, created_at)
SELECT %(outlet)s, md5('c' || n)::uuid, 1, 'in', 'customer', '{}', now()
FROM generate_series(%(first)s, %(last)s) n;
"""
EVENTS = """
INSERT INTO inbox_event (outlet_id, source, event_id, thread, received_at, headers, payload)
SELECT %(outlet)s, %(channel)s, n::text, n::text, now(), '{}', '{}'
FROM generate_series(1, %(active)s) n;
INSERT INTO inbox_pending (id, outlet_id, source, thread_key, lane, rank, ready_at)
SELECT id, outlet_id, source, thread::bigint, 2, 0, now() FROM inbox_event;
INSERT INTO outbox_part (outlet_id, id, channel_id, conversation_id, thread, message_seq, part,
                         payload, status, ready_at, created_at)
SELECT %(outlet)s, md5('o' || n)::uuid, %(channel)s, md5('c' || n)::uuid, n::text, 1, 0, '{}',
       'queued', now(), now()
FROM generate_series(1, %(active)s) n;
"""

Measured = dict[str, tuple[str, int]]


def measure(owner_url: str) -> dict[str, Any]:
    """Return blocks touched with few and with many idle conversations, and changed plans."""
    url = place.fresh(owner_url, "bench_idle")
    with psycopg.connect(url, autocommit=True) as conn:
        outlet, channel = _outlet(conn)
        _fill(conn, outlet, channel, 1, FEW)
        few = _explain(url, outlet, channel)
        _fill(conn, outlet, channel, FEW + 1, MANY)
        many = _explain(url, outlet, channel)
    changed = sorted(name for name in few if few[name][0] != many[name][0])
    return {
        "few": sum(blocks for _, blocks in few.values()),
        "many": sum(blocks for _, blocks in many.values()),
        "changed": changed,
        "blocks": {name: (few[name][1], many[name][1]) for name in few},
    }


def _outlet(conn: psycopg.Connection) -> tuple[UUID, UUID]:
    outlet, channel = UUID(int=1), UUID(int=2)
    conn.execute(
        "INSERT INTO outlet VALUES (%s, 'idle', 'Idle', '{}', '{en}', 'KES', 'UTC', '{}', '{}',"
        " '{}', '{}', now(), now())",
        [outlet],
    )
    conn.execute(
        "INSERT INTO channel (outlet_id, id, kind, path, name, created_at)"
        " VALUES (%s, %s, 'telegram', 'idle', 'Idle', now())",
        [outlet, channel],
    )
    return outlet, channel


def _fill(conn: psycopg.Connection, outlet: UUID, channel: UUID, first: int, last: int) -> None:
    """Add idle conversations, and let the statistics know, as autovacuum would."""
    values = {"outlet": outlet, "channel": channel, "first": first, "last": last}
    ClientCursor(conn).execute(IDLE, values)
    if first == 1:
        ClientCursor(conn).execute(EVENTS, {**values, "active": ACTIVE})
    conn.execute("VACUUM (ANALYZE)")


def _explain(url: str, outlet: UUID, channel: UUID) -> Measured:
    """Return each hot query's plan, as the names of its nodes, and how many blocks it touches."""
    numbers = range(1, ACTIVE + 1)
    talks = [_md5(f"c{n}") for n in numbers]
    keys = {"outlets": [outlet] * ACTIVE, "channels": [channel] * ACTIVE}
    engine = login_url(url, ENGINE, place.SECRET.encode())
    with psycopg.connect(engine, options=PLANNER, cursor_factory=ClientCursor) as conn:
        now = conn.execute("SELECT now()").fetchone()
        moment = {"now": None if now is None else now[0]}
        given: dict[str, tuple[str, dict[str, Any]]] = {
            "claim": (INBOX["claim"], {**moment, "seen": [], "window": 1200, "limit": ACTIVE}),
            "events_of": (INBOX["events_of"], {**moment, "keys": list(numbers), "each": 20}),
            "load": (CONVERSATIONS["load"], {**keys, "threads": [str(n) for n in numbers]}),
            "hold": (CONVERSATIONS["hold"], {"outlets": keys["outlets"], "ids": talks}),
            "due_timers": (INBOX["due_timers"], {**moment, "limit": ACTIVE}),
            "lanes": (OUTBOX["lanes"], moment),
            "lease": (
                OUTBOX["lease"],
                {
                    **moment,
                    "until": moment["now"],
                    "lanes": [1],
                    "channels": [channel],
                    "counts": [64],
                },
            ),
        }
        return {name: _one(conn, text, values) for name, (text, values) in given.items()}


def _md5(text: str) -> UUID:
    import hashlib  # noqa: PLC0415 - only here

    return UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def _one(conn: psycopg.Connection, text: str, values: dict[str, Any]) -> tuple[str, int]:
    """Prepare ``text``, run it once to warm the caches, and explain its second run."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    numbered = re.sub(r"%\((\w+)\)s", number, text)
    given = [values[name] for name in names]
    marks = ", ".join(["%s"] * len(given))
    conn.execute(f"PREPARE hot AS {numbered}")
    plans = []
    for _ in range(2):
        explained = conn.execute(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE hot ({marks})",
            given,
        ).fetchone()
        conn.rollback()
        plans.append(explained)
    conn.execute("DEALLOCATE ALL")
    plan = plans[-1]
    assert plan is not None
    top = plan[0][0]["Plan"]
    return msgspec.json.encode(_shape(top)).decode(), top["Shared Hit Blocks"] + top[
        "Shared Read Blocks"
    ]


def _shape(plan: dict[str, Any]) -> list[Any]:
    inner = [_shape(child) for child in plan.get("Plans", ())]
    return [plan["Node Type"], plan.get("Index Name", ""), inner]


if __name__ == "__main__":
    place.environment()
    embedded, base = place.server()
    print(measure(base))
    embedded.stop()
