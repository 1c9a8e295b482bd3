"""Accounts as their owners use them: opened, signed in to by a code, their details and addresses.

An address claims nothing until a code that was sent there comes back: before that, an account that
somebody wants to open exists only in the code. Whether an address is known changes neither what is
answered nor what is done: a code is issued and a letter written in both cases.
"""

from __future__ import annotations

from uuid import UUID

from chatworks.identity import store
from chatworks.identity.core import checked, spell_code
from chatworks.identity.letters import Courier
from chatworks.identity.models import (
    Account,
    Address,
    CodeForm,
    Details,
    LastWayIn,
    Typed,
)
from chatworks.identity.service import issue_code, note, spend_code
from chatworks.kit.work import Work

SIGN_IN, LINK, SIGN_UP, VERIFY = "sign-in", "sign-in link", "sign-up", "verify"


async def begin_sign_in(work: Work, courier: Courier, typed: Typed, language: str) -> UUID:
    """Send a code and a link to a verified address, or word that there is no account.

    Returns the ticket that the page keeps. ``language`` is of the page.
    """
    account_id = await store.find_account(work, typed.kind, typed.value)
    known = account_id is not None
    account = await store.account(work, account_id or UUID(int=0))
    about = {"kind": typed.kind, "value": typed.value}
    code = await issue_code(work, SIGN_IN, account_id, about, CodeForm.LETTERS)
    link = await issue_code(work, LINK, account_id, {"ticket": code.id.hex}, CodeForm.LINK)
    values = {
        "code": spell_code(code.secret),
        "link": f"{courier.address}/account/link?ticket={code.id.hex}&key={link.secret}"
        if known
        else f"{courier.address}/account/sign-up",
    }
    key = "sign_in" if known else "no_account"
    spoken = account.language if account else language
    silent = not known and typed.kind == "phone"  # texts to strangers' numbers cost and disturb
    await courier.send(work, typed.kind, typed.value, key, values, spoken, decoy=silent)
    return code.id


async def finish_sign_in(work: Work, ticket: UUID, code: str) -> UUID | None:
    """Spend the code of a ticket; returns whose account it opens, None where it is not valid."""
    spent = await spend_code(work, SIGN_IN, code, ticket=ticket)
    return None if spent is None else await _spend_rest(work, spent.account_id)


async def open_link(work: Work, secret: str) -> UUID | None:
    """Spend a link of a letter; returns whose account it opens, None where it is not valid."""
    spent = await spend_code(work, LINK, secret)
    return None if spent is None else await _spend_rest(work, spent.account_id)


async def _spend_rest(work: Work, account_id: UUID | None) -> UUID | None:
    """Spend what else was sent to sign in with: a letter opens an account once."""
    if account_id is None or await store.account(work, account_id) is None:
        return None
    await store.spend_codes(work, account_id, [SIGN_IN, LINK])
    return account_id


async def begin_sign_up(
    work: Work, courier: Courier, details: Details, typed: Typed, other: Typed | None = None
) -> UUID:
    """Send a code that opens an account with ``details``, or word that there is one already.

    ``other`` is an address that is to be verified later. Returns the ticket that the page keeps;
    nothing else is stored, so that nothing is claimed.
    """
    details = checked(details)
    known = await store.find_account(work, typed.kind, typed.value) is not None
    about = {
        "kind": typed.kind,
        "value": typed.value,
        "account_kind": details.kind,
        "name": details.name,
        "organisation_name": details.organisation_name,
        "language": details.language,
        "time_zone": details.time_zone,
        "taken": "yes" if known else "",
        "other_kind": other.kind if other else "",
        "other_value": other.value if other else "",
    }
    code = await issue_code(work, SIGN_UP, None, about, CodeForm.LETTERS)
    values = {"code": spell_code(code.secret), "link": f"{courier.address}/account/sign-in"}
    key = "have_account" if known else "sign_up"
    await courier.send(work, typed.kind, typed.value, key, values, details.language)
    return code.id


async def finish_sign_up(work: Work, ticket: UUID, code: str) -> UUID | None:
    """Spend the code of a ticket and open the account; None where it is not valid.

    Where somebody else has verified the address meanwhile, nothing is opened.
    """
    spent = await spend_code(work, SIGN_UP, code, {"taken": ""}, ticket=ticket)
    if spent is None:
        return None
    typed = Typed(spent.about["kind"], spent.about["value"])
    await store.lock_address(work, typed)
    if await store.find_account(work, typed.kind, typed.value) is not None:
        return None
    account_id = await open_account(work, details_of(spent.about))
    await store.prove_address(work, account_id, typed)
    note(work, account_id, "VerifyAddress", kind=typed.kind)
    if spent.about["other_kind"]:
        other = Typed(spent.about["other_kind"], spent.about["other_value"])
        await store.claim_address(work, account_id, other)
    return account_id


