"""Requests to the Cloud API, and what each answer means.

The token stands in a header; no error, log line or repr may show it.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any

from chatworks.channels.models import (
    Accepted,
    Ambiguous,
    Channel,
    Consequence,
    Fetched,
    NotFetched,
    Outcome,
    Permanent,
    RetryAfter,
    WirePart,
)
from chatworks.channels.whatsapp.errors import meaning
from chatworks.channels.whatsapp.plan import MESSAGES, READ
from chatworks.kit.http import Answer, HttpClient, NotSent, TooLong, Unanswered, bearer
from chatworks.sdk.inbound import File

VERSION = "v23.0"
SEND_SECONDS_MAX = 30.0
FILE_SECONDS_MAX = 60.0


class CloudApi:
    """The Cloud API at ``base`` (a local server can stand in)."""

    def __init__(self, http: HttpClient, base: str) -> None:
        self._http = http
        self._base = f"{base.rstrip('/')}/{VERSION}"

    async def send(self, channel: Channel, part: WirePart) -> Outcome:
        """Send one wire part."""
        if not channel.secret or not channel.account:
            missing = f"{channel.secret_env} or the phone number's id is not set"
            return Permanent(missing, Consequence.DISABLE_CHANNEL)
        url = f"{self._base}/{channel.account}/{MESSAGES}"
        if part.method == READ:
            return await self._read(channel, url, part)
        try:
            answer = await self._http.post(
                url, part.params, SEND_SECONDS_MAX, bearer(channel.secret)
            )
        except NotSent as error:
            return RetryAfter(0, "chat", str(error))
        except Unanswered as error:
            return Ambiguous(str(error))
        return outcome(answer)

    async def _read(self, channel: Channel, url: str, part: WirePart) -> Outcome:
        """Show that we read and write. Nobody misses it where it does not work."""
        with suppress(NotSent, Unanswered):
            await self._http.post(url, part.params, SEND_SECONDS_MAX, bearer(channel.secret))
        return Accepted("")

    async def fetch(self, channel: Channel, file: File, most_bytes: int) -> Fetched:
        """Return a file that somebody sent; raises ``NotFetched``."""
        if not channel.secret:
            raise NotFetched(f"{channel.secret_env} is not set")
        try:
            told = await self._http.read(
                f"{self._base}/{file.vendor_id}", SEND_SECONDS_MAX, bearer(channel.secret)
            )
            url = told.body.get("url", "")
            if told.status != HTTPStatus.OK or not isinstance(url, str) or not url:
                raise NotFetched(f"WhatsApp does not give it: {_reason(told)}")
            got = await self._http.get(url, FILE_SECONDS_MAX, most_bytes, bearer(channel.secret))
        except TooLong:
            raise NotFetched(f"it has more than {most_bytes:,} bytes", for_good=True) from None
        except (NotSent, Unanswered) as error:
            raise NotFetched(f"WhatsApp cannot be reached: {error}") from None
        if got.status != HTTPStatus.OK:
            raise NotFetched(f"WhatsApp answers with HTTP {got.status}")
        return Fetched(got.content, got.media_type, file.name)


def outcome(answer: Answer) -> Outcome:
    """Return what an answer of the Cloud API means."""
    error = answer.body.get("error")
    if answer.status == HTTPStatus.OK:
        messages = answer.body.get("messages")
        first = messages[0] if isinstance(messages, list) and messages else {}
        ident = first.get("id") if isinstance(first, dict) else None
        return Accepted(ident) if isinstance(ident, str) else Ambiguous("the answer names no id")
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return RetryAfter(0, "chat", f"HTTP {answer.status}")  # somebody between us and the API
    said = meaning(error["code"])
    reason = _reason(answer)
    if said.consequence is Consequence.DISABLE_CHANNEL or said.wait_seconds is None:
        return Permanent(reason, said.consequence)
    return RetryAfter(said.wait_seconds, said.scope, reason)


def _reason(answer: Answer) -> str:
    error: dict[str, Any] = answer.body.get("error") or {}
    data = error.get("error_data")
    details = data.get("details", "") if isinstance(data, dict) else ""
    return f"{error.get('code', answer.status)}: {details or error.get('message', '')}"
