"""Logging for both planes: one line per event on standard error, as text for people or as JSON for machines."""

import logging
import sys
from typing import Literal

import msgspec


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
        _JsonFormatter() if style == "json" else logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
