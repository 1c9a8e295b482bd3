"""Logs: structured, to standard error, and without personal data.

An event is a sentence and values that name things by id. What went wrong is told by the error's
type and places, never by its message: a database quotes the row that it refuses, and a decoder the
text that it cannot read. Other packages' records pass through the same rules.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import psycopg
import structlog
from structlog.stdlib import ProcessorFormatter

FRAMES_MAX = 12
CAUSES_MAX = 5


def configure(form: str) -> None:
    """Send everything that this process logs to standard error, as ``console`` or ``json``."""
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        without_messages,
    ]
    last: list[Any] = [structlog.processors.JSONRenderer(default=str)]
    if form == "console":
        last = [_lines, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[_of_another_package, *shared],
            pass_foreign_args=True,
            processors=[ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def what(error: BaseException) -> str:
    """Return what an error is: its type; of a database's, the SQLSTATE and the constraint too."""
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    if isinstance(error, psycopg.Error) and error.sqlstate:
        told = (name, error.sqlstate, error.diag.table_name, error.diag.constraint_name)
        return " ".join(word for word in told if word)
    return name


def where(error: BaseException) -> list[str]:
    """Return where an error passed, the innermost place last: ``orders/service.py:120 place``."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    return [f"{'/'.join(Path(f.filename).parts[-2:])}:{f.lineno} {f.name}" for f in frames]


def without_messages(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Replace every error among an event's values by what it is and where it was (structlog's)."""
    given = event.pop("exc_info", None)
    if given:
        error = given if isinstance(given, BaseException) else sys.exc_info()[1]
        if isinstance(given, tuple):
            error = given[1]
        told: list[str] = []
        while error is not None and len(told) < CAUSES_MAX:
            told.append(" < ".join([what(error), *reversed(where(error))]))
            error = error.__cause__ or error.__context__
        event["exception"] = told
    for key, value in event.items():
        if isinstance(value, BaseException):
            event[key] = what(value)
    return event


def _lines(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Give an exception as text, one line for each cause."""
    if "exception" in event:
        event["exception"] = "\n".join(event["exception"])
    return event


def _of_another_package(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep the first line of another package's sentence; of its values, numbers and errors."""
    record: logging.LogRecord = event["_record"]
    values = event.pop("positional_args", ())
    told = [
        str(value) if isinstance(value, int | float) else what(value)
        for value in values
        if isinstance(value, int | float | BaseException)
    ]
    event["event"] = str(record.msg).strip().split("\n")[0]
    event["logger"] = record.name
    if told:
        event["values"] = told
    return event
