"""The web application: routes of features, static files, errors, health, and the inbox's door.

Requests under ``/in/`` go straight to the door, before any framework: it is a quarter faster and
sees the raw path. Everything else is Litestar's.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import structlog
from litestar import Litestar, MediaType, Request, Response, get
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chatworks.kit.errors import ChatWorksError
from chatworks.web.security import App, Receive, Scope, Security, Send
from chatworks.web.templating import Pages, static_root

log = structlog.get_logger()
YEAR_SECONDS = 31_536_000
BODY_BYTES_MAX = 65_536

Check = Callable[[], Awaitable[None]]


def create_app(handlers: Sequence[Any], door: App, pages: Pages, ready: Check) -> App:
    """Return the ASGI application."""

    @get("/healthz", media_type=MediaType.TEXT)
    async def healthz() -> str:
        """Say that the process lives."""
        return "ok"

    @get("/readyz", media_type=MediaType.TEXT)
    async def readyz() -> Response[str]:
        """Say whether the database answers."""
        try:
            await ready()
        except Exception as error:  # noqa: BLE001 - any failure means: not ready
            return Response(type(error).__name__, status_code=503, media_type=MediaType.TEXT)
        return Response("ready", media_type=MediaType.TEXT)

    @get("/metrics")
    async def metrics() -> Response[bytes]:
        """Give the process's metrics to Prometheus."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @get("/static/{path:path}")
    async def static(path: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
        """Give a static file; with its hash in the address it never changes."""
        file = (static_root() / path.lstrip("/")).resolve()
        if not file.is_relative_to(static_root()) or not file.is_file():
            raise HTTPException(status_code=404, detail="there is no such file")
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        age = f"public, max-age={YEAR_SECONDS}, immutable" if "v" in request.query_params else ""
        headers = {"cache-control": age or "public, max-age=300"}
        return Response(file.read_bytes(), media_type=kind, headers=headers)

    app = Litestar(
        [healthz, readyz, metrics, static, *handlers],
        exception_handlers={Exception: _errors(pages)},
        openapi_config=None,
        logging_config=None,  # it would send every package's chatter to standard error
        request_max_body_size=BODY_BYTES_MAX,
    )
    secured = Security(app)  # type: ignore[arg-type]

    async def root(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["raw_path"].startswith(b"/in/"):
            await door(scope, receive, send)
        else:
            await secured(scope, receive, send)

    return root


def _errors(pages: Pages) -> Callable[[Request[Any, Any, Any], Exception], Response[Any]]:
    """Return the handler of every error: a friendly page, or problem details (RFC 9457)."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        status = int(getattr(error, "status_code", 0) or getattr(error, "status", 500))
        known = isinstance(error, ChatWorksError | HTTPException)
        detail = getattr(error, "detail", "") or str(error) if known else ""
        if not known:
            log.error("a request failed", path=request.url.path, exc_info=error)
        if "text/html" in request.headers.get("accept", ""):
            return pages.page("web/error.html", status=status, code=status, detail=detail)
        body = {"type": "about:blank", "status": status, "title": detail or "something failed"}
        return Response(
            msgspec.json.encode(body),
            status_code=status,
            media_type="application/problem+json",
        )

    return handle
