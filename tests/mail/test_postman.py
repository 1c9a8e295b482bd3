"""Mails through a real SMTP server: sent once where all goes well, and told honestly where not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
import trustme
from mail_server import SENDER, Mailbox, Rows, postman

from chatworks.house import House
from chatworks.kit.errors import Invalid
from chatworks.mail import carriers, store
from chatworks.mail.carriers import SmtpServer
from chatworks.mail.models import Change, Leased, Status
from chatworks.mail.postman import Postman
from chatworks.mail.service import queue

Trust = Callable[[], ssl.SSLContext]
SECRET_TEXT = "Your code is 4711-0815."


async def send_one(house: House, to: str = "Asha@Example.COM", **more: timedelta) -> None:
    async with house.db.engine() as work:
        queue(work, to, "Your code", SECRET_TEXT, f"<p>{SECRET_TEXT}</p>", **more)


@asynccontextmanager
async def at_work(post: Postman) -> AsyncIterator[None]:
    task = asyncio.create_task(post.run())
    yield
    post.stop()
    await asyncio.wait_for(task, timeout=15)


async def until(rows: Rows, wanted: list[str]) -> None:
    for _ in range(200):
        if [row[0] for row in rows()] == wanted:
            return
        await asyncio.sleep(0.05)
    assert [row[0] for row in rows()] == wanted


async def once(post: Postman) -> Leased:
    """Have one mail leased and sent, and return it."""
    (mail,) = await post.lease()
    await post.send(mail)
    return mail


def soon(database_url: str) -> None:
    """Let every pause be over."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE mail_message SET ready_at = now() WHERE content IS NOT NULL")


async def test_a_mail_arrives_whole_and_nothing_of_it_stays(
    house: House, box: Mailbox, rows: Rows
) -> None:
    async with at_work(postman(house, box)):
        await send_one(house)
        await until(rows, ["sent"])

    (message,) = box.taken
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == SECRET_TEXT
    assert html.get_content().strip() == f"<p>{SECRET_TEXT}</p>"
    assert (message["From"], message["To"], message["Subject"]) == (
        "MajiPro <no-reply@majipro.example.com>",
        "asha@example.com",
        "Your code",
    )
    assert message["Auto-Submitted"] == "auto-generated"
    assert box.envelopes == [("no-reply@majipro.example.com", ["asha@example.com"])]
    assert rows() == [("sent", 1, 0, "", False)]


async def test_what_a_mail_says_is_not_readable_in_the_database(
    house: House, database_url: str
) -> None:
    await send_one(house)

    with psycopg.connect(database_url) as conn:
        (text, content) = conn.execute("SELECT m::text, content FROM mail_message m").fetchall()[0]
    assert "4711" not in text
    assert "Your code" not in text
    assert b"4711" not in content


