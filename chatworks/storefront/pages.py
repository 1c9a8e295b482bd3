"""The outlet's page, its policy, its colours, and the widget's frame and loader."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from babel.dates import format_datetime
from litestar import MediaType, Request, Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.catalog import store as catalog
from chatworks.catalog.service import view
from chatworks.kit.datamap import DataMap
from chatworks.kit.errors import NotFound
from chatworks.kit.texts import Texts
from chatworks.outlets.core import opening
from chatworks.outlets.models import Outlet
from chatworks.privacy.core import kept
from chatworks.storefront.routes import ChatDesk
from chatworks.web.security import ANCESTORS_HEADER
from chatworks.web.templating import Pages, static_root

TEXTS = Texts.load("chatworks.storefront")
FEW_LEFT = 5


def language_of(request: Request[Any, Any, Any], outlet: Outlet) -> str:
    """Return the language that was asked for, the browser's, or the outlet's first."""
    wanted = [request.query_params.get("lang", "")]
    accepted = request.headers.get("accept-language", "")
    wanted += [part.partition(";")[0].partition("-")[0].strip() for part in accepted.split(",")]
    return next((code for code in wanted if code in outlet.languages), outlet.languages[0])


def common(outlet: Outlet, language: str) -> dict[str, Any]:
    """Return what every public template needs."""
    return {
        "outlet": outlet,
        "lang": language,
        "_": lambda msgid, **values: TEXTS.text(language, msgid, **values),
    }


def pages(desk: ChatDesk, shown: Pages, maps: Iterable[DataMap]) -> list[Any]:
    """Return the public pages."""
    return [*_outlet_pages(desk, shown, list(maps)), *_widget_pages(desk, shown)]


def _outlet_pages(desk: ChatDesk, shown: Pages, register: list[DataMap]) -> list[Any]:
    @get("/")
    async def root() -> Redirect:
        """Lead to the first outlet."""
        outlets = await desk.directory.outlets()
        if not outlets:
            raise NotFound("there is no outlet yet")
        return Redirect(f"/o/{outlets[0].slug}")

    @get("/o/{slug:str}")
    async def page(slug: FromPath[str], request: Request[Any, Any, Any]) -> Response[str]:
        """Show the outlet: what it sells, and the chat."""
        outlet = await desk.outlet(slug)
        language = language_of(request, outlet)
        async with desk.db.web(outlet.id) as work:
            products = (await catalog.products(work, [outlet.id]))[outlet.id]
            state = opening(outlet.hours, outlet.timezone, work.now)
        opens = (
            ""
            if state.opens_at is None
            else str(format_datetime(state.opens_at, "EEEE HH:mm", locale=language))
        )
        return shown.page(
            "storefront/outlet.html",
            products=[(view(p, language), p.description) for p in products if p.active],
            few_left=FEW_LEFT,
            open=state.open,
            opens=opens,
            **common(outlet, language),
        )

    @get("/o/{slug:str}/privacy")
    async def privacy(slug: FromPath[str], request: Request[Any, Any, Any]) -> Response[str]:
        """Show what is kept, why, how long, and who sees it: from the register itself."""
        outlet = await desk.outlet(slug)
        language = language_of(request, outlet)
        return shown.page(
            "storefront/privacy.html", kept=kept(register), **common(outlet, language)
        )

    @get("/o/{slug:str}/brand.css", media_type="text/css")
    async def brand(slug: FromPath[str]) -> Response[str]:
        """Give the outlet's colours as a style sheet: the policy allows no inline style."""
        colours = (await desk.outlet(slug)).brand
        css = f":root {{ --brand: {colours.primary}; --accent: {colours.accent}; }}\n"
        headers = {"cache-control": "public, max-age=60"}
        return Response(css, media_type="text/css", headers=headers)

    return [root, page, privacy, brand]


def _widget_pages(desk: ChatDesk, shown: Pages) -> list[Any]:
    @get("/w/{slug:str}")
    async def frame(slug: FromPath[str], request: Request[Any, Any, Any]) -> Response[str]:
        """Show the chat alone, for the widget's iframe on the sites that the outlet names."""
        outlet = await desk.outlet(slug)
        ancestors = " ".join(["'self'", *outlet.widget_origins])
        return shown.page(
            "storefront/frame.html",
            headers={ANCESTORS_HEADER.decode(): ancestors},
            **common(outlet, language_of(request, outlet)),
        )

    @get("/widget.js", media_type=MediaType.TEXT)
    async def widget() -> Response[bytes]:
        """Give the widget's loader."""
        body = (static_root() / "js" / "widget.js").read_bytes()
        headers = {
            "cache-control": "public, max-age=300",
            "cross-origin-resource-policy": "cross-origin",
        }
        return Response(body, media_type="text/javascript", headers=headers)

    return [frame, widget]
