"""Files are kept once, given back whole or in part, and to nobody without the whole address."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import httpx
import psycopg
import pytest
from files import MP4, PDF, TEXT, located, picture
from PIL import Image

from chatworks.house import House
from chatworks.kit.errors import NotFound
from chatworks.media import store
from chatworks.media.models import NotTaken, Origin, OutletFull, Owner, TooLarge
from chatworks.media.service import Bounds, Shelf
from chatworks.sdk.messages import MediaKind


async def count(house: House, outlet: UUID) -> tuple[int, int]:
    async with house.db.web(outlet) as work:
        return await store.total(work, outlet)


async def test_a_file_is_kept_and_given_back(house: House, outlet: UUID) -> None:
    media = await house.shelf.keep(outlet, PDF, "price list.exe", alt="Prices")
    again = await house.shelf.load(media.path)

    assert (media.kind, media.media_type) == (MediaKind.DOCUMENT, "application/pdf")
    assert (media.size_bytes, media.name, media.alt) == (len(PDF), "price list.pdf", "Prices")
    assert (again.content, again.media_type, again.name) == (PDF, media.media_type, media.name)
    assert await count(house, outlet) == (1, len(PDF))


async def test_equal_bytes_of_one_owner_are_kept_once(house: House, outlet: UUID) -> None:
    first = await house.shelf.keep(outlet, picture(), "a.jpg")
    second = await house.shelf.keep(outlet, picture(), "b.jpg", alt="A bottle")

    assert second.path == first.path
    assert (second.name, second.alt) == ("a.jpg", "A bottle")
    assert (await count(house, outlet))[0] == 1


async def test_a_file_may_have_so_many_bytes_and_an_outlet_too(house: House, outlet: UUID) -> None:
    shelf = Shelf(house.db, Bounds(file_bytes=len(PDF), outlet_bytes=len(MP4) + len(PDF)))
    await shelf.keep(outlet, MP4)
    await shelf.keep(outlet, PDF)
    with pytest.raises(OutletFull, match=f"at most {len(MP4) + len(PDF):,} bytes together"):
        await shelf.keep(outlet, TEXT)
    with pytest.raises(TooLarge, match=f"at most {len(PDF)} bytes"):
        await shelf.keep(outlet, PDF + b"\n")
    shelf.close()

    assert await count(house, outlet) == (2, len(MP4) + len(PDF))


async def test_what_is_refused_leaves_nothing(house: House, outlet: UUID) -> None:
    with pytest.raises(NotTaken):
        await house.shelf.keep(outlet, b"<svg/>", "logo.svg")

    assert await count(house, outlet) == (0, 0)


@pytest.mark.promise("access-control")
async def test_another_outlet_sees_no_file(
    house: House, outlet: UUID, database_url: str, web_url: str
) -> None:
    media = await house.shelf.keep(outlet, PDF)
    async with house.db.web(UUID(int=7)) as work:
        seen = await (await work.conn.execute("SELECT count(*) FROM media")).fetchone()
        found = await store.by_address(work, UUID(hex=media.path.split("/")[2]))
    examined = await house.shelf.examine(TEXT, "")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with house.db.web(UUID(int=7)) as work:
            await store.put(work, outlet, examined, Owner())

    assert (seen, found) == ((0,), None)
    assert await count(house, outlet) == (1, len(PDF))


async def test_a_visitors_file_is_never_found_among_anothers(house: House, outlet: UUID) -> None:
    stranger = Owner(Origin.VISITOR, visitor_id=UUID(int=9))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await house.shelf.keep(outlet, PDF, owner=stranger)

    assert await count(house, outlet) == (0, 0)


async def test_static_pictures_are_loaded_by_the_same_port(house: House) -> None:
    loaded = await house.shelf.load("/static/outlets/majipro/logo.svg")

    assert (loaded.media_type, loaded.name) == ("image/svg+xml", "logo.svg")
    for path in ("/static/../settings.py", "/static/none.png", "/etc/passwd", "media/x", ""):
        with pytest.raises(NotFound):
            await house.shelf.load(path)


# -- served ----------------------------------------------------------------------------------


async def test_a_picture_is_served_in_place_and_for_good(
    client: httpx.AsyncClient, house: House, outlet: UUID
) -> None:
    media = await house.shelf.keep(outlet, located(), "bottle.jpeg")
    answer = await client.get(media.path)
    known = await client.get(media.path, headers={"if-none-match": answer.headers["etag"]})
    head = await client.head(media.path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["content-length"] == str(media.size_bytes) == str(len(answer.content))
    assert answer.headers["content-disposition"] == (
        "inline; filename=\"bottle.jpg\"; filename*=UTF-8''bottle.jpg"
    )
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policies = answer.headers.get_list("content-security-policy")
    assert policies[0].startswith("sandbox; default-src 'none'")
    assert Image.open(BytesIO(answer.content)).size == (48, 64)
    assert (known.status_code, known.content) == (304, b"")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(media.size_bytes)


@pytest.mark.parametrize(
    ("content", "shown"),
    [(PDF, "application/pdf"), (TEXT, "text/plain; charset=utf-8"), (MP4, "video/mp4")],
)
async def test_everything_else_is_an_attachment(
    client: httpx.AsyncClient, house: House, outlet: UUID, content: bytes, shown: str
) -> None:
    media = await house.shelf.keep(outlet, content, "x.html")
    answer = await client.get(media.path)

    assert (answer.headers["content-type"], answer.content) == (shown, content)
    assert answer.headers["content-disposition"].startswith('attachment; filename="x.')
    assert "html" not in answer.headers["content-disposition"]


async def test_parts_are_given_as_players_ask(
    client: httpx.AsyncClient, house: House, outlet: UUID
) -> None:
    film = MP4 + bytes(range(256)) * 9000  # longer than two slices of the database's
    media = await house.shelf.keep(outlet, film, "film.mp4")

    async def ask(**headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get(media.path, headers=named)

    first = await ask(range="bytes=0-1")
    tail = await ask(range="bytes=-1000")
    rest = await ask(range="bytes=1048500-")
    stale = await ask(range="bytes=0-1", if_range='"other"')
    beyond = await ask(range=f"bytes={len(film)}-")

    assert (first.status_code, first.content) == (206, film[:2])
    assert first.headers["content-range"] == f"bytes 0-1/{len(film)}"
    assert (tail.status_code, tail.content) == (206, film[-1000:])
    assert (rest.status_code, rest.content) == (206, film[1048500:])
    assert (stale.status_code, stale.content) == (200, film)
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(film)}")


async def test_without_the_whole_address_there_is_nothing(
    client: httpx.AsyncClient, house: House, outlet: UUID
) -> None:
    media = await house.shelf.keep(outlet, PDF)
    _, _, number, key = media.path.split("/")
    other = ("B" if key[0] == "A" else "A") + key[1:]
    tried = [
        f"/media/{number}/{other}",
        f"/media/{number}/{key[:-1]}",
        f"/media/{number}/",
        f"/media/{number}",
        f"/media/{UUID(int=1).hex}/{key}",
        f"/media/{number.upper()}x/{key}",
        f"/media/{number}/{key}/..",
        f"/media/..%2f{number}/{key}",
        f"/media/{number}/{key}%00",
        f"/media/{number}/{key}%0a",
    ]
    answers = [await client.get(path) for path in tried]
    wrong, unknown = answers[0], answers[4]

    assert [answer.status_code for answer in answers] == [404] * len(tried)
    assert wrong.json() == unknown.json()
    assert (await client.get(media.path)).status_code == 200
