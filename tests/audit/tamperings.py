"""What a database's superuser can do to the log, one kind after the other, and what must be named.

Each kind changes rows with no trigger in its way. It returns what a verification must name: places
in the tree, leaves, or words that its findings must have.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from logs import KEY, OUTLETS, leaf
from psycopg import AsyncConnection

from chatworks.audit.core import canonical
from chatworks.audit.merkle import Frontier, leaf_hash
from chatworks.audit.notes import LOG, Checkpoint, Signer, signed_checkpoint

Conn = AsyncConnection[Any]


@dataclass(slots=True)
class Log:
    """The untouched log: its leaves' ids by place, those that wait, the sizes that were signed."""

    leaves: list[UUID]
    waiting: list[UUID]
    signed: list[int]


@dataclass(slots=True)
class Named:
    """What must be named: places, leaves, words; ``first`` is the place that must come first."""

    places: set[int] = field(default_factory=set)
    leaves: set[UUID] = field(default_factory=set)
    words: str = ""
    first: int | None = None


Kind = Callable[[Conn, Log, random.Random], Awaitable[Named]]


async def rows(conn: Conn, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return await (await conn.execute(query, values)).fetchall()  # type: ignore[arg-type]


async def run(conn: Conn, query: str, *values: Any) -> None:
    await conn.execute(query, values)  # type: ignore[arg-type]


def pick(log: Log, draw: random.Random) -> tuple[int, UUID]:
    n = draw.randrange(len(log.leaves))
    return n, log.leaves[n]


async def payload_of(conn: Conn, leaf_id: UUID) -> bytes:
    return bytes((await rows(conn, "SELECT payload FROM audit_leaf WHERE id = %s", leaf_id))[0][0])


async def rewrite(conn: Conn, leaf_id: UUID, draw: random.Random) -> bytes:
    """Change an amount in a leaf and make its own hash fit; returns that hash."""
    payload = await payload_of(conn, leaf_id)
    changed = payload.replace(b'"price_minor":', b'"price_minor":' + b"%d" % draw.randrange(1, 10))
    await run(
        conn,
        "UPDATE audit_leaf SET payload = %s, leaf_hash = %s WHERE id = %s",
        changed,
        leaf_hash(changed),
        leaf_id,
    )
    return leaf_hash(changed)


async def rebuild(conn: Conn, signer: Signer | None) -> None:
    """Make every node fit the entries, and sign every checkpoint again, where there is a key."""
    tree = Frontier()
    sizes = {row[0] for row in await rows(conn, "SELECT size FROM audit_checkpoint")}
    await run(conn, "DELETE FROM audit_node")
    for (hashed,) in await rows(conn, "SELECT leaf_hash FROM audit_entry ORDER BY n"):
        for level, n, made in tree.append(bytes(hashed)):
            await run(conn, "INSERT INTO audit_node VALUES (%s, %s, %s)", level, n, made)
        if signer and tree.size in sizes:
            note = signed_checkpoint(
                Checkpoint(signer.verifier.name, tree.size, tree.root()), signer
            )
            await run(
                conn, "UPDATE audit_checkpoint SET note = %s WHERE size = %s", note, tree.size
            )


async def flip_a_bit(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    raw = bytearray(await payload_of(conn, leaf_id))
    raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    await run(conn, "UPDATE audit_leaf SET payload = %s WHERE id = %s", bytes(raw), leaf_id)
    return Named({n}, {leaf_id})


async def change_a_column(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    change = draw.choice([
        "action = 'orders.MoveOrder'", "actor_id = 'somebody'", "actor_kind = 'system'",
        "at = at - interval '1 day'", "object_id = 'another'", "object_kind = 'product'",
    ])  # fmt: skip
    await run(conn, f"UPDATE audit_leaf SET {change} WHERE id = %s", leaf_id)  # noqa: S608 - ours
    return Named({n}, {leaf_id})


async def rewrite_a_leaf(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    await rewrite(conn, leaf_id, draw)
    return Named({n}, {leaf_id})


async def rewrite_a_leaf_and_its_entry(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    hashed = await rewrite(conn, leaf_id, draw)
    await run(conn, "UPDATE audit_entry SET leaf_hash = %s WHERE n = %s", hashed, n)
    return Named({n}, {leaf_id})


async def rewrite_a_leaf_and_the_tree(conn: Conn, log: Log, draw: random.Random) -> Named:
    named = await rewrite_a_leaf_and_its_entry(conn, log, draw)
    await rebuild(conn, None)
    return named


async def resign_with_another_key(conn: Conn, log: Log, draw: random.Random) -> Named:
    named = await rewrite_a_leaf_and_its_entry(conn, log, draw)
    await rebuild(conn, Signer(KEY.name, LOG, draw.randbytes(32)))
    named.words = "cannot be believed"
    return named


async def fork_with_the_stolen_key(conn: Conn, log: Log, draw: random.Random) -> Named:
    named = await rewrite_a_leaf_and_its_entry(conn, log, draw)
    await rebuild(conn, KEY.signer(""))
    named.words = "the log was forked"
    return named


async def change_what_stands_in_the_tree(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    await run(conn, "UPDATE audit_entry SET leaf_hash = %s WHERE n = %s", draw.randbytes(32), n)
    return Named({n}, {leaf_id})


async def delete_a_leaf(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    await run(conn, "DELETE FROM audit_leaf WHERE id = %s", leaf_id)
    return Named({n}, {leaf_id})


async def delete_a_leaf_and_its_entry(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    await run(conn, "DELETE FROM audit_leaf WHERE id = %s", leaf_id)
    await run(conn, "DELETE FROM audit_entry WHERE n = %s", n)
    return Named({n})


async def delete_an_entry(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    await run(conn, "DELETE FROM audit_entry WHERE n = %s", n)
    return Named({n}, {leaf_id})


async def delete_and_close_the_gap(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, _ = pick(log, draw)
    await delete_one(conn, n)
    await move(conn, n + 1, -1)
    await rebuild(conn, None)
    return Named({n}, first=n)


async def delete_one(conn: Conn, n: int) -> None:
    await run(
        conn,
        "WITH gone AS (DELETE FROM audit_entry WHERE n = %s RETURNING leaf_id)"
        " DELETE FROM audit_leaf USING gone WHERE id = gone.leaf_id",
        n,
    )


async def move(conn: Conn, first: int, by: int) -> None:
    """Move every place from ``first`` on."""
    await run(conn, "UPDATE audit_entry SET n = -n - 1 WHERE n >= %s", first)
    await run(conn, "UPDATE audit_entry SET n = -n - 1 + %s WHERE n < 0", by)


async def invent(conn: Conn, draw: random.Random, n: int | None) -> UUID:
    """Insert a leaf that fits itself, at a place where ``n`` is one."""
    leaf_id = UUID(int=draw.getrandbits(128))
    made = leaf(draw.randrange(1000))
    at = (await rows(conn, "SELECT now()"))[0][0]
    payload = canonical(made, leaf_id, at)
    await run(
        conn,
        "INSERT INTO audit_leaf VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        made.outlet_id, leaf_id, at, made.actor_kind, made.actor_id, made.action,
        made.object_kind, made.object_id, payload, leaf_hash(payload),
    )  # fmt: skip
    if n is not None:
        await run(
            conn,
            "INSERT INTO audit_entry VALUES (%s, %s, %s, %s)",
            n, made.outlet_id, leaf_id, leaf_hash(payload),
        )  # fmt: skip
    return leaf_id


async def insert_a_leaf_without_a_place(conn: Conn, _: Log, draw: random.Random) -> Named:
    return Named(leaves={await invent(conn, draw, None)})


async def insert_a_leaf_between(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, _ = pick(log, draw)
    await move(conn, n, 1)
    invented = await invent(conn, draw, n)
    await rebuild(conn, None)
    return Named({n}, {invented}, first=n)


async def insert_a_leaf_at_the_end(conn: Conn, log: Log, draw: random.Random) -> Named:
    n = len(log.leaves)
    return Named({n}, {await invent(conn, draw, n)})


async def insert_a_leaf_below_the_first(conn: Conn, _: Log, draw: random.Random) -> Named:
    n = -draw.randrange(1, 1000)
    return Named({n}, {await invent(conn, draw, n)})


async def swap_two_places(conn: Conn, log: Log, draw: random.Random) -> Named:
    one, other = draw.sample(range(len(log.leaves)), 2)
    await run(conn, "UPDATE audit_entry SET n = -1 WHERE n = %s", one)
    await run(conn, "UPDATE audit_entry SET n = %s WHERE n = %s", one, other)
    await run(conn, "UPDATE audit_entry SET n = %s WHERE n = -1", other)
    if draw.random() < 0.5:
        await rebuild(conn, None)
    return Named({one, other}, {log.leaves[one], log.leaves[other]})


async def swap_two_payloads(conn: Conn, log: Log, draw: random.Random) -> Named:
    one, other = draw.sample(range(len(log.leaves)), 2)
    first, second = log.leaves[one], log.leaves[other]
    payloads = await payload_of(conn, first), await payload_of(conn, second)
    for leaf_id, n, payload in ((first, one, payloads[1]), (second, other, payloads[0])):
        await run(
            conn,
            "UPDATE audit_leaf SET payload = %s, leaf_hash = %s WHERE id = %s",
            payload,
            leaf_hash(payload),
            leaf_id,
        )
        await run(conn, "UPDATE audit_entry SET leaf_hash = %s WHERE n = %s", leaf_hash(payload), n)
    return Named({one, other}, {first, second})


async def give_a_place_another_leaf(conn: Conn, log: Log, draw: random.Random) -> Named:
    one, other = draw.sample(range(len(log.leaves)), 2)
    await run(conn, "DELETE FROM audit_entry WHERE n = %s", other)
    await run(conn, "UPDATE audit_entry SET leaf_id = %s WHERE n = %s", log.leaves[other], one)
    return Named({one, other}, {log.leaves[one]})


async def give_a_leaf_to_another_outlet(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    await run(
        conn,
        "UPDATE audit_leaf SET outlet_id = CASE WHEN outlet_id = %s THEN %s ELSE %s::uuid END"
        " WHERE id = %s",
        OUTLETS[0], OUTLETS[1], OUTLETS[0], leaf_id,
    )  # fmt: skip
    return Named({n}, {leaf_id})


async def move_a_place_far_away(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, leaf_id = pick(log, draw)
    far = len(log.leaves) + draw.randrange(1, 50)
    await run(conn, "UPDATE audit_entry SET n = %s WHERE n = %s", far, n)
    return Named({n, far}, {leaf_id})


async def cut_off_the_tail(conn: Conn, log: Log, draw: random.Random) -> Named:
    n, _ = pick(log, draw)
    await run(conn, "DELETE FROM audit_leaf WHERE id = ANY(%s)", log.leaves[n:])
    await run(conn, "DELETE FROM audit_entry WHERE n >= %s", n)
    return Named(set(range(n, len(log.leaves))), first=n)


async def cut_off_the_tail_and_its_checkpoints(conn: Conn, log: Log, draw: random.Random) -> Named:
    size = draw.choice(log.signed[:-1])
    await run(conn, "DELETE FROM audit_leaf WHERE id = ANY(%s)", log.leaves[size:])
    await run(conn, "DELETE FROM audit_entry WHERE n >= %s", size)
    await run(conn, "DELETE FROM audit_checkpoint WHERE size > %s", size)
    await rebuild(conn, None)
    words = f"checkpoint of {log.signed[-1]} leaves was published and is gone"
    return Named(set(range(size, len(log.leaves))), words=words, first=size)


async def empty_the_log(conn: Conn, log: Log, draw: random.Random) -> Named:
    everything = "audit_leaf, audit_entry, audit_node, audit_checkpoint, audit_pending"
    tables = draw.choice(["audit_leaf", "audit_entry", everything])
    await run(conn, f"TRUNCATE {tables}")
    return Named(set(range(len(log.leaves))), first=0)


async def delete_a_checkpoint(conn: Conn, log: Log, draw: random.Random) -> Named:
    size = draw.choice(log.signed)
    await run(conn, "DELETE FROM audit_checkpoint WHERE size = %s", size)
    return Named(words=f"checkpoint of {size} leaves was published and is gone")


async def change_a_checkpoint(conn: Conn, log: Log, draw: random.Random) -> Named:
    size = draw.choice(log.signed)
    change = draw.choice([
        "note = replace(note, E'audit\\n', E'audits\\n')",
        "note = translate(note, 'ABCDE', 'BCDEA')",
        "note = ''",
        "size = size + 1000000",
    ])  # fmt: skip
    await run(conn, f"UPDATE audit_checkpoint SET {change} WHERE size = %s", size)  # noqa: S608 - ours
    return Named(words=f"{size}")


async def change_a_node(conn: Conn, log: Log, draw: random.Random) -> Named:
    n = draw.randrange(len(log.leaves) // 256)
    change = draw.choice(["UPDATE audit_node SET hash = %s", "DELETE FROM audit_node"])
    values = (draw.randbytes(32), n) if "%s" in change else (n,)
    await run(conn, f"{change} WHERE level = 1 AND n = %s", *values)
    return Named(set(range(n * 256, (n + 1) * 256)), words=f"node 1/{n}")


async def add_a_node(conn: Conn, log: Log, draw: random.Random) -> Named:
    n = len(log.leaves) // 256 + draw.randrange(9)
    await run(conn, "INSERT INTO audit_node VALUES (1, %s, %s)", n, draw.randbytes(32))
    return Named(words=f"node 1/{n}")


async def tamper_with_what_waits(conn: Conn, log: Log, draw: random.Random) -> Named:
    leaf_id = draw.choice(log.waiting)
    change = draw.choice([
        "DELETE FROM audit_pending WHERE leaf_id = %s",
        "DELETE FROM audit_leaf WHERE id = %s",
        "UPDATE audit_leaf SET action = 'orders.MoveOrder' WHERE id = %s",
        "UPDATE audit_pending SET leaf_hash = 'x' WHERE leaf_id = %s",
    ])  # fmt: skip
    await run(conn, change, leaf_id)
    return Named(leaves={leaf_id})


async def take_a_watchman_away(conn: Conn, _: Log, draw: random.Random) -> Named:
    table, trigger, word = draw.choice([
        ("audit_leaf", "audit_leaf_append_only", "audit_leaf_append_only"),
        ("audit_leaf", "audit_leaf_noted", "audit_leaf_noted"),
        ("audit_entry", "audit_entry_no_truncate", "audit_entry_no_truncate"),
        ("sales_order", "audit_guard", "the table sales_order has no guard"),
        ("product", "audit_guard", "the table product has no guard"),
    ])  # fmt: skip
    change = draw.choice([
        f"ALTER TABLE {table} DISABLE TRIGGER {trigger}",
        f"ALTER TABLE {table} ENABLE REPLICA TRIGGER {trigger}",
        f"DROP TRIGGER {trigger} ON {table}",
    ])  # fmt: skip
    await run(conn, change)
    return Named(words=word)


KINDS: tuple[Kind, ...] = (
    flip_a_bit, change_a_column, rewrite_a_leaf, rewrite_a_leaf_and_its_entry,
    rewrite_a_leaf_and_the_tree, resign_with_another_key, fork_with_the_stolen_key,
    change_what_stands_in_the_tree, delete_a_leaf, delete_a_leaf_and_its_entry, delete_an_entry,
    delete_and_close_the_gap, insert_a_leaf_without_a_place, insert_a_leaf_between,
    insert_a_leaf_at_the_end, insert_a_leaf_below_the_first, swap_two_places, swap_two_payloads,
    give_a_place_another_leaf, give_a_leaf_to_another_outlet, move_a_place_far_away,
    cut_off_the_tail, cut_off_the_tail_and_its_checkpoints, empty_the_log, delete_a_checkpoint,
    change_a_checkpoint, change_a_node, add_a_node, tamper_with_what_waits, take_a_watchman_away,
)  # fmt: skip
