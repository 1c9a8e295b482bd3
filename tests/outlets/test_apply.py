"""Outlet files: seeds add what is missing, applying changes what was shown, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner

from chatworks import cli
from chatworks.app import apply_outlet, compare_outlet, seed_outlet
from chatworks.commands.models import Actor, ActorKind, Call, NotAllowed
from chatworks.house import House
from chatworks.outlets.models import (
    AppletSpec,
    ApplyFile,
    CannotChange,
    Change,
    NotValid,
    OutletFile,
    ProductSpec,
)
from chatworks.outlets.service import read_file

PATH = Path(__file__).parents[2] / "outlets" / "majipro.toml"
COUNTED = "sales count it down; edit it in the console"


@pytest.fixture
def file() -> OutletFile:
    return read_file(PATH)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as conn:
        return conn.execute(query).fetchall()


def snapshot(url: str) -> list[list[tuple[Any, ...]]]:
    tables = ("outlet", "channel", "applet_install", "product", "membership", "audit_leaf")
    queries = [f"SELECT * FROM {table} ORDER BY 1, 2" for table in tables]  # noqa: S608 - ours
    return [rows(url, query) for query in queries]


def edited(file: OutletFile) -> OutletFile:
    """Return the file with a change of each kind."""
    brand = msgspec.structs.replace(file.brand, primary="#112233")
    first, *rest = file.products
    dearer = msgspec.structs.replace(first, price_minor=26000, stock=7, tags=["water", "top"])
    new = ProductSpec(sku="CUP", name={"en": "Paper cups"}, price_minor=5000, stock=9)
    water = AppletSpec("water", {"largest_order": 5})
    applets = [water, AppletSpec("staff"), AppletSpec("account")]
    return msgspec.structs.replace(
        file, brand=brand, products=[*rest, dearer, new], applets=applets, owner="Somebody else"
    )


async def test_what_differs_is_said_and_what_is_kept_too(house: House, file: OutletFile) -> None:
    wanted = edited(file)

    listed = await compare_outlet(house, wanted)

    days = ("fri", "mon", "sat", "sun", "thu", "tue", "wed")
    skus = ["W20-REFILL", "W20-NEW", "W10", "W5", "W1.5x6"]
    hours = [change for change in listed if change.field.startswith("hours.")]
    assert [change.field for change in hours] == ["hours.closed", *(f"hours.{d}" for d in days)]
    assert [change for change in listed if change not in hours] == [
        Change("brand.primary", "#0b5fa5", "#112233"),
        Change("applets.water", '{"largest_order":20}', '{"largest_order":5}'),
        Change("products.W20-REFILL.price_minor", "25000", "26000"),
        Change("products.W20-REFILL.tags", '["water"]', '["water","top"]'),
        Change("products.W20-REFILL.stock", "120", "7", kept=COUNTED),
        Change("products.CUP", None, '{"en":"Paper cups"}'),
        Change("products", ", ".join(skus), ", ".join([*skus[1:], skus[0]])),
    ]
    assert listed[-3].show() == (f"products.W20-REFILL.stock (kept: {COUNTED})\n  - 120\n  + 7")
    assert Change("channels.x", None, "X").show() == "channels.x\n  + X"


async def test_applying_changes_it_and_leaves_a_leaf_in_the_same_transaction(
    house: House, file: OutletFile, database_url: str
) -> None:
    wanted = edited(file)

    await apply_outlet(house, wanted)

    left = await compare_outlet(house, wanted)
    assert [(change.field, change.kept) for change in left] == [
        ("products.W20-REFILL.stock", COUNTED)
    ]
    products = rows(database_url, "SELECT sku, price_minor, stock FROM product ORDER BY position")
    assert products == [
        ("W20-NEW", 120000, 30),
        ("W10", 18000, 60),
        ("W5", 11000, 80),
        ("W1.5x6", 42000, 4),
        ("W20-REFILL", 26000, 120),
        ("CUP", 5000, 9),
    ]
    assert rows(database_url, "SELECT name FROM membership") == [("MajiPro owner",)]
    leaves = rows(
        database_url,
        "SELECT action, actor_kind, actor_id, object_kind, convert_from(payload, 'UTF8')"
        " FROM audit_leaf WHERE actor_id <> 'outlet file' ORDER BY action",
    )
    platform = ("platform", "chatworks outlet apply", "outlet")
    assert [leaf[:4] for leaf in leaves] == [
        ("catalog.ApplyProducts", *platform),
        ("outlets.ApplyFile", *platform),
    ]
    assert '"details":{"added":1,"changed":1}' in leaves[0][4]
    assert "brand.primary" in leaves[1][4]
    assert "applets.water" in leaves[1][4]


async def test_seeding_never_overwrites_what_was_edited(
    house: House, file: OutletFile, database_url: str
) -> None:
    before = snapshot(database_url)
    fewer = msgspec.structs.replace(edited(file), products=edited(file).products[:-1])

    await seed_outlet(house, fewer)

    assert snapshot(database_url) == before


async def test_what_stays_for_good_is_refused_and_nothing_changes(
    house: House, file: OutletFile, database_url: str
) -> None:
    before = snapshot(database_url)
    dollars = msgspec.structs.replace(edited(file), currency="USD")

    for attempt in (compare_outlet, apply_outlet):
        with pytest.raises(CannotChange) as refused:
            await attempt(house, dollars)
        assert str(refused.value) == (
            "currency cannot change from KES to USD: prices and orders are in KES"
        )

    assert snapshot(database_url) == before


async def test_a_slug_is_for_good(house: House, file: OutletFile, database_url: str) -> None:
    before = snapshot(database_url)
    (outlet,) = await house.directory.outlets()
    actor = Actor(ActorKind.PLATFORM, "test")
    renamed = msgspec.structs.replace(file, slug="maji")

    with pytest.raises(CannotChange) as refused:
        async with house.db.engine() as work:
            await house.dispatcher.one(work, Call(outlet.id, actor, ApplyFile(renamed)))
    with pytest.raises(NotValid, match="is another outlet's"):
        async with house.db.engine() as work:
            await house.dispatcher.one(work, Call(work.new_id(), actor, ApplyFile(file)))
    operator = Actor(ActorKind.OPERATOR, outlet.id.hex, "owner")
    with pytest.raises(NotAllowed):
        async with house.db.engine() as work:
            await house.dispatcher.one(work, Call(outlet.id, operator, ApplyFile(file)))

    assert str(refused.value) == (
        "slug cannot change from majipro to maji: links and chats lead to majipro"
    )
    assert snapshot(database_url) == before


async def test_another_slug_is_another_outlet(
    house: House, file: OutletFile, database_url: str
) -> None:
    other = msgspec.structs.replace(file, slug="majitwo", name="Maji Two")

    listed = await compare_outlet(house, other)
    await apply_outlet(house, other)

    assert listed[0] == Change("outlet", None, "Maji Two: new, since a slug (majitwo) is for good")
    assert "channels.telegram" in {change.field for change in listed}
    assert [o.slug for o in await house.directory.outlets()] == ["majipro", "majitwo"]
    assert rows(database_url, "SELECT count(*) FROM product") == [(10,)]
    assert rows(database_url, "SELECT count(*) FROM membership") == [(2,)]
    assert [change for change in await compare_outlet(house, other) if not change.kept] == []


@pytest.mark.parametrize(("answer", "said"), [("n", "Nothing was changed."), ("y", "Applied.")])
def test_the_command_asks_before_it_changes(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, said: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("CHATWORKS_SECRET", "a secret of the tests, long enough")
    first = CliRunner().invoke(cli.cli, ["outlet", "apply", "--yes", str(PATH)])
    assert (first.exit_code, first.output.split("\n")[:2]) == (
        0,
        ["outlet", "  + MajiPro: new, since a slug (majipro) is for good"],
    )
    before = snapshot(database_url)
    changed = tmp_path / "majipro.toml"
    changed.write_text(PATH.read_text().replace('primary = "#0b5fa5"', 'primary = "#000000"'))

    asked = CliRunner().invoke(cli.cli, ["outlet", "apply", str(changed)], input=f"{answer}\n")
    same = CliRunner().invoke(cli.cli, ["outlet", "apply", str(PATH)], input="n\n")

    assert asked.exit_code == 0
    assert asked.output == (
        f"brand.primary\n  - #0b5fa5\n  + #000000\nApply this? [y/N]: {answer}\n{said}\n"
    )
    if answer == "n":
        assert snapshot(database_url) == before
        assert same.output == "Nothing would change.\n"
    else:
        assert rows(database_url, "SELECT brand->>'primary' FROM outlet") == [("#000000",)]
