"""Logging for both planes: one line per event on standard error, as text for people or as JSON for machines."""

import logging
import sys
import traceback
from typing import Any, Literal

import msgspec


class _TextFormatter(logging.Formatter):
    """Time, level, logger and message; of an exception its type and where it was, not its words."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """An exception's message may quote what it choked on, which may be a prompt."""
        return "".join(traceback.format_tb(ei[2])) + (ei[0].__name__ if ei[0] else "")


class _JsonFormatter(logging.Formatter):
    """Time (epoch seconds), level, logger and message; never a traceback's values, which may be a request's."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return msgspec.json.encode(line).decode()


def configure(style: Literal["text", "json"] = "text", level: int = logging.INFO) -> None:
    """Set up the root logger; call once, when a process starts."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonFormatter() if style == "json" else _TextFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
