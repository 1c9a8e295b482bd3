"""A stand-in of Telegram's Bot API on loopback: same paths, same limits, and faults on demand.

It records every call in order, gives message ids per chat, keeps what stands in a chat, refuses
what the real one refuses (``telegram_rules``, unknown methods, wrong tokens, edits of what is not
there, two pollers at once), and can answer 429 or 500, close in the middle of an answer, hang, be
blocked by a person, or have a group moved.
``python -m chatworks.testing.telegram`` serves one for a laptop.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from chatworks.testing.telegram_rules import check

TOKEN = "12345:stand-in"  # noqa: S105 - a stand-in's token opens nothing
HANG_SECONDS = 3600
METHODS = frozenset(
    {
        "getMe",
        "setWebhook",
        "deleteWebhook",
        "setMyCommands",
        "getUpdates",
        "sendMessage",
        "editMessageText",
        "editMessageReplyMarkup",
        "answerCallbackQuery",
    }
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that came in. ``done`` is whether it took effect."""

    method: str
    params: dict[str, Any]
    at: float
    done: bool
    message_id: int = 0


@dataclass(slots=True)
class Fault:
    """What the next matching call meets. ``kind``: 429, 500, 401, close, hang, after (done, then
    hang up), blocked.
    """

    kind: str
    method: str = ""
    chat: int = 0
    retry_after: int = 1


