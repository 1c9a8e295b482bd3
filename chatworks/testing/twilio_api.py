"""The server side of Twilio's stand-in: Messages, Media, typing indicators.

Content stands in ``twilio_content_api``, the people's side in ``twilio``. A call is named by the
specification's operation: ``CreateMessage``, ``ListMessage``, ``FetchContent``. There is no
idempotency key: a repeated ``CreateMessage`` makes a second message.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import encode_basic_auth, web

from chatworks.testing import twilio_rules as rules
from chatworks.testing.rest import Asked, Refusal, RestStandIn
from chatworks.testing.server import Bucket
from chatworks.testing.twilio_content import Content
from chatworks.testing.twilio_messages import Media, Message, Queue, matching, new_sid, page

ACCOUNT_SID = "AC" + "5" * 32
AUTH_TOKEN = "stand-in"  # noqa: S105 - a stand-in's token opens nothing
WHATSAPP, SMS = "whatsapp:+15005550001", "+15005550002"
SANDBOX = "whatsapp:+14155238886"
REPEATED = ("MediaUrl", "PersistentAction")
ACCOUNT = "/2010-04-01/Accounts/{account}"
FAULTS = {kind: Refusal(code) for kind, code in (("429", 20429), ("500", 20500), ("401", 20003))}


@dataclass(kw_only=True)
class TwilioApi(RestStandIn):
    """The requests that a bot makes, and the state they meet."""

    faults_refuse = FAULTS

    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    senders: list[str] = field(default_factory=lambda: [WHATSAPP, SMS])
    whatsapp_per_second: float = rules.WHATSAPP_PER_SECOND
    sms_segments_per_second: float = rules.SMS_SEGMENTS_PER_SECOND
    refused: dict[str, int] = field(default_factory=dict)  # by person: the code they meet
    messages: list[Message] = field(default_factory=list)
    contents: dict[str, Content] = field(default_factory=dict)
    windows: dict[tuple[str, str], datetime] = field(default_factory=dict)  # (person, sender)
    opted_out: set[tuple[str, str]] = field(default_factory=set)
    typing: list[str] = field(default_factory=list)  # the messages that were answered with typing
    files: dict[str, Media] = field(default_factory=dict)  # what the other host serves, by name
    content_rates: dict[str, Bucket] = field(default_factory=dict)
    _by_sid: dict[str, Message] = field(default_factory=dict)
    _queues: dict[str, Queue] = field(default_factory=lambda: defaultdict(Queue))

    def routes(self) -> list[web.RouteDef]:
        """Return the paths of Twilio's hosts; one address stands for all of them."""
        messages, one = f"{ACCOUNT}/Messages", f"{ACCOUNT}/Messages/{{sid}}"
        return [
            self.route("POST", f"{messages}.json", "CreateMessage", self._create),
            self.route("GET", f"{messages}.json", "ListMessage", self._list),
            self.route("GET", f"{one}.json", "FetchMessage", self._fetch),
            self.route("DELETE", f"{one}.json", "DeleteMessage", self._delete),
            self.route("GET", f"{one}/Media.json", "ListMedia", self._list_media),
            self.route("GET", f"{one}/Media/{{media}}.json", "FetchMedia", self._fetch_media),
            self.route("DELETE", f"{one}/Media/{{media}}.json", "DeleteMedia", self._delete_media),
            self.route("GET", f"{one}/Media/{{media}}", "Media", self._redirect),
            self.route("POST", "/v3/Indicators/Typing.json", "CreateV3TypingIndicator", self._type),
            web.get("/files/{name}", self._file),
        ]

    def is_sent(self, call: Any, person: Any) -> bool:
        """Return whether ``call`` sent something to ``person`` (to anybody, where it is None)."""
        return call.method == "CreateMessage" and person in {None, call.params["To"]}

    def message(self, sid: str) -> Message:
        """Return a message; ``Refusal`` 20404 where there is none."""
        if sid not in self._by_sid:
            raise Refusal(20404, f"Messages/{sid}")
        return self._by_sid[sid]

    def keep(self, message: Message) -> Message:
        """Keep a message, sent or received."""
        self.messages.append(message)
        self._by_sid[message.sid] = message
        return message

    def accept(self, message: Message, code: int) -> None:
        """Take a message that was posted; ``code`` befalls it later. The people's side does it."""
        raise NotImplementedError

    def called(self, name: str, params: dict[str, Any]) -> tuple[str, Any]:
        """Return a call's name and the person it is for."""
        return name, params.get("To")

    def authenticate(self, request: web.Request) -> None:
        """Raise ``Refusal`` 20003 for whoever brings no right token, or another's account."""
        right = encode_basic_auth(self.account_sid, self.auth_token)
        account = request.match_info.get("account", self.account_sid)
        if request.headers.get("Authorization") != right or account != self.account_sid:
            raise Refusal(20003)

    def refusal(self, refusal: Refusal) -> web.Response:
        """Return a refusal as Twilio words it."""
        status, body = rules.error(refusal.code, refusal.detail)
        return web.json_response(body, status=status)

    async def params_of(self, request: web.Request) -> dict[str, Any]:
        """Return a request's query, form or JSON object; fields that may repeat are lists."""
        if request.method not in {"POST", "PUT"}:
            return dict(request.query)
        if request.content_type == "application/json":
            try:
                sent = await request.json()
            except ValueError:
                sent = None
            return sent if isinstance(sent, dict) else {}
        params: dict[str, Any] = {}
        for name, value in parse_qsl(await request.text(), keep_blank_values=True):
            if name in REPEATED:
                params.setdefault(name, []).append(value)
            else:
                params[name] = value
        return params

    # -- messages ----------------------------------------------------------------------------

    async def _create(self, asked: Asked) -> web.Response:
        params = asked.params
        code, detail = rules.check(params)
        if code:
            raise Refusal(code, detail)
        sender, to = self._sender(params), params["To"]
        content, values = self._content(params)
        if (to, sender) in self.opted_out and not rules.is_whatsapp(to):
            raise Refusal(21610)
        refusal = self.refused.get(to, 0)
        if refusal and not rules.is_late(refusal):
            raise Refusal(refusal)
        message = self._made(params, sender, content, values)
        late = self._queue(message, params) or refusal or self._late(message, content, values)
        answer = web.json_response(message.resource(), status=201)
        self.keep(message)
        asked.made = message.sid
        self.accept(message, late)
        return answer

    def _made(
        self, params: dict[str, Any], sender: str, content: Content | None, values: dict[str, str]
    ) -> Message:
        types = content.filled(values) if content else {}
        body = next((str(value["body"]) for value in types.values() if "body" in value), "")
        service, urls = params.get("MessagingServiceSid"), params.get("MediaUrl", [])
        return Message(
            account_sid=self.account_sid,
            sid=new_sid("MM" if urls or types else "SM"),
            to=params["To"],
            sender=sender,
            body=body or params.get("Body", ""),
            direction="outbound-api",
            status="accepted" if service else "queued",
            created=self.clock.now(),
            service_sid=service,
            callback=params.get("StatusCallback", ""),
            types=types,
            media_urls=urls,
        )

    def _sender(self, params: dict[str, Any]) -> str:
        to, sender = params["To"], str(params.get("From", ""))
        kind = [s for s in self.senders if rules.is_whatsapp(s) == rules.is_whatsapp(to)]
        if sender and sender not in kind:
            raise Refusal(63007 if rules.is_whatsapp(to) else 21606, sender)
        if not kind:
            raise Refusal(21603)
        return sender or kind[0]

    def _content(self, params: dict[str, Any]) -> tuple[Content | None, dict[str, str]]:
        values = rules.variables(params.get("ContentVariables", ""))
        if values is None or (values and "ContentSid" not in params):
            raise Refusal(21656)
        if "ContentSid" not in params:
            return None, {}
        content = self.contents.get(params["ContentSid"])
        if content is None:
            raise Refusal(21655)
        if content.problem(values):
            raise Refusal(content.problem(values))
        return content, values

    def _queue(self, message: Message, params: dict[str, Any]) -> int:
        """Give the message its place; return the code of one that waits too long, or 0."""
        whatsapp, queue = rules.is_whatsapp(message.to), self._queues[message.sender]
        now = self.clock.now().timestamp()
        wait = queue.wait(now)
        if not whatsapp and wait > rules.SMS_QUEUE_SECONDS:
            raise Refusal(21611)
        if message.sender == SANDBOX and wait > 0:
            return 63018
        if whatsapp and wait > rules.WHATSAPP_QUEUE_SECONDS:
            return 30001
        if wait > int(params.get("ValidityPeriod", rules.VALIDITY_SECONDS_MAX)):
            return 30036
        queue.put(now, self._seconds(message))
        message.sent_at = self.clock.now() + timedelta(seconds=wait)
        return 0

    def _seconds(self, message: Message) -> float:
        """Return how long the sending of a message takes its sender."""
        if message.sender == SANDBOX:
            return rules.SANDBOX_SECONDS
        if rules.is_whatsapp(message.to):
            return 1 / self.whatsapp_per_second
        return rules.segments(message.body) / self.sms_segments_per_second

    def _late(self, message: Message, content: Content | None, values: dict[str, str]) -> int:
        if not rules.is_whatsapp(message.to):
            return 0
        opened = self.windows.get((message.to, message.sender))
        age = (self.clock.now() - opened).total_seconds() if opened else rules.WINDOW_SECONDS
        is_open = age < rules.WINDOW_SECONDS
        if content is not None:
            return content.late_problem(values, open_window=is_open)
        return 0 if is_open else 63016

    async def _list(self, asked: Asked) -> web.Response:
        query = asked.params
        try:
            rows, number, size, more = page(matching(self.messages, query), query)
        except ValueError:
            raise Refusal(20422) from None
        path = f"/2010-04-01/Accounts/{self.account_sid}/Messages.json"

        def uri(index: int) -> str:
            return f"{path}?{urlencode({**query, 'PageSize': size, 'Page': index})}"

        body = {
            "messages": [message.resource() for message in rows],
            "page": number,
            "page_size": size,
            "start": number * size,
            "end": number * size + max(len(rows) - 1, 0),
            "uri": uri(number),
            "first_page_uri": uri(0),
            "next_page_uri": uri(number + 1) if more else None,
            "previous_page_uri": uri(number - 1) if number else None,
        }
        return web.json_response(body)

    async def _fetch(self, asked: Asked) -> web.Response:
        return web.json_response(self.message(asked.request.match_info["sid"]).resource())

    async def _delete(self, asked: Asked) -> web.Response:
        message = self.message(asked.request.match_info["sid"])
        self.messages.remove(message)
        del self._by_sid[message.sid]
        return web.Response(status=204)

    # -- media -------------------------------------------------------------------------------

    def _one_media(self, asked: Asked) -> tuple[Message, Media]:
        message = self.message(asked.request.match_info["sid"])
        for media in message.media:
            if media.sid == asked.request.match_info["media"]:
                return message, media
        raise Refusal(20404, f"Media/{asked.request.match_info['media']}")

    async def _list_media(self, asked: Asked) -> web.Response:
        message = self.message(asked.request.match_info["sid"])
        rows = [message.media_resource(media) for media in message.media]
        uri = f"{message.uri}/Media.json"
        paging = {"page": 0, "page_size": 50, "start": 0, "end": max(len(rows) - 1, 0), "uri": uri}
        ends = {"first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None}
        return web.json_response({"media_list": rows, **paging, **ends})

    async def _fetch_media(self, asked: Asked) -> web.Response:
        message, media = self._one_media(asked)
        return web.json_response(message.media_resource(media))

    async def _delete_media(self, asked: Asked) -> web.Response:
        message, media = self._one_media(asked)
        message.media.remove(media)
        self.files.pop(media.sid, None)
        return web.Response(status=204)

    async def _redirect(self, asked: Asked) -> web.Response:
        """Send the bot to the host of files, as the address without ``.json`` does."""
        _, media = self._one_media(asked)
        self.files[media.sid] = media
        return web.Response(
            status=307, headers={"Location": f"{self.other_base}/files/{media.sid}"}
        )

    async def _file(self, request: web.Request) -> web.Response:
        """Serve a file; the host of files takes no second way of authentication."""
        media = self.files.get(request.match_info["name"])
        if media is None:
            return web.Response(status=404)
        if "Authorization" in request.headers:
            return web.Response(status=400, text="Only one auth mechanism allowed")
        return web.Response(body=media.content, content_type=media.content_type)

    # -- typing ------------------------------------------------------------------------------

    async def _type(self, asked: Asked) -> web.Response:
        params = asked.params
        if set(params) != {"channel", "messageId"} or params["channel"] != "WHATSAPP":
            raise Refusal(20422, "channel, messageId")
        message = self.message(params["messageId"])
        if message.direction != "inbound" or not rules.is_whatsapp(message.sender):
            raise Refusal(20422, "messageId is no message of a person on WhatsApp")
        self.typing.append(message.sid)
        return web.json_response({"success": True})
