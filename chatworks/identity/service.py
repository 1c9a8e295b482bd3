"""Signing in and out, one-time codes, devices, memberships' first step, and staff chats.

Everything here takes an open transaction of the engine's login: accounts are in no outlet. What an
owner does to their own account is no command of an outlet; its audit leaf is appended here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.commands.models import Call
from chatworks.identity import store
from chatworks.identity.core import letters, normal_address, normal_code
from chatworks.identity.models import (
    AGENT_LENGTH_MAX,
    CODE_FOR,
    CODE_LENGTH,
    CODES_FOR,
    DEVICES_REMEMBERED,
    SECRET_BYTES,
    SESSION_FOR,
    Account,
    Bound,
    Browser,
    CodeForm,
    CodeNotValid,
    IssuedCode,
    NewCode,
    NewSession,
    NoOperator,
    OneTime,
    Operator,
    Secrets,
    Session,
    SignedIn,
    SpentCode,
    TooManyTries,
    Unbound,
)
from chatworks.kit.crypto import digest, new_secret
from chatworks.kit.errors import NotFound, Refusal
from chatworks.kit.work import Work

NOTHING: Mapping[str, str] = {}
STAFF_TRIES_BURST = 5  # wrong codes from one conversation at once, then one a minute
STAFF_TRY = timedelta(minutes=1)


def note(work: Work, account_id: UUID, act: str, **details: str | int | None) -> None:
    """Append a leaf about an account, by its owner; its security history shows it.

    ``details`` are no personal data: kinds, counts and ids.
    """
    work.defer(audit.append, Leaf.of_account(account_id, f"identity.{act}", details))


# One-time codes


async def issue_code(
    work: Work,
    purpose: str,
    account_id: UUID | None,
    about: Mapping[str, str],
    form: CodeForm,
) -> IssuedCode:
    """Return a fresh secret for ``purpose``. ``account_id`` None makes a decoy of the same shape.

    ``about`` is kept with it and given to whoever spends it.
    """
    if form is CodeForm.LETTERS:
        secret = letters(work.clock.random_bytes(CODE_LENGTH))
    else:
        secret = new_secret(work.clock, SECRET_BYTES)
    expires_at = work.now + CODES_FOR.get(purpose, CODE_FOR)
    code = NewCode(purpose, account_id, about, digest(secret), expires_at)
    code_id = await store.add_code(work, code)
    return IssuedCode(code_id, secret)


async def spend_code(
    work: Work,
    purpose: str,
    secret: str,
    about: Mapping[str, str] = NOTHING,
    *,
    ticket: UUID | None = None,
) -> SpentCode | None:
    """Spend a code whose ``about`` holds what is given here; exactly one caller gets it.

    With its ``ticket`` a wrong secret costs the code one of its tries. Without one the secret alone
    finds it: that is for links, and for letters whose tries the caller limits. Nothing may be
    rolled back after a wrong try: within the transaction the caller answers and does not raise.
    """
    code = normal_code(secret)
    hidden = digest(code if len(code) == CODE_LENGTH else secret)
    if ticket is None:
        return await store.spend_code(work, purpose, hidden, about)
    return await store.try_code(work, purpose, ticket, hidden, about)


# Sessions and devices


async def find_account(work: Work, kind: str, value: str) -> UUID | None:
    """Return whose *verified* e-mail address or phone number this is; ``Invalid`` if it is none."""
    return await store.find_account(work, kind, normal_address(kind, value))


def device_hashes(browser: Browser) -> list[bytes]:
    """Return the hashes of the device secrets that a browser brings, one for each account."""
    return [digest(secret) for secret in browser.known.split(".")[-DEVICES_REMEMBERED:] if secret]


async def sign_in_as(
    work: Work,
    account_id: UUID,
    methods: Collection[str],
    browser: Browser,
    outlet_id: UUID | None = None,
) -> Secrets:
    """Begin a session of an account that proved itself by ``methods``; returns its cookies.

    The console shows ``outlet_id``, or else the account's oldest membership, if there is any. A
    browser that the account does not know becomes a new device, and never takes over a secret
    that somebody else could have planted in it.
    """
    seen = Browser(
        browser.user_agent[:AGENT_LENGTH_MAX], browser.address[:AGENT_LENGTH_MAX], browser.known
    )
    device_id = await store.known_device(work, account_id, device_hashes(seen), seen)
    known, cookie = device_id is not None, seen.known
    if device_id is None:
        secret = new_secret(work.clock, SECRET_BYTES)
        device_id = await store.add_device(work, account_id, digest(secret), seen)
        cookie = ".".join([*filter(None, seen.known.split(".")), secret][-DEVICES_REMEMBERED:])
    session_secret = new_secret(work.clock, SECRET_BYTES)
    shown = [
        operator
        for operator in await store.memberships(work, account_id)
        if outlet_id in {None, operator.outlet_id}
    ]
    new = NewSession(
        account_id,
        device_id,
        digest(session_secret),
        methods,
        shown[0] if shown else None,
        work.now + SESSION_FOR,
    )
    session_id = await store.add_session(work, new, seen)
    how = " ".join(sorted(methods))
    note(work, account_id, "SignIn", methods=how, device=device_id.hex, session=session_id.hex)
    if not known:
        note(work, account_id, "NewDevice", device=device_id.hex)
    work.publish(SignedIn(account_id, session_id, device_id, not known, frozenset(methods)))
    return Secrets(session_secret, cookie)


async def session_of(work: Work, secret: str) -> Session | None:
    """Return the session behind a cookie, with the membership and role of today, or None."""
    return await store.session(work, digest(secret))


async def refresh(work: Work, session: Session, method: str) -> str | None:
    """Note that ``method`` was shown just now; returns the session's new secret.

    The old one is dead at once. None where the session has ended meanwhile.
    """
    secret = new_secret(work.clock, SECRET_BYTES)
    if not await store.refresh(work, session, digest(secret), method):
        return None
    note(work, session.account_id, "Prove", method=method, session=session.id.hex)
    return secret


async def switch_outlet(work: Work, session: Session, outlet_id: UUID) -> str | None:
    """Show another outlet of the account's in the console; returns the session's new secret.

    None where the account is no member there, or the session has ended.
    """
    secret = new_secret(work.clock, SECRET_BYTES)
    if not await store.switch(work, session, digest(secret), outlet_id):
        return None
    note(work, session.account_id, "SwitchOutlet", outlet=outlet_id.hex, session=session.id.hex)
    return secret


async def sign_out(work: Work, secret: str) -> None:
    """End the session at once."""
    ended = await store.revoke(work, digest(secret))
    if ended is not None:
        note(work, ended[1], "SignOut", session=ended[0].hex)


async def revoke_session(work: Work, account_id: UUID, session_id: UUID) -> bool:
    """End one session of an account at once; returns whether it was alive."""
    ended = await store.revoke_one(work, account_id, session_id)
    if ended:
        note(work, account_id, "RevokeSession", session=session_id.hex)
    return ended


async def revoke_sessions(work: Work, account_id: UUID, but: UUID | None = None) -> int:
    """End every session of an account ``but`` one at once; returns how many they were."""
    count = await store.revoke_all(work, account_id, but)
    if count:
        note(work, account_id, "RevokeSessions", count=count)
    return count


async def memberships(work: Work, account_id: UUID) -> list[Operator]:
    """Return where an account is a member today, the oldest membership first."""
    return await store.memberships(work, account_id)


async def confirm_device(work: Work, account_id: UUID, device_id: UUID) -> bool:
    """Note that another channel of the account confirmed a device."""
    confirmed = await store.confirm_device(work, account_id, device_id)
    if confirmed:
        note(work, account_id, "ConfirmDevice", device=device_id.hex)
    return confirmed


async def forget_device(work: Work, account_id: UUID, device_id: UUID) -> bool:
    """Forget a device and end its sessions at once; returns whether it was known."""
    forgotten = await store.forget_device(work, account_id, device_id)
    if forgotten:
        note(work, account_id, "ForgetDevice", device=device_id.hex)
    return forgotten


async def forget_old(work: Work, limit: int) -> int:
    """Remove sessions, devices and codes that are kept no longer; returns how many rows."""
    gone = await store.forget_old(work, limit)
    if gone:
        kept = {"count": gone}
        leaf = Leaf(None, "system", "retention", "identity.ForgetOld", "session", "", {**kept})
        work.defer(audit.append, leaf)
    return gone


# The first operator, and links from the command line


async def add_first_operator(work: Work, outlet_id: UUID, name: str) -> bool:
    """Make ``name`` the owner of an outlet that never had a member; returns whether it was so."""
    if await store.has_members(work, outlet_id):
        return False
    account = Account(work.new_id(), "person", name, None, "en", "UTC", work.now)
    await store.add_account(work, account)
    member = await store.add_membership(work, outlet_id, account.id, "owner")
    leaf = Leaf(
        outlet_id,
        "platform",
        "outlet file",
        "identity.AddFirstOperator",
        "membership",
        str(member and member.hex),
        {"account": account.id.hex, "role": "owner"},
    )
    work.defer(audit.append, leaf)
    return True


async def issue_sign_in_link(work: Work, outlet_id: UUID) -> str:
    """Return a fresh one-time secret that signs the outlet's owner in within 24 hours."""
    members = await store.operators(work, outlet_id)
    owner = next((member for member in members if member.role == "owner"), None)
    if owner is None:
        raise NotFound("this outlet has no owner")
    issued = await issue_code(work, "sign_in", owner.account_id, _whose(owner), CodeForm.LINK)
    return issued.secret


