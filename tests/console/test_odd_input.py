"""Whatever an operator's browser sends, the answer is no failure of ours, and nothing changes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from chatworks.cli import web_app
from chatworks.house import House
from chatworks.identity.service import issue_sign_in_link
from chatworks.web.sse import Streams

NOWHERE = "0" * 32
ENCODED = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}
ODD = [
    (f"/console/orders/{NOWHERE}", {"data": {"to": "accepted"}}),
    (f"/console/orders/{NOWHERE}", {"data": {"to": "eaten"}}),
    ("/console/orders/not-an-id", {"data": {"to": "accepted"}}),
    (f"/console/orders/{NOWHERE}", {"data": {"to": "cancelled", "reason": "a\x00b"}}),
    (f"/console/messages/{NOWHERE}", {"data": {"do": "reply", "text": "hello"}}),
    (f"/console/messages/{NOWHERE}", {"data": {"do": "reply", "text": "\x00"}}),
    (f"/console/messages/{NOWHERE}", {"data": {"do": "shout"}}),
    (f"/console/messages/{NOWHERE}", {"data": {"do": "note", "note": "hello"}}),
    (f"/console/messages/{NOWHERE}", {"data": {"do": "assign", "operator": "me"}}),
    (f"/console/messages/{NOWHERE}", {"data": {"do": "assign", "operator": NOWHERE}}),
    (f"/console/messages/{NOWHERE}", {"data": {"do": "insert", "canned": "x"}}),
    ("/console/settings/answers", {"data": {"do": "save", "shortcut": "A b", "text": "x"}}),
    ("/console/settings/answers", {"data": {"do": "save", "shortcut": "a", "text": "{phone}"}}),
    ("/console/settings/answers", {"data": {"do": "save", "shortcut": "a"}}),
    ("/console/settings/answers", {}),
    (f"/console/products/{NOWHERE}", {"data": {"price": "1"}}),
    ("/console/trouble", {"data": {"do": "replay", "event": "9" * 30}}),
    ("/console/trouble", {"data": {"do": "replay", "event": "²"}}),
    ("/console/trouble", {"data": {"do": "resend", "part": "x"}}),
    ("/console/trouble", {"data": {"do": "resend"}}),
    ("/console/settings/hours", {"data": {"mon-from": "\x00", "mon-to": "19:00"}}),
    ("/console/settings/hours", {"data": {"closed": ["9999-99-99"]}}),
    ("/console/settings/services/nothing", {"data": {"a": "b"}}),
    ("/console/settings/services/staff", {"data": {"a": "b"}}),
    ("/console/settings/services/water", {"data": {"largest_order": "\x00"}}),
    ("/console/settings/widget", {"data": {"sites": "javascript:alert(1)"}}),
    ("/console/settings/widget", {"data": {"sites": "https://a.example " * 40}}),
    ("/console/settings/staff", {"data": {"do": "dance"}}),
    ("/console/settings/widget", {"files": {"sites": ("a.txt", b"https://a.example")}}),
    ("/console/settings/hours", {"content": b"--x\r\nnonsense", "headers": MULTIPART}),
    ("/console/settings/hours", {"content": b"mon-from=" + b"x" * 70_000}),
    ("/console/settings/hours", {"content": b"mon-from=" + b"x" * 70_000, "headers": ENCODED}),
    ("/console/settings/hours", {}),  # what was not sent was not emptied
    ("/console/settings/widget", {}),
    ("/console/settings/services/water", {}),
    ("/console/messages/not-an-id", {}),
]


@pytest.fixture
async def operator(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        key = await issue_sign_in_link(work, outlet.id)
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        entered = await client.post("/console/sign-in", data={"key": key})
        assert entered.status_code == 303
        yield client


async def leaves(house: House) -> int:
    async with house.db.engine() as work:
        row = await (await work.conn.execute("SELECT count(*) FROM audit_leaf")).fetchone()
        assert row is not None
        return int(row[0])


async def test_odd_input_is_refused_and_changes_nothing(
    operator: httpx.AsyncClient, house: House
) -> None:
    before = await leaves(house)
    answers = [(path, more, await operator.post(path, **more)) for path, more in ODD]

    assert [
        (path, more, answer.status_code)
        for path, more, answer in answers
        if not 400 <= answer.status_code < 500
    ] == []
    assert await leaves(house) == before


async def test_odd_addresses_lead_nowhere(operator: httpx.AsyncClient) -> None:
    for path in (
        "/console/orders/x",
        f"/console/orders/{NOWHERE}",
        f"/console/messages/{NOWHERE}",
        "/console/settings/services/%00",
        "/console/orders/%00",
    ):
        assert (await operator.get(path)).status_code == 404
    for query in ("before=x", "before=2026-11-24", "before=9999-12-31T23:59:59%2B00:00"):
        assert (await operator.get(f"/console/messages?{query}")).status_code == 200
    assert "has been told" not in (await operator.get("/console?saved=%3Cscript%3E")).text
