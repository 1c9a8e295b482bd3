"""Messengers take no SVG: every drawing of an outlet has a small PNG of the same name beside it."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from chatworks.house import House
from chatworks.web.templating import static_files

DRAWINGS = [n for n in static_files() if n.startswith("outlets/") and n.endswith(".svg")]


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_has_a_png_beside_it(name: str) -> None:
    png = static_files()[name.removesuffix(".svg") + ".png"]

    assert Image.open(BytesIO(png.body)).size == (640, 640)
    assert len(png.body) < 20_000


async def test_an_adapter_can_load_it(house: House) -> None:
    loaded = await house.shelf.load("/static/outlets/majipro/20l-refill.png")

    assert (loaded.media_type, loaded.content[:4]) == ("image/png", b"\x89PNG")
