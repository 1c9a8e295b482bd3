"""The public pages' words: every one in Swahili, and ink that can be read on any brand's colour."""

from __future__ import annotations

import pytest

from chatworks.house import House
from chatworks.privacy.core import kept
from chatworks.storefront.models import DATA_MAP
from chatworks.storefront.pages import SEEN_BY, TEXTS, in_words, ink_on


async def test_the_register_is_published_in_swahili_too(house: House) -> None:
    maps = [feature.data_map for feature in house.features] + [DATA_MAP]
    said = {
        text for item in kept(maps) for text in (item.what, *item.purposes, *item.retention)
    } | {SEEN_BY[who] for item in kept(maps) for who in item.visible}

    assert sorted(said - TEXTS.known("sw")) == []


async def test_a_rule_of_retention_is_a_sentence(house: House) -> None:
    phone = next(
        item
        for item in kept(feature.data_map for feature in house.features)
        if item.what == "Your phone number"
    )

    assert in_words(phone, "en").retention == (
        "24 months after: last message",
        "7 years after: order closed",
    )
    assert in_words(phone, "sw").retention == (
        "miezi 24 baada ya ujumbe wa mwisho",
        "miaka 7 baada ya oda kufungwa",
    )


@pytest.mark.parametrize(
    ("colour", "ink"),
    [
        ("#0b5fa5", "#ffffff"),
        ("#f7d417", "#101a24"),
        ("#ffffff", "#101a24"),
        ("#000000", "#ffffff"),
    ],
)
def test_ink_is_chosen_for_the_colour(colour: str, ink: str) -> None:
    assert ink_on(colour) == ink
