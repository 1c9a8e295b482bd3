"""Links, sessions and staff codes: spent once, whoever comes at the same time."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from chatworks.house import House
from chatworks.identity import service
from chatworks.identity.models import Browser, Secrets

BROWSER = Browser("Firefox", "127.0.0.1")


@pytest.mark.promise("secure-accounts")
async def test_of_sixty_four_at_once_exactly_one_signs_in(house: House, database_url: str) -> None:
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        link = await service.issue_sign_in_link(work, outlet.id)

    async def enter() -> Secrets | None:
        async with house.db.engine() as work:
            return await service.sign_in(work, link, BROWSER)

    secrets = [secret for secret in await asyncio.gather(*(enter() for _ in range(64))) if secret]

    assert len(secrets) == 1
    with psycopg.connect(database_url) as conn:
        stored = conn.execute("SELECT secret_hash FROM session").fetchall()
        assert conn.execute("SELECT count(*) FROM session").fetchone() == (1,)
    assert secrets[0].session.encode() not in stored[0][0]


async def test_a_session_ends_when_its_owner_says_so(house: House) -> None:
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        link = await service.issue_sign_in_link(work, outlet.id)
        secrets = await service.sign_in(work, link, BROWSER)
    assert secrets is not None
    secret = secrets.session
    async with house.db.engine() as work:
        session = await service.session_of(work, secret)
        assert session is not None
        assert session.acting.name == "MajiPro owner"
        await service.sign_out(work, secret)
    async with house.db.engine() as work:
        assert await service.session_of(work, secret) is None
        assert await service.session_of(work, "made up") is None
