"""Issuing and revoking keys, and finding out who calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from chatworks.api import core, store
from chatworks.api.models import (
    DAYS_MAX,
    KEYS_MAX,
    NAME_LENGTH_MAX,
    SCOPES_MAX,
    Caller,
    IssueKey,
    Key,
    KeyIssued,
    KeyNotValid,
    KeyRevoked,
    NoSuchKey,
)
from chatworks.commands.dispatch import Dispatcher
from chatworks.commands.models import Actor, ActorKind, Call, Registration
from chatworks.kit.crypto import digest
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work

Offered = Callable[[], Sequence[Registration]]


class Issuer:
    """Handles ``IssueKey``; ``offered`` gives everything that a key may name."""

    def __init__(self, offered: Offered) -> None:
        self._offered = offered

    async def __call__(self, work: Work, calls: Sequence[Call[Any]]) -> list[KeyIssued | Refusal]:
        """Make each call's key."""
        return [await self._issue(work, call) for call in calls]

    async def _issue(self, work: Work, call: Call[Any]) -> KeyIssued | Refusal:
        wanted: IssueKey = call.request
        if problem := _problem(wanted, core.known(self._offered())):
            return problem
        if await store.working(work, call.outlet_id) >= KEYS_MAX:
            return KeyNotValid("key", f"at most {KEYS_MAX} may work at once: revoke one first")
        issuer = call.actor.operator_id
        if issuer is None:
            return KeyNotValid("key", "is issued by somebody of the outlet")
        secret, prefix = core.mint(work.clock.random_bytes)
        key = store.NewKey(
            id=work.new_id(),
            name=wanted.name.strip(),
            prefix=prefix,
            secret_hash=digest(secret),
            scopes=sorted(set(wanted.scopes)),
            membership_id=issuer,
            expires_at=work.now + timedelta(days=wanted.days),
        )
        await store.add(work, call.outlet_id, key)
        return KeyIssued(key.id, secret)


def _problem(wanted: IssueKey, known: frozenset[str]) -> KeyNotValid | None:
    name = wanted.name.strip()
    strange = sorted(set(wanted.scopes) - known)
    limits = {
        ("name", f"1 to {NAME_LENGTH_MAX} characters"): (
            0 < len(name) <= NAME_LENGTH_MAX and name.isprintable()
        ),
        ("days", f"1 to {DAYS_MAX}"): 0 < wanted.days <= DAYS_MAX,
        ("scopes", f"1 to {SCOPES_MAX}"): 0 < len(wanted.scopes) <= SCOPES_MAX,
        ("scopes", f"names nothing: {''.join(strange[:1])}"): not strange,
    }
    return next((KeyNotValid(*limit) for limit, kept in limits.items() if not kept), None)


async def revoke_keys(work: Work, calls: Sequence[Call[Any]]) -> list[KeyRevoked | Refusal]:
    """Handle ``RevokeKey``."""
    return [
        KeyRevoked(call.request.key_id)
        if await store.revoke(work, call.outlet_id, call.request.key_id)
        else NoSuchKey()
        for call in calls
    ]


async def list_keys(work: Work, calls: Sequence[Call[Any]]) -> list[list[Key]]:
    """Handle ``ListKeys``."""
    return [await store.keys(work, call.outlet_id) for call in calls]


async def caller_of(work: Work, presented: str, dispatcher: Dispatcher) -> Caller | None:
    """Return who shows this key, and note its use; None where it does not work.

    A key is judged by its issuer's membership of this moment: it ends with them, and where they may
    issue keys no more.
    """
    prefix = core.prefix_of(presented)
    if prefix is None:
        return None
    hashed = digest(presented)
    for key in await store.find(work, prefix):
        issuer = Actor(ActorKind.OPERATOR, key.membership_id.hex, key.role)
        if core.same(hashed, key.secret_hash) and dispatcher.may(issuer, IssueKey):
            await store.note_use(work, key)
            cap = core.cap(key.scopes, dispatcher.offered())
            actor = Actor(ActorKind.AGENT, key.id.hex, key.role, cap, behalf=issuer.id)
            return Caller(key.outlet_id, actor)
    return None
