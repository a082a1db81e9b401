"""Which texts of a conversation are looked at, and how much of each."""

from typing import NamedTuple

from pointsman.core.request import Turn

_CONTEXT_CHARACTERS = 160
"""Of an earlier turn, its end: what was asked or offered last."""

_WINDOW_TURNS = 4

_TASK_CHARACTERS = 600
"""Of each of the two user turns that say what is asked."""


class Utterance(NamedTuple):
    """What is asked, and what came before it. Private: never logged."""

    last: str
    """The last user turn, whole."""
    assistant: str = ""
    """The end of the assistant's turn before it, or empty."""
    window: str = ""
    """The ends of the few turns before it and itself, or empty when there are none."""


def utterance(turns: tuple[Turn, ...]) -> Utterance:
    """The last user turn and its context. Without a user turn the last turn counts as one."""
    position = next((i for i in range(len(turns) - 1, -1, -1) if turns[i].role == "user"), len(turns) - 1)
    if position < 0:
        return Utterance("")
    last = turns[position].text
    earlier = [t for t in turns[max(0, position - _WINDOW_TURNS + 1) : position] if t.role in ("user", "assistant")]
    if not earlier:
        return Utterance(last)
    assistant = next((t.text for t in reversed(earlier) if t.role == "assistant"), "")
    ends = [t.text[-_CONTEXT_CHARACTERS:] for t in earlier]
    return Utterance(last, assistant[-_CONTEXT_CHARACTERS:], " ".join([*ends, last[:_CONTEXT_CHARACTERS]]))


def task(turns: tuple[Turn, ...]) -> str:
    """What the last user turn asks together with the user turn before it, or empty when there is none before it.

    "Now do it in five lines" asks for as good a model as what it is about.
    """
    asked = [turn.text[:_TASK_CHARACTERS] for turn in turns if turn.role == "user" and turn.text.strip()]
    return "\n".join(asked[-2:]) if len(asked) > 1 else ""
