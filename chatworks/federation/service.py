"""Attempts, identities and their accounts: what happens here, between the calls to a provider.

Nobody gets into an account that exists because a provider claims their address: who is new here
proves an address by a code of ours, and the identity is connected to whoever has it. Functions that
take a ``Work`` are parts of the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from chatworks.audit import store as audit
from chatworks.audit.models import Leaf
from chatworks.federation import store
from chatworks.federation.models import (
    ATTEMPT_FOR,
    Asked,
    CodeNotRight,
    Entered,
    OthersIdentity,
    Person,
    Provider,
    Stranger,
    Wanted,
)
from chatworks.identity import limits
from chatworks.identity import service as identity
from chatworks.identity import store as addresses
from chatworks.identity.accounts import open_account
from chatworks.identity.core import normal_address, spell_code
from chatworks.identity.letters import Courier
from chatworks.identity.models import Browser, CodeForm, Details, LastWayIn, Typed
from chatworks.kit.crypto import CannotOpen, Vault
from chatworks.kit.db import Database
from chatworks.kit.errors import NotFound
from chatworks.kit.work import Work

CODE_PURPOSE = "federation"


class _Note(msgspec.Struct):
    """What is in a ticket, and until when it is good."""

    until: datetime
    fields: dict[str, str]


class Tickets:
    """Sealed notes that a form carries to its next step: nobody reads, makes or changes one.

    They travel in the bodies of same-site requests alone, never in an address, so that nobody can
    have another person answer with a ticket of theirs.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._decoder = msgspec.json.Decoder(_Note)

    def seal(self, now: datetime, wanted: str, fields: Mapping[str, str]) -> str:
        """Return a ticket for what is wanted next, good for as long as an attempt."""
        note = msgspec.json.encode(_Note(now + ATTEMPT_FOR, dict(fields))).decode()
        return self._vault.seal(note, f"federation.{wanted}").hex()

    def open(self, now: datetime, wanted: str, ticket: str) -> dict[str, str] | None:
        """Return what a ticket holds; None where it is for something else, or no longer good."""
        try:
            note = self._vault.open(bytes.fromhex(ticket), f"federation.{wanted}")
        except (ValueError, CannotOpen):
            return None
        read = self._decoder.decode(note)
        return read.fields if read.until > now else None


def note(work: Work, account_id: UUID, act: str, **details: str) -> None:
    """Append a leaf about an account, by its owner; ``details`` are no personal data."""
    work.defer(audit.append, Leaf.of_account(account_id, f"federation.{act}", details))


async def enter(work: Work, provider: Provider, stranger: Stranger) -> Entered | None:
    """Return whose identity this is; None where nobody is known by it: then an address is asked.

    Only a provider that vouches makes an account at once, where no account has the address.
    """
    person = stranger.person
    account_id = await store.owner(work, person)
    if account_id is not None:
        await store.used(work, person)
        return Entered(account_id, stranger.methods)
    if not (provider.vouches and person.verified):
        return None
    if await identity.find_account(work, "email", person.email) is not None:
        return None
    return await settle(work, stranger, person.email)


async def settle(work: Work, stranger: Stranger, email: str) -> Entered:
    """Connect a stranger who proved ``email`` to the account that has it, or to a new one.

    Raises ``OthersIdentity`` where the identity went to another account meanwhile.
    """
    typed = Typed("email", email)
    await addresses.lock_address(work, typed)  # two sign-ups at once must not make two accounts
    account_id = await addresses.find_account(work, typed.kind, typed.value)
    if account_id is None:
        name = stranger.person.name or email.partition("@")[0]
        account_id = await open_account(work, Details("person", name, "", stranger.language, "UTC"))
        await addresses.prove_address(work, account_id, typed)
        note(work, account_id, "VerifyAddress", kind=typed.kind)
    await connect(work, account_id, stranger.provider, stranger.person)
    await store.used(work, stranger.person)
    return Entered(account_id, stranger.methods)


