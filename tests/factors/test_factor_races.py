"""Used once, whoever comes at the same time: codes, recovery codes, step-ups, challenges, tries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pyotp
import pytest
from owners import HERE, enter, open_account
from softkey import SoftKey

from chatworks.commands.models import Proof, StepUpNeeded
from chatworks.factors import core, service, step_ups, store
from chatworks.factors.proving import Given
from chatworks.house import House
from chatworks.identity.models import Session
from chatworks.kit.errors import TooMany

MANY = 64


async def together(count: int, once: Callable[[], Awaitable[object]]) -> list[object]:
    return await asyncio.gather(*(once() for _ in range(count)), return_exceptions=True)


async def with_app(house: House, session: Session) -> tuple[pyotp.TOTP, list[str]]:
    """Give an account an authenticator app; returns what makes its codes, and recovery codes."""
    apps = house.prover.authenticators
    async with house.db.engine() as work:
        setup = await apps.begin(work, session.account_id)
    app = pyotp.TOTP(setup.secret)
    async with house.db.engine() as work:
        last = int(work.now.timestamp()) // 30 - 1
        done = await apps.confirm(work, session, app.generate_otp(last))
    assert done is not None
    return app, done[1]


def current(house: House, app: pyotp.TOTP) -> str:
    return app.generate_otp(int(house.clock.now().timestamp()) // 30)


@pytest.mark.promise("secure-accounts")
async def test_of_sixty_four_uses_of_one_code_exactly_one_wins(
    house: House, session: Session
) -> None:
    app, _ = await with_app(house, session)
    code = current(house, app)

    async def once() -> bool:
        async with house.db.engine() as work:
            return await house.prover.authenticators.check(work, session.account_id, code)

    assert sorted(map(bool, await together(MANY, once))) == [False] * 63 + [True]


@pytest.mark.promise("secure-accounts")
async def test_of_sixty_four_uses_of_one_recovery_code_exactly_one_wins(
    house: House, session: Session
) -> None:
    _, codes = await with_app(house, session)

    async def once() -> bool:
        async with house.db.engine() as work:
            return await service.burn_recovery_code(work, session.account_id, codes[3])

    assert sorted(map(bool, await together(MANY, once))) == [False] * 63 + [True]
    async with house.db.engine() as work:
        assert (await store.factors(work, session.account_id)).recovery_left == 9


@pytest.mark.promise("secure-accounts")
async def test_of_sixty_four_uses_of_one_step_up_exactly_one_wins(
    house: House, session: Session
) -> None:
    wanted = step_ups.operation(session.account_id, "pay", {"amount": "100"})
    proof = await proved(house, session, wanted)

    async def once() -> bool:
        async with house.db.engine() as work:
            return await step_ups.spend(work, proof, wanted)

    assert sorted(map(bool, await together(MANY, once))) == [False] * 63 + [True]


async def proved(house: House, session: Session, wanted: bytes) -> Proof:
    async with house.db.engine() as work:
        needed = StepUpNeeded(wanted.hex(), "Pay {amount}", {"amount": "100"})
        step_up_id = await step_ups.begin(work, session, needed)
        asked = await store.step_up(work, step_up_id, session)
        assert asked is not None
        assert await step_ups.prove(work, asked, "totp")
        assert not await step_ups.prove(work, asked, "totp")
    return Proof(step_up_id, session.id, session.account_id)


@pytest.mark.promise("secure-accounts")
async def test_of_sixty_four_uses_of_one_challenge_exactly_one_wins(
    house_here: House, key: SoftKey
) -> None:
    house = house_here
    session = await enter(house, await open_account(house, "amina@shop.example"), "password")
    await register(house, session, key)
    async with house.db.engine() as work:
        asked = await house.prover.passkeys.ask(work, session)
    answer = key.sign(asked.options)

    async def once() -> bool:
        async with house.db.engine() as work:
            passkeys = house.prover.passkeys
            return await passkeys.check(work, session, asked.ticket, answer) is not None

    assert sorted(map(bool, await together(MANY, once))) == [False] * 63 + [True]


async def register(house: House, session: Session, key: SoftKey) -> UUID:
    async with house.db.engine() as work:
        asked = await house.prover.passkeys.ask_to_register(work, session)
    async with house.db.engine() as work:
        made = key.make(asked.options)
        return await house.prover.passkeys.register(work, session, asked.ticket, made, "Phone")


@pytest.mark.parametrize(
    "spelling", ["{0}", " {0} ", "{0[0]} {0[1]}{0[2]}-{0[3]}{0[4]}{0[5]}", "w"]
)
async def test_a_code_in_another_spelling_is_the_same_code(
    house: House, session: Session, spelling: str
) -> None:
    app, _ = await with_app(house, session)
    code = current(house, app)
    wide = code.translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    again = wide if not spelling else spelling.format(code)
    check = house.prover.authenticators.check

    async with house.db.engine() as work:
        assert await check(work, session.account_id, code)
        assert not await check(work, session.account_id, again)


async def test_a_recovery_code_in_another_spelling_is_burnt_with_it(
    house: House, session: Session
) -> None:
    _, codes = await with_app(house, session)
    odd = codes[0].lower().replace("-", " \u200b").replace("0", "o").replace("1", "l")

    async with house.db.engine() as work:
        assert await service.burn_recovery_code(work, session.account_id, odd)
        assert not await service.burn_recovery_code(work, session.account_id, codes[0])
        assert not await service.burn_recovery_code(work, session.account_id, "")


async def test_a_step_is_spent_with_everything_before_it(house: House, session: Session) -> None:
    app, _ = await with_app(house, session)
    step = int(house.clock.now().timestamp()) // 30
    check = house.prover.authenticators.check

    async with house.db.engine() as work:
        assert await check(work, session.account_id, app.generate_otp(step + 1))
        assert not await check(work, session.account_id, app.generate_otp(step))
        assert not await check(work, session.account_id, app.generate_otp(step + 1))
        later = work.now + timedelta(seconds=30 * 4)
        assert core.matching_step(app.secret, app.generate_otp(step + 1), later) is None


async def test_parallel_wrong_codes_spend_exactly_the_budget(
    house: House, session: Session
) -> None:
    app, _ = await with_app(house, session)
    wrong = "000000" if current(house, app) != "000000" else "000001"
    await house.prover.second(session, HERE, Given("totp", wrong))

    async def once() -> object:
        return await house.prover.second(session, HERE, Given("totp", wrong))

    answers = await together(20, once)

    assert [type(a) for a in answers if a is not None] == [TooMany] * 16
    assert answers.count(None) == 4  # five at once with the first, and then one a minute
    with pytest.raises(TooMany):
        await house.prover.second(session, HERE, Given("totp", current(house, app)))


async def test_tries_of_codes_and_of_passwords_are_counted_apart(
    house: House, session: Session
) -> None:
    await with_app(house, session)
    for _ in range(5):
        assert await house.prover.second(session, HERE, Given("totp", "000000")) is None
    with pytest.raises(TooMany):
        await house.prover.second(session, HERE, Given("totp", "000000"))

    for _ in range(10):
        assert await house.passwords.verify_own(session.account_id, "no", HERE) is None
    with pytest.raises(TooMany):
        await house.passwords.verify_own(session.account_id, "no", HERE)
