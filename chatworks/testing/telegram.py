"""A stand-in of Telegram's Bot API on loopback: same paths, same limits, and faults on demand.

It records every call in order, gives message ids per chat, refuses what the real one refuses
(lengths in UTF-16 units, callback data in bytes, unknown methods, wrong tokens), and can answer
429 or 500, close in the middle of an answer, hang, or be blocked by a person.
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

TEXT_UNITS_MAX = 4096
CALLBACK_BYTES_MAX = 64
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
    """What the next matching call meets. ``kind``: 429, 500, close, hang, after (done, then hang
    up), blocked.
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
    updates: deque[dict[str, Any]] = field(default_factory=deque)
    webhook: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    _ids: dict[int, itertools.count[int]] = field(
        default_factory=lambda: defaultdict(lambda: itertools.count(1))
    )
    _runner: web.AppRunner | None = None
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
            and (chat is None or call.params["chat_id"] == chat)
        ]

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
        content: dict[str, Any] = {"text": text}
        if text.startswith("/"):
            length = len(text.split(" ", maxsplit=1)[0])
            content["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        return self.update("message", chat, content)

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
        if method == "getUpdates":
            return await self._get_updates(params)
        fault = self._fault(method, params)
        if fault is not None and fault.kind != "after":
            self._record(method, params, done=False)
            return await self._fail(request, fault)
        problem = check(method, params)
        if problem:
            self._record(method, params, done=False)
            return _no(400, f"Bad Request: {problem}")
        result = self._do(method, params)
        if fault is not None:
            return await self._fail(request, Fault("close"))
        return web.json_response({"ok": True, "result": result})

    def _record(self, method: str, params: dict[str, Any], *, done: bool, number: int = 0) -> None:
        at = asyncio.get_running_loop().time()
        self.calls.append(Call(method, params, at, done, number))

    def _do(self, method: str, params: dict[str, Any]) -> object:
        number = 0
        if method == "sendMessage":
            number = next(self._ids[params["chat_id"]])
        self._record(method, params, done=True, number=number)
        if method == "getMe":
            return {"id": 12345, "is_bot": True, "username": "StandInBot"}
        if method == "setWebhook":
            self.webhook = params
        if method == "sendMessage":
            return {"message_id": number, "chat": {"id": params["chat_id"]}, "date": 0}
        return True

    async def _get_updates(self, params: dict[str, Any]) -> web.Response:
        while self.updates and self.updates[0]["update_id"] < params.get("offset", 0):
            self.updates.popleft()
        waited = 0.0
        while not self.updates and waited < min(params.get("timeout", 0), 1):
            await asyncio.sleep(0.02)
            waited += 0.02
        return web.json_response({"ok": True, "result": list(self.updates)})

    def _fault(self, method: str, params: dict[str, Any]) -> Fault | None:
        for fault in self.faults:
            if fault.method in {"", method} and fault.chat in {0, params.get("chat_id")}:
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


def check(method: str, params: dict[str, Any]) -> str:
    """Return what the real Bot API would refuse, or nothing."""
    if method in {"sendMessage", "editMessageText"}:
        units = len(params.get("text", "").encode("utf-16-le")) // 2
        if not 0 < units <= TEXT_UNITS_MAX:
            return "message is too long" if units else "message text is empty"
    rows = (params.get("reply_markup") or {}).get("inline_keyboard", [])
    for button in (button for row in rows for button in row):
        if not 0 < len(button.get("callback_data", "x").encode()) <= CALLBACK_BYTES_MAX:
            return "BUTTON_DATA_INVALID"
    return ""


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
