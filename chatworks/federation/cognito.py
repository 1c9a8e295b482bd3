"""The first factor as a Cognito user pool keeps it: sign-up, passwords, its authenticator codes.

The pool keeps the password and, where it demands one, its own second factor. Everything after that
is ours in any case: the session, our second factors, recovery codes, devices. What the pool proves
is an identity of (issuer, subject) like any other provider's (``service.enter``).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog

from chatworks.federation import store
from chatworks.federation.models import (
    Asked,
    CodeNotRight,
    Entered,
    Newcomer,
    NotRight,
    Stranger,
    Tokens,
    Unavailable,
    Wanted,
)
from chatworks.federation.openid import OpenId
from chatworks.federation.service import Strangers, Tickets, enter, note
from chatworks.federation.user_pool import Exists, Refused, UserPool
from chatworks.identity import accounts, limits
from chatworks.identity import service as identity
from chatworks.identity import store as identities
from chatworks.identity.core import normal_address
from chatworks.identity.letters import Courier
from chatworks.identity.models import Browser, Session, Typed
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid
from chatworks.kit.work import Work
from chatworks.passwords.models import NotFit, Problem

log = structlog.get_logger()
SIGN_UP, RESET = "sign_up", "reset"
CHALLENGES = {  # the pool's names of what it wants next, and ours
    "SOFTWARE_TOKEN_MFA": Wanted.CODE,
    "NEW_PASSWORD_REQUIRED": Wanted.PASSWORD,
    "MFA_SETUP": Wanted.SET_UP,
}


class CognitoFactor:
    """``FirstFactor`` over a user pool."""

    elsewhere = True

    def __init__(  # noqa: PLR0913, PLR0917 - what it stands on
        self,
        db: Database,
        pool: UserPool,
        openid: OpenId,
        courier: Courier,
        tickets: Tickets,
        strangers: Strangers,
    ) -> None:
        self._db = db
        self._pool = pool
        self._openid = openid
        self._courier = courier
        self._tickets = tickets
        self._strangers = strangers

    async def sign_up(self, who: Newcomer, browser: Browser) -> str:
        """Have the pool begin an account; that it knows the address already is not told."""
        await limits.draw(self._db, "sign-up", who.email, browser)
        attributes = [("email", who.email), ("name", who.name), ("locale", who.language)]
        try:
            await self._pool.of_user(
                "sign_up",
                who.email,
                Password=who.password,
                UserAttributes=[{"Name": name, "Value": value} for name, value in attributes],
            )
        except Exists:
            log.info("a sign-up for an address that the pool knows")
        except Refused:
            raise NotFit(Problem.REFUSED, 0) from None
        return self._ticket(SIGN_UP, who.email)

    async def resend(self, ticket: str, browser: Browser) -> str:
        """Have the pool send the code of a sign-up again."""
        email = self._read(SIGN_UP, ticket)
        await limits.draw(self._db, "send", email, browser)
        try:
            await self._pool.of_user("resend_confirmation_code", email)
        except (NotRight, Refused):
            log.info("no code to send again")
        return self._ticket(SIGN_UP, email)

    async def confirm(self, ticket: str, code: str, browser: Browser) -> None:
        """Give the pool the code that it sent at sign-up."""
        email = self._read(SIGN_UP, ticket)
        await limits.draw(self._db, "code", email, browser)
        try:
            await self._pool.of_user("confirm_sign_up", email, ConfirmationCode=code.strip())
        except (NotRight, Exists, Refused):
            raise CodeNotRight from None

    async def sign_in(self, address: str, password: str, browser: Browser) -> Entered | Asked:
        """Ask the pool about an address and a password."""
        try:
            user = normal_address("email", address)
        except Invalid:
            user = ""  # the pool knows e-mail addresses only
        await self._draw("password", user or address, browser)
        try:
            if not (user and password):
                raise NotRight
            said = await self._pool.begin(user, password)
        except Refused:
            raise NotRight from None
        return await self._next(said, user, {"password"})

    async def stands(self, work: Work, entered: Entered) -> bool:  # noqa: ARG002 - the port's
        """Return True: the pool's word is from just now, and nothing here can hold it."""
        return True

    async def answer(self, ticket: str, given: str, browser: Browser) -> Entered | Asked:
        """Give the pool, or the strangers' desk, what was asked for."""
        known = await self._strangers.answer(ticket, given, browser)
        if known is not None:
            return known
        for challenge, wanted in CHALLENGES.items():
            fields = self._tickets.open(self._db.clock.now(), wanted, ticket)
            if fields is not None:
                await self._draw("code", fields["user"], browser)
                return await self._respond(challenge, fields, given)
        raise CodeNotRight

    async def forgot(self, typed: Typed, browser: Browser, language: str) -> str:
        """Have the pool send a code, if it knows the address; the pool chooses the words."""
        del language
        await limits.draw(self._db, "send", typed.value, browser)
        try:
            if typed.kind == "email":
                await self._pool.of_user("forgot_password", typed.value)
        except (NotRight, Refused):
            log.info("no code to send")
        return self._ticket(RESET, typed.value)

    async def reset(self, ticket: str, given: tuple[str, str], browser: Browser) -> None:
        """Give the pool a code and a new password; every session of the account ends."""
        email = self._read(RESET, ticket)
        code, password = given
        await limits.draw(self._db, "code", email, browser)
        try:
            await self._pool.of_user(
                "confirm_forgot_password", email, ConfirmationCode=code.strip(), Password=password
            )
        except (NotRight, Refused):
            raise CodeNotRight from None
        async with self._db.engine() as work:
            account_id = await identity.find_account(work, "email", email)
            if account_id is not None:
                await self._changed(work, account_id, None)

    async def change(self, session: Session, passwords: tuple[str, str], browser: Browser) -> str:
        """Change the password at the pool, with the old one.

        Whom the pool asks for a second factor sets a new password with a code instead.
        """
        old, new = passwords
        await limits.draw(self._db, "password", session.account_id, browser)
        async with self._db.engine() as work:
            subject = await self._subject(work, session.account_id)
        try:
            said = await self._pool.begin(subject, old)
            access = said["AuthenticationResult"]["AccessToken"]
            await self._pool.plain(
                "change_password", AccessToken=access, PreviousPassword=old, ProposedPassword=new
            )
        except (Refused, KeyError):
            raise NotRight from None
        async with self._db.engine() as work:
            secret = await identity.refresh(work, session, "password")
            await self._changed(work, session.account_id, session.id)
        if secret is None:  # it ended meanwhile
            raise NotRight
        return secret

    async def has_one(self, work: Work, account_id: UUID) -> bool:
        """Return whether an account has a user in the pool."""
        return bool(await self._subject(work, account_id))

    async def length_min(self, work: Work, account_id: UUID) -> int:  # noqa: ARG002 - the port's
        """Return 0: only the pool knows its rules."""
        return 0

    async def _subject(self, work: Work, account_id: UUID) -> str:
        """Return an account's user in the pool, "" where it has none: ``sub`` is a user name, too.

        Amazon Cognito Developer Guide, "Customizing sign-in attributes": a pool in which people
        sign in with an address gives each user the value of ``sub`` as their name.
        """
        issuer = self._openid.provider.issuer
        found = await store.identities(work, account_id)
        return next((one.subject for one in found if one.issuer == issuer), "")

    async def _changed(self, work: Work, account_id: UUID, but: UUID | None) -> None:
        note(work, account_id, "ChangePassword")
        await identity.revoke_sessions(work, account_id, but)
        await accounts.tell_owner(work, self._courier, account_id, "password_changed")

    async def _respond(self, challenge: str, fields: dict[str, str], given: str) -> Entered | Asked:
        session, user = fields["session"], fields["user"]
        methods = set(fields["methods"].split())
        try:
            if challenge == "MFA_SETUP":
                proved = await self._pool.plain(
                    "verify_software_token", Session=session, UserCode=given.strip()
                )
                said = await self._pool.respond(challenge, proved["Session"], user, {})
            elif challenge == "SOFTWARE_TOKEN_MFA":
                code = {"SOFTWARE_TOKEN_MFA_CODE": given.strip()}
                said = await self._pool.respond(challenge, session, user, code)
            else:
                said = await self._pool.respond(challenge, session, user, {"NEW_PASSWORD": given})
        except (NotRight, Refused):
            raise CodeNotRight from None
        shown = methods if challenge == "NEW_PASSWORD_REQUIRED" else methods | {"totp"}
        return await self._next(said, user, shown)

    async def _next(self, said: dict[str, Any], user: str, methods: set[str]) -> Entered | Asked:
        """Return what follows from an answer of the pool: it lets in, or asks for more."""
        if "AuthenticationResult" in said:
            return await self._enter(said["AuthenticationResult"], methods)
        wanted = CHALLENGES.get(said.get("ChallengeName", ""))
        if wanted is None:
            log.warning("the pool asks for what we do not have", what=said.get("ChallengeName"))
            raise Unavailable("this account signs in another way")
        session, secret = said["Session"], ""
        if wanted is Wanted.SET_UP:
            begun = await self._pool.plain("associate_software_token", Session=session)
            session, secret = begun["Session"], begun["SecretCode"]
        asked = said.get("ChallengeParameters", {})
        fields = {
            "session": session,
            "user": asked.get("USER_ID_FOR_SRP") or asked.get("USERNAME") or user,
            "methods": " ".join(sorted(methods)),
        }
        ticket = self._tickets.seal(self._db.clock.now(), wanted, fields)
        return Asked(wanted, ticket, secret=secret)

    async def _enter(self, result: dict[str, Any], methods: set[str]) -> Entered | Asked:
        tokens = Tokens(result["IdToken"], result["AccessToken"])
        person = await self._openid.read(tokens, None)
        provider = self._openid.provider
        stranger = Stranger(provider.key, person, frozenset(methods), "en")
        async with self._db.engine() as work:
            entered = await enter(work, provider, stranger)
        return entered or self._strangers.ask(stranger)

    async def _draw(self, what: str, user: str, browser: Browser) -> None:
        """Draw a try: of the account where there is one, so that its own devices are known."""
        async with self._db.engine() as work:
            account_id = await identities.find_account(work, "email", user)
        await limits.draw(self._db, what, account_id or user, browser)

    def _ticket(self, what: str, email: str) -> str:
        return self._tickets.seal(self._db.clock.now(), what, {"email": email})

    def _read(self, what: str, ticket: str) -> str:
        fields = self._tickets.open(self._db.clock.now(), what, ticket)
        if fields is None:
            raise CodeNotRight
        return fields["email"]