async def sign_in(work: Work, secret: str, browser: Browser) -> Secrets | None:
    """Spend a link of the command line; returns the cookies, or None where it is not valid."""
    spent = await spend_code(work, "sign_in", secret)
    if spent is None or spent.account_id is None:
        return None
    outlet_id = UUID(hex=spent.about["outlet"])
    return await sign_in_as(work, spent.account_id, {"cli"}, browser, outlet_id)


async def issue_sign_in_links(work: Work, calls: Sequence[Call[Any]]) -> list[OneTime | Refusal]:
    """Handle ``IssueSignInLink``."""
    answers: list[OneTime | Refusal] = []
    for call in calls:
        try:
            answers.append(OneTime(await issue_sign_in_link(work, call.outlet_id)))
        except NotFound:
            answers.append(NoOperator())
    return answers


def _whose(operator: Operator) -> dict[str, str]:
    return {"outlet": operator.outlet_id.hex, "membership": operator.id.hex}


# Staff chats


async def issue_staff_code(work: Work, operator: Operator) -> str:
    """Return a code of eight letters that binds a chat to ``operator`` within ten minutes."""
    about = _whose(operator)
    return (
        await issue_code(work, "staff_chat", operator.account_id, about, CodeForm.LETTERS)
    ).secret


async def issue_staff_codes(work: Work, calls: Sequence[Call[Any]]) -> list[OneTime | Refusal]:
    """Handle ``IssueStaffCode``."""
    answers: list[OneTime | Refusal] = []
    for call in calls:
        operator = await _member(work, call.outlet_id, UUID(call.actor.id))
        answers.append(
            NoOperator() if operator is None else OneTime(await issue_staff_code(work, operator))
        )
    return answers


