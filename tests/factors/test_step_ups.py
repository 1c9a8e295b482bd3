"""A fresh factor is good for one operation: not for another amount, payee, role or session."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from owners import HERE, enter
from stepping import proof_for, session_of

from chatworks.commands.dispatch import Dispatcher
from chatworks.commands.models import (
    Actor,
    ActorKind,
    Call,
    Command,
    Proof,
    Registration,
    StepUpNeeded,
)
from chatworks.factors import core, step_ups, store
from chatworks.factors.models import DemandSecondFactor
from chatworks.factors.proving import Given
from chatworks.house import House
from chatworks.identity.models import Session
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work


@dataclass(frozen=True, slots=True)
class PayOut(Command[int]):
    """Pay money out. It leaves at once."""

    payee: str
    amount_minor: int


class Empty(Refusal):
    """There is no money."""


@pytest.fixture
async def owner(house: House) -> Session:
    """A session of MajiPro's owner."""
    outlet = (await house.directory.outlets())[0]
    async with house.db.engine([outlet.id]) as work:
        rows = await work.conn.execute("SELECT account_id FROM membership")
        account_id = (await rows.fetchall())[0][0]
    return await session_of(house, account_id)


def bank(answer: int | Refusal = 7) -> Dispatcher:
    async def pay(_work: Work, calls: Any) -> list[int | Refusal]:
        return [answer for _ in calls]

    allow = frozenset({"operator", "agent", "system"})
    return Dispatcher(
        [Registration(PayOut, pay, allow, needs="money.write", fresh=True)], step_ups.spend
    )


def asks(session: Session, payee: str = "Amina", amount: int = 100) -> Call[int]:
    acting = session.acting
    actor = Actor(ActorKind.OPERATOR, acting.id.hex, acting.role)
    return Call(acting.outlet_id, actor, PayOut(payee, amount))


async def give(house: House, dispatcher: Dispatcher, call: Call[int]) -> int:
    async with house.db.engine([call.outlet_id]) as work:
        return await dispatcher.one(work, call)


async def test_without_a_proof_it_is_refused_in_words(house: House, owner: Session) -> None:
    call = asks(owner)

    with pytest.raises(StepUpNeeded) as refused:
        await give(house, bank(), call)

    said = {"payee": "Amina", "amount_minor": "100"}
    assert refused.value.args == (call.operation().hex(), "Pay money out", said)


async def test_a_proof_is_spent_with_the_operation_and_not_twice(
    house: House, owner: Session
) -> None:
    call = asks(owner)
    call = msgspec.structs.replace(call, proof=await proof_for(house, owner, call.operation()))

    assert await give(house, bank(), call) == 7
    with pytest.raises(StepUpNeeded):
        await give(house, bank(), call)


async def test_what_is_refused_costs_no_proof(house: House, owner: Session) -> None:
    call = asks(owner)
    call = msgspec.structs.replace(call, proof=await proof_for(house, owner, call.operation()))

    with pytest.raises(Empty):
        await give(house, bank(Empty()), call)

    assert await give(house, bank(), call) == 7


@pytest.mark.parametrize("other", ["amount", "payee", "role", "actor", "session", "account"])
async def test_a_proof_for_one_operation_is_refused_for_another(
    house: House, owner: Session, account: UUID, other: str
) -> None:
    call = asks(owner)
    proof = await proof_for(house, owner, call.operation())
    another = await enter(house, account, "cli")
    finance = replace(owner.acting, role="finance")
    changed: dict[str, Call[int]] = {
        "amount": asks(owner, amount=101),
        "payee": asks(owner, payee="Amina "),
        "role": asks(replace(owner, operator=finance)),
        "actor": msgspec.structs.replace(
            call, actor=Actor(ActorKind.OPERATOR, "0" * 32, owner.acting.role)
        ),
    }
    shown = {
        "session": Proof(proof.step_up_id, another.id, proof.account_id),
        "account": Proof(proof.step_up_id, proof.session_id, account),
    }.get(other, proof)

    with pytest.raises(StepUpNeeded):
        await give(house, bank(), msgspec.structs.replace(changed.get(other, call), proof=shown))
    assert await give(house, bank(), msgspec.structs.replace(call, proof=proof)) == 7


async def test_a_proof_dies_with_its_minutes_and_with_its_session(
    house: House, owner: Session, database_url: str
) -> None:
    call = asks(owner)
    late = await proof_for(house, owner, call.operation())
    ended = await proof_for(house, owner, call.operation())
    with psycopg.connect(database_url) as conn:
        conn.execute(
            "UPDATE step_up SET expires_at = expires_at - %s WHERE id = %s",
            [timedelta(minutes=5), late.step_up_id],
        )
    with pytest.raises(StepUpNeeded):
        await give(house, bank(), msgspec.structs.replace(call, proof=late))
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE session SET revoked_at = now()")
    with pytest.raises(StepUpNeeded):
        await give(house, bank(), msgspec.structs.replace(call, proof=ended))


async def test_our_own_machinery_needs_none_and_a_program_cannot_give_it(
    house: House, owner: Session
) -> None:
    call = asks(owner)
    system = Actor(ActorKind.SYSTEM, "job")
    name = PayOut.request_name
    program = Actor(ActorKind.AGENT, "1", "owner", frozenset({name}))

    assert await give(house, bank(), msgspec.structs.replace(call, actor=system)) == 7
    with pytest.raises(StepUpNeeded):
        await give(house, bank(), msgspec.structs.replace(call, actor=program))


async def test_an_unproved_step_up_and_a_weaker_factor_count_for_nothing(
    house: House, owner: Session
) -> None:
    wanted = step_ups.operation(owner.account_id, "x", {})
    async with house.db.engine() as work:
        step_up_id = await step_ups.begin(work, owner, StepUpNeeded(wanted.hex(), "Do it", {}))
        unproved = Proof(step_up_id, owner.id, owner.account_id)
        assert not await step_ups.spend(work, unproved, wanted)
        apps = house.prover.authenticators
        setup = await apps.begin(work, owner.account_id)
        step = int(work.now.timestamp()) // 30
        code = core.pyotp.TOTP(setup.secret).generate_otp(step)
        assert await apps.confirm(work, owner, code) is not None
        codes = await store.factors(work, owner.account_id)
    assert codes.recovery_left == 10

    for method in ("password", "code", "recovery", "cli"):
        assert not await house.prover.step_up(owner, HERE, step_up_id, Given(method, "x"))


async def test_an_outlet_demands_a_second_factor_by_a_fresh_one_only(
    house: House, owner: Session
) -> None:
    acting = owner.acting
    actor = Actor(ActorKind.OPERATOR, acting.id.hex, acting.role)
    call: Call[Any] = Call(acting.outlet_id, actor, DemandSecondFactor(demanded=True))
    with pytest.raises(StepUpNeeded):
        await give(house, house.dispatcher, call)
    async with house.db.engine() as work:
        assert not await store.demanded(work, acting.outlet_id)

    call = msgspec.structs.replace(call, proof=await proof_for(house, owner, call.operation()))
    await give(house, house.dispatcher, call)

    async with house.db.engine() as work:
        assert await store.demanded(work, acting.outlet_id)
        assert await store.without_second(work, acting.outlet_id) == [acting.name]
