"""``chatworks audit witness``: look at a log again and again, and remember what it said.

It runs anywhere, without a database or a secret of the product: on an operator's own machine, best
of all. It can answer other logs' posts as a witness of C2SP's network does.
"""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from pathlib import Path

import click
import uvicorn

from chatworks.audit.notes import WITNESS, BadNote, Signer, Verifier
from chatworks.audit.witness import BODY_BYTES_MAX, Refused, Witness
from chatworks.kit.clock import SystemClock
from chatworks.kit.errors import ChatWorksError, Invalid
from chatworks.kit.http import HttpClient, NotSent, TooLong, Unanswered
from chatworks.web.security import App, Receive, Scope, Send

ANSWER_SECONDS_MAX = 20.0
SEED_BYTES = 32
SIZE_TYPE = b"text/x.tlog.size"  # C2SP tlog-witness: of the answer that says what was seen


class Tampered(ChatWorksError):
    """The log is not as it was left."""


@click.command(name="witness")
@click.argument("address")
@click.argument("key")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("witness"),
    show_default=True,
    help="Where this witness remembers; it makes its own key there.",
)
@click.option("--name", default="witness", show_default=True, help="Its name in cosignatures.")
@click.option("--every", default=60.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option("--port", type=int, help="Answer C2SP's add-checkpoint on this port, too.")
def witness_command(  # noqa: PLR0913, PLR0917 - click gives each option its name
    address: str,
    key: str,
    folder: Path,
    name: str,
    every: float,
    once: bool,  # noqa: FBT001 - click's flag
    port: int | None,
) -> None:
    """Watch the log at ADDRESS (https://shop.example/audit) whose key is KEY, and remember.

    Each newer checkpoint is taken only with a proof that nothing was taken back. It ends with an
    error as soon as the log cannot prove that.
    """
    witness = Witness([_watched(key)], Signer(name, WITNESS, _own_seed(folder)), folder)
    click.echo(f"This witness's key: {witness.signer.verifier}")
    try:
        asyncio.run(_watch(witness, address.rstrip("/"), every, once=once, port=port))
    except KeyboardInterrupt:
        click.echo("The witness has stopped.")


async def _watch(
    witness: Witness, address: str, every: float, *, once: bool, port: int | None
) -> None:
    clock, http = SystemClock(), HttpClient()
    await http.open()
    server = _server(witness, port) if port else None
    serving = asyncio.create_task(server.serve()) if server else None

    async def fetch(path: str, most: int) -> bytes:
        found = await http.get(f"{address}/{path}", ANSWER_SECONDS_MAX, most)
        return found.content if found.status == HTTPStatus.OK else b""

    try:
        while True:
            try:
                said = await witness.pull(witness.logs[0], fetch, int(clock.now().timestamp()))
                click.echo(f"{said.size} leaves, and nothing was taken back.")
            except (NotSent, Unanswered, TooLong) as error:
                if once:
                    raise Invalid(address, "does not answer") from error
                click.echo(f"The log does not answer ({type(error).__name__}); trying again.")
            except Refused as no:
                raise Tampered(f"not cosigned: {no}") from no
            if once:
                return
            await asyncio.sleep(every)
    finally:
        if server and serving:
            server.should_exit = True
            await serving
        await http.close()


def _server(witness: Witness, port: int) -> uvicorn.Server:
    config = uvicorn.Config(
        door(witness), host="127.0.0.1", port=port, lifespan="off", log_config=None
    )
    return uvicorn.Server(config)


def door(witness: Witness) -> App:
    """Return the ASGI application that answers ``POST /add-checkpoint``."""
    clock = SystemClock()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        status, body, kind = HTTPStatus.NOT_FOUND, "", b"text/plain; charset=utf-8"
        if scope["type"] == "http" and (scope["method"], scope["path"]) == (
            "POST",
            "/add-checkpoint",
        ):
            try:
                text = (await _body(receive)).decode()
                body = witness.add_checkpoint(text, int(clock.now().timestamp()))
                status = HTTPStatus.OK
            except UnicodeDecodeError:
                status = HTTPStatus.BAD_REQUEST
            except Refused as no:
                status, body = no.status, no.body
                kind = SIZE_TYPE if no.body else kind
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": int(status), "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    return answer


async def _body(receive: Receive) -> bytes:
    body: bytes = b""
    while len(body) <= BODY_BYTES_MAX:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
    raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is too long")


def _own_seed(folder: Path) -> bytes:
    """Return the witness's private key; makes it where there is none. Nobody else can read it."""
    path = folder / "key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(SystemClock().random_bytes(SEED_BYTES).hex())
    seed: bytes = bytes.fromhex(path.read_text())
    return seed


def _watched(key: str) -> Verifier:
    try:
        return Verifier.parse(key)
    except BadNote as bad:
        raise Invalid("KEY", str(bad)) from bad
