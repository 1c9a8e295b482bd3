"""A bot's side for tests of the stand-ins: a webhook that keeps what it gets."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import encode_basic_auth, web


@dataclass
class Hook:
    """A webhook. ``answers`` are the next statuses: 0 hangs; none left is 200."""

    answers: deque[int] = field(default_factory=deque)
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    said: str = ""
    base: str = ""

    async def serve(self, request: web.Request) -> web.Response:
        self.heard.append((str(request.rel_url), dict(request.headers), await request.read()))
        status = self.answers.popleft() if self.answers else 200
        if status == 0:
            await asyncio.sleep(3600)
        return web.Response(status=status, text=request.query.get("hub.challenge", self.said))

    @property
    def forms(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(body.decode(), keep_blank_values=True)) for *_, body in self.heard]


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header of basic authentication."""
    return {"Authorization": encode_basic_auth(name, password)}
