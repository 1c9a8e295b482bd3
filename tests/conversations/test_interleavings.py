"""Any interleaving of turns, crashes and replays gives the same conversation as a quiet run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from stage import (
    COMMIT,
    ROUNDS_MAX,
    Event,
    Fault,
    Intent,
    Stage,
    arm,
    differences,
    flattened,
)

from chatworks.app import compose, seed_outlet
from chatworks.inbox import store as inbox
from chatworks.kit.clock import SystemClock
from chatworks.outlets.models import Hours
from chatworks.outlets.service import read_file
from chatworks.settings import read_settings

Story = dict[str, Any]
FAULTS = ("raised", "lost", "killed", "terminated", "paused")
QUICK, LONG = 50, 600  # how many interleavings

HAPPY: tuple[Intent, ...] = (
    ("say", "order water"),
    ("tap", 0),
    ("say", "2"),
    ("place", (-1.2921, 36.7836)),
    ("say", "yes"),
    ("say", "Amina"),
    ("say", "0712 345 678"),
    ("tap", 0),
)
AGAIN: tuple[Intent, ...] = (
    *(("say", word) for word in ("/order", "3", "1", "Argwings Kodhek Road, Kilimani")),
    ("tap", 0),
    ("tap", 0),
    ("tap", 0),
)
CANCEL: tuple[Intent, ...] = (("say", "cancel order"), ("tap", 0), ("tap", 0))
WORDS = (
    "order water", "1", "2", "400", "nonsense", "yes", "no", "hapana", "where is my order", "menu",
    "help", "stop", "start", "cancel", "human", "lugha", "/start", "20 L refil", "/cancel_order",
)  # fmt: skip
NOISE = st.one_of(
    st.tuples(st.just("say"), st.sampled_from(WORDS)),
    st.tuples(st.sampled_from(["tap", "stale"]), st.integers(0, 4)),
    st.tuples(st.just("member"), st.sampled_from(["kicked", "member"])),
    st.sampled_from([("edit", "two"), ("photo", "f1"), ("place", (-1.2786, 36.7847))]),
)
PARTS = st.one_of(st.sampled_from([HAPPY, HAPPY[:4], AGAIN, CANCEL]), NOISE.map(lambda n: (n,)))


@st.composite
def scripts(draw: Any) -> tuple[Intent, ...]:
    """Draw what one person does: whole orders and cancellations, with anything in between."""
    script = list(flattened(draw(st.lists(PARTS, min_size=1, max_size=3))))
    for at, noise in draw(st.lists(st.tuples(st.integers(0, 20), NOISE), max_size=3)):
        script.insert(at, noise)
    return tuple(script)


PEOPLE = st.integers(0, 2)
ACTIONS = st.one_of(
    st.tuples(st.just("deliver"), PEOPLE, st.integers(1, 3)),
    st.tuples(st.just("turned round"), PEOPLE, st.integers(2, 3)),
    st.tuples(st.just("once more"), PEOPLE, st.integers(0, 30)),
    st.tuples(st.just("step"), PEOPLE, st.just(None)),
    st.tuples(
        st.just("step"),
        PEOPLE,
        st.tuples(st.sampled_from(FAULTS), st.just(COMMIT) | st.integers(1, 25)),
    ),
    st.tuples(st.just("overtake"), PEOPLE, st.integers(3, 12)),
    st.tuples(st.just("release"), st.booleans(), st.just(0)),
)
SCHEDULES = st.lists(ACTIONS, min_size=10, max_size=45)


@pytest.fixture
def play(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[Stage], Any]], Any]]:
    """Run something on a stage, all of it in one event loop of its own."""
    monkeypatch.setenv("TELEGRAM_TOKEN", "12345:stand-in")
    monkeypatch.setenv("CHATWORKS_SECRET", "a secret of the tests, long enough")
    arm(monkeypatch)
    with asyncio.Runner() as runner, psycopg.connect(database_url, autocommit=True) as admin:
        house = compose(read_settings(), database_url, SystemClock())

        async def begin() -> Stage:
            await house.open()
            file = read_file(Path(__file__).parents[2] / "outlets" / "majipro.toml")
            hours = Hours(*([[("00:00", "00:00")]] * 7))  # type: ignore[arg-type]
            await seed_outlet(house, msgspec.structs.replace(file, hours=hours))
            admin.execute("UPDATE product SET stock = 900000")
            return Stage(house, (await house.directory.channels(kind="telegram"))[0], admin)

        stage = runner.run(begin())
        yield lambda what: runner.run(what(stage))
        runner.run(house.close())


class Disturbed:
    """Several conversations, interleaved and struck as a schedule says."""

    def __init__(self, stage: Stage, plays: Sequence[Sequence[Event]]) -> None:
        self.stage = stage
        self.chats = [stage.new_chat() for _ in plays]
        self.left = [list(enumerate(events)) for events in plays]
        self.given: list[list[tuple[int, Event]]] = [[] for _ in plays]

    async def run(self, schedule: Sequence[tuple[Any, ...]]) -> None:
        """Do what the schedule says, then deliver what is left and work until all is taken."""
        for action, who, what in schedule:
            if action == "step":
                fault = None if what is None else Fault(what[0], what[1], self.stage.admin)
                await self.stage.step(who, fault)
            elif action == "release":
                await self.stage.release(kill=who)
            elif action == "overtake" and who < len(self.chats):
                await self._overtake(who, what)
            elif who < len(self.chats):
                await self._deliver(action, who, what)
        await self.stage.release_all()
        for _ in range(ROUNDS_MAX):
            if not any(self.left):
                return await self.stage.drain()
            for who in range(len(self.chats)):
                await self._deliver("deliver", who, 1)
            await self.stage.step(2)
        raise AssertionError("an answer is missing: somebody waits for a button that never comes")

    async def _overtake(self, who: int, at: int) -> None:
        """Let a worker stop in the middle of a person's turn while another one looks for work."""
        await self._deliver("deliver", who, 2)
        await self.stage.step(2, Fault("paused", at, self.stage.admin))
        await self.stage.step(1)
        await self.stage.release_all()

    async def _deliver(self, action: str, who: int, count: int) -> None:
        """Deliver a person's next events, in any order Telegram may choose, or one once more."""
        if action == "once more":
            events = self.given[who][count : count + 1]
        else:
            events = self._possible(who, count)
            self.given[who] += events
            del self.left[who][: len(events)]
        if events:
            turned = events[::-1] if action == "turned round" else events
            await self.stage.deliver(self.chats[who], turned)

    def _possible(self, who: int, count: int) -> list[tuple[int, Event]]:
        """Return the next events; nobody taps a button that was not sent yet."""
        seen = self.stage.last_seq(self.chats[who])
        possible = []
        for index, event in self.left[who][:count]:
            if event.needs_seq > seen:
                break
            possible.append((index, event))
        return possible


