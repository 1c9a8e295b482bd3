"""Going on in another app: what the code joins, what moves, and every way it is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from crossing import CODE, Side, groups, rows, settle

from chatworks.contacts import models
from chatworks.conversations.elsewhere import REFUSED
from chatworks.house import House

Sides = Callable[[str, str], Side]
JOINED = "This app and Web chat are joined now: both are you. Write “unlink” to part them."
LEFT = (
    "We go on in your other app: the open question is waiting for you there. If that was not you, "
    "write “unlink”."
)
NOT_VALID = REFUSED[models.LinkNotValid]
WAITING = (
    "SELECT c.thread, d.status, c.dialogue_id = d.id FROM dialogue d"
    " JOIN conversation c ON c.id = d.conversation_id ORDER BY d.started_at"
)


def state(url: str) -> list[Any]:
    """Return everything that a refused code must leave as it is."""
    return [
        rows(url, "SELECT * FROM contact_link ORDER BY 1, 2"),
        rows(url, "SELECT conversation_id, used_at FROM link_code ORDER BY 1"),
        rows(url, WAITING),
        rows(url, "SELECT action FROM audit_leaf WHERE actor_id <> 'outlet file' ORDER BY id"),
    ]


async def test_a_dialogue_of_the_web_chat_goes_on_in_telegram(
    side: Sides, database_url: str
) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await web.says("order water")
    await web.says("1")

    (told,) = await web.says("continue")
    found = CODE.search(told)
    assert found is not None
    assert told == (
        "Go on in another app, and what we are doing comes along. It works once, for ten minutes.\n"
        f"Telegram: https://t.me/majipro_bot?start={found[0]}"
    )
    here = await bot.says(f"/start {found[0]}")

    assert here[0].startswith("MajiPro Ltd keeps what you write here")
    assert here[1:] == [JOINED, "How many? (1 to 20)"]
    assert await web.hears() == [LEFT]
    assert rows(database_url, WAITING) == [("501", "waiting", True)]
    assert groups(database_url) == [["501", "a1"]]
    (where,) = await bot.says("2")
    assert where.startswith("Where shall we bring it?")
    assert (await web.says("2"))[0].startswith("Welcome to MajiPro.")
    leaves = rows(
        database_url,
        "SELECT action, actor_kind FROM audit_leaf WHERE actor_id <> 'outlet file' ORDER BY id",
    )
    assert leaves == [("contacts.GiveLink", "customer")]


async def test_it_comes_back_the_other_way_by_a_typed_code(side: Sides, database_url: str) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await bot.says("/order")
    await web.says("hello")

    (told,) = await bot.says("/continue")
    found = CODE.search(told)
    assert found is not None
    assert "Web chat: open http://127.0.0.1:8000/o/majipro and write GO-" in told
    typed = found[0].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    here = await web.says(typed)

    assert here == [JOINED.replace("Web chat", "Telegram"), "Which bottle would you like?"]
    assert rows(database_url, WAITING) == [("a1", "waiting", True)]


async def test_a_tap_on_the_old_side_is_answered_kindly(side: Sides, database_url: str) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await web.give("order water")
    await settle(web.house)
    question = (await web.news())[-1]
    await bot.says(f"/start {await web.code()}")
    await web.news()
    before = rows(database_url, WAITING)

    await web.give("20 L refill", tap=f"{question['seq']}.{question['buttons'][0]['id']}")
    answers = await web.hears()

    assert [text.split(".")[0] for text in answers] == ["Welcome to MajiPro"]
    assert rows(database_url, WAITING) == before


async def test_where_nothing_waits_the_two_are_joined_all_the_same(
    side: Sides, database_url: str
) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await web.says("hello")
    await bot.says("hello")

    answers = await bot.says(f"/start {await web.code()}")

    assert answers[0] == JOINED
    assert answers[1].startswith("Welcome to MajiPro.")
    assert await web.hears() == [
        "Your other app is joined with this one now. Write “unlink” to part them."
    ]
    assert groups(database_url) == [["501", "a1"]]


async def test_what_waited_on_the_new_side_gives_way(side: Sides, database_url: str) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await bot.says("/order")
    await web.says("order water")
    await web.says("1")

    await bot.says(f"/start {await web.code()}")

    assert rows(database_url, WAITING) == [
        ("501", "cancelled", False),
        ("501", "waiting", True),
    ]


@pytest.mark.parametrize("how", ["wrong", "used", "expired", "replaced", "another outlet's"])
async def test_a_code_that_does_not_count_changes_nothing(
    side: Sides, database_url: str, how: str
) -> None:
    web, bot, other = side("webchat", "a1"), side("telegram", "501"), side("telegram", "502")
    await web.says("order water")
    await bot.says("hello")
    await other.says("hello")
    code = await web.code()
    with psycopg.connect(database_url, autocommit=True) as conn:
        match how:
            case "wrong":
                code = "GO-2222222222"
            case "used":
                await other.says(f"/start {code}")
                await web.hears()
            case "expired":
                conn.execute("UPDATE link_code SET expires_at = now() - interval '1 second'")
            case "replaced":
                await web.code()
            case _:
                conn.execute(
                    "INSERT INTO outlet SELECT gen_random_uuid(), 'other', name, brand, languages,"
                    " currency, timezone, hours, delivery, privacy, widget_origins, now(), now()"
                    " FROM outlet"
                )
                conn.execute(
                    "INSERT INTO channel (outlet_id, id, kind, path, name, created_at)"
                    " SELECT outlet_id, gen_random_uuid(), 'webchat', 'o', 'w', now() FROM outlet"
                    " WHERE slug = 'other'"
                )
                conn.execute(
                    "INSERT INTO contact (outlet_id, id, channel_id, vendor_id, language,"
                    " created_at) SELECT outlet_id, id, id, 'x', 'en', now() FROM channel"
                    " WHERE path = 'o'"
                )
                conn.execute(
                    "INSERT INTO conversation (outlet_id, id, channel_id, contact_id, thread,"
                    " thread_key, last_at, created_at) SELECT outlet_id, id, id, id, 'x', 1, now(),"
                    " now() FROM channel WHERE path = 'o'"
                )
                conn.execute(
                    "WITH gone AS (DELETE FROM link_code RETURNING *) INSERT INTO link_code"
                    " SELECT c.outlet_id, c.id, g.secret_hash, g.expires_at FROM gone g,"
                    " channel c WHERE c.path = 'o'"
                )
    before = state(database_url)

    assert await bot.says(f"/start {code}") == [NOT_VALID]
    assert state(database_url) == before


async def test_ones_own_code_still_counts_on_the_other_side(side: Sides, database_url: str) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await web.says("hello")
    await bot.says("hello")
    code = await web.code()
    before = state(database_url)

    assert await web.says(code) == [REFUSED[models.OwnLink]]
    assert state(database_url) == before
    assert (await bot.says(f"/start {code}"))[0] == JOINED


async def test_tries_are_limited_in_every_process(side: Sides, database_url: str) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await web.says("hello")
    await bot.says("hello")
    code = await web.code()

    wrong = [await bot.says(f"/start GO-2{n:09d}") for n in range(6)]
    before = state(database_url)

    assert wrong == [[NOT_VALID]] * 5 + [[REFUSED[models.TooManyTries]]]
    assert await bot.says(f"/start {code}") == [REFUSED[models.TooManyTries]]
    assert state(database_url) == before


async def test_codes_that_are_shown_are_limited_too(side: Sides) -> None:
    web = side("webchat", "a1")
    await web.says("hello")

    for _ in range(5):
        await web.code()

    assert await web.says("continue") == [REFUSED[models.TooManyTries]]


async def test_a_group_is_nobody(side: Sides, database_url: str) -> None:
    web, group = side("webchat", "a1"), side("telegram", "-77")
    await web.says("hello")
    code = await web.code()
    before = state(database_url)

    assert (await group.says(f"/start {code}"))[-1].startswith("Please write this to me in private")
    assert (await group.says("/continue"))[-1].startswith("Please write this to me in private")
    assert state(database_url) == before


async def test_an_outlet_with_one_channel_has_nowhere_to_go(
    side: Sides, house: House, database_url: str
) -> None:
    web = side("webchat", "a1")
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE channel SET name = 'Telegram' WHERE kind = 'telegram'")
    house.directory.forget()

    await web.give("hello")
    await settle(house)
    menu = (await web.news())[-1]

    assert "word:continue" not in [button["id"] for button in menu["buttons"]]
    assert await web.says("continue") == [REFUSED[models.NoOtherWay]]
    assert rows(database_url, "SELECT count(*) FROM link_code") == [(0,)]


async def test_the_web_chats_menu_offers_it(side: Sides, house: House) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    for one in (web, bot):
        await one.give("hello")
    await settle(house)

    labels = [button["label"] for button in (await web.news())[-1]["buttons"]]
    assert labels[-1] == "Go on in another app"
    ids = [button["id"] for button in (await bot.news())[-1]["buttons"]]
    assert "word:continue" not in ids
    await web.give("Go on in another app", tap="2.word:continue")
    assert (await web.hears())[0].startswith("Go on in another app, and what we are doing")


async def test_unlinking_is_ones_own_word(side: Sides, database_url: str) -> None:
    web, bot, third = side("webchat", "a1"), side("telegram", "501"), side("webchat", "a2")
    for one in (web, bot, third):
        await one.says("hello")
    await bot.says(f"/start {await web.code()}")
    await bot.says(await third.code())
    assert groups(database_url) == [["501", "a1", "a2"]]

    await web.hears()
    assert await web.says("unlink") == ["This app is no longer joined with your others."]
    assert groups(database_url) == [["501", "a2"]]
    assert await web.says("unlink") == [REFUSED[models.NotLinked]]
    await third.hears()
    assert await third.says("tenganisha") == ["This app is no longer joined with your others."]
    assert await bot.says("unlink") == [REFUSED[models.NotLinked]]
    actions = [
        row[0]
        for row in rows(
            database_url,
            "SELECT action FROM audit_leaf WHERE actor_id <> 'outlet file' ORDER BY id",
        )
    ]
    assert actions == ["contacts.GiveLink"] * 2 + ["contacts.Unlink"] * 2


async def test_a_person_has_no_more_contacts_than_can_be_kept(
    side: Sides, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatworks.contacts.service.PERSON_CONTACTS_MAX", 2)
    web, bot, third = side("webchat", "a1"), side("telegram", "501"), side("webchat", "a2")
    for one in (web, bot, third):
        await one.says("hello")
    await bot.says(f"/start {await web.code()}")
    code = await third.code()
    before = state(database_url)

    assert await bot.says(code) == [REFUSED[models.TooManyContacts]]
    assert state(database_url) == before


@pytest.mark.promise("channel-choice")
async def test_who_had_said_stop_comes_back_by_the_code(side: Sides, database_url: str) -> None:
    web, bot = side("webchat", "a1"), side("telegram", "501")
    await web.says("order water")
    await bot.says("hello")
    await bot.says("stop")

    assert await bot.says("/start GO-2222222222") == [NOT_VALID]
    assert rows(database_url, "SELECT status FROM contact WHERE vendor_id = '501'") == [
        ("stopped",)
    ]
    assert (await bot.says(f"/start {await web.code()}"))[0] == JOINED
    assert rows(database_url, "SELECT status FROM contact WHERE vendor_id = '501'") == [("active",)]


async def test_the_code_is_kept_as_a_hash_for_ten_minutes(side: Sides, database_url: str) -> None:
    web = side("webchat", "a1")
    await web.says("hello")
    code = await web.code()

    ((kept, left),) = rows(database_url, "SELECT secret_hash, expires_at - now() FROM link_code")
    assert code.encode() not in bytes(kept)
    assert len(bytes(kept)) == 32
    assert timedelta(minutes=9) < left <= models.CODE_FOR
