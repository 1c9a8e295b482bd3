"""A visitor's uploads: theirs alone, told their limit, of kinds that are taken, not too many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from files import PDF, located

from chatworks.house import House
from chatworks.media import store
from chatworks.storefront.uploads import UPLOADS_BURST

FILES = "/chat/majipro/files"


@pytest.fixture
async def token(client: httpx.AsyncClient) -> dict[str, str]:
    """A visitor's header."""
    started = (await client.post("/chat/majipro/start")).json()
    return {"authorization": f"Bearer {started['token']}"}


async def kept(house: House, outlet: UUID) -> int:
    async with house.db.web(outlet) as work:
        return (await store.total(work, outlet))[0]


async def test_an_upload_comes_back_as_messages_carry_it(
    client: httpx.AsyncClient, token: dict[str, str]
) -> None:
    query = {"name": "../my gate.html"}
    answer = await client.post(FILES, params=query, content=located(), headers=token)
    media = answer.json()
    served = await client.get(media["path"])

    assert (answer.status_code, media["kind"], media["name"]) == (201, "image", "my gate.jpg")
    assert (media["media_type"], media["size_bytes"]) == ("image/jpeg", len(served.content))
    assert b"Amina" not in served.content


async def test_the_limit_is_told_before_and_during(
    client: httpx.AsyncClient, token: dict[str, str], house: House, outlet: UUID
) -> None:
    most = house.shelf.bounds.file_bytes
    told = (await client.get(FILES)).json()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(most // 1_000_000 + 2):
            yield PDF + b"x" * 1_000_000

    announced = await client.post(FILES, content=b"x" * (most + 1), headers=token)
    during = await client.post(FILES, content=endless(), headers=token)

    assert told["bytes_most"] == most == 16_777_216
    assert "image/jpeg" in told["types"]
    for answer in (announced, during):
        assert answer.status_code == 413
        assert answer.json()["detail"] == "a file may have at most 16,777,216 bytes"
    assert await kept(house, outlet) == 0


async def test_strangers_wrong_kinds_and_too_many_are_refused(
    client: httpx.AsyncClient, token: dict[str, str], house: House, outlet: UUID
) -> None:
    stranger = await client.post(FILES, content=PDF, headers={"authorization": "Bearer x"})
    elsewhere = await client.post("/chat/nobody/files", content=PDF, headers=token)
    page = await client.post(FILES, content=b"<html><script>", headers=token)
    codes = [(await client.post(FILES, content=PDF, headers=token)).status_code for _ in range(12)]

    assert (stranger.status_code, elsewhere.status_code, page.status_code) == (401, 404, 415)
    assert codes == [201] * (UPLOADS_BURST - 1) + [429] * (12 - UPLOADS_BURST + 1)
    assert await kept(house, outlet) == 1
