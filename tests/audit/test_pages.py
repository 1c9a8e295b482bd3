"""The log's pages: what the public sees, and what an operator reads and takes away."""

from __future__ import annotations

import csv
import hashlib
import io
from base64 import b64decode
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import psycopg
import pytest
from logs import add_outlets, append

from chatworks.app import sign_in_link
from chatworks.audit import store as audit
from chatworks.audit.merkle import Frontier, includes, leaf_hash
from chatworks.audit.models import Leaf
from chatworks.audit.notes import Proof, Verifier, checked
from chatworks.cli import web_app
from chatworks.console.history_words import cell
from chatworks.house import House
from chatworks.identity.store import operators
from chatworks.web.sse import Streams

ORDER = UUID(int=500)


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(web_app(house, Streams(house.listener)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        yield asking


def others(database_url: str, outlet_id: UUID) -> list[UUID]:
    """The leaves that are not this outlet's."""
    with psycopg.connect(database_url) as conn:
        found = conn.execute(
            "SELECT id FROM audit_leaf WHERE outlet_id IS DISTINCT FROM %s", [outlet_id]
        ).fetchall()
    return [row[0] for row in found]


async def outlet_of(house: House) -> UUID:
    return (await house.directory.by_slug("majipro")).id  # type: ignore[union-attr]


@pytest.fixture
async def signed_in(house: House, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """The owner of MajiPro, with acts of theirs, of a customer, and of another outlet."""
    key = (await sign_in_link(house, await outlet_of(house))).rpartition("key=")[2]
    await client.post("/console/sign-in", data={"key": key})
    return client


async def acts(house: House, database_url: str) -> list[UUID]:
    """Leave leaves in MajiPro's log, and others in other outlets'; returns MajiPro's ids."""
    outlet_id = await outlet_of(house)
    add_outlets(database_url)
    await append(house.db, range(6))  # of the other outlets, and of accounts
    async with house.db.engine() as work:
        owner = (await operators(work, outlet_id))[0].id.hex
    placed = Leaf(outlet_id, "customer", "=cmd()", "orders.PlaceOrder", "order", ORDER.hex,
                  {"number": 1001, "total_minor": 60000})  # fmt: skip
    moved = Leaf(outlet_id, "operator", owner, "orders.MoveOrder", "order", ORDER.hex,
                 {"status": "accepted"})  # fmt: skip
    hours = Leaf(outlet_id, "operator", owner, "outlets.SaveHours", "outlet", outlet_id.hex,
                 {"what": "=HYPERLINK(1)"})  # fmt: skip
    for leaf in (placed, moved, hours):
        async with house.db.engine() as work:
            work.defer(audit.append, leaf)
    with psycopg.connect(database_url) as conn:
        found = conn.execute(
            "SELECT id FROM audit_leaf WHERE outlet_id = %s ORDER BY id", [outlet_id]
        ).fetchall()
    return [row[0] for row in found]


async def sequence(house: House) -> None:
    while await house.sequencer.step():
        pass


async def test_the_public_pages_show_a_tree_that_anybody_can_verify(
    house: House, client: httpx.AsyncClient, database_url: str
) -> None:
    assert (await client.get("/audit/checkpoint")).status_code == 404
    add_outlets(database_url)
    await append(house.db, range(300))
    await sequence(house)

    key = Verifier.parse((await client.get("/audit/key")).text)
    answer = await client.get("/audit/checkpoint")
    said = checked(answer.text, key)
    rows = [(await client.get(f"/audit/tile/0/{tile}")).content for tile in ("000", "001.p/44")]
    tree = Frontier()
    for row in rows:
        for i in range(0, len(row), 32):
            tree.append(row[i : i + 32])
    inner = (await client.get("/audit/tile/1/000.p/1")).content

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (said.origin, said.size, said.root) == ("127.0.0.1:8000/audit", 300, tree.root())
    assert len(inner) == 32
    for path in ("0/001", "0/002.p/1", "1/000.p/2", "9/000.p/1", "0/x", "entries"):
        assert (await client.get(f"/audit/tile/{path}")).status_code == 404
    assert (await client.get("/audit/tile/entries/000")).status_code == 403


@pytest.mark.promise("audit")
async def test_an_operator_reads_what_was_done_here_and_by_whom(
    house: House, signed_in: httpx.AsyncClient, database_url: str
) -> None:
    await acts(house, database_url)

    page = (await signed_in.get("/console/history")).text

    for told in ("<b>A customer</b> placed an order", "<b>MajiPro owner</b> moved an order on",
                 "changed the opening hours", "KES 600", "made a sign-in link"):  # fmt: skip
        assert told in page
    assert page.index("changed the opening hours") < page.index("placed an order")
    assert "account" not in page.partition("<ol")[2].partition("</ol>")[0]


@pytest.mark.parametrize(
    "asked",
    [
        ("what=orders.", "placed an order", "changed the opening hours"),
        ("who=customer", "placed an order", "moved an order on"),
        ("who=operator", "moved an order on", "placed an order"),
        (f"kind=order&id={ORDER.hex}", "What was done to Order 1001", "changed the opening hours"),
        ("since=2000-01-01&until=2100-01-01", "placed an order", "Nothing fits"),
        ("until=2000-01-01", "Nothing fits this filter", "placed an order"),
        ("what=nonsense.&who=nobody&since=never", "placed an order", "Nothing fits"),
        ("kind=order&id=%00", "placed an order", "Nothing fits"),
    ],
)
async def test_the_page_is_filtered(
    house: House, signed_in: httpx.AsyncClient, database_url: str, asked: tuple[str, str, str]
) -> None:
    query, seen, unseen = asked
    await acts(house, database_url)

    page = (await signed_in.get(f"/console/history?{query}")).text

    assert (seen in page, unseen in page) == (True, False)


async def test_older_pages_follow_without_a_gap(
    house: House, signed_in: httpx.AsyncClient, database_url: str
) -> None:
    outlet_id = await outlet_of(house)
    for first in (0, 60):
        async with house.db.engine() as work:
            for number in range(first, first + 60):
                work.defer(
                    audit.append,
                    Leaf(outlet_id, "system", "", "test.Count", "thing", f"<{number}>", {}),
                )
    counted = []
    address: str | None = "/console/history?what=&who=system"
    while address:
        page = (await signed_in.get(address)).text
        counted += [part.partition("%3E")[0] for part in page.split("id=%3C")[1:]]
        older = page.partition('href="/console/history?who=system&amp;before=')[2].partition('"')[0]
        address = f"/console/history?who=system&before={older}" if older else None

    assert sorted(counted, key=int) == [str(number) for number in range(120)]
    assert {int(number) // 60 for number in counted[:50]} == {1}


async def test_a_table_holds_no_formula(
    house: House, signed_in: httpx.AsyncClient, database_url: str
) -> None:
    ids = await acts(house, database_url)
    await sequence(house)

    answer = await signed_in.get("/console/history.csv?what=orders.")

    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-disposition"] == 'attachment; filename="history.csv"'
    assert [(row["who"], row["what"], row["values"]) for row in rows] == [
        ("MajiPro owner", "moved an order on", "status: accepted"),
        ("A customer", "placed an order", "number: 1001; total_minor: 60000"),
    ]
    assert rows[1]["id of who"] == "'=cmd()"
    assert {row["leaf"] for row in rows} < {leaf_id.hex for leaf_id in ids}


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\tx", "\rx"])
def test_what_a_spreadsheet_takes_for_a_formula_is_quoted(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert (cell("a=1"), cell(""), cell(7)) == ("a=1", "", "7")


async def test_the_data_and_the_proof_let_anybody_check_a_line(
    house: House, signed_in: httpx.AsyncClient, database_url: str
) -> None:
    ids = await acts(house, database_url)
    waits = await signed_in.get(f"/console/history/{ids[-1].hex}/proof")
    await sequence(house)

    lines = (await signed_in.get("/console/history.json")).json()
    line = next(line for line in lines if line["action"] == "orders.PlaceOrder")
    proof = Proof.parse((await signed_in.get(f"/console/history/{line['id']}/proof")).text)
    key = Verifier.parse((await signed_in.get("/audit/key")).text)
    said = checked(proof.note, key)

    payload = b64decode(line["payload"])
    assert waits.status_code == 404
    assert [one["id"] for one in lines] == [leaf_id.hex for leaf_id in reversed(ids)]
    assert hashlib.sha256(b"\x00" + payload).hexdigest() == line["leaf_hash"]
    assert proof.index == line["entry"]
    assert includes(proof.index, said.size, leaf_hash(payload), proof.path, said.root)


async def test_another_outlets_act_is_not_there(
    house: House, signed_in: httpx.AsyncClient, database_url: str
) -> None:
    await acts(house, database_url)
    await sequence(house)
    foreign = others(database_url, await outlet_of(house))

    assert len(foreign) >= 6
    for leaf_id in foreign:
        answer = await signed_in.get(f"/console/history/{leaf_id.hex}/proof")
        assert answer.status_code == 404
    known = {line["id"] for line in (await signed_in.get("/console/history.json")).json()}
    assert known.isdisjoint(leaf_id.hex for leaf_id in foreign)


async def test_the_seeding_leaves_one_leaf_and_a_second_start_none(
    house: House, database_url: str
) -> None:
    from houses import seed  # noqa: PLC0415 - the house is seeded already

    await seed(house)

    with psycopg.connect(database_url) as conn:
        assert conn.execute("SELECT count(*) FROM audit_leaf").fetchone() == (0,)
