"""Case and outcome files: JSON Lines, checked whole before anything is computed, then read again line by line.

A mistake in the last of 100,000 lines should cost a second, not the minutes before it. Nothing of a line's text is
ever part of an error.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Generic, NamedTuple, TypeVar

import msgspec

from pointsman.core.errors import ConfigError, InvalidRequest
from pointsman.core.request import Operation, Request
from router_svc.openai.parse import parse


class RouteCase(msgspec.Struct, frozen=True):
    """A conversation up to a user turn, and the route that it belongs to."""

    messages: msgspec.Raw
    route: str | None
    """None when no route fits; the same as "default"."""
    language: str | None = None
    conversation: str | int | None = None
    turn: int | None = None


class OutcomeCase(msgspec.Struct, frozen=True):
    """A conversation up to a user turn, and how well each model answered it."""

    messages: msgspec.Raw
    quality: dict[str, float]
    """By model, 0 to 1."""
    category: str | None = None
    cost: dict[str, float] | None = None
    """By model, in any one unit; replaces what the costs file says."""


Case = TypeVar("Case", bound=RouteCase | OutcomeCase)

_HINTS = {
    "route": 'give the name of a route of the policy, or null ("route": null) when none fits',
    "messages": 'give the conversation as a list: [{"role": "user", "content": "..."}]',
    "quality": 'give one number from 0 to 1 per model: {"small": 0.2, "large": 1}',
    "conversation": "give a name or a number that all turns of one conversation share",
    "turn": "give a whole number that rises within a conversation",
    "language": "give a code such as de, or leave it out",
    "cost": 'give one number per model: {"small": 0.001, "large": 0.02}',
}


class Place(NamedTuple):
    """Where a line is."""

    number: int
    """From 1."""
    offset: int
    """Bytes."""


class CaseFile(Generic[Case]):
    """A file of cases. Raises ConfigError, with line number and fix, for whatever cannot be used."""

    def __init__(self, path: Path, kind: type[Case]) -> None:
        self.path = path
        self.sha256 = ""
        """Of the whole file, once `scan` is through."""
        self._decoder: msgspec.json.Decoder[Case] = msgspec.json.Decoder(kind)

    def scan(self) -> Iterator[tuple[Place, Case]]:
        """Every case in the order of the file, with where it is; blank lines are passed over."""
        digest, offset = hashlib.sha256(), 0
        with self._open() as file:
            for number, line in enumerate(file, 1):
                digest.update(line)
                if line.strip():
                    yield Place(number, offset), self._decoded(number, line)
                offset += len(line)
        self.sha256 = digest.hexdigest()

    def read(self, places: list[Place]) -> Iterator[tuple[Place, Case]]:
        """The cases at these places, in the order given."""
        with self._open() as file:
            for place in places:
                file.seek(place.offset)
                yield place, self._decoded(place.number, file.readline())

    def request(self, place: Place, case: Case, model: str) -> Request:
        """What a router would see of a case, read by its own parser."""
        body = b'{"model":' + msgspec.json.encode(model) + b',"messages":' + bytes(case.messages) + b"}"
        try:
            read = parse(Operation.CHAT, body)
        except InvalidRequest as error:
            raise self.wrong(place.number, f"{error} Fix: {_HINTS['messages']}") from None
        if not any(turn.role == "user" for turn in read.turns):
            raise self.wrong(place.number, "messages have no turn of a user; add the one that is to be routed")
        return Request(id=str(place.number), model=model, turns=read.turns, prompt_tokens=read.prompt_tokens)

    def wrong(self, number: int, problem: str) -> ConfigError:
        """What is wrong with a line."""
        return ConfigError(f"{self.path}, line {number}: {problem}")

    def _open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise ConfigError(f"{self.path}: {error.strerror}; give a file of JSON lines") from error

    def _decoded(self, number: int, line: bytes) -> Case:
        try:
            line.decode()
            return self._decoder.decode(line)
        except UnicodeDecodeError as error:
            raise self.wrong(number, f"is not UTF-8 (byte {error.start}); save the file as UTF-8") from None
        except msgspec.ValidationError as error:
            raise self.wrong(number, _explained(str(error))) from None
        except (msgspec.DecodeError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise self.wrong(number, f"is not one JSON object: {reason}; write one object per line") from None


def _explained(message: str) -> str:
    """The decoder's words, which name a field and its type, and how to mend it."""
    hint = next((hint for field, hint in _HINTS.items() if f"`{field}`" in message or f"$.{field}" in message), "")
    return f"{message[0].lower()}{message[1:]}" + (f"; {hint}" if hint else "")
