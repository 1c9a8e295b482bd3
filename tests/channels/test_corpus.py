"""The corpus: every recorded payload, through the real door, in every order with the statuses of
the messages that it leads to.

Each payload comes from one person for each order of each family of statuses; the engine answers,
the outbox sends, and each message of ours gets its statuses in that order, every one twice. However
they come, the person is heard and answered once, nothing is lost, no status goes back, and all
orders of a family end the same. Statuses that come before their send has settled have a test of
their own in ``tests/outbox/test_reports.py``.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec
import psycopg
import pytest
import test_telegram_updates as telegram
import test_twilio_webhooks as twilio
import test_whatsapp_updates as cloud
from houses import opened, set_environment

from chatworks.app import seed_outlet
from chatworks.channels.models import Accepted, Channel, Outcome, RawRequest, WirePart
from chatworks.channels.twilio.signature import compute
from chatworks.conversations.models import HISTORY_KINDS
from chatworks.house import House
from chatworks.inbox.door import Door
from chatworks.kit.clock import SystemClock
from chatworks.outbox.models import RANK, Status
from chatworks.outlets.models import ChannelSpec
from chatworks.outlets.service import read_file
from chatworks.sdk.inbound import Inbound
from chatworks.testing import twilio_webhooks, whatsapp_webhooks
from chatworks.testing.telegram import BotApi

PUBLIC = "https://shop.example"
FILE = Path(__file__).parents[2] / "outlets" / "majipro.toml"
ABREAST = 200  # requests at the door at once: they share commits

Asked = tuple[str, bytes, dict[str, str]]  # path, body, headers


# -- a house that many people write to -------------------------------------------------------


@dataclass
class Corpus:
    """What people send goes in by the door; what the house sends is taken at once."""

    house: House
    channels: dict[str, Channel]
    url: str
    sent: int = 0

    def __post_init__(self) -> None:
        house = self.house
        self.door = Door(house.kinds, house.directory.resolve, house.committer, house.clock)
        for name in self.channels:
            kind = house.kinds[name]
            if kind.send is not None:
                house.kinds[name] = replace(kind, limits=None, send=self._accept)

    async def _accept(self, _channel: Channel, part: WirePart) -> Outcome:
        """Take a part; a message has an id."""
        self.sent += 1
        talks = part.method == "Messages" or "type" in part.params
        return Accepted(f"SM{self.sent:032x}" if talks else "")

    def path(self, kind: str) -> str:
        return f"/in/{kind}/{self.channels[kind].path}"

    async def ask(self, asked: Asked) -> int:
        """Give a request to the door; returns its status."""
        path, body, headers = asked
        answers: list[Any] = []
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "raw_path": path.encode(), "headers": raw}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            answers.append(message)

        await self.door(scope, receive, send)
        return int(answers[0]["status"])

    async def hear(self, requests: Sequence[Asked]) -> Counter[int]:
        """Give requests to the door, many abreast, and take what came in; returns the statuses."""
        statuses: Counter[int] = Counter()
        for at in range(0, len(requests), ABREAST):
            some = requests[at : at + ABREAST]
            statuses.update(await asyncio.gather(*(self.ask(one) for one in some)))
        while await self.house.worker.step():
            pass
        return statuses

    async def answer(self) -> None:
        """Send until nothing waits."""
        task = asyncio.create_task(self.house.sender.run())
        waiting = "SELECT count(*) FROM outbox_part WHERE status IN ('queued', 'leased')"
        async with asyncio.timeout(30):
            while self.rows(waiting) != [(0,)]:  # noqa: ASYNC110 - a test looks
                await asyncio.sleep(0.05)
        self.house.sender.stop()
        await task

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]

    def read(self, asked: Asked, kind: str) -> list[Any]:
        """Return what the events of a request are in our words."""
        path, body, headers = asked
        known, channel = self.house.kinds[kind], self.channels[kind]
        request = RawRequest(headers, body, "POST", path)
        arrivals = known.split(request, channel, self.house.clock.now())
        return [known.read(arrival.payload, channel) for arrival in arrivals]

    def stands(self) -> dict[tuple[str, str], Status]:
        """Return where each message that has an id stands, by its thread and id."""
        query = "SELECT thread, vendor_id, status FROM outbox_part WHERE vendor_id <> ''"
        return {(thread, ident): Status(status) for thread, ident, status in self.rows(query)}

    def histories(self) -> dict[str, list[tuple[str, ...]]]:
        """Return what was said in each thread, in order, without the ids of what came in."""
        told: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for thread, *said in self.rows(
            "SELECT c.thread, m.direction, CASE m.direction WHEN 'out' THEN m.content::text"
            " ELSE concat(m.content->>'kind', ' ', m.content->>'text') END"
            " FROM message m JOIN conversation c ON c.id = m.conversation_id"
            " ORDER BY c.thread, m.seq"
        ):
            told[thread].append(tuple(said))
        return told


@pytest.fixture
async def corpus(
    database_url: str, clock: SystemClock, bot_api: BotApi, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Corpus]:
    set_environment(monkeypatch, bot_api)
    monkeypatch.setenv("CHATWORKS_PUBLIC_URL", PUBLIC)
    monkeypatch.setenv("TWILIO_TOKEN", "12345")
    monkeypatch.setenv("WHATSAPP_TOKEN", "token")
    monkeypatch.setenv("WHATSAPP_TOKEN_SIGNING", "app secret")
    specs = [
        ChannelSpec("twilio_whatsapp", "", "TWILIO_TOKEN", twilio.ACCOUNT, "+254700000001"),
        ChannelSpec("twilio_sms", "", "TWILIO_TOKEN", twilio.ACCOUNT, "+15005550006"),
        ChannelSpec("whatsapp", "", "WHATSAPP_TOKEN", "10001"),
    ]
    async with opened(database_url, clock) as house:
        await seed_outlet(house, msgspec.structs.replace(read_file(FILE), channels=specs))
        channels = {channel.kind: channel for channel in await house.directory.channels()}
        yield Corpus(house, channels, database_url)


# -- vendors that tell statuses --------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """Who sends one payload, and in which order the statuses of what answers them come."""

    name: str
    number: int
    steps: tuple[str, ...]
    end: str

    @property
    def phone(self) -> str:
        return f"2547{self.number:08d}"


class OfTwilio:
    """Twilio's forms, signed; SMS and WhatsApp."""

    names = sorted(twilio.MEANT)
    # Twilio answers the words that stop, start and ask for help by itself.
    silent = frozenset(
        {"wa_reaction", "sms_help", "sms_help_advanced"}
        | {"sms_start", "sms_yes", "sms_stop", "sms_stop_advanced"}
    )
    # Families of statuses, and where a message ends that got all of one, in whatever order.
    families: ClassVar = {
        ("sent", "delivered", "read"): "read",
        ("delivered", "undelivered"): "delivered",
        ("queued", "sent", "failed"): "failed",
    }
    every = ("wa_text", ("queued", "sent", "delivered", "read", "failed"))  # in all 120 orders

    def kind(self, person: Person) -> str:
        return "twilio_sms" if person.name.startswith("sms") else "twilio_whatsapp"

    def payload(self, corpus: Corpus, person: Person) -> Asked:
        sid, scoped = f"MM{person.number:032x}", f"KE.{person.phone}"
        fields = twilio.fields(person.name)
        if "WaId" in fields:
            fields["WaId"] = person.phone
        if "ExternalUserId" in fields:
            fields["ExternalUserId"] = scoped
        sender = fields["From"].replace(twilio.PHONE, f"+{person.phone}")
        fields |= {"From": sender, "MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid}
        if sender == twilio.SCOPED:
            fields["From"] = f"whatsapp:{scoped}"
        return self._signed(corpus, person, fields)

    def status(self, corpus: Corpus, person: Person, message: tuple[str, str], what: str) -> Asked:
        to, sid = message
        told = {"sid": sid, "account_sid": twilio.ACCOUNT, "from": "", "to": to}
        code = 30008 if what in {"undelivered", "failed"} else 0  # nobody knows why
        fields = twilio_webhooks.status(told, what, code)
        return self._signed(corpus, person, {name: str(value) for name, value in fields.items()})

    def _signed(self, corpus: Corpus, person: Person, fields: Mapping[str, str]) -> Asked:
        path = corpus.path(self.kind(person))
        form = {name: [value] for name, value in fields.items()}
        signature = compute("12345", PUBLIC + path, form)
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": signature,
        }
        return path, urlencode(fields).encode(), headers


