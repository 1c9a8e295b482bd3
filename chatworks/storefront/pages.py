"""The outlet's page, its policy, its colours, and the widget's frame and loader."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.units import format_unit
from litestar import MediaType, Request, Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.catalog import store as catalog
from chatworks.catalog.service import view
from chatworks.kit.datamap import DataMap
from chatworks.kit.errors import NotFound
from chatworks.kit.texts import Texts
from chatworks.media.models import TYPES
from chatworks.outlets.core import opening
from chatworks.outlets.models import WEEKDAYS, Outlet
from chatworks.privacy.core import Kept, kept
from chatworks.storefront.service import ChatDesk
from chatworks.web.security import ANCESTORS_HEADER
from chatworks.web.templating import Pages, static_root

TEXTS = Texts.load("chatworks.storefront")
FEW_LEFT = 5
SEEN_BY = {
    "self": "you",
    "operator": "the people of the shop",
    "driver": "the driver",
    "engine": "the software, no person",
}
TELEGRAM_WEB = "https://web.telegram.org"  # the client that shows a Mini App in a frame
ALL_DAY = ("00:00", "00:00")
LINEAR_MAX = 0.04045  # of sRGB: below it a channel is linear
INK_DARK, INK_LIGHT = "#101a24", "#ffffff"


def today_hours(outlet: Outlet, now: datetime) -> str:
    """Return today's spans as people read them (07:00–19:00); "" on a closed day."""
    local = now.astimezone(ZoneInfo(outlet.timezone))
    if local.date().isoformat() in outlet.hours.closed:
        return ""
    spans = getattr(outlet.hours, WEEKDAYS[local.weekday()])
    return ", ".join(f"{begins}–{ends}" for begins, ends in spans if (begins, ends) != ALL_DAY)


def language_of(request: Request[Any, Any, Any], outlet: Outlet) -> str:
    """Return the language that was asked for, the browser's, or the outlet's first."""
    wanted = [request.query_params.get("lang", "")]
    accepted = request.headers.get("accept-language", "")
    wanted += [part.partition(";")[0].partition("-")[0].strip() for part in accepted.split(",")]
    return next((code for code in wanted if code in outlet.languages), outlet.languages[0])


