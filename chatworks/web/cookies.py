"""Cookies that hold a secret: no script reads them, and no other site's request brings them.

On https they are Secure and named with ``__Host-``, so that neither another host of the same domain
nor a page on plain http can set or read them (RFC 6265bis, 4.1.3.2).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

Asked = Request[Any, Any, Any]


class SecretCookie:
    """One kind of secret cookie of an installation at ``address``."""

    def __init__(self, name: str, address: str, kept_for: timedelta | None = None) -> None:
        self._secure = address.startswith("https://")
        self.name = f"__Host-{name}" if self._secure else name
        self._age = None if kept_for is None else int(kept_for.total_seconds())

    def read(self, request: Asked) -> str:
        """Return the secret that a browser brings; "" where it brings none."""
        return request.cookies.get(self.name, "")

    def keep(self, secret: str) -> Cookie:
        """Return the cookie that hands ``secret`` to the browser."""
        return self._cookie(secret, self._age)

    def drop(self) -> Cookie:
        """Return the cookie that takes it away again."""
        return self._cookie("", 0)

    def _cookie(self, value: str, age: int | None) -> Cookie:
        return Cookie(
            key=self.name,
            value=value,
            max_age=age,
            httponly=True,
            samesite="lax",
            secure=self._secure,
            path="/",
        )
