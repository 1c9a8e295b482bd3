"""Addresses, headers, settings and what a try means: pure, with exact vectors."""

from __future__ import annotations

import email.policy
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.headerregistry import Address
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.kit.addresses import NotGivenOut, email_of, phone_of
from chatworks.kit.errors import Invalid
from chatworks.mail import core
from chatworks.mail.carriers import carrier
from chatworks.mail.models import (
    Change,
    Content,
    Doubt,
    Fate,
    Later,
    Leased,
    Mail,
    Never,
    Server,
    Status,
    Taken,
)

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SENDER = Address("MajiPro", addr_spec="no-reply@majipro.example.com")


def leased(attempts: int = 1, doubts: int = 0, hours: int = 24) -> Leased:
    expires_at = NOW + timedelta(hours=hours)
    return Leased(UUID(int=7), "asha@example.com", b"", attempts, doubts, 1, NOW, expires_at)


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("asha@example.com", "asha@example.com"),
        ("  Asha.N+shop@Example.COM ", "asha.n+shop@example.com"),
        ("asha@BÜCHER.example.com", "asha@xn--bcher-kva.example.com"),
        ("asha@xn--bcher-kva.example.com", "asha@xn--bcher-kva.example.com"),
        ("asha@ｅxample.com", "asha@example.com"),  # full-width: one domain, one form
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_an_address_has_one_form(typed: str, address: str) -> None:
    assert email_of(typed) == address
    assert email_of(address) == address


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "asha", "@example.com", "asha@", "asha@localhost", "asha@-x.com", "a b@e.com",
        "asha@example.com,b@example.com", "Asha <asha@example.com>", '"a b"@example.com',
        "asha@example.com\nBcc: b@example.com", "asha@exam\u0000ple.com", "asha@[127.0.0.1]",
        "mıke@example.com", "ａsha@example.com", "a" * 65 + "@example.com",
        "a@" + "b" * 60 + ("." + "c" * 60) * 4 + ".com", "\ud800@example.com", "a" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as caught:
        email_of(typed)
    assert caught.value.field == "email"


@given(st.text(max_size=60))
def test_any_text_is_an_address_in_its_one_form_or_invalid(text: str) -> None:
    try:
        address = email_of(text)
    except Invalid:
        return
    assert email_of(address) == address
    assert address.isascii()
    assert core.one_line(address)


@pytest.mark.parametrize(
    ("typed", "region", "number"),
    [
        ("0712 345 678", "KE", "+254712345678"),
        ("+254 712 345678", "", "+254712345678"),
        ("+254712345678", "TZ", "+254712345678"),
    ],
)
def test_a_phone_number_has_one_form(typed: str, region: str, number: str) -> None:
    assert phone_of(typed, region) == number


def test_a_number_that_is_none_and_one_that_does_not_exist_are_told_apart() -> None:
    with pytest.raises(NotGivenOut):
        phone_of("+254 12", "")
    for typed in ("hello", "0712 345 678", "", "+"):
        with pytest.raises(Invalid) as caught:
            phone_of(typed)
        assert not isinstance(caught.value, NotGivenOut)


@given(st.text(min_size=1, max_size=80), st.text(min_size=1, max_size=300))
def test_whatever_is_queued_has_these_headers_and_no_other(subject: str, text: str) -> None:
    try:
        mail = core.checked(Mail("asha@example.com", subject, text))
    except Invalid:
        assert not core.one_line(subject) or not subject.strip() or not text.strip()
        return
    try:
        wire = core.compose(leased(), Content(mail.subject, mail.text), SENDER)
    except UnicodeEncodeError:
        pytest.fail("a text that cannot be sent was taken")

    message = message_from_bytes(wire, policy=email.policy.default)
    assert [name.lower() for name in message] == [
        "from", "to", "subject", "date", "message-id", "auto-submitted", "content-type",
        "content-transfer-encoding", "mime-version",
    ]  # fmt: skip
    assert message.defects == []
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998  # RFC 5322 2.1.1


@pytest.mark.parametrize(
    "subject",
    [
        "Code\r\nBcc: everybody@example.com", "Code\nBcc: x@example.com", "Code\rX: y", "a\x00b",
        "a\u2028b", "a\x85b", "a\x1bb", "\ud800", "", "  ", "x" * 201,
    ],
)  # fmt: skip
def test_a_subject_of_more_than_one_line_is_refused(subject: str) -> None:
    with pytest.raises(Invalid) as caught:
        core.checked(Mail("asha@example.com", subject, "Hello"))
    assert caught.value.field == "subject"


