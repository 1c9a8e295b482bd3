"""Keys: what they look like, whose they are, and how they end."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import Program, Tenant

from chatworks.access.core import OUTLET_ROLES
from chatworks.api import core
from chatworks.api.models import IssueKey, KeyNotValid, ListKeys, NoSuchKey, RevokeKey
from chatworks.commands.models import Actor, ActorKind, NotAllowed
from chatworks.house import House
from chatworks.kit.clock import FixedClock

READING = "orders/list-orders"


async def works(client: httpx.AsyncClient, secret: str) -> int:
    """Return the status that a harmless request has with this key."""
    return (await Program(client, secret).ask(READING)).status_code


def test_a_key_shows_what_it_is_and_holds_enough_that_nobody_knows() -> None:
    secret, prefix = core.mint(FixedClock().random_bytes)

    assert re.fullmatch(r"cw_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}", secret)
    assert core.prefix_of(secret) == prefix == secret[8:20]
    assert core.check_of(secret[:-6]) == secret[-6:]
    assert 62**core.SECRET_LENGTH > 2**160


@given(st.binary(min_size=1), st.integers(0, 57), st.sampled_from(core.LETTERS))
def test_a_mistyped_key_is_none(seed: bytes, place: int, letter: str) -> None:
    def draw(count: int) -> bytes:
        return hashlib.shake_128(seed + bytes([draws.append(0) or len(draws) % 256])).digest(count)  # type: ignore[func-returns-value]

    draws: list[int] = []
    secret, _ = core.mint(draw)
    wrong = secret[:place] + letter + secret[place + 1 :]

    assert (core.prefix_of(wrong) is None) == (wrong != secret)


@pytest.mark.parametrize("presented", ["", "cw_live_", "cw_live_a_b", "é" * 59, "x" * 5000])
def test_what_cannot_be_a_key_is_none(presented: str) -> None:
    assert core.prefix_of(presented) is None


async def test_a_key_is_stored_as_a_hash_and_shown_once(majipro: Tenant) -> None:
    issued = await majipro.key("orders:read")

    stored = majipro.sql("SELECT api_key::text, secret_hash FROM api_key")
    assert stored[0][1] == hashlib.sha256(issued.secret.encode()).digest()
    assert issued.secret not in stored[0][0]
    assert issued.secret not in repr(issued)
    listed = await majipro.give(ListKeys())
    assert [(key.id, key.prefix, key.scopes, key.issuer) for key in listed] == [
        (issued.key_id, issued.secret[8:20], ("orders:read",), "MajiPro owner")
    ]


async def test_issuing_and_revoking_leave_leaves_that_hold_no_secret(majipro: Tenant) -> None:
    issued = await majipro.key("orders:read", "catalog.SetPrice")
    await majipro.give(RevokeKey(issued.key_id))

    leaves = majipro.sql(
        "SELECT action, object_id, convert_from(payload, 'UTF8') FROM audit_leaf"
        " WHERE object_kind = 'api_key' ORDER BY id"
    )
    assert [(leaf[0], leaf[1]) for leaf in leaves] == [
        ("api.IssueKey", issued.key_id.hex),
        ("api.RevokeKey", issued.key_id.hex),
    ]
    assert "orders:read" in leaves[0][2]
    assert issued.secret[21:] not in str(leaves)


NOT_FITTING = [
    (IssueKey("", ("orders",), 30), ("name", "1 to 80 characters")),
    (IssueKey("x" * 81, ("orders",), 30), ("name", "1 to 80 characters")),
    (IssueKey("x", ("orders",), 0), ("days", "1 to 365")),
    (IssueKey("x", ("orders",), 366), ("days", "1 to 365")),
    (IssueKey("x", (), 30), ("scopes", "1 to 100")),
    (IssueKey("x", ("orders.Eat",), 30), ("scopes", "names nothing: orders.Eat")),
    (IssueKey("x", ("api.IssueKey",), 30), ("scopes", "names nothing: api.IssueKey")),
    (IssueKey("x", ("orders.PlaceOrder",), 9), ("scopes", "names nothing: orders.PlaceOrder")),
]


async def test_a_key_that_does_not_fit_is_refused(majipro: Tenant) -> None:
    refusals = []
    for wanted, _ in NOT_FITTING:
        with pytest.raises(KeyNotValid) as refused:
            await majipro.give(wanted)
        refusals.append(refused.value.args)

    assert refusals == [said for _, said in NOT_FITTING]
    assert majipro.sql("SELECT count(*) FROM api_key") == [(0,)]


async def test_an_outlet_has_at_most_fifty_keys_that_work(majipro: Tenant) -> None:
    keys = [await majipro.key("orders:read") for _ in range(50)]
    with pytest.raises(KeyNotValid):
        await majipro.key("orders:read")
    await majipro.give(RevokeKey(keys[0].key_id))

    await majipro.key("orders:read")
    assert majipro.sql("SELECT count(*) FROM api_key WHERE revoked_at IS NULL") == [(50,)]


async def test_only_who_may_let_programs_in_issues_keys(majipro: Tenant) -> None:
    for role in sorted(OUTLET_ROLES.keys() - {"owner"}):
        colleague = Actor(ActorKind.OPERATOR, majipro.owner.id, role)
        with pytest.raises(NotAllowed):
            await majipro.key("orders:read", issuer=colleague)

    assert majipro.sql("SELECT count(*) FROM api_key") == [(0,)]


async def test_a_revoked_key_is_dead_at_the_next_request(
    majipro: Tenant, client: httpx.AsyncClient
) -> None:
    issued = await majipro.key("orders:read")
    before = await works(client, issued.secret)
    await majipro.give(RevokeKey(issued.key_id))

    assert (before, await works(client, issued.secret)) == (200, 401)
    with pytest.raises(NoSuchKey):
        await majipro.give(RevokeKey(issued.key_id))


async def test_a_key_of_another_outlet_is_not_revoked(majipro: Tenant, aqua: Tenant) -> None:
    theirs = await aqua.key("orders:read")
    with pytest.raises(NoSuchKey):
        await majipro.give(RevokeKey(theirs.key_id))

    assert majipro.sql("SELECT revoked_at FROM api_key") == [(None,)]
    assert await majipro.give(ListKeys()) == []


async def test_an_expired_key_is_dead(majipro: Tenant, client: httpx.AsyncClient) -> None:
    issued = await majipro.key("orders:read", days=1)
    before = await works(client, issued.secret)
    majipro.sql("UPDATE api_key SET expires_at = now()")

    assert (before, await works(client, issued.secret)) == (200, 401)


async def test_a_key_with_a_wrong_checksum_or_secret_is_dead(
    majipro: Tenant, client: httpx.AsyncClient
) -> None:
    secret = (await majipro.key("orders:read")).secret
    mistyped = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    forged = secret[:21] + "0" * 32
    forged += core.check_of(forged)

    assert [await works(client, key) for key in (mistyped, forged, secret)] == [401, 401, 200]


async def test_secrets_are_compared_in_constant_time(
    majipro: Tenant, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def noted(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return compare(one, other)

    compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", noted)
    secret = (await majipro.key("orders:read")).secret
    assert await works(client, secret) == 200

    digest = hashlib.sha256(secret.encode()).digest()
    assert compared == [(digest, digest)]


async def test_a_key_is_dead_once_its_issuer_may_issue_none(
    majipro: Tenant, client: httpx.AsyncClient
) -> None:
    secret = (await majipro.key("orders:read")).secret
    statuses = [await works(client, secret)]
    majipro.sql("UPDATE membership SET role = 'operator' WHERE outlet_id = %s", majipro.id)
    statuses.append(await works(client, secret))
    majipro.sql("UPDATE membership SET role = 'owner' WHERE outlet_id = %s", majipro.id)
    statuses.append(await works(client, secret))

    assert statuses == [200, 401, 200]  # nothing keeps a copy of what somebody might once do


async def test_a_key_is_dead_once_its_issuer_left_or_their_visit_ended(
    majipro: Tenant, client: httpx.AsyncClient
) -> None:
    secret = (await majipro.key("orders:read")).secret
    statuses = [await works(client, secret)]
    for change in (
        "left_at = now()",
        "left_at = NULL, is_visit = true, ends_at = now() + interval '1 hour'",
        "ends_at = now()",
    ):
        majipro.sql(f"UPDATE membership SET {change} WHERE outlet_id = %s", majipro.id)  # noqa: S608 - of these
        statuses.append(await works(client, secret))

    assert statuses == [200, 401, 200, 401]


async def test_the_last_use_is_noted_once_a_minute(
    majipro: Tenant, client: httpx.AsyncClient
) -> None:
    secret = (await majipro.key("orders:read")).secret
    seen = [majipro.sql("SELECT last_used_at FROM api_key")[0][0]]
    for _ in range(3):
        await works(client, secret)
        seen.append(majipro.sql("SELECT last_used_at FROM api_key")[0][0])
    majipro.sql("UPDATE api_key SET last_used_at = last_used_at - interval '61 seconds'")
    await works(client, secret)
    later = majipro.sql("SELECT last_used_at FROM api_key")[0][0]

    assert seen[0] is None
    assert seen[1] == seen[2] == seen[3]
    assert later - seen[3] < timedelta(seconds=60)
    assert later > seen[3]


async def test_a_key_has_a_limit_and_so_has_an_address_without_one(
    house: House, majipro: Tenant, client: httpx.AsyncClient
) -> None:
    secrets = [(await majipro.key("orders:read")).secret for _ in range(2)]
    per_second = house.settings.api_per_second
    majipro.sql(  # as if the first key had been used as fast as it may
        "INSERT INTO rate_limit (scope, arrival_at)"
        " SELECT 'api-key:' || replace(id::text, '-', ''), now() + interval '1 hour'"
        " FROM api_key WHERE prefix = %s",
        secrets[0][8:20],
    )
    refused = await Program(client, secrets[0]).ask(READING)
    strangers = [await works(client, f"cw_live_{n}") for n in range(per_second + 1)]

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json()["detail"] == "limit reached: requests of this key"
    assert strangers == [401] * per_second + [429]
    assert await works(client, secrets[1]) == 200  # a stranger's tries are nobody else's


async def test_a_key_never_does_what_is_personal(house: House, majipro: Tenant) -> None:
    personal = [r.request for r in house.dispatcher.registrations() if r.personal]
    agent = Actor(
        ActorKind.AGENT,
        uuid4().hex,
        "owner",
        frozenset(r.request.request_name for r in house.dispatcher.offered()),
        behalf=majipro.owner.id,
    )

    assert {r.request_name for r in personal} >= {
        "api.IssueKey", "api.ListKeys", "api.RevokeKey", "identity.IssueStaffCode",
        "identity.UnbindStaffChats",
    }  # fmt: skip
    assert not any(house.dispatcher.may(agent, request) for request in personal)
    with pytest.raises(NotAllowed):
        await majipro.give(ListKeys(), agent)


async def test_the_web_login_cannot_read_what_a_key_hashes_to(majipro: Tenant) -> None:
    await majipro.key("orders:read")
    granted: Any = majipro.sql(
        "SELECT has_column_privilege('chatworks_web', 'api_key', 'secret_hash', 'SELECT'),"
        " has_column_privilege('chatworks_web', 'api_key', 'scopes', 'UPDATE'),"
        " has_column_privilege('chatworks_web', 'api_key', 'revoked_at', 'UPDATE')"
    )

    assert granted == [(False, False, True)]
