"""Draw every SVG picture of an outlet as a PNG of the same name beside it.

Messengers take no SVG. Run by hand after a picture changed: ``.venv/bin/python tools/pictures.py``.
Chromium draws it on white; few colours keep the files small.
"""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1] / "chatworks" / "web" / "static" / "outlets"
SIDE = 640  # pixels
COLOURS = 64


def main() -> None:
    """Draw them all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": SIDE, "height": SIDE})
        for path in sorted(ROOT.rglob("*.svg")):
            style = f"margin:0;width:{SIDE}px;height:{SIDE}px;display:grid;place-items:center"
            size = "width:100%;height:100%"
            svg = path.read_text().replace("<svg ", f'<svg style="{size}" ', 1)
            page.set_content(f'<body style="{style}">{svg}</body>')
            drawn = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS)
            drawn.save(path.with_suffix(".png"), optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
