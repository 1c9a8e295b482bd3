"""The API's description, its page in the documents, and the how-to's own commands."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from programs import EVERYTHING, ROOT, Tenant
from test_everything import served

from chatworks.api.core import address, known
from chatworks.api.openapi import document
from chatworks.api.strict import ITEMS_MAX, NUMBER_MAX, TEXT_LENGTH_MAX, strict
from chatworks.api.words import AREAS
from chatworks.commands.models import Query, Registration
from chatworks.house import House

HOWTO = ROOT / "docs" / "howto" / "call-the-api.md"
REFERENCE = ROOT / "docs" / "reference" / "api.md"
RUNS_BY_HAND = "export CHATWORKS="


def row(registration: Registration) -> str:
    """Return a request's line of the reference."""
    request = registration.request
    told = (
        " ".join((request.__doc__ or "").split()).partition(". ")[0].rstrip(".").replace("``", "`")
    )
    kind = "reads" if issubclass(request, Query) else "changes"
    where = address(request.request_name)
    return f"| `{where}` | {kind} | `{registration.needs}` | {told} |"


async def test_the_reference_lists_every_request(house: House) -> None:
    expected = [row(registration) for registration in house.dispatcher.offered()]
    listed = [line for line in REFERENCE.read_text().split("\n") if line.startswith("| `/api/")]

    assert listed == expected, "\n".join(expected)


def test_the_reference_says_the_limits() -> None:
    page = REFERENCE.read_text()

    for limit in (f"{TEXT_LENGTH_MAX:,}", f"{ITEMS_MAX:,}", f"{NUMBER_MAX:,}", "65,536", "128"):
        assert limit in page


async def test_the_document_describes_exactly_what_is_offered(
    house: House, client: httpx.AsyncClient
) -> None:
    offered = house.dispatcher.offered()
    described = (await client.get("/api/openapi.json")).json()
    operations = {
        path: operation["post"]["operationId"] for path, operation in described["paths"].items()
    }

    assert described["openapi"] == "3.1.0"
    assert operations == {
        address(registration.request.request_name): registration.request.request_name
        for registration in offered
    }
    for operation in described["paths"].values():
        assert operation["post"]["summary"]
        assert len(operation["post"]["description"]) > len(operation["post"]["summary"])
    for name, schema in described["components"]["schemas"].items():
        closed = schema.get("additionalProperties")
        inputs = {r.request.__name__ for r in offered}
        assert closed is False or not (name in inputs or name.endswith("Input"))


async def test_links_lead_from_answers_to_the_requests_that_take_their_ids(house: House) -> None:
    described = document(house.dispatcher.offered(), "http://x.example")
    listed = described["paths"]["/api/v1/orders/list-orders"]["post"]["responses"]["200"]["links"]
    products = described["paths"]["/api/v1/catalog/all-products"]["post"]["responses"]["200"]

    assert listed["orders.MoveOrder"] == {
        "operationId": "orders.MoveOrder",
        "requestBody": {"order_id": "$response.body#/orders/0/order_id"},
    }
    assert products["links"]["catalog.SetPrice"]["requestBody"] == {
        "product_id": "$response.body#/0/id"
    }


async def test_every_request_can_be_read_strictly(house: House) -> None:
    for registration in house.dispatcher.offered():
        fields = {field.name for field in msgspec.structs.fields(strict(registration.request))}
        given: Any = registration.request
        assert fields == set(given.__dataclass_fields__)


async def test_every_feature_stands_in_one_area_of_the_page(house: House) -> None:
    features = [feature for area in AREAS.values() for feature in area.features]
    scopes = {scope for scope in known(house.dispatcher.offered()) if scope.isalpha()}

    assert sorted(features) == sorted(scopes) == sorted(EVERYTHING)


def blocks(language: str) -> list[str]:
    """Return the how-to's blocks of a language, without their indentation."""
    found = re.findall(
        rf"^( *)```{language}\n(.*?)^ *```$", HOWTO.read_text(), re.MULTILINE | re.DOTALL
    )
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


async def run(folder: Path, env: dict[str, str], *command: str) -> tuple[int | None, str]:
    """Run a command; returns its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_the_how_tos_commands_run_as_they_stand(
    house: House, majipro: Tenant, tmp_path: Path
) -> None:
    order = await majipro.order(await majipro.talk("Anna"), "Anna")
    secret = (await majipro.key("orders")).secret
    lines = [line for block in blocks("sh") for line in block.strip().split("\n")]
    commands = [line for line in lines if not line.startswith(RUNS_BY_HAND)]
    (program,) = blocks("python")
    async with served(house) as where:
        env = {"PATH": os.environ["PATH"], "CHATWORKS": where, "KEY": secret}
        answers = [await run(tmp_path, env, "bash", "-c", command) for command in commands]
        done = [await run(tmp_path, env, sys.executable, "-c", program) for _ in range(2)]

    assert len(lines) == len(commands) + 1 == 4
    for code, said in answers[:2]:
        assert (code, json.loads(said)["orders"][0]["order_id"]) == (0, str(order))
    assert json.loads(answers[2][1])["info"]["title"] == "ChatWorks"
    assert done == [(0, "order 1001 is accepted\n"), (0, "")]
    assert majipro.sql("SELECT status FROM sales_order") == [("accepted",)]


@pytest.mark.parametrize("status", ["400", "401", "403", "409", "413", "415", "422", "429"])
def test_the_how_to_says_what_each_status_asks_for(status: str) -> None:
    assert re.search(rf"^\| [\d, ]*{status}", HOWTO.read_text(), re.MULTILINE)
