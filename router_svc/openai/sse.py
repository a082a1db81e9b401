"""Server-sent events, as far as the router reads them."""

DONE = b"data: [DONE]\n\n"


def data(event: bytes) -> bytes:
    """The data of one complete event; empty for a comment."""
    if event.startswith(b"data: ") and event.count(b"\n") == 2:  # the usual one, in one step
        return event[6:].strip()
    lines = (line for line in event.splitlines() if line.startswith(b"data:"))
    return b"\n".join(line.removeprefix(b"data:").removeprefix(b" ") for line in lines).strip()


def is_done(event: bytes) -> bool:
    """Whether this is the marker of a clean end."""
    return event.startswith(b"data") and len(event) < 24 and data(event) == b"[DONE]"