def ink_on(colour: str) -> str:
    """Return the ink that reads better on ``colour`` (#rrggbb), by WCAG 2's relative luminance."""

    def luminance(of: str) -> float:
        parts = [int(of[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= LINEAR_MAX else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    ground = luminance(colour)
    on_dark = (ground + 0.05) / (luminance(INK_DARK) + 0.05)
    on_light = (luminance(INK_LIGHT) + 0.05) / (ground + 0.05)
    return INK_LIGHT if on_light >= on_dark else INK_DARK


def common(outlet: Outlet, language: str) -> dict[str, Any]:
    """Return what every public template needs."""
    return {
        "outlet": outlet,
        "lang": language,
        "languages": [(code, _name(code)) for code in outlet.languages],
        "_": lambda msgid, **values: TEXTS.text(language, msgid, **values),
    }


def chat(desk: ChatDesk, language: str) -> dict[str, Any]:
    """Return what the chat's template needs besides: which files are taken, and how large."""
    most_bytes = desk.shelf.bounds.file_bytes
    unit, step = ("megabyte", 10**6) if most_bytes >= 10**6 else ("kilobyte", 10**3)
    most = format_unit(most_bytes // step, f"digital-{unit}", "short", locale=language)
    return {"most_bytes": most_bytes, "most": most, "accept": ",".join(TYPES)}


def _name(code: str) -> str:
    """Return a language's own name: Kiswahili."""
    return str(Locale(code).get_display_name(code)).capitalize()


def in_words(item: Kept, language: str) -> Kept:
    """Return an entry of the register as the people whom it is about read it."""

    def rule(text: str) -> str:
        said = TEXTS.text(language, text)
        event, plus, span = text.partition(" + ")
        return f"{span} after: {event}" if plus and said == text else said

    return Kept(
        what=TEXTS.text(language, item.what),
        purposes=tuple(TEXTS.text(language, purpose) for purpose in item.purposes),
        retention=tuple(rule(text) for text in item.retention),
        visible=tuple(TEXTS.text(language, SEEN_BY.get(who, who)) for who in item.visible),
    )


def pages(desk: ChatDesk, shown: Pages, maps: Iterable[DataMap]) -> list[Any]:
    """Return the public pages."""
    return [*_outlet_pages(desk, shown, list(maps)), *_widget_pages(desk, shown)]


def _outlet_pages(desk: ChatDesk, shown: Pages, register: list[DataMap]) -> list[Any]:
    @get("/", needs="public")
    async def root() -> Redirect:
        """Lead to the first outlet."""
        outlets = await desk.directory.outlets()
        if not outlets:
            raise NotFound("there is no outlet yet")
        return Redirect(f"/o/{outlets[0].slug}")

    @get("/o/{slug:str}", needs="public")
    async def page(slug: FromPath[str], request: Request[Any, Any, Any]) -> Response[str]:
        """Show the outlet: what it sells, and the chat."""
        return await _outlet_page(desk, shown, slug, request, {})

    @get("/o/{slug:str}/app", needs="public")
    async def app(slug: FromPath[str], request: Request[Any, Any, Any]) -> Response[str]:
        """Show the outlet inside of Telegram, whose web client frames it."""
        framed = {ANCESTORS_HEADER.decode(): TELEGRAM_WEB}
        return await _outlet_page(desk, shown, slug, request, framed)

    @get("/o/{slug:str}/privacy", needs="public")
    async def privacy(slug: FromPath[str], request: Request[Any, Any, Any]) -> Response[str]:
        """Show what is kept, why, how long, and who sees it: from the register itself."""
        outlet = await desk.outlet(slug)
        language = language_of(request, outlet)
        return shown.page(
            "storefront/privacy.html",
            kept=[in_words(item, language) for item in kept(register)],
            **common(outlet, language),
        )

    @get("/o/{slug:str}/brand.css", media_type="text/css", needs="public")
    async def brand(slug: FromPath[str]) -> Response[str]:
        """Give the outlet's colours as a style sheet: the policy allows no inline style."""
        brand = (await desk.outlet(slug)).brand
        rules = (
            f"--brand: {brand.primary}; --on-brand: {ink_on(brand.primary)}; "
            f"--accent: {brand.accent}; --on-accent: {ink_on(brand.accent)};"
        )
        css = f"@layer tokens {{ :root {{ {rules} }} }}\n"
        headers = {"cache-control": "public, max-age=60"}
        return Response(css, media_type="text/css", headers=headers)

    return [root, page, app, privacy, brand]


async def _outlet_page(
    desk: ChatDesk,
    shown: Pages,
    slug: str,
    request: Request[Any, Any, Any],
    headers: dict[str, str],
) -> Response[str]:
    outlet = await desk.outlet(slug)
    language = language_of(request, outlet)
    async with desk.db.web(outlet.id) as work:
        products = (await catalog.products(work, [outlet.id]))[outlet.id]
        now = work.now
    state = opening(outlet.hours, outlet.timezone, now)
    opens = (
        ""
        if state.opens_at is None
        else str(format_datetime(state.opens_at, "EEEE HH:mm", locale=language))
    )
    return shown.page(
        "storefront/outlet.html",
        headers=headers,
        products=[(view(p, language), p.description) for p in products if p.active],
        few_left=FEW_LEFT,
        open=state.open,
        opens=opens,
        hours=today_hours(outlet, now),
        **common(outlet, language),
        **chat(desk, language),
    )


def _widget_pages(desk: ChatDesk, shown: Pages) -> list[Any]:
    @get("/w/{slug:str}", needs="public")
    async def frame(slug: FromPath[str], request: Request[Any, Any, Any]) -> Response[str]:
        """Show the chat alone, for the widget's iframe on the sites that the outlet names."""
        outlet = await desk.outlet(slug)
        language = language_of(request, outlet)
        ancestors = " ".join(["'self'", *outlet.widget_origins])
        return shown.page(
            "storefront/frame.html",
            headers={ANCESTORS_HEADER.decode(): ancestors},
            **common(outlet, language),
            **chat(desk, language),
        )

    @get("/widget.js", media_type=MediaType.TEXT, needs="public")
    async def widget() -> Response[bytes]:
        """Give the widget's loader."""
        body = (static_root() / "js" / "widget.js").read_bytes()
        headers = {
            "cache-control": "public, max-age=300",
            "cross-origin-resource-policy": "cross-origin",
        }
        return Response(body, media_type="text/javascript", headers=headers)

    return [frame, widget]
