"""Proofs for commands that need a fresh factor, as the page of a step-up makes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from chatworks.commands.models import Call, Proof, StepUpNeeded
from chatworks.factors import step_ups, store
from chatworks.house import House
from chatworks.identity import service as identity
from chatworks.identity.models import Browser, Session


async def session_of(house: House, account_id: UUID) -> Session:
    """Begin a session of an account."""
    async with house.db.engine() as work:
        secrets = await identity.sign_in_as(work, account_id, {"cli"}, Browser("Firefox", "::1"))
        session = await identity.session_of(work, secrets.session)
    assert session is not None
    return session


async def proof_for(house: House, session: Session, operation: bytes) -> Proof:
    """Prove a step-up for one operation."""
    async with house.db.engine() as work:
        needed = StepUpNeeded(operation.hex(), "Do it", {})
        step_up_id = await step_ups.begin(work, session, needed)
        asked = await store.step_up(work, step_up_id, session)
        assert asked is not None
        assert await step_ups.prove(work, asked, "totp")
    return Proof(step_up_id, session.id, session.account_id)


async def proved(house: House, call: Call[Any], account_id: UUID) -> Call[Any]:
    """Return ``call`` with a proof for it, where it needs one."""
    if not house.dispatcher.needs_proof(call.request):
        return call
    session = await session_of(house, account_id)
    return msgspec.structs.replace(call, proof=await proof_for(house, session, call.operation()))