class OfWhatsApp:
    """The Cloud API's batches, signed."""

    names = sorted(
        name
        for name, meant in cloud.MEANT.items()
        if len(meant) == 1 and isinstance(meant[0], Inbound)
    )
    silent = frozenset({"reaction", "reaction_taken_back", "number_changed"})
    families: ClassVar = {
        ("sent", "delivered", "read"): "read",
        ("delivered", "failed"): "delivered",
        ("sent", "failed"): "failed",
    }
    every = ("text", ("sent", "delivered", "read", "failed"))

    def kind(self, _person: Person) -> str:
        return "whatsapp"

    def payload(self, corpus: Corpus, person: Person) -> Asked:
        text = json.dumps(cloud.body(person.name)).replace(cloud.PERSON, person.phone)
        text = text.replace(cloud.SCOPED, f"KE.{person.phone}")
        return self._signed(corpus, text.replace("wamid.H", f"wamid.{person.number}H").encode())

    def status(self, corpus: Corpus, person: Person, message: tuple[str, str], what: str) -> Asked:
        to, ident = message
        code = 131026 if what == "failed" else 0  # it cannot be delivered
        value = whatsapp_webhooks.status(ident, to, what, 1_790_000_100 + person.number, code)
        batch = whatsapp_webhooks.batch([value], "20001", "10001", "15005550001")
        return self._signed(corpus, batch)

    def _signed(self, corpus: Corpus, body: bytes) -> Asked:
        signature = whatsapp_webhooks.signature("app secret", body)
        return corpus.path("whatsapp"), body, {"x-hub-signature-256": signature}


