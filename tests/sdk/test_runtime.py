"""Replay: the same conversation however often it is interrupted, and clear words for authors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatworks.kit.texts import Texts
from chatworks.sdk import Applet, Chat, text, whole_number
from chatworks.sdk.applet import AppletError, LoadedApplet, Manifest
from chatworks.sdk.requests import Ask, Say
from chatworks.sdk.runtime import ENTRIES_MAX, Entry, Finished, Mismatch, Run

trail: list[str] = []


def loaded(function: Any) -> LoadedApplet:
    applet = Applet("t")
    applet.command("go", help="")(function)
    return LoadedApplet(Manifest("t", "1", {}, [], [], []), applet, Texts({}), None)


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


async def sleeps(_chat: Chat[None]) -> None:
    await asyncio.sleep(0)


async def tidies(chat: Chat[None]) -> None:
    try:
        await chat.ask("?", text())
    finally:
        trail.append("finally")
        await chat.say("bye")


async def loops(chat: Chat[None]) -> None:
    while True:
        await chat.say("again")


def test_awaiting_something_else_is_explained() -> None:
    with pytest.raises(AppletError, match="awaited something that is not of chat"):
        run_of(sleeps, []).replay()


def test_a_run_is_put_away_through_its_finally_blocks() -> None:
    run = run_of(tidies, [])
    run.replay()

    run.suspend()

    assert trail == ["finally"]


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
