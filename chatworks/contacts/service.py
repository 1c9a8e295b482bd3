"""Handlers of links and consent. Each takes many calls; what is expected never raises."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from chatworks.channels.models import Channel
from chatworks.commands.models import Call, Origin
from chatworks.contacts import core, store
from chatworks.contacts.core import Change, Join, Leave
from chatworks.contacts.models import (
    CODE_FOR,
    CODE_LENGTH,
    PERSON_CONTACTS_MAX,
    TRIES_BURST,
    TRY_SECONDS,
    Agreed,
    Joined,
    LinkNotValid,
    NoOtherWay,
    NotLinked,
    Offered,
    OwnLink,
    TooManyContacts,
    TooManyTries,
    Unlinked,
)
from chatworks.contacts.store import NewConsent, Shown
from chatworks.inbox import store as inbox
from chatworks.inbox.models import NewEvent
from chatworks.kit.crypto import digest
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work

VERSION_LENGTH = 16  # hexadecimal digits of a wording's digest


class Linker:
    """Handles what joins contacts. ``channels_of`` gives an outlet's channels that are switched on,
    ``page_of`` the address of its page.
    """

    def __init__(
        self,
        channels_of: Callable[[UUID], Awaitable[Sequence[Channel]]],
        page_of: Callable[[UUID], Awaitable[str]],
    ) -> None:
        self._channels_of = channels_of
        self._page_of = page_of

    async def offer(self, work: Work, calls: Sequence[Call[Any]]) -> list[Offered | Refusal]:
        """Handle ``OfferLink``: each conversation's new code replaces the one before."""
        origins = [_origin(call) for call in calls]
        scopes = [f"link-offer:{origin.conversation_id.hex}" for origin in origins]
        may = await store.may_try(work, scopes, TRY_SECONDS, TRIES_BURST)
        answers: list[Offered | Refusal] = []
        codes: dict[tuple[UUID, UUID], bytes] = {}
        for call, origin, scope in zip(calls, origins, scopes, strict=True):
            code = core.new_code(work.clock.random_bytes(CODE_LENGTH))
            channels = await self._channels_of(call.outlet_id)
            page = await self._page_of(call.outlet_id)
            ways = core.ways(channels, call.request.here, page, code)
            if scope not in may:
                answers.append(TooManyTries())
            elif not ways:
                answers.append(NoOtherWay())
            else:
                codes[call.outlet_id, origin.conversation_id] = digest(code)
                answers.append(Offered(code, tuple(ways)))
        if codes:
            await store.show_codes(work, codes, work.now + CODE_FOR)
        return answers


async def give(work: Work, calls: Sequence[Call[Any]]) -> list[Joined | Refusal]:
    """Handle ``GiveLink``: spend the code, join the two contacts, and call what waits over here."""
    origins = [_origin(call) for call in calls]
    scopes = [f"link-give:{origin.conversation_id.hex}" for origin in origins]
    may = await store.may_try(work, scopes, TRY_SECONDS, TRIES_BURST)
    keys = [(call.outlet_id, digest(call.request.code)) for call in calls]
    given = [(*key, origin.contact_id) for key, origin in zip(keys, origins, strict=True)]
    found = await store.shown(work, given)
    refusals = [
        TooManyTries() if scope not in may else _refusal(origin, source)
        for scope, origin, source in zip(scopes, origins, found, strict=True)
    ]
    wanted = {key for key, no in zip(keys, refusals, strict=True) if no is None}
    spent = await store.spend(work, sorted(wanted)) if wanted else set()
    answers: list[Joined | Refusal] = []
    events: list[NewEvent] = []
    for call, key, no, source in zip(calls, keys, refusals, found, strict=True):
        if no is not None or source is None or key not in spent:
            answers.append(no or LinkNotValid())
            continue
        spent.discard(key)  # of two who give it in one batch the first has it
        origin = _origin(call)
        _defer(work, Join(call.outlet_id, source.contact_id, origin.contact_id))
        told = {"leave": origin.conversation_id.hex}  # its next turn hands over what waits there
        address = (source.channel_id, source.thread)
        events.append(inbox.move_event(work, call.outlet_id, address, told))
        answers.append(Joined(source.contact_id, core.APPS.get(source.kind, source.kind)))
    if events:
        await inbox.accept(work.conn, events, work.now)
    return answers


def _origin(call: Call[Any]) -> Origin:
    """Return where a customer's call comes from: they give it from a conversation."""
    if call.origin is None:
        raise LookupError(f"{call.request.request_name} is given outside a conversation")
    return call.origin


def _refusal(origin: Origin, source: Shown | None) -> Refusal | None:
    if source is None:
        return LinkNotValid()
    if source.conversation_id == origin.conversation_id:
        return OwnLink()
    return TooManyContacts() if source.contacts >= PERSON_CONTACTS_MAX else None


async def unlink(work: Work, calls: Sequence[Call[Any]]) -> list[Unlinked | Refusal]:
    """Handle ``Unlink``."""
    members = [(call.outlet_id, _origin(call).contact_id) for call in calls]
    known = await store.persons(work, members)
    answers: list[Unlinked | Refusal] = []
    for member in members:
        alone = sum(person == known.get(member) for person in known.values()) <= 1
        if member not in known or alone:
            answers.append(NotLinked())
        else:
            _defer(work, Leave(*member))
            answers.append(Unlinked())
    return answers


def _defer(work: Work, change: Change) -> None:
    work.defer(regroup, change)


async def regroup(work: Work, changes: list[Change]) -> None:
    """Write all changes of persons of a transaction; meant for ``work.defer``."""
    await store.lock_persons(work, [change.outlet_id for change in changes])
    members = []
    for change in changes:
        ids = [change.one, change.other] if isinstance(change, Join) else [change.contact_id]
        members += [(change.outlet_id, contact_id) for contact_id in ids]
    known = await store.persons(work, members)
    await store.save_persons(work, core.regroup(known, changes, work.new_id))


async def set_consents(work: Work, calls: Sequence[Call[Any]]) -> list[Agreed]:
    """Handle ``SetConsent``: log what changes."""
    contacts = [(call.outlet_id, _origin(call).contact_id) for call in calls]
    stood = await store.agreed(work, contacts)
    answers: list[Agreed] = []
    new: list[NewConsent] = []
    for call, contact, (stands, last) in zip(calls, contacts, stood, strict=True):
        request = call.request
        after, changes = core.fold(stands, request.choices)
        version = hashlib.sha256(request.version.encode()).hexdigest()[:VERSION_LENGTH]
        new += [
            NewConsent(*contact, n, choice, request.source, request.wording, version)
            for n, choice in enumerate(changes, start=last + 1)
        ]
        answers.append(after)
    if new:
        await store.log_consent(work, new)
    return answers
