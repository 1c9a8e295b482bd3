"""Twilio with what an account is made of: the account itself, its numbers, Messaging Services."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import twilio_schema
from aiohttp import web

from chatworks.kit.http import HttpClient
from chatworks.testing.twilio import Twilio
from chatworks.testing.twilio_api import ACCOUNT, Asked, Refusal

SERVICE = "MG" + "e" * 32


@dataclass(kw_only=True)
class Account(Twilio):
    """The stand-in with numbers, a service, and a status."""

    status: str = "active"
    numbers: list[dict[str, Any]] = field(default_factory=list)
    service: dict[str, Any] = field(default_factory=lambda: {"friendly_name": "MajiPro"})

    def routes(self) -> list[web.RouteDef]:
        """Return the stand-in's paths and these."""
        listed = f"{ACCOUNT}/IncomingPhoneNumbers"
        return [
            *Twilio.routes(self),
            self.route("GET", f"{ACCOUNT}.json", "FetchAccount", self._account),
            self.route("GET", f"{listed}.json", "ListIncomingPhoneNumber", self._numbers),
            self.route("POST", f"{listed}/{{sid}}.json", "UpdateIncomingPhoneNumber", self._set),
            self.route("GET", "/v1/Services/{sid}", "FetchService", self._service),
            self.route("POST", "/v1/Services/{sid}", "UpdateService", self._serve),
        ]

    def number(self, number: str, **more: Any) -> dict[str, Any]:
        """Add a number to the account."""
        sid = f"PN{len(self.numbers):032x}"
        row = {"sid": sid, "phone_number": number, "sms_url": "", "sms_method": "POST", **more}
        self.numbers.append(row)
        return row

    async def _account(self, _asked: Asked) -> web.Response:
        return web.json_response({"sid": self.account_sid, "status": self.status})

    async def _numbers(self, asked: Asked) -> web.Response:
        wanted = asked.params.get("PhoneNumber", "")
        found = [row for row in self.numbers if wanted in row["phone_number"]]
        return web.json_response({"incoming_phone_numbers": found})

    async def _set(self, asked: Asked) -> web.Response:
        for row in self.numbers:
            if row["sid"] == asked.request.match_info["sid"]:
                row["sms_url"] = asked.params["SmsUrl"]
                row["sms_method"] = asked.params["SmsMethod"]
                return web.json_response(row)
        raise Refusal(20404)

    async def _service(self, asked: Asked) -> web.Response:
        if asked.request.match_info["sid"] != SERVICE:
            raise Refusal(20404)
        return web.json_response(self.service)

    async def _serve(self, asked: Asked) -> web.Response:
        self.service["inbound_request_url"] = asked.params["InboundRequestUrl"]
        self.service["use_inbound_webhook_on_number"] = False
        return web.json_response(self.service)


@contextmanager
def by_the_book(base: str) -> Iterator[list[str]]:
    """Check every request that leaves for ``base`` against Twilio's own specifications; gives what
    left, and fails at the end where something did not fit.
    """
    plain, left, wrong = HttpClient._ask, [], []

    async def checked(  # noqa: PLR0917 - as what it stands for
        self: HttpClient, method: str, url: str, data: Any, headers: Any, seconds: float
    ) -> Any:
        if url.startswith(base):
            left.append(f"{method} {url.removeprefix(base)}")
            misfit = twilio_schema.leaving(url, method, data, headers.get("content-type", ""))
            if misfit and twilio_schema.specifications():
                wrong.append(misfit)
        return await plain(self, method, url, data, headers, seconds)

    HttpClient._ask = checked  # type: ignore[method-assign]
    try:
        yield left
    finally:
        HttpClient._ask = plain  # type: ignore[method-assign]
    assert wrong == []
