"""What every answer of the web has: the right status, in the asker's way, with its headers."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from chatworks.channels.models import Arrival, Lane
from chatworks.cli import web_app
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.web.sse import Streams
from chatworks.web.templating import static_files, static_url

HTML = {"accept": "text/html,application/xhtml+xml"}
POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "object-src 'none'; frame-ancestors 'none'"
)
REFUSED = [
    ("GET", "/nothing/here", {}, (404, "Not Found")),
    ("GET", "/o/nobody", {}, (404, "Not Found")),
    ("GET", "/o/major%00pro", {}, (404, "Not Found")),
    ("GET", "/static/../settings.py", {}, (404, "Not Found")),
    ("GET", "/static/%2e%2e/%2e%2e/settings.py", {}, (404, "Not Found")),
    ("GET", "/static/%00", {}, (404, "Not Found")),
    ("GET", f"/static/{'x' * 5000}", {}, (404, "Not Found")),
    ("POST", "/o/majipro", {}, (405, "Method Not Allowed")),
    ("DELETE", "/chat/majipro/start", {}, (405, "Method Not Allowed")),
    ("POST", "/chat/majipro/start", {"content": b"{nonsense"}, (400, "Bad Request")),
    ("POST", "/chat/majipro/start", {"content": b'{"language": 7}'}, (400, "Bad Request")),
    ("POST", "/chat/majipro/start", {"content": b"x" * 70_000}, (413, "Request Entity Too Large")),
    ("POST", "/chat/majipro/messages", {"content": b"{}"}, (401, "Unauthorized")),
    ("GET", "/chat/majipro/messages?after=many", {}, (400, "Bad Request")),
    ("GET", f"/chat/majipro/messages?after={10**30}", {}, (400, "Bad Request")),
    ("GET", "/chat/majipro/events?after=-1", {}, (400, "Bad Request")),
    ("GET", "/console/orders/0", {}, (401, "Unauthorized")),
    ("POST", "/console/settings/hours", {}, (401, "Unauthorized")),
]


@pytest.mark.parametrize(("method", "path", "more", "expected"), REFUSED, ids=lambda v: str(v)[:40])
async def test_what_cannot_be_is_refused_with_problem_details(
    client: httpx.AsyncClient, method: str, path: str, more: dict, expected: tuple[int, str]
) -> None:
    status, title = expected
    answer = await client.request(method, path, **more)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", title, status)
    assert answer.headers["content-security-policy"] == POLICY


async def test_a_person_gets_a_page_that_says_what_happened(client: httpx.AsyncClient) -> None:
    missing = await client.get("/nothing/here", headers=HTML)
    signed_out = await client.post("/console/trouble", headers=HTML)

    assert (missing.status_code, missing.headers["content-type"]) == (
        404,
        "text/html; charset=utf-8",
    )
    assert "<h1>Nothing here</h1>" in missing.text
    assert signed_out.status_code == 401
    assert "<h1>Please sign in</h1>" in signed_out.text


async def test_another_sites_form_is_refused_before_anything_runs(
    client: httpx.AsyncClient,
) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
        answer = await client.post("/console/sign-in", headers=headers, data={"key": "x"})
        assert answer.status_code == 403
        assert answer.json()["detail"] == "this request comes from another site"
    page = await client.post("/console/sign-in", headers={"sec-fetch-site": "same-site", **HTML})
    assert page.status_code == 403
    assert "<h1>This is not for you</h1>" in page.text
    assert page.headers["content-security-policy"] == POLICY


async def test_a_surprise_is_logged_and_says_nothing_of_itself(
    client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_slug: str) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(house.directory, "by_slug", fails)
    program = await client.get("/o/majipro")
    person = await client.get("/o/majipro", headers=HTML)

    assert program.status_code == person.status_code == 500
    assert program.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
    }
    assert "<h1>Something failed on our side</h1>" in person.text
    assert "hunter2" not in person.text


async def test_who_asks_too_often_is_told_when_to_come_back(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/chat/majipro/start") for _ in range(21)]

    assert [answer.status_code for answer in answers[:20]] == [201] * 20
    assert answers[20].status_code == 429
    assert answers[20].headers["retry-after"] == "10"
    page = await client.post("/chat/majipro/start", headers=HTML)
    assert "<h1>A little slower, please</h1>" in page.text


async def test_every_page_has_its_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/o/majipro")

    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["permissions-policy"] == (
        "geolocation=(self), camera=(), microphone=(), payment=()"
    )
    assert " style=" not in answer.text
    assert "<style" not in answer.text


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    for path in ("/o/majipro", "/healthz", "/robots.txt", static_url("css/app.css"), "/nothing"):
        got, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert head.headers.get("content-length") == got.headers.get("content-length")


async def test_head_of_a_stream_ends_at_once(client: httpx.AsyncClient) -> None:
    token = (await client.post("/chat/majipro/start")).json()["token"]
    asked = client.head(
        "/chat/majipro/events", headers={"authorization": f"Bearer {token}"}, timeout=5
    )
    answer = await asyncio.wait_for(asked, timeout=5)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_static_files_are_kept_for_good_under_their_hash(client: httpx.AsyncClient) -> None:
    for name in static_files():
        hashed, plain = await client.get(static_url(name)), await client.get(f"/static/{name}")
        assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert plain.headers["cache-control"] == "public, max-age=300"
        assert hashed.content == plain.content == static_files()[name].body
        again = await client.get(
            f"/static/{name}", headers={"if-none-match": plain.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")
    other = await client.get(f"/static/{'0' * 12}/css/app.css")  # of a process not yet exchanged
    assert other.content == static_files()["css/app.css"].body
    assert other.headers["cache-control"] == "public, max-age=300"
    assert (
        (await client.get(static_url("js/chat.js")))
        .headers["content-type"]
        .startswith("text/javascript")
    )


async def test_robots_and_the_icon(client: httpx.AsyncClient) -> None:
    assert (await client.get("/robots.txt")).text == (
        "User-agent: *\nDisallow: /console\nDisallow: /chat/\nDisallow: /w/\n"
    )
    icon = await client.get("/favicon.ico", follow_redirects=True)
    assert icon.headers["content-type"] == "image/svg+xml"


async def test_the_frame_names_who_may_show_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/w/majipro")

    assert answer.headers["content-security-policy"] == POLICY.replace(
        "frame-ancestors 'none'",
        "frame-ancestors 'self' http://127.0.0.1:8000 http://localhost:8000",
    )
    assert "x-frame-ancestors" not in answer.headers


def test_the_loader_is_small() -> None:
    assert len(static_files()["js/widget.js"].body) <= 4096


async def test_not_ready_while_the_database_is_away(house: House) -> None:
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/readyz")).text == "ready"
        await house.db.engine_pool.close()
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "PoolClosed")
        assert (await client.get("/healthz")).text == "ok"


async def test_metrics_tell_how_full_the_queues_are(
    client: httpx.AsyncClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = (await house.directory.channels(kind="telegram"))[0]
    tap = Arrival("1", "t", Lane.TAP, 1, b"{}")
    await house.committer.accept([NewEvent(channel.outlet_id, channel.id, tap)])

    text = (await client.get("/metrics")).text

    assert 'chatworks_inbox_ready{lane="tap"} 1.0' in text
    assert 'chatworks_inbox_ready{lane="message"} 0.0' in text
    assert 'chatworks_inbox_oldest_seconds{lane="tap"}' in text
    assert "chatworks_outbox_open 0.0" in text

    async def away(_work: object) -> None:
        raise ConnectionError

    monkeypatch.setattr("chatworks.house.measure_inbox", away)
    assert (await client.get("/metrics")).status_code == 200
