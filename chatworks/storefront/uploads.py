"""A visitor's files on their way up.

``POST /chat/<outlet>/files?name=<file name>`` takes the file as the request's raw body, with the
visitor's token in ``authorization: Bearer …``; what ``content-type`` says is not believed. It
answers 201 with the file as messages carry it (``{"kind", "path", "media_type", "size_bytes",
"name", …}``), which the page then sends as a message. 413 says the limit, before the body where its
length is announced and else as soon as it is passed; 415 that the kind of file is not taken; 429
that these are too many; 507 that the outlet has no room. A picture comes back as it was drawn anew.
``GET`` of the same address gives the limit and the kinds. What no message names is gone in a day.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath

from chatworks.identity.store import may_try
from chatworks.kit.errors import TooMany
from chatworks.media.models import TYPES, Origin, Owner
from chatworks.media.routes import read_upload
from chatworks.storefront.service import ChatDesk

UPLOADS_BURST, UPLOAD_SECONDS = 10, 5.0  # of one visitor
NAME_LENGTH_MAX = 300

Asked = Request[Any, Any, Any]


def upload_routes(desk: ChatDesk) -> list[Any]:
    """Return the handlers of uploads."""
    shelf = desk.shelf

    @get("/chat/{slug:str}/files", needs="visitor")
    async def limits(slug: FromPath[str]) -> dict[str, Any]:
        """Say how long a file may be, and which kinds are taken."""
        await desk.outlet(slug)
        return {"bytes_most": shelf.bounds.file_bytes, "types": sorted(TYPES)}

    # The limit is read_upload's: it says how many bytes are too many.
    @post("/chat/{slug:str}/files", status_code=201, request_max_body_size=None, needs="visitor")
    async def upload(slug: FromPath[str], request: Asked) -> Response[bytes]:
        """Keep a visitor's file."""
        visitor = await desk.visitor(request, slug)
        scope = f"chat-files:{visitor.thread.hex}"
        async with desk.db.engine() as work:
            if not await may_try(work, scope, timedelta(seconds=UPLOAD_SECONDS), UPLOADS_BURST):
                raise TooMany("files of one visitor", int(UPLOAD_SECONDS))
        content = await read_upload(request, shelf.bounds.file_bytes)
        name = request.query_params.get("name", "")[:NAME_LENGTH_MAX]
        owner = Owner(Origin.VISITOR, visitor_id=visitor.thread)
        media = await shelf.keep(visitor.outlet.id, content, name, owner)
        body = msgspec.json.encode(media)
        return Response(body, media_type="application/json", headers={"cache-control": "no-store"})

    return [limits, upload]
