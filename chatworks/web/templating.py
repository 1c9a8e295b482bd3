"""Pages: Jinja2 with autoescape, texts by language, static addresses with their file's hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_time
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Response

from chatworks.kit.money import Money

PACKAGES = ("web", "storefront", "console")
HASH_LENGTH = 12

Text = Callable[..., str]


def static_root() -> Path:
    """Return the folder of static files."""
    return Path(str(resources.files("chatworks.web").joinpath("static")))


@lru_cache
def static_url(name: str) -> str:
    """Return the address of a static file; it changes with the file, so browsers keep it."""
    digest = hashlib.sha256((static_root() / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:HASH_LENGTH]}"


def show_money(minor: int, currency: str, language: str = "en") -> str:
    """Return an amount as people write it."""
    return Money(minor, currency).show(language)


def show_time(at: datetime, timezone: str, language: str = "en") -> str:
    """Return a day and time: 24 Nov, 09:30."""
    local = at.astimezone(ZoneInfo(timezone))
    return str(format_datetime(local, "d MMM, HH:mm", locale=language))


def show_clock(at: datetime, timezone: str, language: str = "en") -> str:
    """Return HH:mm."""
    return str(format_time(at.astimezone(ZoneInfo(timezone)), "HH:mm", locale=language))


class Pages:
    """Renders templates: ``storefront/outlet.html`` is that file of that package."""

    def __init__(self) -> None:
        loaders = {name: PackageLoader(f"chatworks.{name}") for name in PACKAGES}
        self._env = Environment(
            loader=PrefixLoader(loaders),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals["static_url"] = static_url
        self._env.filters["money"] = show_money
        self._env.filters["when"] = show_time
        self._env.filters["clock"] = show_clock

    def page(
        self, name: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
    ) -> Response[str]:
        """Return a page; ``_`` defaults to English."""
        values.setdefault("_", lambda msgid, **v: msgid.format(**v) if v else msgid)
        html = self._env.get_template(name).render(**values)
        return Response(html, media_type=MediaType.HTML, status_code=status, headers=headers or {})
