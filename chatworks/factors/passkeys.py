"""Passkeys: what a browser is asked to sign, and whether what it signed is right.

The py_webauthn package reads and checks; what is spent or remembered is here. A challenge is good
once and for the session that it was made for. Signing in asks for a passkey that names its account
itself (discoverable) and for a verified person; then it is both factors at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import webauthn
from webauthn.helpers import options_to_json, parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from chatworks.factors import store
from chatworks.factors.models import (
    CHALLENGE_BYTES,
    ISSUER,
    PASSKEY_NAME_MAX,
    PASSKEYS_MAX,
    Asked,
    FactorNotValid,
    LastWayIn,
    NewPasskey,
    Passkey,
    PasskeysNotHere,
    RelyingParty,
    TooManyPasskeys,
)
from chatworks.factors.service import after_removal, note
from chatworks.factors.ways import Ways, tell
from chatworks.identity.models import Session
from chatworks.kit.errors import Invalid
from chatworks.kit.work import Work

SIGN_IN, REGISTER, PROVE = "sign_in", "register", "prove"
TIMEOUT_MS = 300_000  # WebAuthn level 3, 15.1: five minutes where a person is verified
ANSWER_LENGTH_MAX = 16_384
# What the package raises for what is malformed, beside its own errors (its parsers of CBOR and keys
# let these through).
MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError)
_TRANSPORTS = frozenset(AuthenticatorTransport)


@dataclass(frozen=True, slots=True)
class Passkeys:
    """The passkeys of an installation; ``party`` None where browsers make none for its address."""

    party: RelyingParty | None

    @property
    def site(self) -> RelyingParty:
        """For whom they are made; raises ``PasskeysNotHere``."""
        if self.party is None:
            raise PasskeysNotHere("passkeys need an address with a domain and https")
        return self.party

    async def ask_to_register(self, work: Work, session: Session) -> Asked:
        """Return what a browser needs to make a passkey; raises ``TooManyPasskeys``."""
        known = await store.passkeys(work, session.account_id)
        if len(known) >= PASSKEYS_MAX:
            raise TooManyPasskeys(PASSKEYS_MAX)
        label, name, _ = await store.label(work, session.account_id)
        challenge = work.clock.random_bytes(CHALLENGE_BYTES)
        ticket = await store.add_challenge(work, REGISTER, session.id, challenge)
        options = webauthn.generate_registration_options(
            rp_id=self.site.id,
            rp_name=ISSUER,
            user_name=label,
            user_display_name=name,
            user_id=session.account_id.bytes,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return Asked(ticket, options_to_json(options))

    async def register(
        self, work: Work, session: Session, ticket: UUID, answer: str, name: str
    ) -> UUID:
        """Store the passkey that a browser made; returns its id. Raises ``FactorNotValid``."""
        name = passkey_name(name)
        challenge = await store.spend_challenge(work, ticket, REGISTER, session.id)
        if challenge is None or len(answer) > ANSWER_LENGTH_MAX:
            raise FactorNotValid
        try:
            made = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self.site.id,
                expected_origin=self.site.origin,
                require_user_verification=True,
            )
            transports = webauthn.helpers.parse_registration_credential_json(
                answer
            ).response.transports
        except MALFORMED:
            raise FactorNotValid from None
        new = NewPasskey(
            made.credential_id,
            made.credential_public_key,
            made.sign_count,
            name,
            [transport.value for transport in transports or ()],
            made.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        )
        await store.lock_account(work, session.account_id)
        if len(await store.passkeys(work, session.account_id)) >= PASSKEYS_MAX:
            raise TooManyPasskeys(PASSKEYS_MAX)
        passkey_id = await store.add_passkey(work, session.account_id, new)
        if passkey_id is None:
            raise FactorNotValid
        note(work, session.account_id, "AddPasskey", passkey=passkey_id.hex)
        tell(work, session.account_id, "passkey_added", passkey=name)
        return passkey_id

    async def ask(self, work: Work, session: Session | None) -> Asked:
        """Return what a browser signs: to sign in (no session yet), or to prove who it is."""
        challenge = work.clock.random_bytes(CHALLENGE_BYTES)
        purpose = SIGN_IN if session is None else PROVE
        ticket = await store.add_challenge(work, purpose, _id(session), challenge)
        known = [] if session is None else await store.passkeys(work, session.account_id)
        options = webauthn.generate_authentication_options(
            rp_id=self.site.id,
            challenge=challenge,
            timeout=TIMEOUT_MS,
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED
            if session is None
            else UserVerificationRequirement.PREFERRED,
        )
        return Asked(ticket, options_to_json(options))

    async def check(
        self, work: Work, session: Session | None, ticket: UUID, answer: str
    ) -> Passkey | None:
        """Return the passkey that signed a challenge, to exactly one caller; None otherwise.

        Within the transaction the caller answers and does not raise: what is spent stays spent, and
        a count that went back stays noted.
        """
        purpose = SIGN_IN if session is None else PROVE
        challenge = await store.spend_challenge(work, ticket, purpose, _id(session))
        if challenge is None or len(answer) > ANSWER_LENGTH_MAX:
            return None
        try:
            given = parse_authentication_credential_json(answer)
            key = await store.passkey(work, given.raw_id)
            handle = given.response.user_handle
            if key is None or not _is_of(key, session, handle):
                return None
            signed = webauthn.verify_authentication_response(
                credential=given,
                expected_challenge=challenge,
                expected_rp_id=self.site.id,
                expected_origin=self.site.origin,
                credential_public_key=key.public_key,
                credential_current_sign_count=0,  # judged by the statement that moves it
                require_user_verification=session is None,
            )
        except MALFORMED:
            return None
        if await store.use_passkey(
            work, key, signed.new_sign_count, synced=signed.credential_backed_up or key.synced
        ):
            return key
        await store.doubt_passkey(work, key)
        note(work, key.account_id, "PasskeyCountFell", passkey=key.id.hex)
        tell(work, key.account_id, "passkey_doubted", passkey=key.name)
        return None


def _id(session: Session | None) -> UUID | None:
    return None if session is None else session.id


def _is_of(key: Passkey, session: Session | None, handle: bytes | None) -> bool:
    """Return whether a passkey is of whom it must be: the session's account, or whom it names."""
    if session is not None:
        return key.account_id == session.account_id and handle in {None, key.account_id.bytes}
    return handle == key.account_id.bytes


