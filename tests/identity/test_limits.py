"""Limits of tries: strangers are slowed down, the known device is not, doubt shuts the door."""

from __future__ import annotations

import asyncio

import pytest
from persons import Browsing, Person

from chatworks.house import House
from chatworks.identity import limits
from chatworks.identity.core import network
from chatworks.identity.models import Browser, Closed
from chatworks.kit.db import Database
from chatworks.kit.errors import TooMany


@pytest.mark.promise("secure-accounts")
async def test_strangers_never_lock_out_a_known_device(
    person: Person, browse: Browsing, house: House
) -> None:
    await person.signs_up()
    await person.post("/account/sign-out")

    async with browse() as stranger:
        answers = [
            (await stranger.post("/account/sign-in/code", address="amina@example.com")).status_code
            for _ in range(6)
        ]
    assert answers == [200, 200, 200, 429, 429, 429]
    await person.post("/account/sign-in/code", address="amina@example.com")
    assert person.status == 200
    await person.post("/account/sign-in/finish", code=await person.code())
    assert await person.signed_in()


@pytest.mark.promise("secure-accounts")
async def test_tries_are_drawn_one_by_one_and_each_kind_apart(house: House) -> None:
    burst = limits.CODE["account"].burst

    async def one(what: str, number: int) -> bool:
        try:
            await limits.draw(house.db, what, "who@example.com", Browser("", f"10.0.{number}.1"))
        except TooMany:
            return False
        return True

    drawn = await asyncio.gather(*(one("code", number) for number in range(30)))

    assert sum(drawn) == burst
    assert await one("password", 99)


async def test_where_the_database_does_not_answer_nobody_tries(db: Database) -> None:
    await db.close()
    with pytest.raises(Closed):
        await limits.draw(db, "password", "who@example.com", Browser("", "10.0.0.1"))


@pytest.mark.parametrize(
    ("address", "wider"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"),
        ("no address", "none"),
    ],
)
def test_networks(address: str, wider: str) -> None:
    assert network(address) == wider
