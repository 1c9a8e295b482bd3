"""Whoever has the password and the mailbox, but not the second factor, gets nowhere, in any order.

Hypothesis chooses the steps; after each of them the second factor is still set, and no session of
the account opens anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
import pyotp
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from owners import HERE, enter, open_account

from chatworks.commands.models import StepUpNeeded
from chatworks.factors import service, step_ups, store
from chatworks.factors.models import Lack, NothingToRecover
from chatworks.factors.proving import Given
from chatworks.house import House
from chatworks.identity.models import IssuedCode, Session
from chatworks.kit.errors import TooMany

PASSWORD = "a long walk by the lake at dawn"


class Place:
    """Where it happens; Hypothesis shows its arguments, and a house is a long read."""

    def __init__(self, house: House, database_url: str) -> None:
        self.house, self.database_url = house, database_url


@pytest.fixture
def place(house: House, database_url: str) -> Place:
    return Place(house, database_url)


@dataclass(slots=True)
class Thief:
    """Has the password of an account and reads its mail."""

    house: House
    database_url: str
    account_id: UUID
    session: Session
    codes: list[IssuedCode] = field(default_factory=list)

    async def signs_in(self) -> None:
        self.session = await enter(self.house, self.account_id, "password")

    async def signs_in_by_mail(self) -> None:
        self.session = await enter(self.house, self.account_id, "link", "email")

    async def sets_another_password(self) -> None:
        prepared = await self.house.passwords.prepare(PASSWORD, [])
        async with self.house.db.engine() as work:
            await self.house.passwords.change(work, self.account_id, prepared, self.session.id)

    async def asks_for_a_code(self, wanted: str, about: UUID) -> None:
        async with self.house.db.engine() as work:
            way = (await self.house.prover.ways.of(work, self.account_id))[0]
            kept = {"for": wanted, "id": about.hex}
            issued = await self.house.prover.ways.send_code(work, self.account_id, way, kept)
        self.codes.append(issued)

    async def begins_a_recovery(self) -> None:
        try:
            async with self.house.db.engine() as work:
                asked = await self.house.prover.recoveries.begin(work, self.session)
        except NothingToRecover:
            return
        await self.asks_for_a_code("recovery", asked.id)

    async def asks_to_confirm_the_device(self) -> None:
        if self.session.device_id is not None:
            await self.asks_for_a_code("device", self.session.device_id)

    async def types_the_codes(self) -> None:
        for code in self.codes:
            shown = Given("code", code.secret, code.id)
            await self.house.prover.recovery(self.session, HERE, shown)
            await self.house.prover.device(self.session, HERE, shown)

    async def guesses(self) -> None:
        for method in ("totp", "recovery", "password", "code", "passkey"):
            await self.house.prover.second(self.session, HERE, Given(method, "000000"))
        await self.house.prover.recovery(self.session, HERE, Given("recovery", "0" * 16))

    async def steps_up(self) -> None:
        asks = ("factors.RemoveAuthenticator", "Remove the authenticator app")
        try:
            async with self.house.db.engine() as work:
                await step_ups.demand(work, self.session, *asks)
        except StepUpNeeded as needed:
            async with self.house.db.engine() as work:
                step_up_id = await step_ups.begin(work, self.session, needed)
        else:
            raise AssertionError("nothing was asked")
        await self.asks_for_a_code("step_up", step_up_id)
        for shown in (Given("password", PASSWORD), Given("code", self.codes[-1].secret)):
            assert not await self.house.prover.step_up(self.session, HERE, step_up_id, shown)

    async def waits(self) -> None:
        with psycopg.connect(self.database_url) as conn:
            conn.execute("UPDATE factor_recovery SET due_at = due_at - interval '80 hours'")
        await self.house.recoverer.step()


STEPS: list[Callable[[Thief], Awaitable[None]]] = [
    Thief.signs_in,
    Thief.signs_in_by_mail,
    Thief.sets_another_password,
    Thief.begins_a_recovery,
    Thief.asks_to_confirm_the_device,
    Thief.types_the_codes,
    Thief.guesses,
    Thief.steps_up,
    Thief.waits,
]


@pytest.mark.promise("secure-accounts")
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(steps=[Thief.begins_a_recovery, Thief.types_the_codes, Thief.waits, Thief.signs_in])
@example(steps=[Thief.steps_up, Thief.sets_another_password, Thief.signs_in_by_mail])
@given(steps=st.lists(st.sampled_from(STEPS), min_size=4, max_size=10))
async def test_no_order_of_steps_goes_around_a_second_factor(
    place: Place, steps: list[Callable[[Thief], Awaitable[None]]]
) -> None:
    house, database_url = place.house, place.database_url
    with psycopg.connect(database_url) as conn:
        conn.execute("UPDATE account_address SET verified_at = NULL")  # of the example before
    account_id = await open_account(house, "a@shop.example")
    owner = await enter(house, account_id, "password")
    async with house.db.engine() as work:
        setup = await house.prover.authenticators.begin(work, account_id)
        code = pyotp.TOTP(setup.secret).generate_otp(int(work.now.timestamp()) // 30)
        assert await house.prover.authenticators.confirm(work, owner, code) is not None
    prepared = await house.passwords.prepare(PASSWORD, [])
    async with house.db.engine() as work:
        await house.passwords.put(work, account_id, prepared)
    thief = Thief(house, database_url, account_id, await enter(house, account_id, "password"))

    for step in steps:
        with psycopg.connect(database_url) as conn:
            conn.execute("DELETE FROM rate_limit")
        with suppress(TooMany):
            await step(thief)

        async with house.db.engine() as work:
            held = await store.factors(work, account_id)
            lacks = await service.lack(work, thief.session)
        assert (held.totp, held.recovery_left, lacks) == (True, 10, Lack.SECOND)