@pytest.mark.parametrize(
    ("mail", "field"),
    [
        (Mail("asha@example.com", "Hello", ""), "text"),
        (Mail("asha@example.com", "Hello", "x" * 50_001), "text"),
        (Mail("asha@example.com", "Hello", "\ud800"), "text"),
        (Mail("asha@example.com", "Hello", "x", "x" * 200_001), "html"),
        (Mail("asha@example.com", "Hello", "x", good_for=timedelta(0)), "good_for"),
        (Mail("asha", "Hello", "x"), "email"),
    ],
)
def test_a_mail_that_may_not_be_sent_names_what_is_wrong(mail: Mail, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        core.checked(mail)
    assert caught.value.field == field


def test_a_message_reads_the_same_at_every_try() -> None:
    content = Content("Karibu, Åsa", "Habari\n.\nMwisho", "<p>Habari</p>")

    first = core.compose(leased(), content, SENDER)

    assert first == core.compose(leased(attempts=3, doubts=1), content, SENDER)
    message = message_from_bytes(first, policy=email.policy.default)
    assert message["Message-ID"] == f"<{UUID(int=7).hex}@majipro.example.com>"
    assert message["Subject"] == "Karibu, Åsa"
    assert message["Date"] == "Tue, 24 Nov 2026 09:00:00 +0000"


AT_ONCE = {"tls_at_once": True, "must_hide": False}
SOON = NOW + timedelta(seconds=2.5)  # 5 s, and the jitter at its least


@pytest.mark.parametrize(
    ("mail", "fate", "change"),
    [
        (leased(), Taken(), Change(Status.SENT, 0)),
        (leased(doubts=1), Taken(), Change(Status.SENT, 1)),
        (leased(), Never("550"), Change(Status.FAILED, 0, error="550")),
        (leased(doubts=1), Never("550"), Change(Status.UNKNOWN, 1, error="550")),
        (leased(), Later("450"), Change(Status.QUEUED, 0, SOON, "450")),
        (leased(), Doubt("lost"), Change(Status.QUEUED, 1, SOON, "lost")),
        (leased(hours=0), Later("450"), Change(Status.EXPIRED, 0, error="450")),
        (leased(hours=0), Doubt("lost"), Change(Status.UNKNOWN, 1, error="lost")),
    ],
)
def test_what_a_try_does(mail: Leased, fate: Fate, change: Change) -> None:
    assert core.decide(mail, fate, NOW, 0.0) == change


@given(st.integers(1, 30_000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_thirty_minutes_and_no_further(attempts: int, jitter: float) -> None:
    assert 2.5 <= core.pause(attempts, jitter) <= 1800
    assert core.pause(attempts, jitter) <= core.pause(attempts + 1, jitter)


@pytest.mark.parametrize(
    ("code", "step", "fate"),
    [
        (450, "recipient", Later("450 at recipient")),
        (550, "recipient", Never("550 at recipient")),
        (550, "data", Never("550 at data")),
        (550, "sender", Later("550 at sender")),
        (535, "login", Later("535 at login")),
        (554, "connect", Later("554 at connect")),
        (-1, "data", Doubt("-1 at data")),
        (-1, "recipient", Later("-1 at recipient")),
    ],
)
def test_what_a_servers_no_means(code: int, step: str, fate: Fate) -> None:
    assert core.answered(code, step) == fate


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", Server("mail.example", 587)),
        ("smtp://u:p%40ss@mail.example:25", Server("mail.example", 25, "u", "p@ss")),
        ("smtps://u:p@mail.example/", Server("mail.example", 465, "u", "p", **AT_ONCE)),
        ("smtp://127.0.0.1:2525", Server("127.0.0.1", 2525, must_hide=False)),
        ("smtp://[::1]:2525", Server("::1", 2525, must_hide=False)),
        ("smtp://localhost", Server("localhost", 587, must_hide=False)),
        ("smtp://relay?tls=optional", Server("relay", 587, must_hide=False)),
        ("smtp://u:p@relay?tls=optional", Server("relay", 587, "u", "p")),  # no password in clear
    ],
)
def test_how_a_server_is_named(url: str, server: Server) -> None:
    assert core.server_of(url) == server


@pytest.mark.parametrize(
    "url",
    [
        "", "mail.example", "http://mail.example", "smtp://", "smtp://u:secret@h:x", "smtp://h:99999",
        "smtp://u@h", "smtp://h/path", "smtp://h?tls=off", "smtp://h#x", "smtp://u:p%0a@h", "smtp://[h",
    ],
)  # fmt: skip
def test_a_wrong_address_of_a_server_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        core.server_of(url)
    assert "secret" not in str(caught.value)


def test_a_servers_password_is_not_shown() -> None:
    assert "secret" not in repr(core.server_of("smtp://u:secret@mail.example"))


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("MajiPro <no-reply@MajiPro.example.com>", SENDER),
        ('"MajiPro" <no-reply@majipro.example.com>', SENDER),
        ("no-reply@majipro.example.com", Address("", addr_spec="no-reply@majipro.example.com")),
    ],
)
def test_how_the_sender_is_named(text: str, sender: Address) -> None:
    assert core.sender_of(text) == sender


@pytest.mark.parametrize("text", ["", "MajiPro", "a <b", "a\nb <c@example.com>", "<a@b.com> c"])
def test_a_wrong_sender_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        core.sender_of(text)


@pytest.mark.parametrize(
    ("url", "sender", "variable"),
    [
        ("smtp://mail.example", "", "CHATWORKS_MAIL_FROM"),
        ("smtp://mail.example", "nobody", "CHATWORKS_MAIL_FROM"),
        ("ftp://mail.example", "a@example.com", "CHATWORKS_MAIL_URL"),
        ("", "nobody", "CHATWORKS_MAIL_FROM"),
    ],
)
def test_a_wrong_setting_is_named(url: str, sender: str, variable: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        carrier(url, sender, tmp_path)
    assert caught.value.field == variable
