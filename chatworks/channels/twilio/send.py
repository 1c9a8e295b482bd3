"""Requests that send, and what each answer means; files that came in; what became of a message.

There is no idempotency key at Twilio: a message whose answer was lost is looked for in the list of
what was sent to the person before it is sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

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
from chatworks.channels.twilio import errors
from chatworks.channels.twilio.api import (
    CREATED,
    FORBIDDEN,
    OK,
    SECONDS_MAX,
    SERVER_ERROR,
    TOO_MANY,
    UNAUTHORIZED,
    NotDone,
    Refused,
    TwilioApi,
    code_of,
)
from chatworks.channels.twilio.plan import TYPING
from chatworks.kit.http import Answer, NotSent, TooLong, Unanswered, basic

WHATSAPP_KIND, SMS_KIND = "twilio_whatsapp", "twilio_sms"
SERVICE = "MG"  # how a Messaging Service's sid begins
# Twilio's default tries a webhook once more, and only where the connection failed: an answer of 5xx
# would lose the event. So: five times, for every reason.
RETRIES = "#rc=5&rp=all"
PASSED_ON = ("Body", "ContentSid", "ContentVariables", "PersistentAction")
LISTED_MAX = 100  # of the newest messages to one person
SKEW = timedelta(seconds=1)  # Twilio tells whole seconds
NOT_FOUND, GONE = 404, 410
FAILED = frozenset({"failed", "undelivered", "canceled"})

# Gives the sid of a resource of the pool, made if it is not there yet; raises ``NotDone``.
ResourceOf = Callable[[Channel, str], Awaitable[str]]
# Gives those of a channel's sids that belong to messages whose fate is known.
KnownOf = Callable[[Channel, Sequence[str]], Awaitable[Collection[str]]]


def webhook(address: str, channel: Channel) -> str:
    """Return what to enter at Twilio for a channel: its address here, with the retries."""
    return f"{address}/in/{channel.kind}/{channel.path}{RETRIES}"


def sender(channel: Channel) -> tuple[str, str]:
    """Return the field that says whom a message is from."""
    if channel.address.startswith(SERVICE):
        return "MessagingServiceSid", channel.address
    prefix = "whatsapp:" if channel.kind == WHATSAPP_KIND else ""
    return "From", f"{prefix}{channel.address}"


class Messenger:
    """Sends wire parts. ``address`` is this installation's, where Twilio fetches and reports."""

    def __init__(
        self, api: TwilioApi, address: str, resource_of: ResourceOf, known_of: KnownOf
    ) -> None:
        self._api = api
        self._address = address
        self._resource_of = resource_of
        self._known_of = known_of

    async def send(self, channel: Channel, part: WirePart) -> Outcome:  # noqa: PLR0911 - one each
        """Send one wire part."""
        if not channel.secret:
            missing = f"{channel.secret_env} is not set"
            return Permanent(missing, Consequence.DISABLE_CHANNEL)
        if part.method == TYPING:
            return await self._typing(channel, part)
        try:
            fields = await self._fields(channel, part.params)
            url = self._api.of_account(channel, "/Messages.json")
            answer = await self._api.form(channel, url, fields)
        except Refused as no:
            return Permanent(str(no), Consequence.DISABLE_CHANNEL)
        except NotDone as no:
            return RetryAfter(no.seconds, "channel", str(no))
        except NotSent as error:
            return RetryAfter(0, "chat", str(error))
        except Unanswered as error:
            return Ambiguous(str(error))
        return outcome(answer)

    async def _fields(self, channel: Channel, params: dict[str, Any]) -> list[tuple[str, str]]:
        fields = [("To", params["To"]), sender(channel)]
        if "Content" in params:
            name = params["Content"]
            known = channel.resources.get(name)
            fields.append(("ContentSid", known or await self._resource_of(channel, name)))
        for name in PASSED_ON:
            values = params.get(name, [])
            fields += [(name, v) for v in (values if isinstance(values, list) else [values])]
        fields += [("MediaUrl", f"{self._address}{path}") for path in params.get("Files", ())]
        if channel.kind == SMS_KIND:
            fields.append(("SmartEncoded", "true"))  # as the segments are counted
        return [*fields, ("StatusCallback", webhook(self._address, channel))]

    async def _typing(self, channel: Channel, part: WirePart) -> Outcome:
        """Show that we read and write. Nobody misses it where it does not work."""
        url = f"{self._api.messaging}/v3/Indicators/Typing.json"
        with suppress(NotSent, Unanswered):
            await self._api.json(channel, url, part.params)
        return Accepted("")

    async def fetch(self, channel: Channel, address: str, most_bytes: int) -> Fetched:
        """Return a file that came in; only our own account's are asked for."""
        if not address.startswith(self._api.of_account(channel, "/Messages/")):
            raise NotFetched("the file is not at our account", for_good=True)
        login = basic(channel.account, channel.secret)
        try:
            got = await self._api.http.get(address, SECONDS_MAX, most_bytes, login)
        except TooLong:
            why = f"the file is longer than {most_bytes} bytes"
            raise NotFetched(why, for_good=True) from None
        except (NotSent, Unanswered) as error:
            raise NotFetched(f"Twilio cannot be reached: {error}") from None
        if got.status != OK:
            gone = got.status in {NOT_FOUND, GONE}
            raise NotFetched(f"Twilio does not give the file: HTTP {got.status}", for_good=gone)
        return Fetched(got.content, got.media_type)

    async def reconcile(self, channel: Channel, part: WirePart, since: datetime) -> Outcome | None:
        """Return what became of a message that was sent after ``since`` and never answered.

        The list is asked by person and sender. It is not asked by day: a message that still waits
        in Twilio's queue has no day of sending yet, and would be sent twice. Of several with this
        text it is the oldest that is no other message of ours.
        """
        if part.method == TYPING:
            return Accepted("")
        name, value = sender(channel)
        query = {"To": part.params["To"], "PageSize": str(LISTED_MAX)}
        if name == "From":
            query["From"] = value
        try:
            url = self._api.of_account(channel, "/Messages.json")
            answer = await self._api.read(channel, url, query)
        except (NotSent, Unanswered):
            return None
        rows = answer.body.get("messages")
        if answer.status != OK or not isinstance(rows, list):
            return None
        recent = [row for row in rows if _made(row) >= since - SKEW]
        alike = [r for r in recent if r.get("direction") == "outbound-api" and _is(r, part)]
        known = await self._known_of(channel, [str(row["sid"]) for row in alike]) if alike else ()
        for row in reversed(alike):  # the newest is listed first
            if str(row["sid"]) not in known:
                return _became(row)
        if len(recent) == LISTED_MAX:
            return None  # it may stand behind those that were listed
        return RetryAfter(0, "chat", "Twilio did not take it")