async def test_a_transaction_that_fails_sends_nothing(house: House, rows: Rows) -> None:
    async def fails() -> None:
        async with house.db.engine() as work:
            queue(work, "asha@example.com", "Your code", SECRET_TEXT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()

    assert rows() == []


async def test_a_wrong_address_is_refused_before_anything_is_written(
    house: House, rows: Rows
) -> None:
    async with house.db.engine() as work:
        for to in ("asha@example.com\r\nBcc: all@example.com", "asha", "", "a@b@c.com"):
            with pytest.raises(Invalid):
                queue(work, to, "Your code", SECRET_TEXT)

    assert rows() == []


async def test_a_postman_that_dies_after_sending_leaves_a_doubt_and_the_same_message_again(
    house: House, box: Mailbox, rows: Rows, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(BaseException):
        pass

    async def dies(*_: object) -> bool:
        raise Died

    await send_one(house)
    with monkeypatch.context() as patched:
        patched.setattr(store, "finish", dies)
        with pytest.raises(Died):
            await once(postman(house, box))
    assert rows() == [("leased", 1, 0, "", True)]

    soon(database_url)  # the lease runs out
    await once(postman(house, box))

    assert rows() == [("sent", 2, 1, "", False)]
    first, second = (message["Message-ID"] for message in box.taken)
    assert first == second


async def test_a_late_postmans_result_is_refused(
    house: House, box: Mailbox, rows: Rows, database_url: str
) -> None:
    await send_one(house)
    late, other = postman(house, box), postman(house, box)
    (mail,) = await late.lease()
    soon(database_url)
    await once(other)

    async with house.db.engine() as work:
        held = await store.finish(work, mail, Change(Status.FAILED, 0, error="too late"))

    assert held is False
    assert rows() == [("sent", 2, 1, "", False)]


async def test_two_postmen_send_each_mail_once(house: House, box: Mailbox, rows: Rows) -> None:
    for n in range(12):
        await send_one(house, f"person{n}@example.com")

    async with at_work(postman(house, box)), at_work(postman(house, box)):
        await until(rows, ["sent"] * 12)

    assert sorted(to for _, (to,) in box.envelopes) == sorted(
        f"person{n}@example.com" for n in range(12)
    )


NOT_NOW = [
    ("recipient", "450 4.2.1 greylisted"),
    ("data", "451 4.3.0 later"),
    ("sender", "550 5.7.1 who are you"),  # of us, not of this mail
]


async def test_a_no_for_now_is_tried_again(
    house: House, box: Mailbox, rows: Rows, database_url: str
) -> None:
    for n, (step, answer) in enumerate(NOT_NOW, 1):
        box.answers[step] = [answer]
        await send_one(house)
        await once(postman(house, box))
        assert rows()[-1] == ("queued", 1, 0, f"{answer[:3]} at {step}", True)
        assert await postman(house, box).lease() == []  # not before its pause is over

        soon(database_url)
        await once(postman(house, box))

        assert rows()[-1] == ("sent", 2, 0, "", False)
        assert len(box.taken) == n


async def test_a_no_for_good_ends_it_without_the_servers_words(
    house: House, box: Mailbox, rows: Rows
) -> None:
    for step, answer in (("recipient", "550 5.1.1 no such user"), ("data", "554 5.7.1 spam")):
        box.answers[step] = [answer]
        await send_one(house)
        await once(postman(house, box))

        assert rows()[-1] == ("failed", 1, 0, f"{answer[:3]} at {step}", False)
    assert box.taken == []


async def test_a_server_that_is_away_costs_nothing_but_time(
    house: House, box: Mailbox, rows: Rows
) -> None:
    carrier = SmtpServer(box.server(port=1), SENDER)
    await send_one(house)
    await once(postman(house, box, carrier))

    assert rows() == [("queued", 1, 0, "SMTPConnectError at connect", True)]


async def test_a_server_that_hangs_before_the_message_leaves_no_doubt(
    house: House, box: Mailbox, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "STEP_SECONDS_MAX", 0.2)
    box.hang.add("recipient")
    await send_one(house)
    await once(postman(house, box))

    assert rows() == [("queued", 1, 0, "SMTPReadTimeoutError at recipient", True)]


async def test_a_server_that_takes_the_message_and_says_nothing_is_a_doubt(
    house: House, box: Mailbox, rows: Rows, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "SEND_SECONDS_MAX", 0.5)
    box.hang.add("after data")
    await send_one(house)
    await once(postman(house, box))
    assert [row[:3] for row in rows()] == [("queued", 1, 1)]

    box.hang.clear()
    box.answers["recipient"] = ["550 5.1.1 gone"]
    soon(database_url)
    await once(postman(house, box))

    assert rows() == [("unknown", 2, 1, "550 at recipient", False)]  # it may well have arrived


async def test_a_slow_server_holds_up_no_other_mail_longer_than_its_own(
    house: House, box: Mailbox, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carriers, "STEP_SECONDS_MAX", 30)
    slow = asyncio.Event()
    at = box._at

    async def first_waits(step: str) -> str | None:
        if step == "recipient" and not slow.is_set():
            slow.set()
            await asyncio.sleep(1.5)
        return await at(step)

    monkeypatch.setattr(box, "_at", first_waits)
    async with at_work(postman(house, box)):
        await send_one(house, "first@example.com")
        await asyncio.wait_for(slow.wait(), 5)
        await send_one(house, "second@example.com")
        await until(rows, ["sent", "sent"])

    assert [to for _, (to,) in box.envelopes] == ["second@example.com", "first@example.com"]


async def test_a_code_that_is_of_no_use_any_more_is_not_sent(
    house: House, box: Mailbox, rows: Rows
) -> None:
    await send_one(house, good_for=timedelta(milliseconds=1))
    await asyncio.sleep(0.01)
    post = postman(house, box)

    assert await post.lease() == []
    assert rows() == [("expired", 0, 0, "", False)]
    assert box.taken == []


async def test_starttls_is_begun_where_it_is_offered_and_the_password_goes_behind_it(
    house: House, hidden_box: Mailbox, trust: Trust, rows: Rows
) -> None:
    server = hidden_box.server(user="majipro", password="p@ss word", must_hide=True)
    await send_one(house)
    await once(postman(house, hidden_box, SmtpServer(server, SENDER, trust)))

    assert rows() == [("sent", 1, 0, "", False)]
    assert hidden_box.hidden == [True]


async def test_a_wrong_password_keeps_the_mail(
    house: House, hidden_box: Mailbox, trust: Trust, rows: Rows
) -> None:
    server = hidden_box.server(user="majipro", password="other", must_hide=True)
    await send_one(house)
    await once(postman(house, hidden_box, SmtpServer(server, SENDER, trust)))

    assert rows() == [("queued", 1, 0, "535 at login", True)]


async def test_a_certificate_that_nobody_vouches_for_ends_the_try(
    house: House, hidden_box: Mailbox, tls_box: Mailbox, rows: Rows
) -> None:
    for box, at_once in ((hidden_box, False), (tls_box, True)):
        carrier = SmtpServer(box.server(tls_at_once=at_once), SENDER)  # trusts the machine's only
        await send_one(house)
        await once(postman(house, box, carrier))

    assert [row[0] for row in rows()] == ["queued", "queued"]
    assert [row[2] for row in rows()] == [0, 0]
    assert (hidden_box.taken, tls_box.taken) == ([], [])


async def test_a_server_without_tls_gets_nothing_where_tls_must_be(
    house: House, box: Mailbox, rows: Rows
) -> None:
    await send_one(house)
    await once(postman(house, box, SmtpServer(box.server(must_hide=True), SENDER)))

    assert rows() == [("queued", 1, 0, "_NoTls at tls", True)]
    assert box.taken == []


async def test_tls_from_the_first_byte(
    house: House, tls_box: Mailbox, trust: Trust, rows: Rows, authority: trustme.CA
) -> None:
    carrier = SmtpServer(tls_box.server(tls_at_once=True), SENDER, trust)
    await send_one(house)
    await once(postman(house, tls_box, carrier))

    assert rows() == [("sent", 1, 0, "", False)]
    assert len(tls_box.taken) == 1


async def test_a_mail_that_was_sealed_with_another_key_fails_and_says_so(
    house: House, box: Mailbox, rows: Rows
) -> None:
    await send_one(house)
    (mail,) = await (post := postman(house, box)).lease()
    other = mail.content[:-1] + bytes([mail.content[-1] ^ 1])
    await post.send(replace(mail, content=other))

    assert rows() == [("failed", 1, 0, "it was sealed with another key", False)]


async def test_old_mails_are_forgotten(
    house: House, box: Mailbox, rows: Rows, database_url: str
) -> None:
    await send_one(house)
    await once(postman(house, box))
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE mail_message SET finished_at = now() - interval '31 days'")

    await postman(house, box).lease()

    assert rows() == []


async def test_without_a_server_mails_are_files_that_only_their_owner_reads(
    working: House, rows: Rows
) -> None:
    await send_one(working)
    await until(rows, ["sent"])

    folder = working.settings.home / "mail"
    (file,) = folder.glob("*.eml")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"4711-0815" in file.read_bytes()
    assert working.postman.carrier.where == f"{folder} (no CHATWORKS_MAIL_URL is set)"
