"""Requests to the Bot API, and what each answer means.

The token stands in the address; no error, log line or repr may show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

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
from chatworks.kit.http import Answer, HttpClient, NotSent, TooLong, Unanswered, Upload
from chatworks.sdk.inbound import File

SEND_SECONDS_MAX = 30.0
FILE_SECONDS_MAX = 60.0
FILE_BYTES_MAX = 20_000_000  # getFile gives no larger ones (core.telegram.org/bots/api#getfile)
UNREACHABLE = ("bot was blocked", "user is deactivated", "chat not found", "bot was kicked")
# What was wanted is so already, or is no longer there to be changed; nobody misses anything.
FINE = (
    "message is not modified",
    "message to edit not found",
    "query is too old",
    "charge_already_refunded",
)


class TokenRefused(Exception):
    """Telegram does not know this bot: its token is wrong, was revoked, or is not set."""


class NotDone(Exception):
    """A call was not carried out; trying again may help. ``seconds`` is how long to wait, or 0."""

    def __init__(self, reason: str, seconds: float = 0) -> None:
        super().__init__(reason)
        self.seconds = seconds


class BotApi:
    """The Bot API at ``base`` (a local server can stand in)."""

    def __init__(self, http: HttpClient, base: str) -> None:
        self._http = http
        self._base = base.rstrip("/")

    async def call(
        self, channel: Channel, method: str, params: Mapping[str, Any], seconds: float
    ) -> Answer:
        """Call a method of the channel's bot."""
        url = f"{self._base}/bot{channel.secret}/{method}"
        return await self._http.post(url, dict(params), seconds)

    async def need(
        self, channel: Channel, method: str, params: Mapping[str, Any], seconds: float
    ) -> Any:
        """Return the result of a method; raises ``TokenRefused`` or ``NotDone``."""
        if not channel.secret:
            raise TokenRefused(_missing(channel))
        try:
            answer = await self.call(channel, method, params, seconds)
        except (NotSent, Unanswered) as error:
            raise NotDone(f"Telegram cannot be reached: {error}") from None
        if answer.body.get("ok"):
            return answer.body.get("result")
        match outcome(answer):
            case Permanent(reason, Consequence.DISABLE_CHANNEL):
                raise TokenRefused(f"Telegram refuses its token: {reason}")
            case Permanent(reason):
                raise NotDone(f"Telegram refuses {method}: {reason}")
            case RetryAfter(seconds, _, reason):
                raise NotDone(f"Telegram does not take {method} now: {reason}", seconds)
            case _:
                raise NotDone(f"Telegram's answer to {method} cannot be read")

    async def send(self, channel: Channel, part: WirePart) -> Outcome:
        """Send one wire part."""
        return (await self.upload(channel, part, {}))[0]

    async def upload(
        self, channel: Channel, part: WirePart, files: Mapping[str, Upload]
    ) -> tuple[Outcome, Any]:
        """Send one wire part with its files; returns also what Telegram made of it, or None."""
        if not channel.secret:
            return Permanent(_missing(channel), Consequence.DISABLE_CHANNEL), None
        url = f"{self._base}/bot{channel.secret}/{part.method}"
        try:
            if files:
                answer = await self._http.upload(url, part.params, files, SEND_SECONDS_MAX)
            else:
                answer = await self._http.post(url, part.params, SEND_SECONDS_MAX)
        except NotSent as error:
            return RetryAfter(0, "chat", str(error)), None
        except Unanswered as error:
            return Ambiguous(str(error)), None
        return outcome(answer), answer.body.get("result")

    async def fetch(self, channel: Channel, file: File, most_bytes: int) -> Fetched:
        """Return a file that somebody sent; raises ``NotFetched``. Its link lives an hour."""
        most = min(most_bytes, FILE_BYTES_MAX)
        if (file.size_bytes or 0) > most:
            raise NotFetched(f"it has more than {most:,} bytes", for_good=True)
        path = await self._file_path(channel, file)
        url = f"{self._base}/file/bot{channel.secret}/{quote(path)}"
        try:
            answer = await self._http.get(url, FILE_SECONDS_MAX, most)
        except TooLong:
            raise NotFetched(f"it has more than {most:,} bytes", for_good=True) from None
        except (NotSent, Unanswered) as error:
            raise NotFetched(f"Telegram cannot be reached: {error}") from None
        if answer.status != HTTPStatus.OK:
            raise NotFetched(f"Telegram answers with HTTP {answer.status}")
        return Fetched(answer.content, answer.media_type, path.rpartition("/")[2])

    async def _file_path(self, channel: Channel, file: File) -> str:
        """Return where Telegram holds a file now; raises ``NotFetched``."""
        if not channel.secret:
            raise NotFetched(_missing(channel))
        try:
            answer = await self.call(
                channel, "getFile", {"file_id": file.vendor_id}, SEND_SECONDS_MAX
            )
        except (NotSent, Unanswered) as error:
            raise NotFetched(f"Telegram cannot be reached: {error}") from None
        if answer.body.get("ok"):
            path = answer.body.get("result", {}).get("file_path", "")
            # A local server may give a path of its own machine, which is none of its addresses.
            if isinstance(path, str) and path and not path.startswith("/"):
                return path
            raise NotFetched("Telegram names no path of it", for_good=True)
        match outcome(answer):
            case Permanent(reason):
                raise NotFetched(f"Telegram does not give it: {reason}", for_good=True)
            case RetryAfter(_, _, reason):
                raise NotFetched(f"Telegram does not give it now: {reason}")
            case _:
                raise NotFetched("Telegram's answer cannot be read")


def _missing(channel: Channel) -> str:
    if channel.secret_env:
        return f"{channel.secret_env} is not set"
    return "its sealed token cannot be opened: CHATWORKS_SECRET is another one"


def outcome(answer: Answer) -> Outcome:  # noqa: PLR0911 - one for each answer
    """Return what an answer of the Bot API means."""
    body = answer.body
    if body.get("ok"):
        result = body.get("result")
        if isinstance(result, list):  # an album: its first message carries the caption
            result = result[0] if result else None
        vendor_id = result.get("message_id", "") if isinstance(result, dict) else ""
        return Accepted(str(vendor_id))
    if answer.status == 200:  # noqa: PLR2004 - taken, and the answer cannot be read
        return Ambiguous("the answer cannot be read")
    reason = str(body.get("description", f"HTTP {answer.status}"))
    parameters = body.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if "ok" not in body:  # somebody between us and the Bot API
        return RetryAfter(0, "chat", reason)
    match answer.status:
        case 429:
            seconds = parameters.get("retry_after")
            wait = float(seconds) if isinstance(seconds, int | float) else 1.0
            return RetryAfter(wait, "chat", reason)
        case 401 | 403 | 404:
            blocked = answer.status == 403  # noqa: PLR2004 - the person blocked the bot
            consequence = Consequence.STOP_CONTACT if blocked else Consequence.DISABLE_CHANNEL
            return Permanent(reason, consequence)
        case 400 if parameters.get("migrate_to_chat_id"):
            return Permanent(reason, migrate_to=str(parameters["migrate_to_chat_id"]))
        case status if status >= 500:  # noqa: PLR2004 - RFC 9110 §15.6
            return RetryAfter(0, "chat", reason)
        case _:
            return _refused(reason)


def _refused(reason: str) -> Outcome:
    lowered = reason.lower()
    if any(words in lowered for words in FINE):
        return Accepted("")
    if any(words in lowered for words in UNREACHABLE):
        return Permanent(reason, Consequence.STOP_CONTACT)
    return Permanent(reason)