async def compare(
    stage: Stage,
    known: dict[tuple[Intent, ...], tuple[list[Event], Story]],
    people: Sequence[tuple[Intent, ...]],
    schedule: Sequence[tuple[Any, ...]],
) -> None:
    """Play every script alone, then all of them disturbed, and compare what became of each."""
    for script in people:
        if script not in known:
            known[script] = await stage.play(script)
    before = stage.stock()
    disturbed = Disturbed(stage, [known[script][0] for script in people])
    await disturbed.run(schedule)
    for script, chat in zip(people, disturbed.chats, strict=True):
        story, quiet = stage.story(chat), known[script][1]
        if ("member", "kicked") in script:  # who blocked us meanwhile is not sent what was said
            story, quiet = (
                {**story, "sent": [], "settled": []},
                {**quiet, "sent": [], "settled": []},
            )
        assert differences(story, quiet) == []
    after, sold = stage.stock(), stage.sold(disturbed.chats)
    assert after == {key: left - sold.get(key, 0) for key, left in before.items()}


def explore(play: Any, examples: int) -> None:
    known: dict[tuple[Intent, ...], tuple[list[Event], Story]] = {}

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],  # a failing schedule is short enough to read
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(scripts(), min_size=2, max_size=3), SCHEDULES)
    def go(people: list[tuple[Intent, ...]], schedule: list[tuple[Any, ...]]) -> None:
        play(lambda stage: compare(stage, known, people, schedule))

    go()


def test_any_interleaving_is_the_undisturbed_conversation(play: Any) -> None:
    explore(play, QUICK)


@pytest.mark.slow
def test_many_interleavings_are_the_undisturbed_conversation(play: Any) -> None:
    explore(play, LONG)


KILLED: list[tuple[Any, ...]] = [
    ("deliver", 0, 1),
    ("step", 2, ("killed", COMMIT)),
    ("deliver", 1, 2),
    ("step", 2, ("raised", 9)),
]


def test_the_comparison_notices_a_turn_that_is_taken_twice(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[int] = []
    done = inbox.done

    async def forgets(work: Any, ids: Sequence[int]) -> None:
        if len(forgotten) == 12:
            await done(work, ids[1:])  # the first event stays on the queue, once
        else:
            await done(work, ids)
        forgotten.append(1)

    monkeypatch.setattr("chatworks.inbox.store.done", forgets)

    with pytest.raises(AssertionError, match="is not"):
        play(lambda stage: compare(stage, {}, [HAPPY], KILLED))


def test_the_comparison_notices_a_commit_that_comes_too_early(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = inbox.done

    async def early(work: Any, ids: Sequence[int]) -> None:
        await done(work, ids)
        work.conn.pgconn.exec_(b"COMMIT; BEGIN")  # before anything that the turn decided is written

    monkeypatch.setattr("chatworks.inbox.store.done", early)

    with pytest.raises(AssertionError, match="an answer is missing"):
        play(lambda stage: compare(stage, {}, [HAPPY, AGAIN], KILLED))