@dataclass(slots=True)
class BotApi:
    """One stand-in. ``base`` is its address once it is started."""

    token: str = TOKEN
    calls: list[Call] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    updates: deque[Any] = field(default_factory=deque)
    webhook: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # by language
    chats: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)  # (chat, message)
    migrated: dict[int, int] = field(default_factory=dict)  # a group's old id and its new one
    polls: list[int] = field(default_factory=list)  # the offset of each getUpdates
    conflicts: int = 0  # how often two polled at once
    base: str = ""
    _ids: dict[int, itertools.count[int]] = field(
        default_factory=lambda: defaultdict(lambda: itertools.count(1))
    )
    _runner: web.AppRunner | None = None
    _poller: object = None
    _update_ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1000))

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; 0 picks a free port."""
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def sent(self, chat: int | None = None) -> list[Call]:
        """Return the messages that took effect, in one chat or all."""
        return [
            call
            for call in self.calls
            if call.done
            and call.method == "sendMessage"
            and (chat is None or int(call.params["chat_id"]) == chat)
        ]

    def done(self, method: str) -> list[Call]:
        """Return the calls of a method that took effect."""
        return [call for call in self.calls if call.done and call.method == method]

    async def wait_for(self, chat: int, count: int, seconds: float = 10) -> list[Call]:
        """Return the messages of a chat once there are ``count`` of them."""
        async with asyncio.timeout(seconds):
            while len(self.sent(chat)) < count:  # noqa: ASYNC110 - a test looks
                await asyncio.sleep(0.005)
        return self.sent(chat)

    # -- what a person does ------------------------------------------------------------------

    def update(self, kind: str, chat: int, content: dict[str, Any]) -> dict[str, Any]:
        """Return an update of one person in a private chat."""
        number = next(self._update_ids)
        person = {
            "id": chat,
            "is_bot": False,
            "first_name": f"Person {chat}",
            "language_code": "en",
        }
        place = {"id": chat, "type": "private", "first_name": f"Person {chat}"}
        common: dict[str, Any] = {"from": person}
        if kind != "callback_query":
            common |= {"chat": place, "date": 1_790_000_000 + number}
        if kind in {"message", "edited_message"}:
            common["message_id"] = 10_000 + number
        return {"update_id": number, kind: {**common, **content}}

    def text(self, chat: int, text: str) -> dict[str, Any]:
        """Return a text, or a command if it starts with a slash."""
        return self.update("message", chat, _text(text))

    def group_text(self, group: int, title: str, person: int, text: str) -> dict[str, Any]:
        """Return what a person writes in a group."""
        place = {"id": group, "type": "supergroup", "title": title}
        return self.update("message", person, {**_text(text), "chat": place})

    def membership(self, chat: int, status: str) -> dict[str, Any]:
        """Return that a person blocked the bot (``kicked``) or unblocked it (``member``)."""
        bot = {"id": 12345, "is_bot": True, "first_name": "Stand-in", "username": "StandInBot"}
        was = "member" if status == "kicked" else "kicked"
        old, new = ({"status": s, "user": bot} for s in (was, status))
        content = {"old_chat_member": old, "new_chat_member": new}
        return self.update("my_chat_member", chat, content)

    def tap(self, chat: int, label: str) -> dict[str, Any]:
        """Return a tap on the newest button that begins with ``label``."""
        for call in reversed(self.sent(chat)):
            rows = (call.params.get("reply_markup") or {}).get("inline_keyboard", [])
            for button in (button for row in rows for button in row):
                if button["text"].startswith(label):
                    return self.tap_data(chat, button["callback_data"], call)
        raise LookupError(f"no button {label!r} in chat {chat}")

    def tap_data(self, chat: int, data: str, call: Call) -> dict[str, Any]:
        """Return a tap with this callback data, on the keyboard of ``call``."""
        message = {
            "message_id": call.message_id,
            "date": 1_790_000_000,
            "chat": {"id": chat, "type": "private"},
            "text": call.params["text"],
            "reply_markup": call.params.get("reply_markup"),
        }
        number = f"{chat}{len(self.calls)}{next(self._ids[-1])}"
        return self.update(
            "callback_query",
            chat,
            {"id": number, "message": message, "chat_instance": "1", "data": data},
        )

    def location(self, chat: int, latitude: float, longitude: float) -> dict[str, Any]:
        """Return a shared location."""
        place = {"latitude": latitude, "longitude": longitude}
        return self.update("message", chat, {"location": place})

    def contact(self, chat: int, phone: str) -> dict[str, Any]:
        """Return the person's own contact."""
        shared = {"phone_number": phone, "first_name": "P", "user_id": chat}
        return self.update("message", chat, {"contact": shared})

    # -- what the server does ----------------------------------------------------------------

    async def _serve(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911 - one for each answer
        method = request.match_info["method"]
        if request.match_info["token"] != self.token:
            return _no(401, "Unauthorized")
        if method not in METHODS:
            return _no(404, "Not Found: method not found")
        params = json.loads(await request.text())
        fault = self._fault(method, params)
        if fault is not None and fault.kind != "after":
            self._record(method, params, done=False)
            return await self._fail(request, fault)
        if method == "getUpdates":
            return await self._get_updates(request, params)
        refusal = self._refusal(method, params)
        if refusal is not None:
            self._record(method, params, done=False)
            return refusal
        result = self._do(method, params)
        if fault is not None:
            return await self._fail(request, Fault("close"))
        return web.json_response({"ok": True, "result": result})

    def _record(self, method: str, params: dict[str, Any], *, done: bool, number: int = 0) -> None:
        at = asyncio.get_running_loop().time()
        self.calls.append(Call(method, params, at, done, number))

    def _refusal(self, method: str, params: dict[str, Any]) -> web.Response | None:
        moved = self.migrated.get(int(params.get("chat_id", 0)))
        if moved is not None:
            words = "group chat was upgraded to a supergroup chat"
            return _no(400, f"Bad Request: {words}", {"migrate_to_chat_id": moved})
        problem = check(method, params)
        if not problem and method.startswith("editMessage"):
            problem = self._edit_problem(params)
        return _no(400, f"Bad Request: {problem}") if problem else None

    def _edit_problem(self, params: dict[str, Any]) -> str:
        known = self.chats.get((int(params["chat_id"]), params["message_id"]))
        if known is None:
            return "message to edit not found"
        if "inline_keyboard" not in (known.get("reply_markup") or {"inline_keyboard": ()}):
            return "message can't be edited"
        text, markup = params.get("text", known["text"]), params.get("reply_markup")
        if (text, markup) == (known["text"], known.get("reply_markup")):
            return "message is not modified"
        return ""

    def _do(self, method: str, params: dict[str, Any]) -> object:
        number = 0
        if method == "sendMessage":
            number = next(self._ids[int(params["chat_id"])])
        self._record(method, params, done=True, number=number)
        match method:
            case "getMe":
                return {
                    "id": 12345,
                    "is_bot": True,
                    "first_name": "Stand-in",
                    "username": "StandInBot",
                }
            case "setWebhook":
                self.webhook = params
            case "deleteWebhook":
                self.webhook = {}
            case "setMyCommands":
                self.commands[params.get("language_code", "")] = params["commands"]
            case "sendMessage":
                self.chats[int(params["chat_id"]), number] = params
                return {"message_id": number, "chat": {"id": params["chat_id"]}, "date": 0}
            case "editMessageText" | "editMessageReplyMarkup":
                key = (int(params["chat_id"]), params["message_id"])
                self.chats[key] = {**self.chats[key], "reply_markup": None, **params}
                return {"message_id": key[1], "chat": {"id": key[0]}, "date": 0}
        return True

    async def _get_updates(self, request: web.Request, params: dict[str, Any]) -> web.Response:
        """Give what waits, from ``offset`` on; a second poller ends the first one's call.

        A poller whose connection is gone (it was killed) polls no more, and is no conflict.
        """
        if self.webhook.get("url"):
            return _no(409, "Conflict: can't use getUpdates method while webhook is active")
        self.polls.append(params.get("offset", 0))
        mine = self._poller = object()
        while self.updates and _number(self.updates[0]) < params.get("offset", 0):
            self.updates.popleft()
        waited = 0.0
        while not self.updates and waited < min(params.get("timeout", 0), 1):
            await asyncio.sleep(0.02)
            waited += 0.02
            if self._poller is not mine:
                self.conflicts += request.transport is not None
                return _no(409, "Conflict: terminated by other getUpdates request")
        self._poller = None
        return web.json_response({"ok": True, "result": list(self.updates)})

    def _fault(self, method: str, params: dict[str, Any]) -> Fault | None:
        for fault in self.faults:
            named = fault.method == method or (not fault.method and method != "getUpdates")
            if named and fault.chat in {0, int(params.get("chat_id", 0))}:
                if fault.kind != "blocked":
                    self.faults.remove(fault)
                return fault
        return None

    async def _fail(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        match fault.kind:
            case "429":
                return _no(
                    429,
                    f"Too Many Requests: retry after {fault.retry_after}",
                    {"retry_after": fault.retry_after},
                )
            case "500":
                return _no(500, "Internal Server Error")
            case "401":
                return _no(401, "Unauthorized")
            case "blocked":
                return _no(403, "Forbidden: bot was blocked by the user")
            case "hang":
                await asyncio.sleep(HANG_SECONDS)
        response = web.StreamResponse(headers={"content-length": "100"})
        await response.prepare(request)
        await response.write(b'{"ok"')
        if request.transport is not None:
            request.transport.close()
        return response


def _text(text: str) -> dict[str, Any]:
    if not text.startswith("/"):
        return {"text": text}
    length = len(text.split(" ", maxsplit=1)[0])
    command = {"type": "bot_command", "offset": 0, "length": length}
    return {"text": text, "entities": [command]}


def _number(update: Any) -> int:
    """Return an update's number; what is malformed on purpose counts as an old one."""
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) else 0


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
