"""The pure decisions: RFC 6238's own vectors, what is one code, what is lacking, what counts."""

from __future__ import annotations

from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from chatworks.factors import core
from chatworks.factors.models import Factors, Lack, RelyingParty, Way

RFC_SECRET = b32encode(b"12345678901234567890").decode()  # RFC 6238, appendix B, SHA-1
RFC_VECTORS = [  # the last six of its eight digits
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]
WAIT = timedelta(hours=72)
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(("seconds", "code"), RFC_VECTORS)
def test_the_vectors_of_rfc_6238(seconds: int, code: str) -> None:
    assert core.matching_step(RFC_SECRET, code, at(seconds)) == seconds // 30


def test_a_code_is_good_one_step_to_either_side_and_no_further() -> None:
    code = pyotp.TOTP(RFC_SECRET).generate_otp(1000)

    steps = {n: core.matching_step(RFC_SECRET, code, at(n * 30)) for n in range(997, 1004)}

    assert steps == {
        997: None,
        998: None,
        999: 1000,
        1000: 1000,
        1001: 1000,
        1002: None,
        1003: None,
    }


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123456", "123456"),
        (" 123 456 ", "123456"),
        ("123-456", "123456"),
        ("123\u2013456", "123456"),
        ("\uff11\uff12\uff13\uff14\uff15\uff16", "123456"),  # full width
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "123456"),  # Arabic-Indic
        ("12\u200b34\u00a056\n", "123456"),  # nothing that is seen
        ("12345", ""),
        ("1234567", ""),
        ("12345a", ""),
        ("1234\u00b256", ""),  # a raised two becomes a digit: seven of them
        ("", ""),
        ("\x00" * 6, ""),
    ],
)
def test_what_reads_alike_is_one_code(typed: str, code: str) -> None:
    assert core.normal_digits(typed) == code


NOTHING = Factors(totp=False, passkeys=0, passkey_second=False, recovery_left=0, password=False)
APP = Factors(totp=True, passkeys=0, passkey_second=False, recovery_left=10, password=True)


@pytest.mark.parametrize(
    ("held", "methods", "known", "lacks"),
    [
        (NOTHING, {"password"}, True, None),
        (NOTHING, {"password"}, False, Lack.DEVICE),
        (NOTHING, {"code", "email"}, False, Lack.DEVICE),
        (APP, {"password"}, True, Lack.SECOND),
        (APP, {"link"}, False, Lack.SECOND),
        (APP, {"cli"}, True, Lack.SECOND),
        (APP, {"oidc"}, True, Lack.SECOND),
        (APP, {"password", "totp"}, False, None),
        (APP, {"password", "recovery"}, False, None),
        (APP, {"passkey"}, False, None),
    ],
)
def test_what_a_session_lacks(
    held: Factors,
    methods: set[str],
    known: bool,  # noqa: FBT001 - a column of the table above
    lacks: Lack | None,
) -> None:
    assert core.lack(held, methods, device_known=known) is lacks


def test_a_passkey_is_a_second_factor_only_where_its_owner_said_so() -> None:
    some = Factors(totp=False, passkeys=2, passkey_second=False, recovery_left=0, password=True)
    said = Factors(totp=False, passkeys=2, passkey_second=True, recovery_left=10, password=True)
    gone = Factors(totp=False, passkeys=0, passkey_second=True, recovery_left=0, password=True)

    assert [held.has_second for held in (some, said, gone)] == [False, True, False]


def test_what_counts_for_a_step_up_is_the_strongest_that_is_set() -> None:
    both = Factors(totp=True, passkeys=1, passkey_second=False, recovery_left=10, password=True)
    plain = Factors(totp=False, passkeys=1, passkey_second=False, recovery_left=0, password=True)

    assert core.accepted(both) == ("passkey", "totp")
    assert core.accepted(APP) == ("totp",)
    assert core.accepted(plain) == ("passkey", "password")
    assert core.accepted(NOTHING) == ("code",)


def test_a_recovery_waits_for_two_kinds_or_takes_one_and_a_code() -> None:
    assert core.recovery_due([], NOW, WAIT, code=False) is None
    assert core.recovery_due([], NOW, WAIT, code=True) is None
    assert core.recovery_due(["email"], NOW, WAIT, code=False) is None
    assert core.recovery_due(["email", "email"], NOW, WAIT, code=False) is None
    assert core.recovery_due(["email", "telegram"], NOW, WAIT, code=False) == NOW + WAIT
    assert core.recovery_due(["email"], NOW, WAIT, code=True) == NOW


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://shop.example", RelyingParty("shop.example", "https://shop.example")),
        ("https://shop.example:8443", RelyingParty("shop.example", "https://shop.example:8443")),
        ("http://localhost:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("http://shop.example", None),
        ("http://127.0.0.1:8000", None),
        ("https://10.0.0.1", None),
        ("https://[::1]:8000", None),
    ],
)
def test_for_whom_browsers_make_passkeys(address: str, party: RelyingParty | None) -> None:
    assert core.relying_party(address) == party


def test_another_way_is_one_of_another_kind() -> None:
    mail = Way("1", "email", "", "", NOW)
    chat = Way("2", "telegram", "", "", NOW)

    assert core.others([mail, chat], {"code", "email"}) == [chat]
    assert core.others([mail, chat], {"password"}) == [mail, chat]


def test_the_qr_code_holds_what_apps_read() -> None:
    address = core.setup_address(RFC_SECRET, "amina@shop.example")

    assert address == (
        f"otpauth://totp/ChatWorks:amina%40shop.example?secret={RFC_SECRET}&issuer=ChatWorks"
    )
    assert core.qr_svg(address).startswith("<svg ")
    assert "style=" not in core.qr_svg(address)
    assert core.spell("JBSWY3DPEHPK3PXP") == "JBSW-Y3DP-EHPK-3PXP"
