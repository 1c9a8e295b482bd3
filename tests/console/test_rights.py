"""Every page, form and stream of the console with every role: what each declares is what counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg
import pytest
from litestar import Litestar

from chatworks.access.core import OUTLET_ROLES, PERMISSIONS, may, reads
from chatworks.cli import console_desk, web_app
from chatworks.console.router import console
from chatworks.factors.pages import Gate
from chatworks.house import House
from chatworks.identity.service import issue_sign_in_link
from chatworks.web.sse import Streams
from chatworks.web.templating import Pages

NOWHERE = "0" * 32
HOME = "/console"
ENDS = {"/console/live", "/console/sign-out", "/console/settings/people/leave"}


def doors(house: House) -> Iterator[tuple[str, str, str]]:
    """Yield (method, path, what it needs) of every handler of the console."""
    shown = Pages()
    desk = console_desk(house, Streams(house.listener), shown, Gate(house.prover, shown))
    for route in Litestar(console(desk), openapi_config=None).routes:
        path = "/".join(NOWHERE if "{" in part else part for part in route.path_format.split("/"))
        for handler in getattr(route, "route_handlers", ()):
            for method in handler.http_methods - {"OPTIONS"}:
                yield str(method), path, handler.opt["needs"]


@asynccontextmanager
async def signed_in(house: House, database_url: str, role: str) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client whose operator has ``role``."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        key = await issue_sign_in_link(work, outlet.id)
    app: Any = web_app(house, Streams(house.listener))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.post("/console/sign-in", data={"key": key})).status_code == 303
        with psycopg.connect(database_url) as conn:
            conn.execute("UPDATE membership SET role = %s", [role])
        yield client


async def test_nothing_that_changes_something_needs_only_a_right_to_read(house: House) -> None:
    known = list(doors(house))
    assert len(known) > 30
    assert [door for door in known if door[2] not in PERMISSIONS and door[2] != "public"] == []
    assert {(method, path) for method, path, needs in known if needs == "public"} == {
        ("GET", "/console/sign-in"),
        ("POST", "/console/sign-in"),
    }
    assert [door for door in known if door[0] != "GET" and reads(door[2])] == []


@pytest.mark.promise("access-control")
@pytest.mark.parametrize("role", OUTLET_ROLES)
async def test_each_role_opens_what_it_may_and_nothing_else(
    house: House, database_url: str, role: str
) -> None:
    async with signed_in(house, database_url, role) as client:
        for method, path, needs in sorted(doors(house)):
            if needs == "public" or path in ENDS:
                continue
            answer = await client.request(method, path, data={} if method == "POST" else None)
            refused = answer.status_code == 403
            home = path == HOME and answer.headers.get("location") == "/console/settings"
            assert (method, path, not (refused or home)) == (method, path, may(role, needs))
            assert answer.status_code < 500
        menu = (await client.get("/console/settings")).text
        shown = [
            needs
            for needs in ("orders.read", "messages.read", "catalog.read", "trouble.read")
            if f'href="/console{LEADS[needs]}"' in menu
        ]
        assert shown == [needs for needs in LEADS if may(role, needs)]


LEADS = {
    "orders.read": "",
    "messages.read": "/messages",
    "catalog.read": "/products",
    "trouble.read": "/trouble",
}


@pytest.mark.promise("access-control")
async def test_a_role_that_was_taken_counts_at_the_next_request(
    house: House, database_url: str
) -> None:
    async with signed_in(house, database_url, "owner") as client:
        assert (await client.get("/console/settings/channels")).status_code == 200
        with psycopg.connect(database_url) as conn:
            conn.execute("UPDATE membership SET role = 'support'")
        assert (await client.get("/console/settings/channels")).status_code == 403
        page = await client.get("/console/products")
        assert "Your role does not change anything on this page." in page.text
        refused = await client.post(f"/console/products/{NOWHERE}", data={"active": "no"})
        assert refused.status_code == 403
        assert refused.json()["detail"] == "your role here may not " + PERMISSIONS["catalog.write"]
