"""A broadcast's way through the console and Telegram: written, counted, sent, read about."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from audience import Audience
from houses import at_work

from chatworks.cli import web_app
from chatworks.house import House
from chatworks.identity.service import issue_sign_in_link
from chatworks.testing.telegram import BotApi
from chatworks.web.sse import Streams

Audiences = Callable[[int], Audience]
FORM = {
    "do": "write",
    "name": "Monday",
    "topic": "offer",
    "ordered": "any",
    "days": "",
    "text-en": "Half price today!",
    "text-sw": "Nusu bei leo!",
}


@pytest.fixture
async def operator(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is signed in."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        key = await issue_sign_in_link(work, outlet.id)
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.post("/console/sign-in", data={"key": key})).status_code == 303
        yield client


async def new(operator: httpx.AsyncClient) -> str:
    """Return the address of a new broadcast, as its form has it."""
    page = (await operator.get("/console/broadcasts/new")).text
    found = re.search(r'action="(/console/broadcasts/[0-9a-f]{32})"', page)
    assert found is not None
    return found[1]


async def test_from_the_form_to_the_messenger(
    house: House, operator: httpx.AsyncClient, audience: Audiences, bot_api: BotApi
) -> None:
    people = audience(2)
    people.add(1, language="sw")
    people.add(1, agreed=False)
    path = await new(operator)

    written = await operator.post(path, data=FORM, follow_redirects=True)
    assert "Saved, and counted." in written.text
    assert "It would reach 3 of 4 people" in written.text
    assert "Left out: did not ask for offers" in written.text

    async with at_work(house):
        sent = await operator.post(path, data={"do": "send", "at": ""}, follow_redirects=True)
        assert sent.status_code == 200
        for _ in range(150):
            await asyncio.sleep(0.1)
            page = (await operator.get(path)).text
            if ">Done<" in page and "<dt>Queued" not in page:
                break

    told = [
        (str(call.params["chat_id"]), call.params["text"])
        for call in bot_api.calls
        if call.method == "sendMessage"
    ]
    assert sorted(told) == [
        ("1001", "Half price today!"),
        ("1002", "Half price today!"),
        ("1003", "Nusu bei leo!"),
    ]
    assert "4 of 4 people" in page
    assert '<progress class="far" value="4" max="4"' in page
    assert "<dt>Sent</dt><dd>3</dd>" in page
    assert "Monday" in (await operator.get("/console/broadcasts")).text


async def test_what_cannot_be_taken_is_said_and_changes_nothing(
    operator: httpx.AsyncClient, audience: Audiences
) -> None:
    people = audience(1)
    path = await new(operator)

    for wrong in (
        {"do": "dance"},
        {**FORM, "ordered": "within", "days": "x"},
        {**FORM, "ordered": "within"},
        {**FORM, "text-sw": ""},
        {**FORM, "kinds": "fax"},
        {"do": "send", "at": "soon"},
        {"do": "send", "at": ""},
        {"do": "write"},
    ):
        answer = await operator.post(path, data=wrong)
        assert (wrong, answer.status_code) == (wrong, 422)
    typed = await operator.post(path, data={**FORM, "text-sw": ""})

    assert "Each language needs 1 to 1,000 characters." in typed.text
    assert "Half price today!" in typed.text  # what was typed is still there
    assert (await operator.get(path)).status_code == 404
    assert people.sql("SELECT count(*) FROM broadcast") == [(0,)]


async def test_a_time_is_the_outlets_own(operator: httpx.AsyncClient, audience: Audiences) -> None:
    people = audience(1)
    path = await new(operator)
    await operator.post(path, data=FORM)

    answer = await operator.post(path, data={"do": "send", "at": "2030-01-02T09:00"})

    assert answer.status_code == 303
    assert people.sql("SELECT status, step_at AT TIME ZONE 'UTC' FROM broadcast")[0][0] == (
        "scheduled"
    )
    at = people.sql(
        "SELECT to_char(step_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM broadcast"
    )
    assert at == [("2030-01-02 06:00",)]  # Nairobi is three hours ahead
