"""Twilio's hosts, and what their answers mean. The token leaves in a header alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from chatworks.channels.models import Channel
from chatworks.channels.twilio import errors
from chatworks.kit.http import Answer, HttpClient, NotSent, Unanswered, basic

SECONDS_MAX = 30.0
OK, CREATED, NO_CONTENT, UNAUTHORIZED, FORBIDDEN = 200, 201, 204, 401, 403
TOO_MANY, SERVER_ERROR = 429, 500

Fields = Sequence[tuple[str, str]]


class Refused(Exception):
    """Twilio refuses the account or its token, or it is not set: nothing works until that is."""


class NotDone(Exception):
    """A call was not carried out; trying again may help. ``seconds`` is how long to wait, or 0."""

    def __init__(self, reason: str, seconds: float = 0, code: int = 0) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.code = code


class TwilioApi:
    """The requests that we make. ``base`` replaces every host (a stand-in); "" is Twilio."""

    def __init__(self, http: HttpClient, base: str = "") -> None:
        self.http = http
        self.api = base or "https://api.twilio.com"
        self.content = base or "https://content.twilio.com"
        self.messaging = base or "https://messaging.twilio.com"

    def of_account(self, channel: Channel, path: str) -> str:
        """Return the address of something of the channel's account: ``/Messages.json``."""
        return f"{self.api}/2010-04-01/Accounts/{channel.account}{path}"

    async def form(self, channel: Channel, url: str, fields: Fields) -> Answer:
        """Post a form."""
        return await self.http.form(url, fields, SECONDS_MAX, _login(channel))

    async def json(self, channel: Channel, url: str, body: Mapping[str, Any]) -> Answer:
        """Post a JSON object."""
        return await self.http.post(url, body, SECONDS_MAX, _login(channel))

    async def read(
        self, channel: Channel, url: str, query: Mapping[str, str] | None = None
    ) -> Answer:
        """Get a JSON object."""
        asked = f"{url}?{urlencode(query)}" if query else url
        return await self.http.read(asked, SECONDS_MAX, _login(channel))

    async def need(self, channel: Channel, what: str, call: Any) -> dict[str, Any]:
        """Return the object that ``call`` (of the three above) answers with.

        Raises ``Refused`` or ``NotDone`` with the reason for people; ``what`` names the call there.
        """
        if not channel.secret:
            call.close()
            raise Refused(f"{channel.secret_env} is not set")
        try:
            answer: Answer = await call
        except (NotSent, Unanswered) as error:
            raise NotDone(f"Twilio cannot be reached: {error}") from None
        if answer.status in {OK, CREATED}:
            return answer.body
        code, told = code_of(answer)
        reason = errors.words(code, told) if code else f"HTTP {answer.status}"
        if answer.status == UNAUTHORIZED:
            raise Refused(f"Twilio refuses the account or its token: {reason}")
        raise NotDone(f"Twilio refuses {what}: {reason}", answer.wait_seconds, code)


def code_of(answer: Answer) -> tuple[int, str]:
    """Return the code and the words of a refusal; (0, "") where it brings none."""
    code, told = answer.body.get("code"), answer.body.get("message", "")
    return (code, str(told)) if type(code) is int else (0, "")


def _login(channel: Channel) -> dict[str, str]:
    return basic(channel.account, channel.secret)
