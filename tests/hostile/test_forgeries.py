"""Webhooks that nobody sent who may: each is refused with its status, and leaves nothing."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from typing import Any

import httpx
import psycopg
import pytest

from chatworks.channels.models import Channel, RawRequest, Rejected
from chatworks.channels.telegram.adapter import SECRET_HEADER
from chatworks.channels.twilio import signature
from chatworks.channels.whatsapp import adapter as whatsapp
from chatworks.house import House
from chatworks.inbox.models import BODY_BYTES_MAX
from fuzz.doors import ADDRESS, CHANNEL

PERSON = {"id": 7, "first_name": "A", "is_bot": False}
MESSAGE = {"message_id": 1, "date": 1_790_000_000, "chat": {"id": 7, "type": "private"},
           "from": PERSON, "text": "hi"}  # fmt: skip
UPDATE = json.dumps({"update_id": 1, "message": MESSAGE}).encode()
FORM = b"MessageSid=SM" + b"0" * 32 + b"&AccountSid=AC1&From=%2B2547&Body=two"
TARGET = "/in/sms/abcdefgh"


@pytest.fixture
async def channel(house: House) -> Channel:
    return (await house.directory.channels(kind="telegram"))[0]


def kept(url: str) -> int:
    with psycopg.connect(url) as conn:
        row = conn.execute("SELECT count(*) FROM inbox_event").fetchone()
    assert row is not None
    return int(row[0])


FORGED: list[tuple[str, list[tuple[str, str]], bytes, int]] = [
    ("no header", [], UPDATE, 401),
    ("wrong secret", [(SECRET_HEADER, "guessed")], UPDATE, 401),
    ("a prefix of it", [(SECRET_HEADER, "{secret:.5}")], UPDATE, 401),
    ("twice, the wrong one last", [(SECRET_HEADER, "{secret}"), (SECRET_HEADER, "x")], UPDATE, 401),
    ("not ASCII", [(SECRET_HEADER, "é")], UPDATE, 401),
    ("not UTF-8", [(SECRET_HEADER, "{secret}")], UPDATE.replace(b"hi", b"\xff\xfe"), 400),
    ("another encoding", [(SECRET_HEADER, "{secret}")], UPDATE.decode().encode("utf-16"), 400),
    ("a byte order mark", [(SECRET_HEADER, "{secret}")], b"\xef\xbb\xbf" + UPDATE, 400),
    ("ten megabytes", [(SECRET_HEADER, "{secret}")], b" " * 10_000_000, 413),
    ("gzip", [(SECRET_HEADER, "{secret}"), ("content-encoding", "gzip")],
     gzip.compress(b" " * 50_000_000), 400),
    ("nothing", [(SECRET_HEADER, "{secret}")], b"", 400),
    ("two documents", [(SECRET_HEADER, "{secret}")], UPDATE + UPDATE, 400),
    ("nested", [(SECRET_HEADER, "{secret}")], b"[" * 100_000, 400),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "body", "status"), [f[1:] for f in FORGED],
                         ids=[f[0] for f in FORGED])  # fmt: skip
async def test_what_telegram_did_not_send_leaves_nothing(  # noqa: PLR0917 - fixtures and cases
    client: httpx.AsyncClient, channel: Channel, database_url: str,
    headers: list[tuple[str, str]], body: bytes, status: int,
) -> None:  # fmt: skip
    given = [(name.encode(), value.format(secret=channel.webhook_secret).encode("latin-1"))
             for name, value in headers]  # fmt: skip
    before = kept(database_url)

    answer = await client.post(f"/in/telegram/{channel.path}", headers=given, content=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert channel.webhook_secret not in answer.text
    assert kept(database_url) == before
    assert len(body) <= 10_000_000
    assert BODY_BYTES_MAX < 10_000_000


def signed_batch(body: bytes, key: bytes = b"theirs") -> RawRequest:
    digest = hmac.new(key, body, hashlib.sha256).hexdigest()
    return RawRequest({whatsapp.SIGNATURE: f"sha256={digest}"}, body)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: RawRequest({}, r.body),
        lambda r: signed_batch(r.body, b"guessed"),
        lambda r: RawRequest(r.headers, json.dumps(json.loads(r.body), sort_keys=True).encode()),
        lambda r: RawRequest(r.headers, json.dumps(json.loads(r.body), indent=1).encode()),
        lambda r: RawRequest(r.headers, r.body + b" "),
        lambda r: RawRequest({whatsapp.SIGNATURE: "é"}, r.body),
        lambda r: RawRequest({whatsapp.SIGNATURE: r.headers[whatsapp.SIGNATURE][7:]}, r.body),
    ],
    ids=["none", "key", "reordered", "spaced", "longer", "not ascii", "no scheme"],
)
def test_what_meta_did_not_sign_is_refused(change: Any) -> None:
    whole = signed_batch(b'{"object":"x","entry":[]}')
    whatsapp.verify(whole, CHANNEL)

    with pytest.raises(Rejected) as refused:
        whatsapp.verify(change(whole), CHANNEL)

    assert refused.value.http_status == 401


def signed_form(body: bytes, target: str = TARGET, given: str = "") -> RawRequest:
    request = RawRequest({"content-type": signature.FORM}, body, "POST", target)
    form = signature.form_of(request)
    proof = given or signature.compute(CHANNEL.secret, f"{ADDRESS}{TARGET}", form)
    return RawRequest({**request.headers, signature.HEADER: proof}, body, "POST", target)


@pytest.mark.parametrize(
    "request_",
    [
        signed_form(FORM, given="guessed"),
        signed_form(FORM, given="é"),
        signed_form(FORM, target="/in/sms/abcdefgi"),
        signed_form(FORM, target=f"{TARGET}?more=1"),
        RawRequest(signed_form(FORM).headers, FORM + b"&Extra=1", "POST", TARGET),
        RawRequest(signed_form(FORM).headers, FORM.replace(b"two", b"six"), "POST", TARGET),
        RawRequest(
            {**signed_form(FORM).headers, "content-type": signature.JSON}, FORM, "POST", TARGET
        ),
    ],
    ids=["guessed", "not ascii", "path", "query", "field added", "field changed", "as json"],
)
def test_what_twilio_did_not_sign_is_refused(request_: RawRequest) -> None:
    signature.verify(ADDRESS, signed_form(FORM), CHANNEL)

    with pytest.raises(Rejected) as refused:
        signature.verify(ADDRESS, request_, CHANNEL)

    assert refused.value.http_status == 403
