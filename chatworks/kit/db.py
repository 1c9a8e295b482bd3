"""The database: one pool per login, transactions as units of work, SQL in named blocks.

Words: the *engine* login takes turns, sends, and resolves what comes before an outlet is known;
the *web* login serves pages and the API, sees one outlet at a time and owns nothing. Which outlets
a transaction may see is its first statement; row-level security does the rest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any, LiteralString, cast
from uuid import UUID

from psycopg import AsyncConnection, AsyncCursor, OperationalError
from psycopg_pool import AsyncConnectionPool

from chatworks.kit.arrays import PACKERS
from chatworks.kit.clock import Clock
from chatworks.kit.work import Subscribers, Work

# Every hot query finds its rows by key. On a young database the planner believes that tables are
# tiny, scans them for each of three hundred keys, and keeps that plan while they grow: the first
# thousand orders took twenty seconds. With look-ups by key alone the plans are the same at every
# size (decision 0007), and so one generic plan per query is enough: planning seventeen statements
# anew for each batch, and the foreign keys' look-ups with them, was half the database's work. Joins
# are done in the order in which they are written: on a young database every order looks the same to
# the planner, and one of them crossed all contacts with all conversations.
PLANNER = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c join_collapse_limit=1"

_ARRAY = re.compile(r"%\((\w+)\)s::(\w+)\[\]")
_BLOCK = re.compile(r"^-- name: (?P<name>[a-z0-9_]+)\n", re.MULTILINE)


class Query(str):
    """A named query. Its array parameters (``%(ids)s::uuid[]``) are packed by their types."""

    __slots__ = ("_packers",)

    def __init__(self, text: str) -> None:
        self._packers = [(name, PACKERS[kind]) for name, kind in _ARRAY.findall(text)]

    def pack(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return ``parameters`` with every list of a known type as one piece of bytes."""
        packed = dict(parameters)
        for name, packer in self._packers:
            if isinstance(packed[name], list):
                packed[name] = packer(packed[name])
        return packed


class PackingCursor(AsyncCursor[Any]):
    """A cursor that knows the array types of a ``Query``."""

    async def execute(self, query: Any, params: Any = None, **options: Any) -> PackingCursor:
        """Execute ``query``; see psycopg's own cursor."""
        if params and isinstance(query, Query):
            params = query.pack(params)
        await super().execute(query, params, **options)
        return self


def load_queries(package: str) -> dict[str, LiteralString]:
    """Return the blocks of ``queries.sql`` in ``package``: each starts with ``-- name: <name>``.

    Blocks use ``%(name)s`` parameters; a test prepares every one against the migrated schema.
    """
    text = resources.files(package).joinpath("queries.sql").read_text(encoding="utf-8")
    starts = list(_BLOCK.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    blocks = {
        m["name"]: Query(text[m.end() : end].strip()) for m, end in zip(starts, ends, strict=True)
    }
    if len(blocks) != len(starts):
        raise ValueError(f"{package}/queries.sql names a query twice")
    return cast("dict[str, LiteralString]", blocks)


class Database:
    """The pools of one process. ``open`` before use, ``close`` at the end."""

    def __init__(
        self, engine: AsyncConnectionPool[Any], web: AsyncConnectionPool[Any], clock: Clock
    ) -> None:
        self.engine_pool = engine
        self.web_pool = web
        self.clock = clock
        self.subscribers: Subscribers = {}

    @classmethod
    def connect(
        cls, engine_url: str, web_url: str, clock: Clock, pool_size_max: int = 8
    ) -> Database:
        """Return a database whose pools are not open yet."""

        def pool(url: str, name: str) -> AsyncConnectionPool[Any]:
            return AsyncConnectionPool(
                url,
                min_size=1,
                max_size=pool_size_max,
                open=False,
                name=name,
                timeout=10,
                kwargs={"options": PLANNER, "cursor_factory": PackingCursor},
            )

        return cls(pool(engine_url, "engine"), pool(web_url, "web"), clock)

    async def open(self) -> None:
        """Open both pools; fails within 10 s where the server does not answer."""
        await self.engine_pool.open(wait=True, timeout=10)
        await self.web_pool.open(wait=True, timeout=10)

    async def close(self) -> None:
        """Close both pools."""
        await self.web_pool.close()
        await self.engine_pool.close()

    @asynccontextmanager
    async def engine(self, outlets: Sequence[UUID] = ()) -> AsyncIterator[Work]:
        """One transaction of the engine's login, on behalf of ``outlets``; commits at the end."""
        async with self.engine_pool.connection() as conn, conn.transaction():
            work = self._work(conn, outlets)
            yield work
            await work.flush()

    @asynccontextmanager
    async def web(self, outlet_id: UUID) -> AsyncIterator[Work]:
        """One transaction of the web login, inside ``outlet_id``; commits at the end."""
        async with self.web_pool.connection() as conn, conn.transaction():
            await conn.execute("SELECT set_config('app.outlet', %s, true)", [str(outlet_id)])
            yield (work := self._work(conn, (outlet_id,)))
            await work.flush()

    async def surely(
        self, write: Callable[[], Awaitable[None]], seconds: float, pause: float
    ) -> None:
        """Write what is known only here, and again each ``pause`` while the database is away.

        After ``seconds`` it raises what the database said.
        """
        until = self.clock.monotonic() + seconds
        while True:
            try:
                await write()
            except OperationalError:
                if self.clock.monotonic() > until:
                    raise
                await asyncio.sleep(pause)
            else:
                return

    def _work(self, conn: AsyncConnection[Any], outlets: Sequence[UUID]) -> Work:
        return Work(conn, self.clock, self.clock.now(), tuple(outlets), self.subscribers)
