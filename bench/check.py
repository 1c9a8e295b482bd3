"""The checker of chaos: reads only the database and what the stand-in received."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import psycopg

from chatworks.testing.telegram import Call

MESSAGES = ("sendMessage", "sendPhoto")  # what an order says, with a picture or without


def check(url: str, given: Mapping[int, Sequence[int]], calls: Sequence[Call]) -> dict[str, int]:
    """Compare what was acknowledged with what was done.

    ``given`` maps each chat to the update ids that were answered 200, in order. Returns counts of
    ``lost``, ``doubled`` and ``out_of_order``; all must be 0.
    """
    with psycopg.connect(url) as conn:
        taken: dict[int, list[int]] = defaultdict(list)
        for thread, event_id in conn.execute(
            "SELECT c.thread, e.event_id FROM message m"
            " JOIN conversation c ON c.outlet_id = m.outlet_id AND c.id = m.conversation_id"
            " JOIN inbox_event e ON e.id = m.event_id"
            " WHERE m.direction = 'in' ORDER BY m.conversation_id, m.seq"
        ):
            taken[int(thread)].append(int(event_id.partition(".")[0]))
        parts: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for thread, status, text in conn.execute(
            "SELECT thread, status, coalesce(payload->'params'->>'text',"
            " payload->'params'->>'caption') FROM outbox_part"
            " WHERE payload->>'method' = ANY(%s) ORDER BY n",
            (list(MESSAGES),),
        ):
            parts[int(thread)].append((status, text))
        row = conn.execute(
            "SELECT (SELECT count(*) FROM sales_order),"
            " (SELECT coalesce(sum(count), 0) FROM order_line),"
            " (SELECT sum(1000000 - stock) FROM product),"
            " (SELECT count(*) FROM audit_leaf WHERE action = 'orders.PlaceOrder')"
        ).fetchone()
    assert row is not None
    lost = sum(len(set(ids) - set(taken[chat])) for chat, ids in given.items())
    doubled = sum(len(ids) - len(set(ids)) for ids in taken.values())
    doubled += abs(row[1] - row[2]) + abs(row[0] - row[3])
    disorder = sum(taken[chat] != sorted(taken[chat]) for chat in given)
    received: dict[int, list[str]] = defaultdict(list)
    for call in calls:
        if call.method in MESSAGES and call.done:
            said = str(call.params.get("text", call.params.get("caption")))
            received[int(call.params["chat_id"])].append(said)
    for chat, texts in received.items():
        doubled += max(0, len(texts) - len(parts[chat]))
        disorder += not _in_order(texts, [text for _, text in parts[chat]])
        lost += sum(status == "sent" for status, _ in parts[chat]) > len(texts)
    return {"lost": lost, "doubled": doubled, "out_of_order": disorder}


def _in_order(texts: Sequence[str], planned: Sequence[str]) -> bool:
    """Return whether ``texts`` is a subsequence of ``planned``."""
    rest = iter(planned)
    return all(text in rest for text in texts)
