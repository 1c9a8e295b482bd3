"""No page of the console without signing in: the list of pages comes from the router itself."""

from __future__ import annotations

import httpx
import pytest
from litestar import Litestar

from chatworks.cli import console_desk, web_app
from chatworks.console.router import console
from chatworks.factors.pages import Gate
from chatworks.house import House
from chatworks.web.sse import Streams
from chatworks.web.templating import Pages

OPEN = {("/console/sign-in", "GET"), ("/console/sign-in", "POST")}


def doors(house: House) -> set[tuple[str, str]]:
    """Return (path, method) of every page of the console; ids in paths are zeros."""
    shown = Pages()
    desk = console_desk(house, Streams(house.listener), shown, Gate(house.prover, shown))
    found = set()
    for route in Litestar(console(desk), openapi_config=None).routes:
        path = "/".join("0" * 32 if "{" in part else part for part in route.path_format.split("/"))
        found |= {(path, str(method)) for method in route.methods if method != "OPTIONS"}
    return found


@pytest.mark.promise("access-control")
async def test_no_page_opens_and_no_form_is_taken_without_a_session(house: House) -> None:
    known = doors(house)
    assert {("/console", "GET"), ("/console/live", "GET"), ("/console/trouble", "POST")} <= known
    assert len(known) > 20
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]
    async with house.db.engine() as work:
        before = await (await work.conn.execute("SELECT count(*) FROM audit_leaf")).fetchone()
    for cookie in ({}, {"cw_session": "made-up"}):
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", cookies=cookie
        ) as client:
            for path, method in sorted(known - OPEN):
                answer = await client.request(method, path)
                assert (path, method, answer.status_code) == (path, method, 401)
                if method == "GET":
                    page = await client.get(path, headers={"accept": "text/html"})
                    assert (page.status_code, page.headers["location"]) == (302, "/console/sign-in")
    async with house.db.engine() as work:
        after = await (await work.conn.execute("SELECT count(*) FROM audit_leaf")).fetchone()
    assert after == before
