"""The server side of the Cloud API's stand-in: messages, media, templates.

A call is named by what it does: ``messages``, ``read``, ``media``, ``getMedia``, ``deleteMedia``,
``download``, ``templates``, ``createTemplate``, ``deleteTemplate``.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from chatworks.testing import whatsapp_rules as rules
from chatworks.testing.rest import Asked, Refusal, RestStandIn
from chatworks.testing.server import Bucket, Call

TOKEN = "stand-in"  # noqa: S105 - a stand-in's token opens nothing
NUMBER, WABA, APP_SECRET, VERIFY_TOKEN = "10001", "20001", "app-secret", "verify-me"
FAULTS = {
    "429": Refusal(4, status=429),
    "500": Refusal(131000, status=500),
    "401": Refusal(190, status=401),
}
VERSION = r"/{version:v\d+\.\d+}"


@dataclass
class File:
    """A file that was uploaded, or that a person sent."""

    id: str
    content_type: str
    content: bytes

    def resource(self, base: str) -> dict[str, Any]:
        """Return it as the API shows it."""
        return {
            "messaging_product": "whatsapp",
            "url": f"{base}/files/{self.id}",
            "mime_type": self.content_type,
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "file_size": len(self.content),
            "id": self.id,
        }


@dataclass(kw_only=True)
class WhatsAppApi(RestStandIn):
    """The requests that a bot makes, and the state they meet."""

    faults_refuse = FAULTS

    token: str = TOKEN
    number: str = NUMBER  # the id of the phone number
    waba: str = WABA
    refused: dict[str, int] = field(default_factory=dict)  # by person: the code they meet
    windows: dict[str, datetime] = field(default_factory=dict)  # by person
    people: dict[str, str] = field(default_factory=dict)  # a message's id and its person
    templates: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    uploads: dict[str, File] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)  # the messages that were marked read
    typing: list[str] = field(default_factory=list)
    per_second: float = rules.PER_SECOND
    tier: int = 0  # how many people may be written to first in 24 hours; 0 is any number
    _rate: Bucket | None = None
    _opened: dict[str, datetime] = field(default_factory=dict)
    _pairs: dict[str, Bucket] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        """Return the paths of graph.facebook.com and of the host of files."""
        node = f"{VERSION}/{{node}}"
        return [
            self.route("POST", f"{node}/messages", "messages", self._messages),
            self.route("POST", f"{node}/media", "media", self._upload),
            self.route("GET", f"{node}/message_templates", "templates", self._templates),
            self.route("POST", f"{node}/message_templates", "createTemplate", self._template),
            self.route("DELETE", f"{node}/message_templates", "deleteTemplate", self._untemplate),
            self.route("GET", node, "getMedia", self._media),
            self.route("DELETE", node, "deleteMedia", self._unmedia),
            self.route("GET", "/files/{node}", "download", self._download),
        ]

    def called(self, name: str, params: dict[str, Any]) -> tuple[str, Any]:
        """Return a call's name and the person it is for."""
        return "read" if params.get("status") == "read" else name, receiver(params)

    def authenticate(self, request: web.Request) -> None:
        """Raise ``Refusal`` 190 for whoever brings no right token."""
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(190, status=401)

    def refusal(self, refusal: Refusal) -> web.Response:
        """Return a refusal as the Graph API words it."""
        body = rules.error(refusal.code, refusal.detail, secrets.token_urlsafe(8))
        return web.json_response(body, status=refusal.status or 400)

    async def params_of(self, request: web.Request) -> dict[str, Any]:
        """Return a request's query, its JSON object, or its form with the uploaded file."""
        if request.method != "POST":
            return dict(request.query)
        if request.content_type != "multipart/form-data":
            try:
                sent = json.loads(await request.text())
            except ValueError:
                sent = None
            return sent if isinstance(sent, dict) else {}
        form: dict[str, Any] = dict(await request.post())
        file = form.get("file")
        if isinstance(file, web.FileField):
            kind = form.get("type") or file.content_type
            form["file"] = File(str(secrets.randbelow(10**15)), kind, file.file.read())
        return form

    def is_sent(self, call: Call, person: Any) -> bool:
        """Return whether ``call`` sent something to ``person`` (to anybody, where it is None)."""
        return call.method == "messages" and person in {None, receiver(call.params)}

    def accept(self, ident: str, message: dict[str, Any], code: int) -> None:
        """Take a message that was posted; ``code`` befalls it later. The people's side does it."""
        raise NotImplementedError

    # -- messages ----------------------------------------------------------------------------

    async def _messages(self, asked: Asked) -> web.Response:
        message = asked.params
        self._own(asked, self.number)
        if message.get("status") == "read":
            return self._mark_read(message)
        problem = rules.check(message)
        if problem is not None:
            raise Refusal(*problem)
        person = receiver(message)
        asked.made = f"wamid.{secrets.token_urlsafe(24)}"
        if rules.is_dropped(message):
            asked.lost = True
            return _accepted(message, asked.made)
        self._limit(person)
        late = self._refusal(person) or self._late(person, message)
        self.people[asked.made] = person
        self.accept(asked.made, message, late)
        return _accepted(message, asked.made)

    def _own(self, asked: Asked, node: str) -> None:
        if asked.request.match_info["node"] != node:
            raise Refusal(100, "Unsupported request: the object does not exist")

    def _mark_read(self, message: dict[str, Any]) -> web.Response:
        ident = message.get("message_id", "")
        if ident not in self.people:
            raise Refusal(131009, "message_id")
        typing = message.get("typing_indicator")
        if typing is not None and typing != {"type": "text"}:
            raise Refusal(131009, "typing_indicator")
        self.read.append(ident)
        if typing:
            self.typing.append(ident)
        return web.json_response({"success": True})

    def _limit(self, person: str) -> None:
        now = self.clock.monotonic()
        if self._rate is None or self._rate.per_second != self.per_second:
            self._rate = Bucket(self.per_second, self.per_second)
        pair = self._pairs.setdefault(person, Bucket(1 / rules.PAIR_SECONDS, rules.PAIR_BURST))
        if not self._rate.take(now):
            raise Refusal(130429)
        if not pair.take(now):
            raise Refusal(131056)

    def _refusal(self, person: str) -> int:
        code = self.refused.get(person, 0)
        if code and code not in rules.LATE:
            raise Refusal(code)
        return code

    def _late(self, person: str, message: dict[str, Any]) -> int:
        kind = message.get("type", "text")
        if kind == "template":
            category = self._check_template(message["template"], scoped="to" not in message)
            barred = category == "MARKETING" and rules.AMERICAN.fullmatch(person)
            return 131049 if barred else self._open(person)
        if not self._within(self.windows.get(person)):
            return 131047
        if kind in rules.MEDIA and "id" in message[kind]:
            file = self.uploads.get(message[kind]["id"])
            if file is None:
                raise Refusal(131009, f"{kind}.id")
            return rules.media_problem(kind, file.content_type, len(file.content))
        return 0

    def _within(self, since: datetime | None) -> bool:
        seconds = rules.WINDOW_SECONDS
        return since is not None and (self.clock.now() - since).total_seconds() < seconds

    def _open(self, person: str) -> int:
        """Count a conversation that a template opens; return 131064 past the tier, or 0."""
        if self._within(self.windows.get(person)) or self._within(self._opened.get(person)):
            return 0
        if self.tier and sum(map(self._within, self._opened.values())) >= self.tier:
            return 131064
        self._opened[person] = self.clock.now()
        return 0

    def _check_template(self, sent: dict[str, Any], *, scoped: bool) -> str:
        template = self.templates.get((sent["name"], sent["language"]["code"]))
        if template is None:
            raise Refusal(132001, status=404)
        if scoped and template["category"] == "AUTHENTICATION":
            raise Refusal(131062)
        code = rules.parameters_problem(template, sent)
        if code:
            raise Refusal(code)
        return str(template["category"])

    # -- media -------------------------------------------------------------------------------

    async def _upload(self, asked: Asked) -> web.Response:
        self._own(asked, self.number)
        form, content = asked.params, asked.params.pop("file", None)
        if form.get("messaging_product") != "whatsapp" or not isinstance(content, File):
            raise Refusal(100, "messaging_product and file")
        problem = rules.upload_problem(content.content_type, len(content.content))
        if problem:
            raise Refusal(131053, problem)
        asked.made = content.id
        self.uploads[content.id] = content
        return web.json_response({"id": content.id})

    def _file(self, asked: Asked) -> File:
        file = self.uploads.get(asked.request.match_info["node"])
        if file is None:
            raise Refusal(100, "Unsupported request: the object does not exist")
        return file

    async def _media(self, asked: Asked) -> web.Response:
        return web.json_response(self._file(asked).resource(self.other_base))

    async def _unmedia(self, asked: Asked) -> web.Response:
        del self.uploads[self._file(asked).id]
        return web.json_response({"success": True})

    async def _download(self, asked: Asked) -> web.Response:
        file = self._file(asked)
        return web.Response(body=file.content, content_type=file.content_type)

    # -- templates ---------------------------------------------------------------------------

    async def _templates(self, asked: Asked) -> web.Response:
        self._own(asked, self.waba)
        names, status = asked.params.get("name"), asked.params.get("status")
        rows = [
            row
            for row in self.templates.values()
            if names in {None, row["name"]} and status in {None, row["status"]}
        ]
        return web.json_response({"data": rows, "paging": {}})

    async def _template(self, asked: Asked) -> web.Response:
        self._own(asked, self.waba)
        problem = rules.template_problem(asked.params)
        key = (asked.params.get("name", ""), asked.params.get("language", ""))
        if problem or key in self.templates:
            raise Refusal(100, problem or "it exists already")
        asked.made = str(30_001 + len(self.templates))
        self.templates[key] = {**asked.params, "id": asked.made, "status": "PENDING"}
        told = {"id": asked.made, "status": "PENDING", "category": asked.params["category"]}
        return web.json_response(told)

    async def _untemplate(self, asked: Asked) -> web.Response:
        self._own(asked, self.waba)
        gone = [key for key in self.templates if key[0] == asked.params.get("name")]
        if not gone:
            raise Refusal(132001, status=404)
        for key in gone:
            del self.templates[key]
        return web.json_response({"success": True})


def receiver(message: dict[str, Any]) -> str:
    """Return whom a message goes to; a number stands without its +, and before a scoped id."""
    return str(message.get("to") or message.get("recipient", "")).removeprefix("+")


def _accepted(message: dict[str, Any], ident: str) -> web.Response:
    person, key = receiver(message), "wa_id" if "to" in message else "user_id"
    contacts = [{"input": message.get("to") or message["recipient"], key: person}]
    told = {"messaging_product": "whatsapp", "contacts": contacts, "messages": [{"id": ident}]}
    return web.json_response(told)
