"""Errors that carry their own meaning: which field, which limit, which HTTP status.

Words: a *refusal* is a "no" of the business that an applet or a page may expect (out of stock);
an *invalid* is bad input; both are answered, never logged as faults.
"""

from __future__ import annotations

from typing import ClassVar


class ChatWorksError(Exception):
    """The root of every error that this package raises on purpose."""

    status: ClassVar[int] = 500


class Invalid(ChatWorksError):
    """Input that cannot be taken: names the field and says what is wrong with it."""

    status = 422

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class NotFound(ChatWorksError):
    """There is no such thing, or not for this person: the two look the same from outside."""

    status = 404


class Forbidden(ChatWorksError):
    """This actor may not do this."""

    status = 403


class TooMany(ChatWorksError):
    """A limit on how often was reached; ``retry_after`` is in whole seconds."""

    status = 429

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(f"limit reached: {limit}")
        self.limit = limit
        self.retry_after = retry_after


class Refusal(ChatWorksError):
    """A "no" of the business. Its arguments must be JSON values: journals keep them.

    Subclasses are found again by ``code`` (``catalog.OutOfStock``) when a journal is replayed.
    """

    status = 409
    code: ClassVar[str] = "kit.Refusal"
    known: ClassVar[dict[str, type[Refusal]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        feature = cls.__module__.removeprefix("chatworks.").split(".")[0]
        cls.code = f"{feature}.{cls.__name__}"
        Refusal.known[cls.code] = cls

    def fresh(self) -> Refusal:
        """Return an equal refusal without a traceback: one object thrown twice collects them."""
        return type(self)(*self.args)
