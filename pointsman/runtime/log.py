"""Logging for both planes: one line per event on standard error, as text for people or as JSON for machines."""

import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any, Literal

import msgspec

Ids = Callable[[], tuple[str, str] | None]
"""Trace and span within which a line is written, in hexadecimal; None outside any."""


class _TextFormatter(logging.Formatter):
    """Time, level, logger, message and trace; of an exception its type and where it was, not its words."""

    def __init__(self, ids: Ids) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._ids = ids

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, without what hangs beneath it."""
        found = self._ids()
        line = super().formatMessage(record)
        return f"{line} trace_id={found[0]} span_id={found[1]}" if found else line

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """An exception's message may quote what it choked on, which may be a prompt."""
        return "".join(traceback.format_tb(ei[2])) + (ei[0].__name__ if ei[0] else "")


class _JsonFormatter(logging.Formatter):
    """Time (epoch seconds), level, logger, message and trace; never a traceback's values, which may be a request's."""

    def __init__(self, ids: Ids) -> None:
        super().__init__()
        self._ids = ids

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if found := self._ids():
            line["trace_id"], line["span_id"] = found
        return msgspec.json.encode(line).decode()


def configure(style: Literal["text", "json"] = "text", level: int = logging.INFO, *, ids: Ids = lambda: None) -> None:
    """Set up the root logger; call once, when a process starts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter(ids) if style == "json" else _TextFormatter(ids))
    logging.basicConfig(level=level, handlers=[handler], force=True)