def said(part: WirePart) -> str:
    """Return the text that Twilio shows for a part once it is sent."""
    params = part.params
    if "Content" in params:
        return str(msgspec.json.decode(params["ContentVariables"])["1"])
    return str(params.get("Body") or params.get("Said", ""))


def _is(row: dict[str, Any], part: WirePart) -> bool:
    """Whether a listed message is this part, by its text; a card may be listed without one."""
    body = str(row.get("body") or "").strip()
    card = str(part.params.get("Content", "")).startswith("card-")
    return body == said(part).strip() or (card and not body)


def _made(row: dict[str, Any]) -> datetime:
    return parsedate_to_datetime(row["date_created"])


def _became(row: dict[str, Any]) -> Outcome:
    if row.get("status") in FAILED:
        return errors.outcome(row.get("error_code") or 0, row.get("error_message") or "")
    return Accepted(str(row["sid"]))


def outcome(answer: Answer) -> Outcome:  # noqa: PLR0911 - one for each answer
    """Return what the answer to a message means."""
    sid = answer.body.get("sid")
    if answer.status in {OK, CREATED}:
        if isinstance(sid, str) and sid:
            return Accepted(sid)
        return Ambiguous("the answer cannot be read")
    code, told = code_of(answer)
    if answer.status >= SERVER_ERROR:  # it may have been made: it is looked for
        return Ambiguous(errors.words(code, told) if code else f"HTTP {answer.status}")
    if answer.status == TOO_MANY and not errors.meaning(code).wait_seconds:
        return RetryAfter(answer.wait_seconds or 1.0, "channel", f"too many requests ({code})")
    if not code:  # somebody between us and Twilio
        return RetryAfter(0, "chat", f"HTTP {answer.status}")
    found = errors.outcome(code, told, answer.wait_seconds)
    if answer.status in {UNAUTHORIZED, FORBIDDEN} and isinstance(found, Permanent):
        return Permanent(found.reason, Consequence.DISABLE_CHANNEL)
    return found
