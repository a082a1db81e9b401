"""What is said of an unforeseen error: where it happened, and never its own words, which may quote a prompt."""

import logging
import traceback

from pointsman.core.errors import RequestError

_LOG = logging.getLogger("pointsman.ingress")


def unexpected(error: BaseException, log: logging.Logger = _LOG) -> RequestError:
    """Log an error's type and place; returns what the client is told."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    place = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    log.error("unexpected %s at %s", type(error).__name__, place or "an unknown place")
    return RequestError("The router failed to answer; its log says where.", code="internal_error")
