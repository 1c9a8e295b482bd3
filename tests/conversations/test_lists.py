"""Answers without buttons, and the pages of a list: what a number means, and a tap on More."""

from __future__ import annotations

from collections.abc import Callable

from visitors import Visitor

People = Callable[[str], Visitor]
MENU = "Welcome to MajiPro. What can I do for you?"


async def test_a_number_means_a_choice_of_the_last_menu(visitor: People) -> None:
    anna = visitor("a")
    await anna.says("hello")

    assert await anna.says("1.") == ["Which bottle would you like?"]
    assert await anna.says("1") == ["How many? (1 to 20)"]  # of the open question now
    await anna.says("language")
    await anna.says("cancel")  # shows the menu again only where nothing was open
    labels = [button["label"] for button in anna.last[-1].get("buttons", ())]
    assert labels == []
    assert await anna.says("2") == [
        "Sasa tunazungumza Kiswahili.",
        "Karibu MajiPro. Nikusaidie nini?",
    ]


async def test_a_number_beyond_the_menu_shows_it_again(visitor: People) -> None:
    anna = visitor("a")
    await anna.says("hello")
    count = len(anna.last[-1]["buttons"])

    assert await anna.says(str(count + 1)) == [MENU]
    assert await anna.says("0") == [MENU]
    assert await anna.says("99999999999999999999") == [MENU]


async def test_more_shows_the_next_page_of_the_open_question(visitor: People) -> None:
    anna = visitor("a")
    await anna.says("order water")
    asked = anna.last[-1]

    await anna.give(kind="tap", tap=f"{asked['seq']}.more:2", text="More")
    assert await anna.hears() == ["Which bottle would you like?"]
    page = anna.last[-1]
    assert page["first"] == 2
    assert page["buttons"] == asked["buttons"]
    await anna.give(kind="tap", tap=f"{page['seq']}.{page['buttons'][2]['id']}", text="x")
    assert await anna.hears() == ["How many? (1 to 20)"]


async def test_more_of_a_menu_or_of_a_question_that_is_closed(visitor: People) -> None:
    anna = visitor("a")
    await anna.says("hello")
    menu = anna.last[-1]

    await anna.give(kind="tap", tap=f"{menu['seq']}.more:3", text="More")
    assert await anna.hears() == [MENU]
    assert anna.last[-1]["first"] == 3
    await anna.says("order water")
    await anna.give(kind="tap", tap=f"{menu['seq']}.more:nonsense", text="More")
    assert await anna.hears() == [MENU]
