"""One server-sent event, as model servers write it: of its fields only `event` and `data` are read."""

import msgspec

DONE = b"data: [DONE]\n\n"
BLANK_LINE = b"\n\n"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event."""

    raw: bytes
    """As it is passed on, with its closing blank line."""
    data: bytes
    """The lines of `data`, joined; empty for a comment."""
    name: bytes = b""
    """The `event` field."""


def parse_event(block: bytes) -> Event:
    """Reads the lines of one event, given without its closing blank line."""
    if block.startswith(b"data: ") and b"\n" not in block:  # nearly every event of every model server
        return Event(block + BLANK_LINE, block[6:])
    data, name = [], b""
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return Event(block + BLANK_LINE, b"\n".join(data), name)


def data(event: bytes) -> bytes:
    """The data of one complete event whose lines end in LF; empty for a comment."""
    return parse_event(event.strip(b"\n")).data.strip()


def is_done(event: bytes) -> bool:
    """Whether this is the marker of a clean end."""
    return event.startswith(b"data") and len(event) < 24 and data(event) == b"[DONE]"