async def _member(work: Work, outlet_id: UUID, membership_id: UUID) -> Operator | None:
    members = await store.operators(work, outlet_id)
    return next((member for member in members if member.id == membership_id), None)


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
    operator = await _member(work, *owner)
    if operator is None:
        return CodeNotValid()
    await store.bind_staff(work, operator, here)
    return Bound(operator.name)


async def spend_staff_code(
    work: Work, conversation_id: UUID, code: str, outlet_id: UUID | None
) -> tuple[UUID, UUID] | Refusal:
    """Spend a staff code that was given in a conversation; returns its (outlet, operator).

    Tries are limited by conversation. ``outlet_id`` None takes the code of any outlet.
    """
    scope = f"staff-code:{conversation_id.hex}"
    if not await store.may_try(work, scope, STAFF_TRY, STAFF_TRIES_BURST):
        return TooManyTries()
    about = NOTHING if outlet_id is None else {"outlet": outlet_id.hex}
    spent = await spend_code(work, "staff_chat", code, about)
    if spent is None:
        return CodeNotValid()
    return UUID(hex=spent.about["outlet"]), UUID(hex=spent.about["membership"])


async def unbind_staff_chats(work: Work, calls: Sequence[Call[Any]]) -> list[Unbound | Refusal]:
    """Handle ``UnbindStaffChats``."""
    return [
        Unbound(await store.unbind_staff(work, call.outlet_id, UUID(call.actor.id)))
        for call in calls
    ]


async def staff_of(work: Work, operator: Operator) -> int:
    """Return how many staff chats the outlet has."""
    return len(await store.staff_chats(work, [operator.outlet_id]))