def details_of(about: dict[str, str]) -> Details:
    """Return the details that a code keeps."""
    return Details(
        about["account_kind"],
        about["name"],
        about["organisation_name"],
        about["language"],
        about["time_zone"],
    )


async def open_account(work: Work, details: Details) -> UUID:
    """Make an account that has no way in yet; returns its id. ``Invalid`` names a wrong field."""
    kept = checked(details)
    account = Account(
        work.new_id(),
        kept.kind,
        kept.name,
        kept.organisation_name or None,
        kept.language,
        kept.time_zone,
        work.now,
    )
    await store.add_account(work, account)
    note(work, account.id, "OpenAccount", kind=account.kind)
    return account.id


async def change_details(work: Work, account_id: UUID, details: Details) -> None:
    """Keep an owner's details, and give colleagues the new name. Nothing else can be set here."""
    await store.change_account(work, account_id, checked(details))
    note(work, account_id, "ChangeDetails")


# Addresses


async def begin_address(work: Work, courier: Courier, account: Account, typed: Typed) -> UUID:
    """Send a code to an address that an owner wants to add; returns the ticket.

    The address gets the same letter where it is another account's: only its reader learns more.
    """
    taken = await store.find_account(work, typed.kind, typed.value)
    about = {"kind": typed.kind, "value": typed.value, "taken": "yes" if taken else ""}
    code = await issue_code(work, VERIFY, account.id, about, CodeForm.LETTERS)
    values = {"code": spell_code(code.secret), "link": f"{courier.address}/account/sign-in"}
    key = "have_account" if taken else "verify"
    await courier.send(work, typed.kind, typed.value, key, values, account.language)
    return code.id


async def finish_address(
    work: Work, courier: Courier, account: Account, ticket: UUID, code: str
) -> bool:
    """Spend the code of a ticket and add the address; the account's others are told.

    Unverified claims of others die with it. False where the code is not valid, or somebody else
    was faster.
    """
    spent = await spend_code(work, VERIFY, code, {"taken": ""}, ticket=ticket)
    if spent is None or spent.account_id != account.id:
        return False
    typed = Typed(spent.about["kind"], spent.about["value"])
    await store.lock_address(work, typed)
    if await store.find_account(work, typed.kind, typed.value) is not None:
        return False
    others = await store.addresses(work, account.id)
    await store.prove_address(work, account.id, typed)
    note(work, account.id, "VerifyAddress", kind=typed.kind)
    await _tell(work, courier, account, others, ("address_added", typed.value))
    return True


async def main_address(work: Work, account_id: UUID, address_id: UUID) -> None:
    """Send what an account is told to this verified address of its from now on."""
    if await store.main_address(work, account_id, address_id):
        note(work, account_id, "ChangeMainAddress")


async def remove_address(
    work: Work, courier: Courier, account: Account, address_id: UUID
) -> LastWayIn | None:
    """Take an address off an account, and tell it and the others; the last way in stays."""
    await store.lock_account(work, account.id)  # two removals at once must not take both
    before = await store.addresses(work, account.id)
    gone = next((one for one in before if one.id == address_id), None)
    if gone is None:
        return None
    if gone.verified_at and not await _other_ways(work, account.id, before, gone):
        return LastWayIn()
    await store.remove_address(work, account.id, address_id)
    note(work, account.id, "RemoveAddress", kind=gone.kind)
    await _tell(work, courier, account, before, ("address_removed", gone.value))
    return None


async def _other_ways(work: Work, account_id: UUID, all_of: list[Address], gone: Address) -> bool:
    verified = any(one.verified_at and one.id != gone.id for one in all_of)
    return verified or bool(await store.chats(work, account_id))


async def _tell(
    work: Work, courier: Courier, account: Account, to: list[Address], news: tuple[str, str]
) -> None:
    """Tell every verified address in ``to`` a (key, address): only the account's owner reads it."""
    key, value = news
    values = {"address": value, "link": f"{courier.address}/account/addresses"}
    for one in to:
        if one.verified_at is not None:
            await courier.send(work, one.kind, one.value, key, values, account.language)


async def tell_owner(work: Work, courier: Courier, account_id: UUID, key: str) -> None:
    """Tell every verified address of an account what was done to it."""
    account = await store.account(work, account_id)
    if account is not None:
        await _tell(work, courier, account, await store.addresses(work, account_id), (key, ""))