def _descriptors(known: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [
        PublicKeyCredentialDescriptor(
            id=key.credential_id,
            transports=[AuthenticatorTransport(t) for t in key.transports if t in _TRANSPORTS],
        )
        for key in known
    ]


def passkey_name(text: str) -> str:
    """Return a passkey's name as it is kept; ``Invalid`` where it is none."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= PASSKEY_NAME_MAX or not name.isprintable():
        raise Invalid("name", f"must have 1 to {PASSKEY_NAME_MAX} characters")
    return name


async def rename(work: Work, session: Session, passkey_id: UUID, text: str) -> bool:
    """Give a passkey another name; returns whether there was one."""
    renamed = await store.rename_passkey(work, session.account_id, passkey_id, passkey_name(text))
    if renamed:
        note(work, session.account_id, "RenamePasskey", passkey=passkey_id.hex)
    return renamed


async def remove(
    work: Work, ways: Ways, session: Session, passkey_id: UUID, *, warned: bool
) -> bool:
    """Remove a passkey; returns whether there was one.

    The last way in is not removed before its owner was ``warned`` (raises ``LastWayIn``).
    """
    account_id = session.account_id
    await store.lock_account(work, account_id)
    held = await store.factors(work, account_id)
    alone = held.passkeys == 1 and not held.password and not await ways.of(work, account_id)
    if alone and not warned:
        raise LastWayIn
    if not await store.remove_passkey(work, account_id, passkey_id):
        return False
    if held.passkeys == 1:
        await store.remove_passkey_second(work, account_id)
        await after_removal(work, account_id)
    note(work, account_id, "RemovePasskey", passkey=passkey_id.hex, left=held.passkeys - 1)
    tell(work, account_id, "passkey_removed")
    return True
