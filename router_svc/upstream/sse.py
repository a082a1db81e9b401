"""Server-sent events, taken apart as they arrive: bytes in, complete events out, whatever the chunk boundaries.

Line endings (LF, CRLF and CR are all allowed) become LF; everything else is kept byte for byte. What is in an event,
`router_svc.sse` reads.
"""

from router_svc.sse import BLANK_LINE, Event, parse_event

MAX_EVENT_BYTES = 16 << 20
"""A larger event is an error: its sender is broken, and it would have to be held in memory."""

_BOM = b"\xef\xbb\xbf"


class EventTooLarge(ValueError):
    """An event does not end within `MAX_EVENT_BYTES`."""


class EventParser:
    """One stream's parser. Feed it what arrives, and `finish` it at the end."""

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._buffer = bytearray()
        self._searched = 0  # no blank line ends before this position of the buffer
        self._after_cr = False
        self._started = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Raises EventTooLarge."""
        if self._after_cr or b"\r" in data:
            data = self._normalise(data)
        if not self._buffer:
            return self._split(data)
        self._buffer += data
        if self._buffer.find(BLANK_LINE, self._searched) < 0:
            self._searched = len(self._buffer) - 1
            self._check(len(self._buffer))
            return []
        whole = bytes(self._buffer)
        self._buffer.clear()
        return self._split(whole)

    def finish(self) -> list[Event]:
        """The last event, when the stream ended without its blank line."""
        rest = bytes(self._buffer).rstrip(b"\n")
        self._buffer.clear()
        return self._events([rest])

    def _normalise(self, data: bytes) -> bytes:
        """Makes all line endings LF; the LF of a CRLF may come with the next bytes."""
        if not data:
            return data
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _split(self, data: bytes) -> list[Event]:
        """Events out of bytes that begin where one does; what is left is kept."""
        *blocks, rest = data.split(BLANK_LINE)
        if rest:
            self._check(len(rest))
            self._buffer += rest
            self._searched = len(rest) - 1
        return self._events(blocks)

    def _check(self, size: int) -> None:
        if size > self._max:
            raise EventTooLarge(f"an event is larger than {self._max} bytes")

    def _events(self, blocks: list[bytes]) -> list[Event]:
        events = []
        for padded in blocks:
            block = padded.lstrip(b"\n")  # there may be more blank lines than needed
            if block and not self._started:
                self._started = True
                block = block.removeprefix(_BOM)  # allowed once, at the very start
            if block:
                self._check(len(block))
                events.append(parse_event(block))
        return events
