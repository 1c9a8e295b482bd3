"""What a turn changes stays in place, and the console's list keeps its order for all that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from houses import opened, set_environment
from visitors import Visitor

from chatworks.conversations import store
from chatworks.house import House
from chatworks.kit.clock import FixedClock
from chatworks.testing.telegram import BotApi

UPDATES = (
    "SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables"
    " WHERE relname IN ('conversation', 'dialogue') ORDER BY relname"
)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
async def stopped_house(
    database_url: str,
    fixed_clock: FixedClock,
    bot_api: BotApi,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[House]:
    """The product on a clock that moves only when told."""
    set_environment(monkeypatch, bot_api)
    async with opened(database_url, fixed_clock) as house:
        yield house


async def visitors(house: House, *names: str) -> list[Visitor]:
    channel = (await house.directory.channels(kind="terminal"))[0]
    return [Visitor(house, channel, name) for name in names]


async def test_a_turn_changes_its_rows_in_place(
    stopped_house: House, fixed_clock: FixedClock, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:  # as if nobody had been here
        conn.execute("VACUUM conversation, dialogue")
        conn.execute("SELECT pg_stat_reset()")
    (anna,) = await visitors(stopped_house, "a")
    for _ in range(2):
        await anna.says("order water")
        await anna.taps("20 L refill")
        for answer in ("2", "3", "menu"):
            await anna.says(answer)
    fixed_clock.move(timedelta(minutes=1))
    await anna.says("help")

    await stopped_house.close()
    with psycopg.connect(database_url, autocommit=True) as conn:
        while conn.execute(OTHERS).fetchone() != (0,):  # each tells its statistics as it ends
            pass
        changed = {name: (total, hot) for name, total, hot in conn.execute(UPDATES).fetchall()}

    assert changed == {"conversation": (11, 10), "dialogue": (8, 8)}  # one began a new minute


async def listed(house: House, outlet_id: UUID, limit: int) -> list[str]:
    """Return the whole list, read page by page."""
    names: list[str] = []
    async with house.db.web(outlet_id) as work:
        before = work.now + timedelta(microseconds=1)
        while rows := await store.latest(work, outlet_id, before, limit):
            names += [row["last_text"] for row in rows]
            before = rows[-1]["last_at"]
    return names


async def test_the_list_is_in_order_within_and_across_minutes(
    stopped_house: House, fixed_clock: FixedClock
) -> None:
    people = await visitors(stopped_house, *"abcdefg")
    for person in people:
        await person.says("stop")
        fixed_clock.move(timedelta(seconds=25))
    # Who has stopped is heard and not answered, so that the last word is their own.
    for person in (people[3], people[0], people[5]):
        await person.says(f"I am {person.thread}")
        fixed_clock.move(timedelta(seconds=25))
    outlet_id = people[0].channel.outlet_id
    bye = "You will get no more messages from us here. Write “start” to come back."

    for limit in (1, 2, 50):
        names = await listed(stopped_house, outlet_id, limit)
        assert names == ["I am f", "I am a", "I am d", bye, bye, bye, bye]