async def connect(work: Work, account_id: UUID, provider: str, person: Person) -> None:
    """Connect an identity to an account; that it is connected already is fine."""
    new_id = await store.link(work, account_id, provider, person)
    if new_id is not None:
        note(work, account_id, "LinkIdentity", provider=provider, identity=new_id.hex)
    elif await store.owner(work, person) != account_id:
        raise OthersIdentity


async def disconnect(
    work: Work, account_id: UUID, identity_id: UUID, providers: Collection[str]
) -> None:
    """Disconnect an identity, unless nothing else signs in; ``providers`` are those of today."""
    await store.lock_account(work, account_id)
    if not await store.unlink(work, account_id, identity_id):
        raise NotFound("there is no such identity of yours")
    if not await store.ways_in(work, account_id, providers):
        raise LastWayIn
    note(work, account_id, "UnlinkIdentity", identity=identity_id.hex)


class Strangers:
    """Proved people whom no account knows: they name an address and prove it by a code of ours.

    What they see and what it costs is the same whether or not an account has that address.
    """

    def __init__(
        self, db: Database, tickets: Tickets, courier: Courier, titles: Mapping[str, str]
    ) -> None:
        self._db = db
        self._tickets = tickets
        self._courier = courier
        self._titles = titles

    def ask(self, stranger: Stranger) -> Asked:
        """Ask a stranger for their address; the provider's word is a suggestion."""
        fields = _written(stranger)
        ticket = self._tickets.seal(self._db.clock.now(), Wanted.ADDRESS, fields)
        return Asked(Wanted.ADDRESS, ticket, email=stranger.person.email)

    async def answer(self, ticket: str, given: str, browser: Browser) -> Entered | Asked | None:
        """Take an address, or the code that was sent there; None for a ticket of other kinds."""
        now = self._db.clock.now()
        fields = self._tickets.open(now, Wanted.ADDRESS, ticket)
        if fields is not None:
            return await self._send(fields, normal_address("email", given), browser)
        fields = self._tickets.open(now, Wanted.PROOF, ticket)
        return None if fields is None else await self._prove(fields, given, browser)

    async def _send(self, fields: dict[str, str], email: str, browser: Browser) -> Asked:
        await limits.draw(self._db, "send", email, browser)
        about = {**fields, "email": email}
        async with self._db.engine() as work:
            issued = await identity.issue_code(work, CODE_PURPOSE, None, about, CodeForm.LETTERS)
            title = self._titles.get(fields["provider"], "")
            values = {"title": title, "code": spell_code(issued.secret)}
            await self._courier.send(work, "email", email, "connect", values, fields["language"])
            proof = {"code": issued.id.hex, "email": email}
            sealed = self._tickets.seal(work.now, Wanted.PROOF, proof)
        return Asked(Wanted.PROOF, sealed, email=email)

    async def _prove(self, fields: dict[str, str], code: str, browser: Browser) -> Entered:
        await limits.draw(self._db, "code", fields["email"], browser)
        ticket = UUID(hex=fields["code"])
        async with self._db.engine() as work:
            spent = await identity.spend_code(work, CODE_PURPOSE, code, ticket=ticket)
            entered = None if spent is None else await self._settle(work, spent.about)
        if entered is None:
            raise CodeNotRight
        return entered

    async def _settle(self, work: Work, about: dict[str, Any]) -> Entered:
        stranger = _read(about)
        entered = await settle(work, stranger, about["email"])
        return Entered(entered.account_id, entered.methods | {"code", "email"})


def _written(stranger: Stranger) -> dict[str, str]:
    person = stranger.person
    return {
        "provider": stranger.provider,
        "methods": " ".join(sorted(stranger.methods)),
        "language": stranger.language,
        "issuer": person.issuer,
        "subject": person.subject,
        "name": person.name,
    }


def _read(about: Mapping[str, str]) -> Stranger:
    person = Person(about["issuer"], about["subject"], "", verified=False, name=about["name"])
    methods = frozenset(about["methods"].split())
    return Stranger(about["provider"], person, methods, about["language"])
