"""Step-ups: a factor shown anew for one operation of one session, and spent with it.

An operation is the SHA-256 of what is asked: its name and every value. A step-up that was proved
for one amount, payee or role is worth nothing for another.
"""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

import msgspec

from chatworks.commands.models import Proof, StepUpNeeded
from chatworks.factors import store
from chatworks.factors.models import StepUp
from chatworks.factors.service import note
from chatworks.identity.models import Session
from chatworks.kit.work import Work


def operation(account_id: UUID, name: str, values: dict[str, str]) -> bytes:
    """Return the SHA-256 of something that an account's owner asks of their own account."""
    body = msgspec.json.encode([name, account_id.hex, values], order="deterministic")
    return sha256(body).digest()


async def demand(work: Work, session: Session, name: str, asks: str, /, **values: str) -> None:
    """Spend the session's step-up on an act on its own account, or raise ``StepUpNeeded``.

    ``asks`` says in words what is asked; its fields are ``values``.
    """
    wanted = operation(session.account_id, name, values)
    if session.proof is None or not await spend(work, session.proof, wanted):
        raise StepUpNeeded(wanted.hex(), asks, values)


async def begin(work: Work, session: Session, needed: StepUpNeeded) -> UUID:
    """Return the id of a step-up that the session can prove within minutes."""
    wanted, asks, said = needed.args
    return await store.add_step_up(work, session, bytes.fromhex(wanted), asks, said)


async def prove(work: Work, asked: StepUp, method: str) -> bool:
    """Note that ``method`` was shown for a step-up; True once."""
    proved = await store.prove_step_up(work, asked, method)
    if proved:
        note(work, asked.account_id, "StepUp", method=method, session=asked.session_id.hex)
    return proved


async def spend(work: Work, proof: Proof, wanted: bytes) -> bool:
    """Spend a proved step-up on its operation, within the operation's own transaction."""
    return await store.spend_step_up(
        work, proof.step_up_id, proof.session_id, proof.account_id, wanted
    )
