"""Somebody at the account pages, with the mails that they get."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from typing import cast

import httpx

from chatworks.house import House

CODE = re.compile(r"\b([0-9A-Z]{4}-[0-9A-Z]{4})\b")
TICKET = re.compile(r'name="ticket" value="([0-9a-f]{32})"')


@dataclass
class Person:
    """A browser at the account pages; ``house`` is asked for the mails that were queued."""

    house: House
    web: httpx.AsyncClient
    page: str = ""
    status: int = 0

    async def get(self, path: str) -> httpx.Response:
        return self._seen(await self.web.get(path, headers={"accept": "text/html"}))

    async def post(self, path: str, **form: str) -> httpx.Response:
        if "code" in form and "ticket" not in form:
            form = {**form, "ticket": self.ticket}
        return self._seen(await self.web.post(path, data=form))

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        self.page, self.status = answer.text, answer.status_code
        found = TICKET.search(answer.text)
        if found:
            self.ticket = found[1]
        return answer

    async def mails(self) -> list[tuple[str, str, str]]:
        """Return (to, subject, text) of every mail so far, the oldest first."""
        for leased in await self.house.postman.lease():
            await self.house.postman.send(leased)
        folder = self.house.settings.home / "mail"
        found = []
        for path in sorted(folder.glob("*.eml")) if folder.is_dir() else []:
            read = email.message_from_bytes(path.read_bytes(), policy=default)
            mail = cast("EmailMessage", read)
            body = mail.get_body(("plain",))
            text = "" if body is None else str(body.get_content())
            found.append((str(mail["to"]), str(mail["subject"]), text))
        return found

    async def code(self) -> str:
        """Return the code of the latest mail."""
        _, subject, _ = (await self.mails())[-1]
        return CODE.findall(subject)[-1]

    async def signs_up(self, address: str = "amina@example.com", name: str = "Amina") -> None:
        """Open an account, and be signed in to it."""
        await self.post("/account/sign-up", kind="person", name=name, email=address, by="code")
        await self.post("/account/sign-up/finish", code=await self.code())
        assert self.status == 303, self.page

    async def signed_in(self) -> bool:
        """Return whether a session lives; a device that the account does not know is confirmed."""
        answer = await self.get("/account")
        if answer.headers.get("location", "").startswith("/account/device"):
            await self.confirms_device()
            answer = await self.get("/account")
        return answer.status_code == 200

    async def confirms_device(self) -> None:
        """Have a code sent by mail, and type it."""
        await self.get("/account/device")
        way = re.search(r'name="send" value="([0-9a-f]{32})"', self.page)
        assert way is not None, self.page
        await self.post("/account/device", send=way[1])
        sent = [CODE.findall(mail[1]) for mail in await self.mails() if "Your code: " in mail[1]]
        await self.post("/account/device", text=sent[-1][-1], ticket=self.ticket)
        assert self.status == 303, self.page


Browsing = Callable[[], AbstractAsyncContextManager[Person]]
