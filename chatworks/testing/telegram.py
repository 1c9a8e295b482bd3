"""A stand-in of Telegram's Bot API on loopback: same paths, same limits, and faults on demand.

It records every call in order, gives message ids per chat, keeps what stands in a chat, refuses
what the real one refuses (``telegram_rules``, unknown methods, wrong tokens, edits of what is not
there, queries that are too old, two pollers at once), takes and gives files, carries a payment from
its invoice to its refund, and can answer 429 or 500, close in the middle of an answer, hang, be
blocked by a person, or have a group moved.
``python -m chatworks.testing.telegram`` serves one for a laptop.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from chatworks.testing.server import Bucket
from chatworks.testing.server import Call as Call
from chatworks.testing.server import Fault as Fault
from chatworks.testing.telegram_calls import CHECKOUT_SECONDS as CHECKOUT_SECONDS
from chatworks.testing.telegram_calls import Calls
from chatworks.testing.telegram_calls import Refused as Refused
from chatworks.testing.telegram_people import number_of
from chatworks.testing.telegram_rules import check
from chatworks.testing.telegram_uploads import read_params

TOKEN = "12345:stand-in"  # noqa: S105 - a stand-in's token opens nothing
LINK_SECONDS = 3600  # how long an address of getFile is good at least
FLOOD_PER_SECOND, CHAT_PER_SECOND, CHAT_BURST, GROUP_PER_MINUTE = 30, 1, 5, 20  # bots/faq


@dataclass(kw_only=True)
class BotApi(Calls):
    """One stand-in. With ``flood`` it keeps to Telegram's rates: 30 a second in all, one a second
    in a chat (with a small burst), 20 a minute in a group.
    """

    token: str = TOKEN
    flood: bool = False
    polls: list[int] = field(default_factory=list)  # the offset of each getUpdates
    conflicts: int = 0  # how often two polled at once
    _poller: object = None
    _all: Bucket = field(default_factory=lambda: Bucket(FLOOD_PER_SECOND, FLOOD_PER_SECOND))
    _chats: dict[int, Bucket] = field(default_factory=dict)

    def routes(self) -> list[web.RouteDef]:
        """Return the two paths of api.telegram.org."""
        return [
            web.post("/bot{token}/{method}", self._serve),
            web.get("/file/bot{token}/{path:.*}", self._download),
        ]

    def is_sent(self, call: Call, person: Any) -> bool:
        """Return whether ``call`` sent something to a chat (to any, where it is None)."""
        name = call.method
        sends = name == "sendMessage" or (name.startswith("send") and name != "sendChatAction")
        return sends and (person is None or int(call.params["chat_id"]) == person)

    def init_data(self, chat: int, **more: str) -> str:
        """Return what a Mini App gets as ``initData``; ``more``: ``start_param``, ``query_id``."""
        user = json.dumps({"id": chat, "first_name": f"Person {chat}", "language_code": "en"})
        now = int(self.clock.now().timestamp())
        told = {"auth_date": str(now), "user": user, **more}
        text = "\n".join(f"{name}={told[name]}" for name in sorted(told))
        secret = hmac.digest(b"WebAppData", self.token.encode(), hashlib.sha256)
        signed = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        return urlencode({**told, "hash": signed})

    async def _serve(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911 - one for each answer
        method, token = request.match_info["method"], request.match_info["token"]
        if token != self.token and token not in self.managed.values():
            return _no(401, "Unauthorized")
        if method != "getUpdates" and method not in self.methods:
            return _no(404, "Not Found: method not found")
        params = await read_params(request, self)
        chat = int(params.get("chat_id", 0))
        fault = self.take_fault(method, chat, unless="getUpdates")
        if fault is not None and fault.kind != "after":
            self.record(method, params, done=False)
            return await self._fail(request, fault)
        if method == "getUpdates":
            return await self._get_updates(request, params)
        try:
            await self._check(method, params, chat)
            number, result = self.methods[method](params)
        except Refused as refused:
            self.record(method, params, done=False)
            return _no(refused.status, refused.told, refused.parameters)
        self.record(method, params, done=True, made=number)
        if fault is not None:
            return await self.break_off(request, "close")
        if method == "getMe" and token != self.token:
            result = self.managed_bot(token)
        return web.json_response({"ok": True, "result": result})

    async def _check(self, method: str, params: dict[str, Any], chat: int) -> None:
        moved = self.migrated.get(chat)
        if moved is not None:
            words = "group chat was upgraded to a supergroup chat"
            raise Refused(words, parameters={"migrate_to_chat_id": moved})
        try:
            problem = check(method, params) or await self.file_problem(method, params)
        except KeyError as missing:
            problem = f"parameter {missing.args[0]!r} is required"
        except (AttributeError, TypeError, ValueError):
            problem = "can't parse parameters"
        if problem:
            raise Refused(problem)
        if self.flood and method.startswith("send"):
            self._limit(chat)

    def _limit(self, chat: int) -> None:
        now = self.clock.monotonic()
        rate = (
            Bucket(CHAT_PER_SECOND, CHAT_BURST)
            if chat > 0
            else Bucket(GROUP_PER_MINUTE / 60, GROUP_PER_MINUTE)
        )
        if not self._all.take(now) or not self._chats.setdefault(chat, rate).take(now):
            seconds = 1 if chat > 0 else 60 // GROUP_PER_MINUTE
            told = f"Too Many Requests: retry after {seconds}"
            raise Refused(told, status=429, parameters={"retry_after": seconds})

    async def _download(self, request: web.Request) -> web.Response:
        """Give a file by the address of getFile, for as long as that is good."""
        upload = self.files.get(request.match_info["path"].rpartition("/")[2])
        if request.match_info["token"] != self.token:
            return _no(401, "Unauthorized")
        age = self.clock.now() - upload.shared_at if upload and upload.shared_at else None
        if upload is None or age is None or age.total_seconds() > LINK_SECONDS:
            return _no(404, "Not Found")
        return web.Response(body=upload.content, content_type="application/octet-stream")

    async def _get_updates(self, request: web.Request, params: dict[str, Any]) -> web.Response:
        """Give what waits, from ``offset`` on; a second poller ends the first one's call.

        A poller whose connection is gone (it was killed) polls no more, and is no conflict.
        """
        if self.webhook.get("url"):
            return _no(409, "Conflict: can't use getUpdates method while webhook is active")
        self.polls.append(params.get("offset", 0))
        mine = self._poller = object()
        while self.updates and number_of(self.updates[0]) < params.get("offset", 0):
            self.updates.popleft()
        waited = 0.0
        while not self.updates and waited < min(params.get("timeout", 0), 1):
            await asyncio.sleep(0.02)
            waited += 0.02
            if self._poller is not mine:
                self.conflicts += request.transport is not None
                return _no(409, "Conflict: terminated by other getUpdates request")
        self._poller = None
        self.forget_expired()
        wanted = [u for u in self.updates if self.is_wanted(u, params.get("allowed_updates"))]
        return web.json_response({"ok": True, "result": wanted})

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "429":
                told = f"Too Many Requests: retry after {fault.retry_after}"
                return _no(429, told, {"retry_after": fault.retry_after})
            case "500":
                return _no(500, "Internal Server Error")
            case "401":
                return _no(401, "Unauthorized")
            case "blocked":
                return _no(403, "Forbidden: bot was blocked by the user")
        return await self.break_off(request, fault.kind)


def _no(status: int, text: str, parameters: dict[str, Any] | None = None) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": text}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=status)


async def _main(port: int) -> None:
    api = BotApi()
    await api.start(port)
    print(f"Bot API stand-in at {api.base}, token {TOKEN}")  # noqa: T201 - a command's output
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in of Telegram's Bot API")
    parser.add_argument("--port", type=int, default=8081)
    asyncio.run(_main(parser.parse_args().port))
