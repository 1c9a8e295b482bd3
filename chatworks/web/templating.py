"""Pages: Jinja2 with autoescape, texts by language, and the static files with their addresses.

A static file's address holds one hash of all of them (``/static/4f1c…/css/app.css``): it never
changes under its address, so browsers keep it for good, and what a file names beside itself (a
module that imports another) carries the same hash. Without the hash a file is kept for minutes and
then asked for by its ETag.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Response

from chatworks.kit.money import Money

PACKAGES = ("web", "storefront", "console", "account", "factors")
HASH_LENGTH = 12

Text = Callable[..., str]


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served."""

    body: bytes
    media_type: str
    etag: str


def static_root() -> Path:
    """Return the folder of static files."""
    return Path(str(resources.files("chatworks.web").joinpath("static")))


@lru_cache
def static_files() -> Mapping[str, StaticFile]:
    """Return every static file by its name (``css/app.css``), read once."""
    root = static_root()
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            etag = f'"{hashlib.sha256(body).hexdigest()[:HASH_LENGTH]}"'
            found[path.relative_to(root).as_posix()] = StaticFile(body, media_type, etag)
    return found


@lru_cache
def static_hash() -> str:
    """Return the hash of all static files together."""
    whole = "\n".join(f"{name} {file.etag}" for name, file in static_files().items())
    return hashlib.sha256(whole.encode()).hexdigest()[:HASH_LENGTH]


def static_url(name: str) -> str:
    """Return the address of a static file that never changes; ``KeyError`` where there is none."""
    if name not in static_files():
        raise KeyError(name)
    return f"/static/{static_hash()}/{name}"


def show_money(minor: int, currency: str, language: str = "en") -> str:
    """Return an amount as people write it."""
    return Money(minor, currency).show(language)


def show_amount(minor: int, currency: str) -> str:
    """Return an amount as a field shows it."""
    return Money(minor, currency).plain()


def show_time(at: datetime, timezone: str, language: str = "en") -> str:
    """Return a day and time: 24 Nov, 09:30."""
    local = at.astimezone(ZoneInfo(timezone))
    return str(format_datetime(local, "d MMM, HH:mm", locale=language))


def show_clock(at: datetime, timezone: str, language: str = "en") -> str:
    """Return HH:mm."""
    return str(format_time(at.astimezone(ZoneInfo(timezone)), "HH:mm", locale=language))


def show_day(at: datetime, timezone: str, language: str = "en") -> str:
    """Return a day: Tuesday, 24 November."""
    return str(format_date(at.astimezone(ZoneInfo(timezone)), "EEEE, d MMMM", locale=language))


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
        self._env.filters["amount"] = show_amount
        self._env.filters["when"] = show_time
        self._env.filters["clock"] = show_clock
        self._env.filters["day"] = show_day

    def share(self, name: str, value: object) -> None:
        """Let every template see ``value``, those that are imported too."""
        self._env.globals[name] = value

    def page(
        self, name: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
    ) -> Response[str]:
        """Return a page; ``_`` defaults to English."""
        values.setdefault("_", lambda msgid, **v: msgid.format(**v) if v else msgid)
        html = self._env.get_template(name).render(**values)
        return Response(html, media_type=MediaType.HTML, status_code=status, headers=headers or {})
