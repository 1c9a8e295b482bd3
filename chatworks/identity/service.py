"""Sign-in links, sessions and staff chats."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from chatworks.commands.models import Call
from chatworks.identity import store
from chatworks.identity.models import (
    SECRET_BYTES,
    SESSION_FOR,
    SIGN_IN_LINK_FOR,
    STAFF_CODE_FOR,
    STAFF_CODE_LENGTH,
    STAFF_TRIES_BURST,
    STAFF_TRY_SECONDS,
    Bound,
    CodeNotValid,
    NoOperator,
    OneTime,
    Operator,
    Session,
    TooManyTries,
    Unbound,
)
from chatworks.kit.errors import NotFound, Refusal
from chatworks.kit.work import Work

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nothing is misread
_MISREAD = str.maketrans("ILO", "110")
DEVICE_LENGTH_MAX = 300


def digest(secret: str) -> bytes:
    """Return what is stored of a secret. It is random and long: one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).digest()


def _new_secret(work: Work) -> str:
    return urlsafe_b64encode(work.clock.random_bytes(SECRET_BYTES)).decode().rstrip("=")


async def issue_sign_in_link(work: Work, outlet_id: UUID) -> str:
    """Return a fresh one-time secret that signs the outlet's owner in within 24 hours."""
    found = await store.operators(work, outlet_id)
    if not found:
        raise NotFound("this outlet has no operator")
    secret = _new_secret(work)
    expires_at = work.now + SIGN_IN_LINK_FOR
    await store.add_code(work, found[0], "sign_in", digest(secret), expires_at)
    return secret


async def sign_in(work: Work, secret: str, device: tuple[str, str]) -> str | None:
    """Spend a sign-in link; returns the new session's secret, or None where it is not valid."""
    owner = await store.spend_code(work, "sign_in", digest(secret))
    if owner is None:
        return None
    session_secret = _new_secret(work)
    agent, address = (text[:DEVICE_LENGTH_MAX] for text in device)
    await store.add_session(
        work, owner, digest(session_secret), work.now + SESSION_FOR, (agent, address)
    )
    return session_secret


async def session_of(work: Work, secret: str) -> Session | None:
    """Return who is signed in with this cookie, or None."""
    return await store.session(work, digest(secret))


async def sign_out(work: Work, secret: str) -> None:
    """End the session at once."""
    await store.revoke(work, digest(secret))


async def issue_staff_code(work: Work, operator: Operator) -> str:
    """Return a code of eight letters that binds a chat to ``operator`` within ten minutes."""
    drawn = work.clock.random_bytes(STAFF_CODE_LENGTH)
    code = "".join(CROCKFORD[byte % len(CROCKFORD)] for byte in drawn)
    expires_at = work.now + STAFF_CODE_FOR
    await store.add_code(work, operator, "staff_chat", digest(code), expires_at)
    return code


async def issue_sign_in_links(work: Work, calls: Sequence[Call[Any]]) -> list[OneTime | Refusal]:
    """Handle ``IssueSignInLink``."""
    answers: list[OneTime | Refusal] = []
    for call in calls:
        try:
            answers.append(OneTime(await issue_sign_in_link(work, call.outlet_id)))
        except NotFound:
            answers.append(NoOperator())
    return answers


async def issue_staff_codes(work: Work, calls: Sequence[Call[Any]]) -> list[OneTime | Refusal]:
    """Handle ``IssueStaffCode``."""
    answers: list[OneTime | Refusal] = []
    for call in calls:
        operator = Operator(call.outlet_id, UUID(call.actor.id), "", call.actor.role)
        answers.append(OneTime(await issue_staff_code(work, operator)))
    return answers


async def bind_staff_chat(work: Work, calls: Sequence[Call[Any]]) -> list[Bound | Refusal]:
    """Handle ``BindStaffChat``: few, and each spends its own code."""
    return [await _bind(work, call) for call in calls]


async def _bind(work: Work, call: Call[Any]) -> Bound | Refusal:
    if call.origin is None:
        return CodeNotValid()
    here = call.origin.conversation_id
    owner = await spend_staff_code(work, here, call.request.code, call.outlet_id)
    if isinstance(owner, Refusal):
        return owner
    await store.bind_staff(work, *owner, call.origin.conversation_id)
    names = {o.id: o.name for o in await store.operators(work, call.outlet_id)}
    return Bound(names[owner[1]])


async def spend_staff_code(
    work: Work, conversation_id: UUID, code: str, outlet_id: UUID | None
) -> tuple[UUID, UUID] | Refusal:
    """Spend a staff code that was given in a conversation; returns its (outlet, operator).

    Tries are limited by conversation. ``outlet_id`` None takes the code of any outlet.
    """
    scope = f"staff-code:{conversation_id.hex}"
    pause = timedelta(seconds=STAFF_TRY_SECONDS)
    if not await store.may_try(work, scope, pause, STAFF_TRIES_BURST):
        return TooManyTries()
    read = code.upper().replace("-", "").replace(" ", "").translate(_MISREAD)
    return await store.spend_code(work, "staff_chat", digest(read), outlet_id) or CodeNotValid()


async def unbind_staff_chats(work: Work, calls: Sequence[Call[Any]]) -> list[Unbound | Refusal]:
    """Handle ``UnbindStaffChats``."""
    return [
        Unbound(await store.unbind_staff(work, call.outlet_id, UUID(call.actor.id)))
        for call in calls
    ]


async def staff_of(work: Work, operator: Operator) -> int:
    """Return how many staff chats the outlet has."""
    return len(await store.staff_chats(work, [operator.outlet_id]))
