"""Where what an account is told leaves: e-mail through the mail queue, SMS and chats by channels.

What goes to a phone is no message of a conversation: it holds codes, which an outlet's operators
must not read. It is queued as a part of its own, without a history, on the installation's first SMS
channel, and is of no use after ten minutes. What goes to a chat is read there by operators too, so
that no code is ever sent to one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from chatworks.channels.models import ChannelKind, Prompt
from chatworks.channels.twilio.send import SMS_KIND
from chatworks.conversations.models import Post
from chatworks.conversations.service import post
from chatworks.identity.letters import written
from chatworks.identity.models import CODE_FOR
from chatworks.kit.work import Work
from chatworks.mail.service import queue as queue_mail
from chatworks.outbox import store as outbox
from chatworks.outbox.models import NewPart
from chatworks.outlets.service import Directory
from chatworks.sdk.messages import Message

NOTICE_FOR = timedelta(days=1)  # what holds no code is of use also where a mail server was away


@dataclass(slots=True)
class Couriers:
    """The courier of an installation at ``address`` (``identity.letters.Courier``)."""

    directory: Directory
    kinds: Mapping[str, ChannelKind]
    address: str

    async def send(  # noqa: PLR0913, PLR0917 - where, what, and in which language
        self,
        work: Work,
        kind: str,
        value: str,
        text_key: str,
        values: Mapping[str, str],
        language: str,
        *,
        decoy: bool = False,
    ) -> None:
        """Send a letter with the transaction; to a chat, ``value`` is ``outlet:conversation``."""
        letter = written(text_key, values, language)
        if kind == "email":
            good_for = CODE_FOR if "code" in values else NOTICE_FOR
            queue_mail(work, value, letter.subject, letter.body, good_for=good_for)
        elif kind == "phone":
            await self._text(work, value, letter.short, language, decoy=decoy)
        else:
            outlet, _, conversation = value.partition(":")
            message = Message(letter.short)
            post(work, Post(UUID(hex=outlet), UUID(hex=conversation), message))

    async def can_text(self) -> bool:
        """Return whether the installation has a channel for SMS."""
        return bool(await self.directory.channels(kind=SMS_KIND))

    async def _text(
        self, work: Work, number: str, text: str, language: str, *, decoy: bool
    ) -> None:
        channels = await self.directory.channels(kind=SMS_KIND)
        if not channels:
            return
        channel, nowhere = channels[0], work.new_id()
        prompt = Prompt(
            thread=number,
            seq=0,
            message=Message(text),
            is_group=False,
            language=language,
            address=self.address,
            window_open=True,
            templates=channel.templates,
        )
        parts = [
            NewPart(
                id=work.new_id(),
                outlet_id=channel.outlet_id,
                channel_id=channel.id,
                conversation_id=nowhere,
                thread=number,
                message_seq=0,
                part=n,
                payload=part,
                ready_at=work.now,
                expires_at=work.now + CODE_FOR,
            )
            for n, part in enumerate(self.kinds[SMS_KIND].plan(prompt).parts)
        ]
        async with work.conn.transaction(force_rollback=decoy):  # the same work, then undone
            await outbox.queue(work, parts)