Vendor = OfTwilio | OfWhatsApp


def people(vendor: Vendor) -> list[Person]:
    """Return one person for each payload and order of a family, and for each of ``every``."""
    orders = [
        (order, end)
        for family, end in vendor.families.items()
        for order in itertools.permutations(family)
    ]
    meant = [(name, *order) for name in vendor.names for order in orders]
    name, statuses = vendor.every
    meant += [(name, order, "read") for order in itertools.permutations(statuses)]
    return [Person(name, n, order, end) for n, (name, order, end) in enumerate(meant, start=1)]


@pytest.mark.parametrize("vendor", [OfTwilio(), OfWhatsApp()], ids=["twilio", "whatsapp"])
async def test_every_payload_in_every_order_with_its_statuses_ends_the_same(
    corpus: Corpus, vendor: Vendor
) -> None:
    everybody = people(vendor)
    payloads = [vendor.payload(corpus, person) for person in everybody]
    heard = {
        person.number: [
            said for said in corpus.read(asked, vendor.kind(person)) if said.kind in HISTORY_KINDS
        ]
        for person, asked in zip(everybody, payloads, strict=True)
    }

    assert await corpus.hear(payloads) == {200: len(payloads)}
    await corpus.answer()
    with psycopg.connect(corpus.url, autocommit=True) as owner_of_tables:
        owner_of_tables.execute("ANALYZE")  # as the server does by itself within minutes
    histories, sent = corpus.histories(), corpus.sent
    threads = by_phone(everybody, histories)
    assert_alike(everybody, threads, histories, heard, vendor.silent)

    messages: dict[int, list[tuple[str, str]]] = defaultdict(list)
    owner = {thread: number for number, thread in threads.items()}
    for message in corpus.stands():
        messages[owner[message[0]]].append(message)
    assert {p.name for p in everybody if not messages[p.number]} == vendor.silent
    known = dict.fromkeys(corpus.stands(), Status.SENT)
    for at in range(max(len(person.steps) for person in everybody)):
        told = [
            vendor.status(corpus, person, message, person.steps[at])
            for person in everybody
            if at < len(person.steps)
            for message in messages[person.number]
        ]
        assert await corpus.hear(told + told) == {200: 2 * len(told)}
        now = corpus.stands()
        assert len(now) == len(known)
        assert [m for m in now if RANK[now[m]] < RANK[known[m]]][:3] == []
        known = now

    ends = {person.number: person.end for person in everybody}
    assert [m for m, status in known.items() if status != ends[owner[m[0]]]][:3] == []
    assert await corpus.hear(payloads) == {200: len(payloads)}  # the vendor tries again
    after = corpus.histories()
    changed = [thread for thread in after if after[thread] != histories.get(thread)]
    assert (changed[:3], len(after), corpus.sent) == ([], len(histories), sent)
    assert corpus.rows("SELECT count(*) FROM inbox_pending") == [(0,)]
    assert corpus.rows("SELECT count(*) FROM outbox_report") == [(0,)]


