"""The web application: routes of features, static files, errors, health, and the inbox's door.

Requests under ``/in/`` go straight to the door, before any framework: it is a quarter faster and
sees the raw path. Everything else is Litestar's. Every error is answered in the asker's way: a
friendly page for a browser, problem details (RFC 9457) for everybody else.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Litestar, MediaType, Request, Response, get
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
)
from litestar.params import FromPath
from litestar.response import Redirect
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chatworks.kit.errors import ChatWorksError, Forbidden
from chatworks.web.security import App, Receive, Scope, Security, Send
from chatworks.web.templating import Pages, static_files, static_hash, static_url

log = structlog.get_logger()
VERSION = re.compile(r"[0-9a-f]{12}")
FOR_GOOD = "public, max-age=31536000, immutable"
FOR_MINUTES = "public, max-age=300"
SERVER_ERROR = 500
BODY_BYTES_MAX = 65_536
ROBOTS = "User-agent: *\nDisallow: /console\nDisallow: /chat/\nDisallow: /w/\n"

Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Checks:
    """What is asked of the product: ``ready`` raises where it is not; ``measure`` sets gauges."""

    ready: Check
    measure: Check


Asked = Request[Any, Any, Any]


def create_app(handlers: Sequence[Any], door: App, pages: Pages, checks: Checks) -> App:
    """Return the ASGI application."""
    app = Litestar(
        [*_health(checks), *_files(), *handlers],
        exception_handlers={Exception: lambda request, error: answer(pages, request, error)},
        openapi_config=None,
        logging_config=None,  # it would send every package's chatter to standard error
        request_max_body_size=BODY_BYTES_MAX,
    )

    _check_needs(app)

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        request: Asked = Request({**scope, "litestar_app": app})  # type: ignore[arg-type]
        refused = answer(pages, request, Forbidden("this request comes from another site"))
        await refused.to_asgi_response(None, request)(scope, receive, send)  # type: ignore[arg-type]

    secured = Security(app, refuse)  # type: ignore[arg-type]

    async def root(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["raw_path"].startswith(b"/in/"):
            await door(scope, receive, send)
        else:
            await secured(scope, receive, send)

    return root


def _check_needs(app: Litestar) -> None:
    """Refuse to start with a route that does not say what it needs (``needs="orders.read"``)."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if handler.opt.get("needs") is None and "OPTIONS" not in handler.http_methods:
                raise ValueError(f"{route.path} does not say what it needs")


def _health(checks: Checks) -> list[Any]:
    @get("/healthz", media_type=MediaType.TEXT, needs="public")
    async def healthz() -> str:
        """Say that the process lives."""
        return "ok"

    @get("/readyz", media_type=MediaType.TEXT, needs="public")
    async def readyz() -> Response[str]:
        """Say whether the database answers."""
        try:
            await checks.ready()
        except Exception as error:  # noqa: BLE001 - any failure means: not ready
            return Response(type(error).__name__, status_code=503, media_type=MediaType.TEXT)
        return Response("ready", media_type=MediaType.TEXT)

    @get("/metrics", needs="public")
    async def metrics() -> Response[bytes]:
        """Give metrics to Prometheus: the process's own, and the queues' as the database has them.

        While the database is away, the queues' are those of the last look.
        """
        try:
            await checks.measure()
        except Exception as error:  # noqa: BLE001 - the process's own metrics are worth giving
            log.warning("the queues were not measured", error=type(error).__name__)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [healthz, readyz, metrics]


def _files() -> list[Any]:
    @get("/static/{path:path}", needs="public")
    async def static(path: FromPath[str], request: Asked) -> Response[bytes]:
        """Give a static file: for good under our hash, else with an ETag.

        Another hash is another version's page, while processes are exchanged one by one.
        """
        version, _, name = path.lstrip("/").partition("/")
        if not VERSION.fullmatch(version):
            name = path.lstrip("/")
        file = static_files().get(name)
        if file is None:
            raise NotFoundException("there is no such file")
        age = FOR_GOOD if version == static_hash() else FOR_MINUTES
        headers = {"cache-control": age, "etag": file.etag}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(b"", status_code=304, headers=headers)
        return Response(file.body, media_type=file.media_type, headers=headers)

    @get("/favicon.ico", needs="public")
    async def favicon() -> Redirect:
        """Lead browsers that look here to the picture."""
        return Redirect(static_url("chatworks.svg"))

    @get("/robots.txt", media_type=MediaType.TEXT, needs="public")
    async def robots() -> str:
        """Ask search engines to leave the console and the chats alone."""
        return ROBOTS

    return [static, favicon, robots]


def _for_programs(request: Asked) -> bool:
    """Return whether this is the API's: programs are never answered by a page."""
    return request.url.path.startswith("/api/")


def _methods(request: Asked) -> set[str]:
    """Return the methods that are allowed at a request's path (RFC 9110 §15.5.6)."""
    steps = [step for step in request.url.path.split("/") if step]
    allowed: set[str] = set()
    for route in request.app.routes:
        known = route.path_components
        if len(known) == len(steps) and all(
            not isinstance(there, str) or there == step
            for there, step in zip(known, steps, strict=True)
        ):
            allowed |= set(getattr(route, "methods", ()))
    return allowed


def answer(pages: Pages, request: Asked, error: Exception) -> Response[Any]:
    """Return what an error looks like: a page, or problem details. A surprise is logged."""
    status = int(getattr(error, "status_code", 0) or getattr(error, "status", 500))
    known = isinstance(error, ChatWorksError | HTTPException) and status < SERVER_ERROR
    phrase = HTTPStatus(status).phrase
    detail = (getattr(error, "detail", "") or str(error)) if known else ""
    detail = "" if detail == phrase else detail
    if not known:
        log.error("a request failed", path=request.url.path, exc_info=error)
    headers = dict(getattr(error, "headers", None) or {})
    if seconds := getattr(error, "retry_after", 0):
        headers["retry-after"] = str(seconds)
    if isinstance(error, MethodNotAllowedException):
        headers["allow"] = ", ".join(sorted(_methods(request)))
    if "text/html" in request.headers.get("accept", "") and not _for_programs(request):
        return pages.page(
            "web/error.html",
            status=status,
            headers=headers,
            code=status,
            detail=detail,
            signing_in=request.url.path.startswith("/console"),
        )
    problem = {"type": "about:blank", "title": phrase, "status": status}
    body = msgspec.json.encode({**problem, "detail": detail} if detail else problem)
    return Response(
        body, status_code=status, headers=headers, media_type="application/problem+json"
    )
