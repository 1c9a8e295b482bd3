"""Requests as bytes on the wire, to the server as the product starts it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from chatworks.cli import Server

Ask = Any


@pytest.fixture
async def ask(app: Any) -> AsyncIterator[Ask]:
    """Send bytes; return everything that is answered until the server hangs up."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", access_log=False,
                            log_config=None, server_header=False)  # fmt: skip
    server = Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers a flag, no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]

    async def sent(raw: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(raw)
        await writer.drain()
        try:
            return await asyncio.wait_for(reader.read(), timeout=5)
        finally:
            writer.close()

    yield sent
    server.should_exit = True
    await serving


def request(method: str, *headers: str, body: str = "") -> bytes:
    lines = [f"{method} /healthz HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1")


async def test_a_whole_request_is_answered(ask: Ask) -> None:
    assert (await ask(request("GET"))).startswith(b"HTTP/1.1 200")


async def test_two_lengths_are_refused(ask: Ask) -> None:
    answer = await ask(request("POST", "Content-Length: 0", "Content-Length: 5", body="GET /"))

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_length_beside_chunks_is_refused(ask: Ask) -> None:
    hidden = "0\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await ask(
        request("POST", "Content-Length: 5", "Transfer-Encoding: chunked", body=hidden)
    )

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("length", ["-1", "1e3", "0x5", "²", "9" * 40, "+5"])
async def test_a_length_that_is_no_number_is_refused(ask: Ask, length: str) -> None:
    assert (await ask(request("POST", f"Content-Length: {length}"))).startswith(b"HTTP/1.1 400")


async def test_trace_is_no_method_here(ask: Ask) -> None:
    answer = await ask(request("TRACE", "X-Secret: canary"))

    assert answer.startswith(b"HTTP/1.1 405")
    assert b"canary" not in answer
