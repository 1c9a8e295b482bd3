"""Both sides at once, with workers that really run beside each other on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from crossing import Side, groups, rows, settle

from chatworks.conversations.worker import Worker
from chatworks.house import House

Sides = Callable[[str, str], Side]
GIVERS = 24
ROUNDS = 12
# Who has a dialogue: the conversation that it names, and every one that names it.
HOLDERS = (
    "SELECT d.id, array_agg(c.thread), bool_and(c.id = d.conversation_id) FROM dialogue d"
    " LEFT JOIN conversation c ON c.dialogue_id = d.id WHERE d.status = 'waiting' GROUP BY d.id"
)


async def at_once(house: House, workers: int = 4, size: int = 2) -> None:
    """Let several workers take everything there is, beside each other."""
    parts = house.worker._parts
    hands = [Worker(house.db, parts, house.listener, size) for _ in range(workers)]

    async def work(worker: Worker) -> None:
        idle = 0
        while idle < 3:  # what another worker holds now may bring more
            idle = 0 if await worker.step() else idle + 1
            await asyncio.sleep(0.005)

    await asyncio.gather(*(work(worker) for worker in hands))
    await settle(house)


async def test_of_many_who_give_one_code_exactly_one_has_it(
    side: Sides, house: House, database_url: str
) -> None:
    web = side("webchat", "w")
    await web.says("order water")
    givers = [side("telegram", str(500 + n)) for n in range(GIVERS)]
    for giver in givers:
        await giver.give("hello")
    await settle(house)
    code = await web.code()

    await asyncio.gather(*(giver.give(f"/start {code}") for giver in givers))
    await at_once(house)

    answers = {giver.thread: await giver.hears() for giver in givers}
    (winner,) = [t for t, texts in answers.items() if any("are joined now" in x for x in texts)]
    assert groups(database_url) == [sorted([winner, "w"])]
    ((_, holders, fits),) = rows(database_url, HOLDERS)
    assert (holders, fits) == ([winner], True)
    refused = [t for t, texts in answers.items() if texts[-1].startswith("This code does not")]
    assert len(refused) == GIVERS - 1
    assert len(rows(database_url, "SELECT 1 FROM audit_leaf WHERE actor_id <> 'outlet file'")) == 1


@pytest.mark.parametrize("size", [1, 50])
async def test_an_answer_here_and_the_code_there_at_once(
    side: Sides, house: House, database_url: str, size: int
) -> None:
    pairs = [(side("webchat", f"w{n}"), side("telegram", str(600 + n))) for n in range(ROUNDS)]
    for web, bot in pairs:
        await web.give("order water")
        await bot.give("hello")
    await settle(house)
    for web, _ in pairs:
        await web.give("1")
    await settle(house)
    codes = [await web.code() for web, _ in pairs]
    for web, bot in pairs:
        await web.hears()
        await bot.hears()

    await asyncio.gather(
        *(bot.give(f"/start {code}") for (_, bot), code in zip(pairs, codes, strict=True)),
        *(web.give("2") for web, _ in pairs),
    )
    await at_once(house, size=size)

    held = {holders[0]: (len(holders), fits) for _, holders, fits in rows(database_url, HOLDERS)}
    assert held == {bot.thread: (1, True) for _, bot in pairs}
    for web, bot in pairs:
        here, there = await web.hears(), await bot.hears()
        answered = any(text.startswith("Where shall we bring it?") for text in here)
        asked = there[-1]
        # Who answered in time is asked the next question there; else the open one, once again.
        assert asked.startswith("Where shall we bring it?" if answered else "How many?"), there
        assert sum(text.startswith("We go on in your other app") for text in here) == 1


async def test_joins_that_cross_end_in_one_person(
    side: Sides, house: House, database_url: str
) -> None:
    sides = [side("webchat", f"c{n}") for n in range(8)]
    sides += [side("telegram", str(700 + n)) for n in range(8)]
    for one in sides:
        await one.give("hello")
    await settle(house)
    codes = [await one.code() for one in sides]

    ring = zip([*sides[1:], sides[0]], codes, strict=True)
    await asyncio.gather(*(one.give(code) for one, code in ring))
    await at_once(house, size=3)

    assert groups(database_url) == [sorted(one.thread for one in sides)]
    assert rows(database_url, "SELECT count(*) FROM inbox_pending") == [(0,)]
