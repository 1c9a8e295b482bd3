"""What people type and browsers bring: answers, codes, addresses, files, forms, paths, headers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from litestar import Litestar, Request, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException

from chatworks.account.core import browser_name, own_path
from chatworks.factors.core import matching_step, normal_digits
from chatworks.identity.core import checked, kind_of, network, normal_address, normal_code
from chatworks.identity.models import Details
from chatworks.kit.errors import Invalid
from chatworks.kit.money import Money
from chatworks.media import core as media
from chatworks.media.models import Examined, NotTaken
from chatworks.media.pictures import FORMATS, redraw
from chatworks.media.routes import read_upload
from chatworks.sdk import inputs, quantities
from chatworks.sdk.inbound import Inbound, InboundKind, Sender, command_in
from chatworks.web.cookies import SecretCookie
from chatworks.web.security import is_cross_site
from fuzz.doors import ADDRESS, fields

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SENDER = Sender("1")
INPUTS: tuple[Any, ...] = (
    inputs.text(2, 50),
    inputs.Choice(("5 L bottle", "15 L bottle", "Pump · KES 200"), str),
    inputs.YesNo(),
    inputs.location(),
    inputs.phone("KE"),
    quantities.whole_number(1, 100),
    quantities.money(Money(100, "KES"), Money(1_000_000, "KES")),
    quantities.day(TODAY, timedelta(days=90)),
)
KINDS = (InboundKind.TEXT, InboundKind.TAP, InboundKind.PHONE, InboundKind.FILE)
UPLOAD_BYTES_MAX = 4096
FORM_BYTES_MAX = 65_536  # as chatworks.web.server bounds it


def answers(data: bytes) -> None:
    """Read what a customer answers to each kind of question; what is understood also fits."""
    text = data.decode("utf-8", "replace")
    command_in(text)
    for kind in KINDS:
        inbound = Inbound(kind, SENDER, text=text, tap=text, phone=text)
        for wanted in INPUTS:
            with suppress(inputs.NotUnderstood):
                assert wanted.accepts(wanted.read(inbound))


def identities(data: bytes) -> None:
    """Read codes, addresses, names and networks; what is kept stays as it is when read again."""
    text = data.decode("utf-8", "replace")
    code = normal_code(text)
    assert normal_code(code) == code
    assert normal_digits(text) in {"", normal_digits(normal_digits(text))}
    matching_step("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", text, NOW)
    kind_of(text)
    network(text)
    for kind, region in (("email", ""), ("phone", ""), ("phone", "KE")):
        with suppress(Invalid):
            kept = normal_address(kind, text, region)
            assert normal_address(kind, kept) == kept
    with suppress(Invalid):
        name = checked(Details("person", text, "", "en", "UTC")).name
        assert checked(Details("person", name, "", "en", "UTC")).name == name
    with suppress(Invalid):
        checked(Details("person", "A", "", "en", text))


def files(data: bytes) -> None:
    """Tell what a file is; draw it anew where it is a picture."""
    with suppress(NotTaken):
        media_type = media.sniff(data)
        if media_type in FORMATS:
            drawn = redraw(Examined(data, media_type, "picture"))
            assert media.sniff(drawn.content) == drawn.media_type


def file_words(data: bytes) -> None:
    """Read a file's name, its address, and a Range header."""
    text = data.decode("utf-8", "replace")
    name = media.clean_name(text, "image/png")
    assert not {"/", "\\", "\n", "\r", "\x00"} & set(name)
    assert media.disposition(text, "image/png").isascii()
    assert media.disposition(text, "image/png").isprintable()
    media.read_path(text)
    found = media.read_range(text, 1000)
    assert found is None or 0 <= found[0] <= found[1] <= 1000


def forms(data: bytes) -> None:
    """Read a form (urlencoded or multipart) and an upload from a request."""
    boundary, body = fields(data, 2)
    multipart = b"multipart/form-data; boundary=" + boundary
    for content_type in (multipart, b"application/x-www-form-urlencoded"):
        with suppress(HTTPException):
            _run(_form(_request([(b"content-type", content_type)], body)))
    length = [(b"content-length", boundary)]
    with suppress(HTTPException, NotTaken):
        _run(read_upload(_request(length, body), UPLOAD_BYTES_MAX))


def headers(data: bytes) -> None:
    """Read cookies, Origin, User-Agent and ``next``; what is followed leads to us."""
    cookie, origin, agent, wanted = fields(data, 4)
    cross = is_cross_site("POST", {b"origin": origin, b"host": b"shop.example"})
    assert cross or origin.lower().endswith(b"//shop.example") or b"shop.example/" in origin.lower()
    for address in (ADDRESS, "http://127.0.0.1"):
        SecretCookie("session", address).read(_request([(b"cookie", cookie)], b""))
    browser_name(agent.decode("latin-1"))
    went = urljoin(f"{ADDRESS}/account/sign-in", own_path(wanted.decode("utf-8", "replace")))
    assert urlsplit(went)[:2] == ("https", "shop.example")


@post("/", request_max_body_size=FORM_BYTES_MAX)
async def _taken() -> None:
    """Stand where a page's handler stands."""


_app = Litestar([_taken], openapi_config=None)


def _request(given: list[tuple[bytes, bytes]], body: bytes) -> Request[Any, Any, Any]:
    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": given,
        "app": _app,
        "litestar_app": _app,
        "route_handler": _HANDLER,
        "state": {},
    }

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


async def _form(request: Request[Any, Any, Any]) -> None:
    for _, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            await value.close()


def _run(waits: Any) -> Any:
    return _LOOP.run_until_complete(waits)


_HANDLER = _app.asgi_handler and next(r for r in _app.routes).route_handlers[0]  # type: ignore[union-attr]
_LOOP = asyncio.new_event_loop()
TARGETS = (answers, identities, files, file_words, forms, headers)
