"""The Content API of Twilio's stand-in: make, fetch, list, change, delete, submit for approval.

The rates are those of 2026-09-30 (reference/messaging.md §4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from chatworks.testing.rest import Asked, Refusal
from chatworks.testing.server import Bucket
from chatworks.testing.twilio_api import TwilioApi
from chatworks.testing.twilio_content import Content, approval_problem, creation_problem
from chatworks.testing.twilio_messages import new_sid, page

PER_SECOND = {
    "CreateContent": 100,
    "FetchContent": 100,
    "DeleteContent": 100,
    "UpdateContent": 20,
    "ListContent": 20,
    "ListContentAndApprovals": 20,
}


@dataclass(kw_only=True)
class TwilioContentApi(TwilioApi):
    """The requests about Content."""

    def routes(self) -> list[web.RouteDef]:
        """Return the paths of Twilio's hosts, those of content.twilio.com too."""
        one = "/v1/Content/{sid}"
        approvals = f"{one}/ApprovalRequests"
        listed = [
            self.route("GET", f"/{version}/{name}", f"List{name}", self._list_content)
            for version in ("v1", "v2")
            for name in ("Content", "ContentAndApprovals")
        ]
        return [
            *TwilioApi.routes(self),
            *listed,
            self.route("POST", "/v1/Content", "CreateContent", self._create_content),
            self.route("GET", one, "FetchContent", self._fetch_content),
            self.route("PUT", one, "UpdateContent", self._update_content),
            self.route("DELETE", one, "DeleteContent", self._delete_content),
            self.route("GET", approvals, "FetchApprovalFetch", self._fetch_approval),
            self.route("POST", f"{approvals}/whatsapp", "CreateApprovalCreate", self._submit),
        ]

    # -- what WhatsApp decides ---------------------------------------------------------------

    def decide(self, sid: str, state: str, reason: str = "") -> None:
        """Let WhatsApp say of a template: approved, rejected, paused or disabled."""
        self.contents[sid].state, self.contents[sid].reason = state, reason

    # -- what the server does ----------------------------------------------------------------

    def _within_rate(self, asked: Asked) -> None:
        name = asked.name
        rate = PER_SECOND[name]
        bucket = self.content_rates.setdefault(name, Bucket(rate, rate))
        if not bucket.take(self.clock.monotonic()):
            raise Refusal(20429)

    def _one_content(self, asked: Asked) -> Content:
        content = self.contents.get(asked.request.match_info["sid"])
        if content is None:
            raise Refusal(20404, f"Content/{asked.request.match_info['sid']}")
        return content

    async def _create_content(self, asked: Asked) -> web.Response:
        self._within_rate(asked)
        params = asked.params
        problem = creation_problem(params)
        if problem:
            raise Refusal(20422, problem)
        content = Content(
            sid=new_sid("HX"),
            account_sid=self.account_sid,
            friendly_name=params.get("friendly_name", ""),
            language=params["language"],
            variables=params.get("variables", {}),
            types=params["types"],
            created=self.clock.now(),
        )
        self.contents[content.sid] = content
        asked.made = content.sid
        return web.json_response(content.resource(self.base), status=201)

    async def _fetch_content(self, asked: Asked) -> web.Response:
        self._within_rate(asked)
        return web.json_response(self._one_content(asked).resource(self.base))

    async def _update_content(self, asked: Asked) -> web.Response:
        self._within_rate(asked)
        content, params = self._one_content(asked), asked.params
        problem = creation_problem({"language": content.language, **params})
        if problem or content.state not in {"unsubmitted", "rejected"}:
            raise Refusal(20422, problem or f"it is {content.state}")
        content.types = params["types"]
        content.variables = params.get("variables", content.variables)
        content.language = params.get("language", content.language)
        content.friendly_name = params.get("friendly_name", content.friendly_name)
        return web.json_response(content.resource(self.base))

    async def _delete_content(self, asked: Asked) -> web.Response:
        self._within_rate(asked)
        del self.contents[self._one_content(asked).sid]
        return web.Response(status=204)

    async def _list_content(self, asked: Asked) -> web.Response:
        self._within_rate(asked)
        whole = asked.name == "ListContentAndApprovals"
        try:
            rows, number, size, more = page(list(self.contents.values()), asked.params)
        except ValueError:
            raise Refusal(20422) from None
        url = f"{self.base}{asked.request.path}?PageSize={size}&Page="
        meta: dict[str, Any] = {
            "key": "contents",
            "page": number,
            "page_size": size,
            "url": f"{url}{number}",
            "first_page_url": f"{url}0",
            "next_page_url": f"{url}{number + 1}" if more else None,
            "previous_page_url": f"{url}{number - 1}" if number else None,
        }
        shown = [
            content.with_approvals(self.base) if whole else content.resource(self.base)
            for content in rows
        ]
        return web.json_response({"contents": shown, "meta": meta})

    async def _fetch_approval(self, asked: Asked) -> web.Response:
        return web.json_response(self._one_content(asked).approvals(self.base))

    async def _submit(self, asked: Asked) -> web.Response:
        content, params = self._one_content(asked), asked.params
        problem = approval_problem(content, params)
        if problem:
            raise Refusal(20422, problem)
        content.name, content.category = params["name"], params["category"]
        content.state, content.reason = "received", ""
        return web.json_response(content.approval(), status=201)
