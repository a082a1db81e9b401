"""What policies are drawn from: intents, what could be said of each, and what users say."""

from typing import NamedTuple

from pointsman_classifier.routes import RouteText


class Spoken(NamedTuple):
    """One user turn."""

    text: str
    assistant: str = ""
    """The assistant's turn before it, if there was one."""
    before: str | None = None
    """The intent of the user turn before it, if that had one."""
    shown: bool = True
    """Whether the towers may learn from it."""
    asks: bool = True
    """Whether it says what it wants, so that it can be an example."""
    language: str = "en"
    sentence: str = ""
    """What it is a translation of, where there are others: they are never example and case of one policy."""


class Intent(NamedTuple):
    """A class of some data set: what it could say of itself, and its utterances."""

    titles: list[RouteText]
    utterances: list[Spoken]


Library = dict[str, Intent]
