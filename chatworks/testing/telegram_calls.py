"""What each method of the Bot API's stand-in does to its state, and what it answers.

A method is a function from its parameters to the number of the message it made and its result;
``Refused`` is the Bot API's refusal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from chatworks.testing import telegram_rules as rules
from chatworks.testing.telegram_people import BOT, EPOCH, QUERY_SECONDS, People, Upload

CHECKOUT_SECONDS = 10
DEFAULT_BUTTON = {"type": "default"}
OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"
CONTENT = ("text", "entities", "caption", "caption_entities")
COPIED = {
    "sendMessage": CONTENT,
    "sendLocation": (),
    "sendContact": (),
    "sendInvoice": (),
    **{f"send{kind.capitalize()}": CONTENT for kind in rules.MEDIA},
}
Params = dict[str, Any]
Result = tuple[Any, Any]


class Refused(Exception):
    """The Bot API refuses a call in these words."""

    def __init__(self, told: str, status: int = 400, parameters: Params | None = None) -> None:
        super().__init__(told)
        self.told = told if status != 400 else f"Bad Request: {told}"  # noqa: PLR2004 - HTTP
        self.status, self.parameters = status, parameters


@dataclass(kw_only=True)
class Calls(People):
    """The methods, and the state that they change."""

    commands: dict[str, list[dict[str, str]]] = field(default_factory=dict)  # by language
    scoped_commands: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    buttons: dict[int, Params] = field(default_factory=dict)  # of the menu, by chat; 0: of all
    chats: dict[tuple[int, int], Params] = field(default_factory=dict)  # (chat, message)
    charges: dict[str, Params] = field(default_factory=dict)  # payments, by their charge id
    by_url: dict[str, str] = field(default_factory=dict)  # the ids of files sent by an address
    access: dict[int, Params] = field(default_factory=dict)  # of managed bots
    methods: dict[str, Callable[[Params], Result]] = field(init=False)

    def __post_init__(self) -> None:
        """Name the methods."""
        self.methods = {
            **{name: self._sender(name) for name in COPIED},
            "getMe": lambda _: (0, BOT),
            "setWebhook": self._set_webhook,
            "deleteWebhook": lambda params: self._set_webhook({**params, "url": ""}),
            "getWebhookInfo": self._webhook_info,
            "setMyCommands": self._set_commands,
            "getMyCommands": self._get_commands,
            "deleteMyCommands": self._delete_commands,
            "setChatMenuButton": self._set_button,
            "getChatMenuButton": self._get_button,
            "sendMediaGroup": self._send_album,
            "sendChatAction": _yes,
            "editMessageText": self._edit,
            "editMessageCaption": self._edit,
            "editMessageReplyMarkup": self._edit,
            "deleteMessage": self._delete,
            "answerCallbackQuery": self._answer_callback,
            "answerPreCheckoutQuery": self._answer_checkout,
            "createInvoiceLink": lambda _: (0, f"https://t.me/$invoice-{len(self.calls)}"),
            "refundStarPayment": self._refund,
            "getFile": self._get_file,
            "getManagedBotToken": lambda params: (0, self._managed(params)),
            "replaceManagedBotToken": self._replace_token,
            "getManagedBotAccessSettings": self._get_access,
            "setManagedBotAccessSettings": self._set_access,
        }

    def managed_bot(self, token: str) -> Params:
        """Return the managed bot that has this token."""
        bot = next(bot for bot, known in self.managed.items() if known == token)
        return {**BOT, "id": bot, "username": f"Managed{bot}Bot"}

    # -- messages ----------------------------------------------------------------------------

    def _message(self, chat: int, number: int, content: Params) -> Params:
        kind = "private" if chat > 0 else "supergroup"
        place: Params = {"id": chat, "type": kind}
        place["first_name" if chat > 0 else "title"] = f"Chat {chat}"
        return {"message_id": number, "date": EPOCH, "chat": place, "from": BOT, **content}

    def _sender(self, method: str) -> Callable[[Params], Result]:
        def send(params: Params) -> Result:
            chat = int(params["chat_id"])
            number = next(self._ids[chat])
            self.chats[chat, number] = params
            return number, self._message(chat, number, self._content(method, params))

        return send

    def _content(self, method: str, params: Params) -> Params:
        kind = method.removeprefix("send").lower()
        told = {key: params[key] for key in COPIED[method] if key in params}
        if kind in rules.MEDIA:
            told[kind] = self._shown(kind, params[kind])
        elif kind == "location":
            told[kind] = {key: params[key] for key in ("latitude", "longitude")}
        elif kind == "contact":
            told[kind] = {key: params[key] for key in ("phone_number", "first_name")}
        elif kind == "invoice":
            told[kind] = {
                **{key: params[key] for key in ("title", "description", "currency")},
                "start_parameter": params.get("start_parameter", ""),
                "total_amount": sum(price["amount"] for price in params["prices"]),
            }
        return told

    def _shown(self, kind: str, given: str) -> Any:
        """Return a file as a message shows it; what came by its address has an id from now on."""
        if given not in self.files and given not in self.by_url:
            self._keep_url(given, b"")
        return self.shown(kind, self.by_url.get(given, given))

    def _keep_url(self, url: str, content: bytes) -> None:
        name = url.rpartition("/")[2]
        kept = Upload(name=name, content_type="application/octet-stream", content=content)
        self.by_url[url] = self.keep(kept)

    def _send_album(self, params: Params) -> Result:
        chat = int(params["chat_id"])
        told, first = [], 0
        for item in params["media"]:
            method = f"send{item['type'].capitalize()}"
            content = {**item, item["type"]: item["media"], "chat_id": chat}
            number, message = self.methods[method](content)
            first = first or number
            told.append({**message, "media_group_id": f"album-{chat}-{first}"})
        return first, told

    def _edit(self, params: Params) -> Result:
        key = (int(params["chat_id"]), params["message_id"])
        known = self.chats.get(key)
        if known is None:
            raise Refused("message to edit not found")
        if "inline_keyboard" not in (known.get("reply_markup") or {"inline_keyboard": ()}):
            raise Refused("message can't be edited")
        if "text" in params and "text" not in known:
            raise Refused("there is no text in the message to edit")
        said = ("text", "caption")
        same = all(params.get(name, known.get(name)) == known.get(name) for name in said)
        if same and params.get("reply_markup") == known.get("reply_markup"):
            raise Refused("message is not modified")
        self.chats[key] = {**known, "reply_markup": None, **params}
        content = {name: self.chats[key][name] for name in said if name in self.chats[key]}
        return 0, self._message(*key, content)

    def _delete(self, params: Params) -> Result:
        if self.chats.pop((int(params["chat_id"]), params["message_id"]), None) is None:
            raise Refused("message to delete not found")
        return 0, True

    # -- set-up ------------------------------------------------------------------------------

    def _set_webhook(self, params: Params) -> Result:
        if params.get("drop_pending_updates"):
            self.updates.clear()
        self.webhook = params if params["url"] else {}
        return 0, True

    def _webhook_info(self, _: Params) -> Result:
        told = {
            "url": self.webhook.get("url", ""),
            "has_custom_certificate": False,
            "pending_update_count": len(self.updates),
        }
        kept = ("max_connections", "allowed_updates")
        return 0, told | {name: self.webhook[name] for name in kept if name in self.webhook}

    def _set_commands(self, params: Params) -> Result:
        scope, language = _scope(params)
        if scope == "default":
            self.commands[language] = params["commands"]
        self.scoped_commands[scope, language] = params["commands"]
        return 0, True

    def _get_commands(self, params: Params) -> Result:
        return 0, self.scoped_commands.get(_scope(params), [])

    def _delete_commands(self, params: Params) -> Result:
        scope, language = _scope(params)
        self.scoped_commands.pop((scope, language), None)
        if scope == "default":
            self.commands.pop(language, None)
        return 0, True

    def _set_button(self, params: Params) -> Result:
        self.buttons[int(params.get("chat_id", 0))] = params.get("menu_button", DEFAULT_BUTTON)
        return 0, True

    def _get_button(self, params: Params) -> Result:
        default = self.buttons.get(0, DEFAULT_BUTTON)
        return 0, self.buttons.get(int(params.get("chat_id", 0)), default)

    # -- queries and payments ----------------------------------------------------------------

    def _age(self, query: str) -> float:
        if query not in self.queries:
            raise Refused(OLD_QUERY)
        return (self.clock.now() - self.queries[query]).total_seconds()

    def _answer_callback(self, params: Params) -> Result:
        if self._age(params["callback_query_id"]) > QUERY_SECONDS:
            raise Refused(OLD_QUERY)
        return 0, True

    def _answer_checkout(self, params: Params) -> Result:
        """A late answer fails the sale; one in time makes the payment, as a message."""
        query = params["pre_checkout_query_id"]
        sale = self.sales.get(query)
        if sale is None or sale["state"] != "asked":
            raise Refused(OLD_QUERY)
        if self._age(query) > CHECKOUT_SECONDS:
            sale["state"] = "failed"
            raise Refused(OLD_QUERY)
        sale["state"] = "paid" if params["ok"] else "refused"
        if params["ok"]:
            charge = f"charge-{len(self.charges) + 1}"
            self.charges[charge] = {**sale, "refunded": False}
            self.later(self._pay(charge))
        return 0, True

    async def _pay(self, charge: str) -> None:
        provider = {"provider_payment_charge_id": f"provider-{charge}"}
        paid = {**_bill(self.charges[charge], charge), **provider}
        message = {"successful_payment": paid}
        await self.deliver(self.update("message", self.charges[charge]["chat"], message))

    def _refund(self, params: Params) -> Result:
        charge = params["telegram_payment_charge_id"]
        kept = self.charges.get(charge)
        if kept is None or kept["chat"] != params["user_id"] or kept["currency"] != rules.STARS:
            raise Refused("CHARGE_NOT_FOUND")
        if kept["refunded"]:
            raise Refused("CHARGE_ALREADY_REFUNDED")
        kept["refunded"] = True
        message = {"refunded_payment": _bill(kept, charge)}
        self.later(self._tell(kept["chat"], message))
        return 0, True

    async def _tell(self, chat: int, content: Params) -> None:
        await self.deliver(self.update("message", chat, content))

    # -- files -------------------------------------------------------------------------------

    async def file_problem(self, method: str, params: Params) -> str:
        """Return why a file of a call is refused, or nothing."""
        kind = method.removeprefix("send").lower()
        if kind == "mediagroup":
            items = [(item["type"], item["media"]) for item in params["media"]]
        else:
            items = [(kind, params[kind])] if kind in rules.MEDIA else []
        for name, given in items:
            problem = await self._file_problem(name, given)
            if problem:
                return problem
        return ""

    async def _file_problem(self, kind: str, given: str) -> str:
        if given in self.files:
            return rules.file_problem(kind, self.files[given].content)
        if not given.startswith(("http://", "https://")):
            return "wrong file identifier/HTTP URL specified"
        here = self.reach or urlsplit(given).hostname in {"127.0.0.1", "localhost"}
        return await self._url_problem(kind, given) if here else ""

    async def _url_problem(self, kind: str, url: str) -> str:
        """Fetch a file that a call names by its address, if it is on this machine."""
        if self._client is None:
            return "failed to get HTTP URL content"
        try:
            async with self._client.get(self.reached(url)) as answer:
                content = await answer.read() if answer.ok else b""
        except (aiohttp.ClientError, TimeoutError):
            content = b""
        if not content:
            return "failed to get HTTP URL content"
        self._keep_url(url, content)
        return rules.file_problem(kind, content, by_url=True)

    def _get_file(self, params: Params) -> Result:
        upload = self.files.get(params["file_id"])
        if upload is None:
            raise Refused("invalid file_id")
        if len(upload.content) > rules.DOWNLOAD_BYTES_MAX:
            raise Refused("file is too big")
        upload.shared_at = self.clock.now()
        ident = params["file_id"]
        path = {"file_path": f"files/{ident}", "file_size": len(upload.content)}
        return 0, {"file_id": ident, "file_unique_id": f"u{ident}", **path}

    # -- managed bots ------------------------------------------------------------------------

    def _managed(self, params: Params) -> str:
        if params["user_id"] not in self.managed:
            raise Refused("BOT_INVALID")
        return self.managed[params["user_id"]]

    def _replace_token(self, params: Params) -> Result:
        self.managed[params["user_id"]] = f"{self._managed(params)}+"
        return 0, self.managed[params["user_id"]]

    def _get_access(self, params: Params) -> Result:
        self._managed(params)
        return 0, self.access.get(params["user_id"], {"is_access_restricted": False})

    def _set_access(self, params: Params) -> Result:
        self._managed(params)
        users = [
            {"id": user, "is_bot": False, "first_name": f"Person {user}"}
            for user in params.get("added_user_ids", ())
        ]
        settings = {"is_access_restricted": params["is_access_restricted"], "added_users": users}
        self.access[params["user_id"]] = settings
        return 0, True


def _yes(_: Params) -> Result:
    return 0, True


def _scope(params: Params) -> tuple[str, str]:
    scope = params.get("scope") or {"type": "default"}
    named = scope["type"] if len(scope) == 1 else json.dumps(scope, sort_keys=True)
    return named, params.get("language_code", "")


def _bill(sale: Params, charge: str) -> Params:
    kept = {key: sale[key] for key in ("currency", "total_amount", "invoice_payload")}
    return {**kept, "telegram_payment_charge_id": charge}
