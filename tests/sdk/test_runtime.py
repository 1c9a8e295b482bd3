"""Replay: the same conversation however often it is interrupted, and clear words for authors."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import traceback
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.commands.models import Command, Query
from chatworks.kit.errors import Refusal
from chatworks.kit.texts import Texts
from chatworks.sdk import Applet, Chat, text, whole_number
from chatworks.sdk.applet import AppletError, LoadedApplet, Manifest
from chatworks.sdk.requests import Ask, Do, Restart, Say
from chatworks.sdk.runtime import (
    ENTRIES_MAX,
    SUSPENSIONS_MAX,
    Entry,
    Finished,
    Mismatch,
    Run,
)

trail: list[str] = []


def loaded(function: Any) -> LoadedApplet:
    applet = Applet("t")
    applet.command("go", help="")(function)
    requests = ["test_runtime.Book", "test_runtime.Seats"]
    return LoadedApplet(Manifest("t", "1", {}, [], requests, []), applet, Texts({}), None)


def run_of(function: Any, entries: list[Any]) -> Run:
    return Run(loaded(function), "go", Chat(None, "en", Texts({})), entries)


async def survey(chat: Chat[None]) -> None:
    name = await chat.ask("Your name?", text())
    total = 0
    for n in range(3):
        total += await chat.ask("Number {n}?", whole_number(0, 99), n=n)
    await chat.say("{name}: {total}", name=name, total=total)


def play(function: Any, answers: list[Any], cuts: set[int]) -> tuple[list[str], list[Any]]:
    """Answer in order; at each cut throw the run away and replay it from its journal."""
    said: list[str] = []
    run = run_of(function, [])
    step = run.replay()
    left = list(answers)
    while not isinstance(step, Finished):
        if isinstance(step, Say):
            said.append(step.message.text)
            step = run.resume(None)
            continue
        assert isinstance(step, Ask)
        said.append(step.message.text)
        if len(left) in cuts:
            run.suspend()
            run = run_of(function, run.entries)
            step = run.replay()
        step = run.resume(left.pop(0))
    return said, run.entries


@given(st.sets(st.integers(0, 5)), st.lists(st.integers(0, 99), min_size=3, max_size=3))
def test_an_interrupted_run_is_the_undisturbed_one(cuts: set[int], numbers: list[int]) -> None:
    answers = ["Joy", *numbers]

    assert play(survey, answers, cuts) == play(survey, answers, set())


def test_fingerprints_hold_kind_and_place_and_no_text() -> None:
    _, entries = play(survey, ["Joy", 1, 2, 3], set())

    assert [entry.fingerprint for entry in entries] == [
        "ask:text@survey",
        "ask:whole_number@survey",
        "ask:whole_number@survey",
        "ask:whole_number@survey",
        "say@survey",
    ]


async def changed(chat: Chat[None]) -> None:
    await chat.say("New!")
    name = await chat.ask("Your name?", text())
    await chat.say("Hello {name}", name=name)


def test_changed_code_is_noticed_and_keeps_what_fits() -> None:
    _, entries = play(survey, ["Joy", 1, 2, 3], set())
    renamed = [Entry(e.fingerprint.replace("survey", "changed"), e.kind, e.value) for e in entries]
    run = run_of(changed, renamed)

    mismatch = run.replay()
    step = run.salvage()

    assert isinstance(mismatch, Mismatch)
    assert (mismatch.index, mismatch.found) == (0, "say@changed")
    assert isinstance(step, Say)
    step = run.resume(None)
    assert isinstance(step, Say)
    assert step.message.text == "Hello Joy"


@dataclass(frozen=True, slots=True)
class Booked:
    number: int
    seats: list[int]


@dataclass(frozen=True, slots=True)
class Book(Command[Booked]):
    count: int


@dataclass(frozen=True, slots=True)
class Seats(Query[list[int]]):
    pass


class Full(Refusal):
    pass


async def books(chat: Chat[None]) -> None:
    count = await chat.ask("How many?", whole_number(1, 9))
    try:
        booked = await chat.do(Book(count))
    except Full as no:
        trail.append(f"{no.args} {len(traceback.extract_tb(no.__traceback__))}")
        booked = Booked(0, [])
    booked.seats.append(99)  # what an applet does to an answer must not survive
    await chat.ask("Your name?", text())
    await chat.say("{seats}", seats=booked.seats)


def at_name(entries: list[Any]) -> Run:
    run = run_of(books, entries)
    step = run.replay()
    if not entries:
        assert isinstance(step, Ask)
        step = run.resume(2)
        assert isinstance(step, Do)
        step = run.resume(Booked(7, [1, 2]))
    assert isinstance(step, Ask)
    return run


def test_an_answer_is_decoded_anew_at_each_replay() -> None:
    entries = at_name([]).entries

    for _ in range(3):
        run = at_name(entries)
        assert entries[1].fingerprint == "do:test_runtime.Book@books"
        assert bytes(entries[1].value) == b'{"number":7,"seats":[1,2]}'
    step = run.resume("Joy")

    assert isinstance(step, Say)
    assert step.message.text == "[1, 2, 99]"


def test_a_refusal_is_thrown_fresh_at_each_replay() -> None:
    trail.clear()
    refusal = Full("room", 3)
    run = run_of(books, [])
    run.replay()
    run.resume(2)
    run.refuse(refusal)
    for _ in range(3):
        run_of(books, run.entries).replay()

    assert set(trail) == {trail[0]}
    assert trail[0].startswith("('room', 3)")
    assert len(trail) == 4
    assert refusal.__traceback__ is None


def spoilt(at: int, kind: str, value: str) -> list[Any]:
    entries = at_name([]).entries
    entries[at] = Entry(entries[at].fingerprint, kind, msgspec.Raw(value.encode()))
    return entries


def moved(entries: list[Entry], was: str, to: str) -> list[Entry]:
    return [Entry(e.fingerprint.replace(was, to), e.kind, e.value) for e in entries]


@pytest.mark.parametrize(
    "entries",
    [
        spoilt(1, "answer", '{"number": "seven"}'),
        spoilt(1, "refused", '["test_runtime.Gone", []]'),
        spoilt(0, "answer", '"two"'),
    ],
)
def test_an_answer_of_another_shape_is_a_mismatch_and_asked_anew(entries: list[Any]) -> None:
    run = run_of(books, entries)

    mismatch = run.replay()
    step = run.salvage()

    assert isinstance(mismatch, Mismatch)
    assert mismatch.found == "an answer of another shape"
    assert isinstance(step, Ask | Do)


async def narrower(chat: Chat[None]) -> None:
    await chat.do(Seats())
    count = await chat.ask("How many?", whole_number(1, 1))
    booked = await chat.do(Book(count))
    await chat.say("{number}", number=booked.number)


def test_salvage_keeps_what_was_done_and_asks_what_no_longer_fits() -> None:
    entries = moved(at_name([]).entries, "@books", "@narrower")
    run = run_of(narrower, entries)
    run.replay()

    step = run.salvage()
    assert isinstance(step, Do)  # a query is asked anew
    assert isinstance(step.request, Seats)
    step = run.resume([1])
    assert isinstance(step, Ask)  # two is too many now
    step = run.resume(1)

    assert isinstance(step, Say)  # the booking is kept: nothing is booked twice
    assert step.message.text == "7"


async def turned_round(chat: Chat[None]) -> None:
    await chat.ask("Your name?", text())
    count = await chat.ask("How many?", whole_number(3, 9))
    await asked_elsewhere(chat, count)


async def asked_elsewhere(chat: Chat[None], count: int) -> None:
    booked = await chat.do(Book(count))
    await chat.say("{number}", number=booked.number)


def test_a_command_is_not_given_again_however_the_code_moved_and_however_late() -> None:
    run = at_name([])
    run.resume("Joy")
    journal = moved(run.journal(), "@books", "@turned_round")

    run = run_of(turned_round, journal)
    run.replay()
    step = run.salvage()
    assert isinstance(step, Ask)  # the name is kept, two are too few
    assert step.fingerprint == "ask:whole_number@turned_round"
    again = run_of(turned_round, run.journal())  # another turn, from what was kept
    again.replay()
    twice = run_of(turned_round, again.journal())  # and the code changes once more
    twice.replay()
    twice.salvage()
    step = twice.resume(5)

    assert isinstance(step, Say)
    assert step.message.text == "7"
    assert [entry.fingerprint for entry in twice.journal()] == [
        "ask:text@turned_round",
        "ask:whole_number@turned_round",
        "do:test_runtime.Book@asked_elsewhere",
    ]


async def sleeps(_chat: Chat[None]) -> None:
    await asyncio.sleep(1)


async def yields(_chat: Chat[None]) -> None:
    await asyncio.sleep(0)


async def gathers(chat: Chat[None]) -> None:
    await asyncio.gather(chat.say("one"), chat.say("two"))


async def waits(_chat: Chat[None]) -> None:
    await asyncio.get_running_loop().create_future()


async def forgets(chat: Chat[None]) -> None:
    await chat.do(Unlisted())


@dataclass(frozen=True, slots=True)
class Unlisted(Query[int]):
    pass


async def stops(chat: Chat[None]) -> None:
    await chat.say("first")
    next(iter([]))


async def breaks(_chat: Chat[None]) -> None:
    raise KeyError("bottle")


async def raises_refusal(chat: Chat[None]) -> None:
    await chat.do(Book(1))


async def tidies_and_sleeps(chat: Chat[None]) -> None:
    try:
        await asyncio.sleep(0)
    finally:
        await chat.say("bye")


UNLISTED = "test_runtime.Unlisted"
ONLY_CHAT = "awaited something that is not of chat"


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (sleeps, f"{ONLY_CHAT} (Future): asyncio, files and clocks cannot be replayed"),
        (yields, f"{ONLY_CHAT} (NoneType): asyncio, files and clocks cannot be replayed"),
        (gathers, f"{ONLY_CHAT} (_GatheringFuture): asyncio, files and clocks cannot be replayed"),
        (waits, f"{ONLY_CHAT} (Future): asyncio, files and clocks cannot be replayed"),
        (
            tidies_and_sleeps,
            f"{ONLY_CHAT} (NoneType): asyncio, files and clocks cannot be replayed",
        ),
        (
            forgets,
            f'{UNLISTED} is not in the manifest: add "{UNLISTED}" to its requests',
        ),
    ],
)
async def test_what_cannot_be_replayed_is_explained_to_the_author(
    function: Any, problem: str
) -> None:
    with pytest.raises(AppletError) as told:
        run_of(function, []).replay()
    await asyncio.sleep(0)  # whatever the applet left in the loop would complain now

    assert str(told.value) == problem
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_asyncio_outside_of_a_loop_is_explained_alike() -> None:
    with pytest.raises(AppletError, match=ONLY_CHAT):
        run_of(sleeps, []).replay()


def test_an_error_names_the_applets_line() -> None:
    line = breaks.__code__.co_firstlineno + 1

    with pytest.raises(AppletError) as told:
        run_of(breaks, []).replay()

    assert str(told.value) == f"KeyError: 'bottle' (test_runtime.py, line {line})"
    assert isinstance(told.value.__cause__, KeyError)


def test_an_exhausted_iterator_does_not_look_like_the_end() -> None:
    run = run_of(stops, [])
    run.replay()

    with pytest.raises(AppletError, match="coroutine raised StopIteration"):
        run.resume(None)


def test_a_refusal_that_nobody_caught_is_named() -> None:
    run = run_of(raises_refusal, [])
    run.replay()

    with pytest.raises(
        AppletError, match=r"did not catch the refusal test_runtime.Full\('room',\)"
    ):
        run.refuse(Full("room"))


async def tidies(chat: Chat[None]) -> None:
    try:
        await chat.ask("?", text())
    finally:
        trail.append("finally")
        await chat.say("bye")


async def loops(chat: Chat[None]) -> None:
    while True:
        await chat.say("again")


def test_a_run_is_put_away_through_its_finally_blocks() -> None:
    trail.clear()
    run = run_of(tidies, [])
    run.replay()

    run.suspend()
    run.suspend()

    assert trail == ["finally"]


def test_a_run_that_is_dropped_is_put_away_quietly() -> None:
    trail.clear()
    run = run_of(tidies, [])
    run.replay()

    del run  # its batch failed; Python would say “coroutine ignored GeneratorExit”
    gc.collect()

    assert trail == ["finally"]


async def clings(chat: Chat[None]) -> None:
    for _ in range(SUSPENSIONS_MAX * 3 // 2):
        with contextlib.suppress(BaseException):
            await chat.say("I stay")


def test_an_applet_that_cannot_be_put_away_is_refused() -> None:
    run = run_of(clings, [])
    run.replay()

    with pytest.raises(AppletError, match="awaits without end"):
        run.suspend()


async def counts(chat: Chat[None]) -> None:
    seen = chat.state or 0
    await chat.ask("Next?", text())
    await chat.restart(seen + 1)


def test_a_long_loop_restarts_with_a_fresh_journal() -> None:
    state = None
    rounds = 3 * ENTRIES_MAX // 2
    for _ in range(rounds):
        run = Run(loaded(counts), "go", Chat(None, "en", Texts({}), state=state), [])
        run.replay()
        step = run.resume("more")
        assert isinstance(step, Restart)
        assert len(run.entries) == 1
        state = step.state
        run.suspend()

    assert state == rounds


async def restarts_with_a_set(chat: Chat[None]) -> None:
    await chat.restart(object())


def test_a_state_that_is_no_json_is_the_authors_error() -> None:
    with pytest.raises(AppletError, match=r"TypeError: .*object"):
        run_of(restarts_with_a_set, []).replay()


def test_a_journal_has_a_limit() -> None:
    run = run_of(loops, [])
    run.replay()
    for _ in range(ENTRIES_MAX):
        run.resume(None)
    with pytest.raises(AppletError, match=f"{ENTRIES_MAX} entries"):
        run.resume(None)


def test_a_run_that_waits_for_nothing_refuses_answers() -> None:
    run = run_of(changed, [])
    with pytest.raises(RuntimeError, match="waits for nothing"):
        run.resume("x")
    run.suspend()
