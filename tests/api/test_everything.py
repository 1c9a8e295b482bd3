"""Schemathesis asks the API everything that its description allows, and what it does not.

One key of each of two outlets, both with business: every operation, boundaries, random requests,
and chains along the links. ``API_EXAMPLES`` is how many random requests each operation gets in the
long run: 2,500 make more than 100,000 requests of both outlets together.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from programs import EVERYTHING, Tenant, state

from chatworks.cli import web_app
from chatworks.house import House
from chatworks.web.sse import Streams

CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance",
          "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
          "unsupported_method", "use_after_free", "ensure_resource_availability", "ignored_auth",
          "missing_required_header")  # fmt: skip
FAST = 100_000  # requests a second that a key may make
CONFIG = Path(__file__).with_name("schemathesis.toml")
BIN = Path(sys.executable).parent


@asynccontextmanager
async def served(house: House) -> AsyncIterator[str]:
    """Serve the house on a free port; gives its address."""
    config = uvicorn.Config(web_app(house, Streams(house.listener)), port=0, lifespan="off",
                            log_config=None, access_log=False)  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def asked(address: str, secret: str, folder: Path, *more: str) -> dict[str, Any]:
    """Run schemathesis; returns its report, and fails with what it says where it finds anything."""
    report = folder / "report.json"
    process = await asyncio.create_subprocess_exec(
        *(
            BIN / "st",
            "--config-file",
            CONFIG,
            "run",
            f"{address}/api/openapi.json",
            "--url",
            address,
        ),
        *("--header", f"Authorization: Bearer {secret}", "--checks", ",".join(CHECKS)),
        *("--report", "json", "--report-json-path", report, "--seed", "1", "--no-color"),
        *("--workers", "1", *more),  # with more, Python 3.11 trips over its parser in threads
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-8000:]
    found: dict[str, Any] = json.loads(report.read_text())
    return found


async def with_business(tenant: Tenant) -> str:
    """Give an outlet something to find; returns the secret of a key that may do everything."""
    for name in ("Anna", "Ben"):
        await tenant.order(await tenant.talk(name), name)
    return (await tenant.key(*EVERYTHING)).secret


def total(report: dict[str, Any]) -> int:
    """How many requests a report counts."""
    return int(report["test_cases"]["generated"])


async def test_some_of_everything_is_answered_as_described(
    house: House, majipro: Tenant, tmp_path: Path
) -> None:
    secret = await with_business(majipro)
    house.settings = house.settings.model_copy(update={"api_per_second": FAST})
    async with served(house) as address:
        quick = ("--phases", "fuzzing,stateful", "--max-examples", "1")
        report = await asked(address, secret, tmp_path, *quick)

    assert total(report) >= len(house.dispatcher.offered())


@pytest.mark.slow
async def test_everything_is_answered_as_described_and_changes_nothing_of_others(
    house: House, majipro: Tenant, aqua: Tenant, tmp_path: Path
) -> None:
    secrets = {tenant.id: await with_business(tenant) for tenant in (majipro, aqua)}
    house.settings = house.settings.model_copy(update={"api_per_second": FAST})
    examples = os.environ.get("API_EXAMPLES", "20")
    made = 0
    async with served(house) as address:
        for tenant, other in ((majipro, aqua), (aqua, majipro)):
            before = state(other)
            secret = secrets[tenant.id]
            made += total(await asked(address, secret, tmp_path, "--max-examples", examples))
            assert state(other) == before

    print(f"{made:,} requests")  # noqa: T201 - a figure to report, shown by -s
    assert made > 2 * int(examples) * len(house.dispatcher.offered())
