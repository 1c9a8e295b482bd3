"""The signed text that opens a Mini App, against published vectors and our own keys."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatworks.channels.telegram.links import app_link, group_link, start_link
from chatworks.channels.telegram.miniapp import (
    AppUser,
    Opened,
    Refused,
    check,
    check_third_party,
)
from chatworks.kit.errors import Invalid

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TOKEN = "42:TEST"
USER = '{"id":501,"first_name":"Amina","last_name":"Otieno","language_code":"sw"}'
# aiogram's vector, made by another implementation (tests/test_utils/test_web_app.py).
VECTOR = (
    "auth_date=1650385342&user=%7B%22id%22%3A42%2C%22first_name%22%3A%22Test%22%7D&query_id=test"
    "&hash=46d2ea5e32911ec8d30999b56247654460c0d20949b6277af519e76271182803"
)
SIGNED_AT = datetime.fromtimestamp(1_650_385_342, UTC)
# Signed by Telegram itself; the worked example of docs.telegram-mini-apps.com, "Init Data".
TELEGRAMS = (
    "user=%7B%22id%22%3A279058397%2C%22first_name%22%3A%22Vladislav%20%2B%20-%20%3F%20%5C%2F%22"
    "%2C%22last_name%22%3A%22Kibenko%22%2C%22username%22%3A%22vdkfrost%22%2C%22language_code%22"
    "%3A%22ru%22%2C%22is_premium%22%3Atrue%2C%22allows_write_to_pm%22%3Atrue%2C%22photo_url%22"
    "%3A%22https%3A%5C%2F%5C%2Ft.me%5C%2Fi%5C%2Fuserpic%5C%2F320%5C%2F4FPEE4tmP3ATHa57u6MqTDih13"
    "LTOiMoKoLDRG4PnSA.svg%22%7D&chat_instance=8134722200314281151&chat_type=private"
    "&auth_date=1733584787"
    "&hash=2174df5b000556d044f3f020384e879c8efcab55ddea2ced4eb752e93e7080d6"
    "&signature=zL-ucjNyREiHDE8aihFwpfR9aggP2xiAo3NSpfe-p7IbCisNlDKlo7Kb6G4D0Ao2mBrSgEk4maLSdv6M"
    "LIlADQ"
)
TELEGRAMS_BOT, TELEGRAMS_AT = 7_342_037_359, datetime.fromtimestamp(1_733_584_787, UTC)


def signed(token: str = TOKEN, at: datetime = NOW, **more: str) -> str:
    """A text as Telegram signs it for the bot with ``token``."""
    pairs = {"user": USER, "auth_date": str(int(at.timestamp())), "query_id": "q", **more}
    secret = hmac.digest(b"WebAppData", token.encode(), "sha256")
    lines = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    return urlencode({**pairs, "hash": hmac.digest(secret, lines.encode(), "sha256").hex()})


def test_the_published_vector_of_the_token_holds_and_no_other_token_does() -> None:
    opened = check(VECTOR, TOKEN, SIGNED_AT)

    assert opened.user == AppUser(42, "Test")
    assert opened.auth_date == SIGNED_AT
    for token in ("42:INVALID", "", "43:TEST"):
        with pytest.raises(Refused, match="the signature is wrong"):
            check(VECTOR, token, SIGNED_AT)


def test_what_telegram_itself_signed_holds_for_its_bot_alone() -> None:
    opened = check_third_party(TELEGRAMS, TELEGRAMS_BOT, TELEGRAMS_AT)

    assert (opened.user.id, opened.user.username, opened.user.language_code) == (
        279_058_397, "vdkfrost", "ru",
    )  # fmt: skip
    with pytest.raises(Refused, match="the signature is wrong"):
        check_third_party(TELEGRAMS, TELEGRAMS_BOT + 1, TELEGRAMS_AT)


def test_both_checks_give_the_same_opening() -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    pairs = {
        "user": USER, "auth_date": str(int(NOW.timestamp())), "query_id": "q",
        "start_param": "order-W20",
    }  # fmt: skip
    lines = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    made = urlsafe_b64encode(key.sign(f"42:WebAppData\n{lines}".encode())).decode()
    text = signed(start_param="order-W20", signature=made.rstrip("="))

    by_token, by_key = check(text, TOKEN, NOW), check_third_party(text, 42, NOW, public)

    assert by_token == by_key
    assert by_token.start_param == "order-W20"
    assert by_token.user == AppUser(501, "Amina", "Otieno", "", "sw")
    assert by_token.user.name == "Amina Otieno"


@pytest.mark.parametrize(
    ("age", "right"),
    [
        (timedelta(minutes=10), True),
        (timedelta(minutes=10, seconds=1), False),
        (timedelta(seconds=-30), True),
        (timedelta(seconds=-31), False),
    ],
)
def test_a_text_is_good_for_ten_minutes(age: timedelta, right: bool) -> None:  # noqa: FBT001
    text = signed(at=NOW - age)

    if right:
        assert isinstance(check(text, TOKEN, NOW), Opened)
    else:
        with pytest.raises(Refused, match="the signed text is too old"):
            check(text, TOKEN, NOW)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must have 1 to 8192 bytes"),
        ("a=" + "x" * 8191, "must have 1 to 8192 bytes"),
        ("a=ü", "must have 1 to 8192 bytes"),
        ("a=%ff", "cannot be read"),
        ("nothing", "cannot be read"),
        (signed() + "&user=%7B%22id%22%3A1%7D", "says something twice"),
        (signed(user="{}"), "names nobody"),
        (signed(user='{"id":"5"}'), "names nobody"),
        (signed(auth_date="soon"), "or no time"),
        (signed(auth_date="9" * 30), "or no time"),
        (signed().replace("Amina", "Joyce"), "the signature is wrong"),
        (signed().rpartition("&hash=")[0], "the signature is wrong"),
        (signed() + "&x=1", "the signature is wrong"),
    ],
)
def test_what_is_not_telegrams_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check(text, TOKEN, NOW)
    with pytest.raises(Refused):
        check_third_party(text, 42, NOW)


def test_another_order_or_spelling_of_a_text_is_the_same_text() -> None:
    text = signed()
    turned = "&".join(reversed(text.split("&")))
    spelled = text.replace("Amina", "%41mina")

    digests = {check(t, TOKEN, NOW).digest for t in (text, turned, spelled)}

    assert len(digests) == 1
    assert check(signed(query_id="r"), TOKEN, NOW).digest not in digests
    assert len(next(iter(digests))) == hashlib.sha256().digest_size


# -- links -------------------------------------------------------------------------------------


def test_links_carry_an_opaque_word() -> None:
    assert start_link("MajiProBot", "c-7K3M_9QX") == "https://t.me/MajiProBot?start=c-7K3M_9QX"
    assert group_link("MajiProBot", "g1") == "https://t.me/MajiProBot?startgroup=g1"
    assert app_link("MajiProBot", "order-W20") == "https://t.me/MajiProBot?startapp=order-W20"


@pytest.mark.parametrize(("make", "most"), [(start_link, 64), (group_link, 64), (app_link, 512)])
def test_a_links_word_keeps_to_its_limit(make: object, most: int) -> None:
    assert callable(make)
    assert make("MajiProBot", "w" * most).endswith("w" * most)
    for wrong in ("w" * (most + 1), "", "a b", "a=b", "a.b", "ä", "a&start=b", "a\n"):
        with pytest.raises(Invalid, match=f"must have 1 to {most} of"):
            make("MajiProBot", wrong)
    for bot in ("", "Maji Pro", "a/b", "x" * 33, "@MajiPro"):
        with pytest.raises(Invalid, match="is no user name of a bot"):
            make(bot, "w")