def by_phone(everybody: Sequence[Person], histories: Mapping[str, object]) -> dict[int, str]:
    """Return the thread of each person who was heard, by their number."""
    phones = {person.phone: person.number for person in everybody}
    return {phones[thread[-12:]]: thread for thread in histories}


def assert_alike(
    everybody: Sequence[Person],
    threads: Mapping[int, str],
    histories: Mapping[str, list[tuple[str, ...]]],
    heard: Mapping[int, Sequence[Inbound]],
    silent: frozenset[str],
) -> None:
    """Everybody who sent the same was heard once, and answered with the same words."""
    told: dict[str, set[tuple[tuple[str, ...], ...]]] = defaultdict(set)
    for person in everybody:
        said = histories.get(threads.get(person.number, ""), [])
        incoming = [words for direction, words in said if direction == "in"]
        expected = [f"{one.kind.value} {one.text}".rstrip() for one in heard[person.number]]
        assert [words.rstrip() for words in incoming] == expected
        assert (len(said) == len(incoming)) is (person.name in silent)
        told[person.name].add(tuple(said))
    assert {name for name, ways in told.items() if len(ways) > 1} == set()


# -- Telegram, which tells no statuses -------------------------------------------------------


@pytest.mark.parametrize("order", ["as numbered", "backwards", "shuffled"])
async def test_every_update_counts_once_however_often_and_in_whatever_order_it_comes(
    corpus: Corpus, order: str
) -> None:
    named = "UPDATE channel SET name = 'StandInBot' WHERE kind = 'telegram' RETURNING 1"
    assert corpus.rows(named) == [(1,)]
    corpus.house.directory.forget()
    channel = corpus.channels["telegram"]
    headers = {"x-telegram-bot-api-secret-token": channel.webhook_secret}
    names = [*telegram.MESSAGES, "poll"]
    if order == "backwards":
        names.reverse()
    if order == "shuffled":
        random.Random(7).shuffle(names)  # noqa: S311 - an order to try
    requests = [(corpus.path("telegram"), telegram.body(name), headers) for name in names]

    first = await corpus.hear(requests)
    again = await corpus.hear(requests[::-1] + requests)

    assert (first, again) == ({200: 60, 400: 1}, {200: 120, 400: 2})  # a poll names nobody
    said = {
        name: inbound
        for name, inbound in telegram.MESSAGES.items()
        if inbound.kind in HISTORY_KINDS
    }
    kept = corpus.rows(
        "SELECT content->>'kind', COALESCE(content->>'text', '') FROM message"
        " WHERE direction = 'in'"
    )
    assert Counter(kept) == Counter((one.kind.value, one.text) for one in said.values())
    assert corpus.rows("SELECT count(*) FROM inbox_event") == [(60,)]
    assert corpus.rows("SELECT count(*) FROM inbox_pending") == [(0,)]
    threads = "SELECT count(*), count(DISTINCT (channel_id, thread)) FROM conversation"
    ((conversations, distinct),) = corpus.rows(threads)
    assert conversations == distinct


def test_the_corpus_is_as_large_as_promised() -> None:
    payloads = len(telegram.MESSAGES) + len(twilio.NAMES) + len(cloud.NAMES)

    assert payloads == 135
    assert (len(people(OfTwilio())), len(people(OfWhatsApp()))) == (512, 304)
