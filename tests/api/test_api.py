"""The API: what it refuses and how it says so, whose rows it touches, and what is done once."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from programs import EVERYTHING, Program, Tenant, opened, state

from chatworks.access.core import OUTLET_ROLES
from chatworks.api.core import cap
from chatworks.commands.models import Query, Registration
from chatworks.house import House
from chatworks.media.core import show_path
from chatworks.media.models import Examined, Origin, Owner
from chatworks.media.store import put

STATUSES = "SELECT status FROM sales_order ORDER BY number"


async def test_an_outlet_reads_its_orders_page_by_page(majipro: Tenant, program: Program) -> None:
    anna = await majipro.talk("Anna")
    placed = [await majipro.order(anna, f"Anna {n}") for n in range(5)]

    read: list[Any] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        answer = (await program.ask("orders/list-orders", {"limit": 2, "cursor": cursor})).json()
        read += answer["orders"]
        cursor, pages = answer["next"], pages + 1

    assert pages == 3
    assert [(order["order_id"], order["number"]) for order in read] == [
        (str(order_id), 1001 + n) for n, order_id in reversed(list(enumerate(placed)))
    ]
    one = (await program.ask("orders/get-order", {"order_id": str(placed[0])})).json()
    assert (one["number"], one["customer_name"], one["status"]) == (1001, "Anna 0", "placed")
    assert one["deliver_to"] == {"latitude": -1.2921, "longitude": 36.7836, "address": ""}
    assert [(step["status"], step["actor_kind"]) for step in one["steps"]] == [
        ("placed", "customer")
    ]
    for wrong in ("x", "bm9uZQ", "WyJhIl0", "WzFlOTld"):
        refused = await program.ask("orders/list-orders", {"cursor": wrong})
        assert (refused.status_code, refused.json()["code"]) == (409, "orders.NoSuchPage")


async def test_an_outlet_reads_its_conversations_page_by_page(
    majipro: Tenant, program: Program
) -> None:
    talks = [str((await majipro.talk(f"Anna {n}")).conversation_id) for n in range(5)]
    majipro.sql("UPDATE conversation SET last_at = '2026-11-02 09:00:00+00'")  # one batch's turns

    read: list[Any] = []
    cursor, pages = "", 0
    while pages == 0 or cursor:
        body = {"limit": 2, "cursor": cursor, "kind": "webchat"}
        answer = (await program.ask("support/list-conversations", body)).json()
        read += answer["conversations"]
        cursor, pages = answer["next"], pages + 1

    assert sorted(talk["conversation_id"] for talk in read) == sorted(talks)
    said = await program.ask("support/list-messages", {"conversation_id": talks[0]})
    assert [(m["seq"], m["direction"], m["content"]["text"]) for m in said.json()["messages"]] == [
        (1, "in", "hello")
    ]
    assert said.json()["next"] == 1
    later = {"conversation_id": talks[0], "after": 1}
    assert (await program.ask("support/list-messages", later)).json() == {"messages": [], "next": 1}
    strange = {"cursor": "WyIyMDI2LTAxLTAxIl0"}
    refused = await program.ask("support/list-conversations", strange)
    assert (refused.status_code, refused.json()["code"]) == (409, "support.NoSuchPage")


async def test_who_shows_no_key_is_told_how(majipro: Tenant, client: httpx.AsyncClient) -> None:
    bare = await Program(client, "").ask("orders/list-orders")
    wrong = await Program(client, "cw_live_nothing").ask("orders/list-orders")
    header = bare.headers["www-authenticate"]

    assert (bare.status_code, header) == (401, 'Bearer realm="chatworks"')
    assert bare.headers["content-type"] == "application/problem+json"
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (
        401,
        'Bearer realm="chatworks", error="invalid_token"',
    )


async def test_a_wrong_method_or_path_says_so(client: httpx.AsyncClient) -> None:
    page = {"accept": "text/html"}
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"):
        wrong = await client.request(method, "/api/v1/orders/list-orders", headers=page)
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "OPTIONS, POST")
    nowhere = await client.post("/api/v1/orders/eat-order", headers=page)
    customers = await client.post("/api/v1/orders/place-order")  # no operator may, so no program

    assert (nowhere.status_code, nowhere.json()["title"]) == (404, "Not Found")
    assert customers.status_code == 404


NOT_FITTING = [
    ({"limit": 0}, 422, "#/limit", "Expected `int` >= 1"),
    ({"limit": 101}, 422, "#/limit", "Expected `int` <= 100"),
    ({"limit": "5"}, 422, "#/limit", "Expected `int`, got `str`"),
    ({"limit": 2**70}, 422, "#/limit", "Expected `int` <= 100"),
    ({"cursor": "x" * 8001}, 422, "#/cursor", "Expected `str` of length <= 8000"),
    ({"cursor": "a\0"}, 422, "#/cursor", "Expected `str` matching regex '^[^\\\\u0000]*$'"),
    ({"outlet_id": str(uuid4())}, 422, "#", "Object contains unknown field `outlet_id`"),
    ([], 422, "#", "Expected `object`, got `array`"),
]


async def test_what_does_not_fit_is_named_with_its_limit(program: Program) -> None:
    for body, status, pointer, detail in NOT_FITTING:
        answer = await program.ask("orders/list-orders", body)

        assert answer.status_code == status
        assert answer.json()["errors"] == [{"pointer": pointer, "detail": detail}]


async def test_bytes_that_are_no_request_are_refused(program: Program) -> None:
    sent = {"authorization": f"Bearer {program.secret}"}
    json = {**sent, "content-type": "application/json"}
    tried = [
        (json, b"{", 400, "the body is not JSON in UTF-8: Input data was truncated"),
        (json, b"\xff", 400, None),
        (json, b'{"cursor": "\\ud800"}', 400, None),
        (json, b"[" * 60_000, 422, None),
        (json, b'{"cursor": "' + b"x" * 70_000, 413, "the body has more than 65536 bytes"),
        (sent, b"{}", 415, "the body must be application/json, not of an unknown type"),
        ({**sent, "content-type": "text/plain"}, b"{}", 415, None),
        ({**json, "idempotency-key": "x"}, b"{}", 200, None),
    ]
    for headers, body, status, detail in tried:
        answer = await program.client.post(
            "/api/v1/orders/list-orders", headers=headers, content=body
        )
        assert answer.status_code == status
        assert detail in {None, answer.json().get("detail")}


async def test_a_refusal_names_its_kind_and_changes_nothing(
    majipro: Tenant, program: Program
) -> None:
    order = await majipro.order(await majipro.talk("Anna"), "Anna")
    answer = await program.ask("orders/move-order", {"order_id": str(order), "to": "delivered"})

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "http://127.0.0.1:8000/api/problems/orders.TooLate",
        "title": "Conflict",
        "status": 409,
        "detail": "The order cannot go there from where it stands: its number and status.",
        "code": "orders.TooLate",
        "arguments": [1001, "placed"],
    }
    kind = await program.client.get(answer.json()["type"])
    assert kind.json() == {"code": "orders.TooLate", "meaning": answer.json()["detail"]}
    assert (await program.client.get("/api/problems/orders.Eaten")).status_code == 404
    assert majipro.sql(STATUSES) == [("placed",)]


async def test_a_program_acts_for_who_issued_its_key_and_the_log_names_it(
    majipro: Tenant, program: Program
) -> None:
    anna = await majipro.talk("Anna")
    order = await majipro.order(anna, "Anna")
    talk = str(anna.conversation_id)
    moved = await program.ask("orders/move-order", {"order_id": str(order), "to": "accepted"})
    replied = await program.ask("conversations/reply", {"conversation_id": talk, "text": "Soon."})
    noted = await program.ask("support/add-note", {"conversation_id": talk, "text": "paid"})
    key = majipro.sql("SELECT id FROM api_key")[0][0]

    assert moved.json() == {"number": 1001, "status": "accepted"}
    assert (replied.json(), noted.status_code) == ({"speaker": "human"}, 200)
    assert majipro.sql(
        "SELECT action, actor_kind, actor_id FROM audit_leaf WHERE actor_kind = 'agent' ORDER BY id"
    ) == [
        (action, "agent", key.hex)
        for action in ("orders.MoveOrder", "conversations.Reply", "support.AddNote")
    ]
    assert majipro.sql("SELECT operator_id FROM support_note WHERE text = 'paid'") == [
        (UUID(majipro.owner.id),)
    ]


async def test_a_repeat_under_an_idempotency_key_is_not_done_again(
    majipro: Tenant, program: Program, client: httpx.AsyncClient
) -> None:
    anna = await majipro.talk("Anna")
    note = {"conversation_id": str(anna.conversation_id), "text": "paid"}
    answers = [await program.ask("support/add-note", note, idempotency_key="a") for _ in range(3)]
    other = await program.ask("support/add-note", {**note, "text": "x"}, idempotency_key="a")
    colleague = Program(client, (await majipro.key("support")).secret)
    own = await colleague.ask("support/add-note", note, idempotency_key="a")
    long = await program.ask("support/add-note", note, idempotency_key="x" * 129)

    assert len({answer.json()["note_id"] for answer in answers}) == 1
    assert (other.status_code, other.json()["code"]) == (422, "commands.KeyReused")
    assert own.json()["note_id"] != answers[0].json()["note_id"]
    assert (long.status_code, long.json()["errors"][0]["pointer"]) == (422, "Idempotency-Key")
    texts = majipro.sql("SELECT text FROM support_note WHERE operator_id IS NOT NULL")
    assert texts == [("paid",), ("paid",)]


def wanted(registration: Registration, ids: dict[str, str]) -> dict[str, Any]:
    """Return a request of this kind about these ids."""
    values: dict[str, Any] = {
        "catalog.SetActive": {"active": False},
        "catalog.SetPhoto": {"photo": ""},
        "catalog.SetPrice": {"price_minor": 1},
        "catalog.SetStock": {"stock": 1},
        "conversations.Reply": {"text": "hello"},
        "broadcasts.MoveBroadcast": {"move": "cancel"},
        "orders.MoveOrder": {"to": "accepted"},
        "outlets.RemoveTemplate": {"name": "a", "language": "en"},
        "outlets.SaveTemplate": {
            "name": "a", "language": "en", "topic": "order.placed", "body": "Hello",
        },
        "support.AddNote": {"text": "x"},
        "support.Assign": {"operator_id": None},
    }  # fmt: skip
    fields = registration.request.__dataclass_fields__  # type: ignore[attr-defined]
    named = {name: ids[name] for name in fields if name in ids}
    return values.get(registration.request.request_name, {}) | named


async def test_no_id_of_another_outlet_leads_anywhere(
    house: House, majipro: Tenant, aqua: Tenant, program: Program
) -> None:
    anna = await aqua.talk("Anna")
    order = await aqua.order(anna, "Anna")
    broadcast, part = uuid4(), uuid4()
    product, channel = (
        aqua.sql(f"SELECT id FROM {table} WHERE outlet_id = %s LIMIT 1", aqua.id)[0][0]  # noqa: S608 - of two names
        for table in ("product", "channel")
    )
    ids = {
        "order_id": order, "conversation_id": anna.conversation_id, "product_id": product,
        "channel_id": channel, "broadcast_id": broadcast, "part_id": part,
    }  # fmt: skip
    before = state(aqua)
    asked = []
    for registration in house.dispatcher.offered():
        body = wanted(registration, {name: str(value) for name, value in ids.items()})
        if not any(name in body for name in ids) or "broadcast_id" in body:
            continue
        feature, _, name = registration.request.request_name.partition(".")
        path = f"{feature}/{''.join(f'-{c.lower()}' if c.isupper() else c for c in name)[1:]}"
        answer = await program.ask(path, body)
        asked.append((registration.request.request_name, answer.status_code))

    assert [(name, status) for name, status in asked if status != 409] == []
    assert len(asked) == 16
    assert state(aqua) == before


async def test_a_file_of_another_conversation_is_not_sent(
    majipro: Tenant, aqua: Tenant, program: Program
) -> None:
    anna, ben = await majipro.talk("Anna"), await majipro.talk("Ben")
    strange = await aqua.talk("Chen")
    file = Examined(b"hello", "text/plain", "hello.txt")
    paths = []
    for tenant, talk in ((majipro, anna), (majipro, ben), (aqua, strange)):
        async with tenant.house.db.engine() as work:
            owner = Owner(Origin.OPERATOR, talk.conversation_id)
            kept = await put(work, tenant.id, file, owner)
        paths.append(show_path(kept.id, kept.key))
    sent = {"kind": "image", "media_type": "image/png", "size_bytes": 1}
    body = {"conversation_id": str(anna.conversation_id), "text": "look"}
    answers = [
        await program.ask("conversations/reply", {**body, "media": [{**sent, "path": path}]})
        for path in (paths[1], paths[2], "/static/x", paths[0])
    ]

    assert [answer.status_code for answer in answers] == [409, 409, 409, 200]
    assert answers[0].json()["code"] == "conversations.NoSuchFile"
    written = majipro.sql("SELECT content::json -> 'media' FROM message WHERE direction = 'out'")
    assert written == [
        ([{"kind": "document", "path": paths[0], "media_type": "text/plain", "size_bytes": 5,
           "name": "hello.txt"}],)
    ]  # fmt: skip


async def test_a_scope_that_reads_cannot_write(
    house: House, majipro: Tenant, client: httpx.AsyncClient
) -> None:
    order = await majipro.order(await majipro.talk("Anna"), "Anna")
    reader = Program(client, (await majipro.key("orders:read")).secret)
    single = Program(client, (await majipro.key("orders.GetOrder")).secret)
    move = {"order_id": str(order), "to": "accepted"}
    refused = await reader.ask("orders/move-order", move)

    assert refused.status_code == 403
    assert refused.headers["www-authenticate"].endswith(
        'error="insufficient_scope", scope="orders.MoveOrder"'
    )
    assert [
        (await asker.ask(path, body)).status_code
        for asker in (reader, single)
        for path, body in (
            ("orders/list-orders", {}),
            ("orders/get-order", {"order_id": str(order)}),
            ("orders/move-order", move),
            ("catalog/all-products", {}),
        )
    ] == [200, 200, 403, 403, 403, 200, 403, 403]
    assert majipro.sql(STATUSES) == [("placed",)]
    reads = {f"{feature}:read" for feature in EVERYTHING}
    offered = house.dispatcher.offered()
    assert cap(reads, offered) == {
        r.request.request_name for r in offered if issubclass(r.request, Query)
    }


async def test_a_program_never_has_more_than_its_issuers_role_of_today(
    majipro: Tenant, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await majipro.order(await majipro.talk("Anna"), "Anna")
    program = Program(client, (await majipro.key("orders")).secret)
    owner = OUTLET_ROLES["owner"]
    role = type(owner)("owner", "Owner", "", owner.may - {"orders.write"})
    monkeypatch.setitem(OUTLET_ROLES, "owner", role)
    answer = await program.ask("orders/move-order", {"order_id": str(order), "to": "accepted"})

    assert (answer.status_code, answer.json()["code"]) == (403, "commands.NotAllowed")
    assert (await program.ask("orders/list-orders")).status_code == 200
    assert majipro.sql(STATUSES) == [("placed",)]


async def test_outlets_know_nothing_of_each_other(
    majipro: Tenant, house: House, client: httpx.AsyncClient, database_url: str
) -> None:
    """Two-tenant differential: the same requests with another outlet absent and present."""
    anna = await majipro.talk("Anna")
    await majipro.order(anna, "Anna")
    program = Program(client, (await majipro.key(*EVERYTHING)).secret)

    async def everything() -> list[tuple[str, int, bytes]]:
        said = []
        for path, body in (
            ("orders/list-orders", {}),
            ("orders/get-order", {"order_id": str(uuid4())}),
            ("catalog/all-products", {}),
            ("catalog/list-products", {}),
            ("support/list-conversations", {}),
            ("support/list-messages", {"conversation_id": str(anna.conversation_id)}),
            ("orders/check-delivery", {"place": {"latitude": -1.2921, "longitude": 36.7836}}),
            ("inbox/replay-parked", {"event_id": 1}),
            ("outbox/resend-part", {"part_id": str(uuid4())}),
        ):
            answer = await program.ask(path, body)
            said.append((path, answer.status_code, answer.content))
        said.append(("/openapi", 200, (await client.get("/api/openapi.json")).content))
        return said

    alone = await everything()
    aqua = await opened(house, database_url, "aqua", "Aqua")
    for n in range(3):
        await aqua.order(await aqua.talk(f"Ben {n}"), "Ben")
    await aqua.key(*EVERYTHING)
    together = await everything()
    await majipro.order(anna, "Anna again")  # numbers have no gap that tells of others
    numbers = [o["number"] for o in (await program.ask("orders/list-orders")).json()["orders"]]

    assert alone == together
    assert numbers == [1002, 1001]
