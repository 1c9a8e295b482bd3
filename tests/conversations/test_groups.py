"""Groups: a contact of their own, whoever speaks in them."""

from __future__ import annotations

from typing import Any

import msgspec
import psycopg

from chatworks.channels.models import Channel, RawRequest
from chatworks.conversations.jobs import move_chats
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.outbox.models import ChatMigrated

JOY = {"id": 501, "is_bot": False, "first_name": "Joy"}
BEN = {"id": 502, "is_bot": False, "first_name": "Ben"}
GROUP = {"id": -77, "type": "group", "title": "Plot 12"}
MOVED = -1001


async def hears(house: House, channel: Channel, number: int, message: dict[str, Any]) -> None:
    """Deliver one message of Telegram and let the engine work."""
    whole = {"message_id": number, "date": 1_790_000_000, **message}
    body = msgspec.json.encode({"update_id": number, "message": whole})
    arrivals = house.kinds["telegram"].split(RawRequest({}, body), channel, house.clock.now())
    await house.committer.accept([NewEvent(channel.outlet_id, channel.id, a) for a in arrivals])
    while await house.worker.step():
        pass


async def test_a_group_is_a_contact_of_its_own(house: House, database_url: str) -> None:
    channel = (await house.directory.channels(kind="telegram"))[0]
    order = {"text": "/order", "entities": [{"type": "bot_command", "offset": 0, "length": 6}]}
    private = {"id": 501, "type": "private", "first_name": "Joy"}

    await hears(house, channel, 1, {"from": JOY, "chat": private, "text": "hello"})
    await hears(house, channel, 2, {"from": JOY, "chat": GROUP, **order})
    await hears(house, channel, 3, {"from": BEN, "chat": GROUP, "text": "hello"})
    named = {"type": "mention", "offset": 0, "length": len(channel.name) + 1}
    ours = {"text": f"@{channel.name} hello", "entities": [named]}
    await hears(house, channel, 4, {"from": BEN, "chat": GROUP, **ours})

    with psycopg.connect(database_url) as conn:
        people = conn.execute("SELECT vendor_id, name FROM contact ORDER BY 1").fetchall()
        talks = conn.execute("SELECT thread, is_group FROM conversation ORDER BY 1").fetchall()
        speakers = conn.execute(
            "SELECT m.content->'sender'->>'name' FROM message m JOIN conversation c ON"
            " c.id = m.conversation_id WHERE c.is_group AND m.direction = 'in' ORDER BY m.seq"
        ).fetchall()
        parked = conn.execute("SELECT count(*) FROM inbox_pending").fetchone()
    assert people == [("-77", "Plot 12"), ("501", "Joy")]
    assert talks == [("-77", True), ("501", False)]
    assert speakers == [("Joy",), ("Ben",)]
    assert parked == (0,)


async def test_a_group_that_moved_goes_on_where_somebody_already_wrote(
    house: House, database_url: str
) -> None:
    channel = (await house.directory.channels(kind="telegram"))[0]
    order = {"text": "/order", "entities": [{"type": "bot_command", "offset": 0, "length": 6}]}
    later = {"id": MOVED, "type": "supergroup", "title": "Plot 12"}
    await hears(house, channel, 1, {"from": JOY, "chat": GROUP, **order})
    await hears(house, channel, 2, {"from": JOY, "chat": later, **order})

    async with house.db.engine() as work:
        row = await (
            await work.conn.execute("SELECT id FROM conversation WHERE thread = '-77'")
        ).fetchone()
        assert row is not None
        await move_chats(work, [ChatMigrated(channel.outlet_id, channel.id, row[0], str(MOVED))])

    with psycopg.connect(database_url) as conn:
        threads = conn.execute("SELECT thread FROM conversation ORDER BY 1").fetchall()
    assert threads == [(str(MOVED),), ("-77",)]
