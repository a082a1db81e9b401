"""Which texts of a conversation are looked at, and how much of each."""

from typing import NamedTuple

from pointsman.core.request import Turn

CONTEXT_CHARACTERS = 160
"""Of an earlier turn, its end: what was asked or offered last."""

EARLIER = 6
"""User turns before the last one that are looked at, with the assistant's turn after each."""

SILENCE = "\u2026"
"""Stands for a turn that is missing."""

_TASK_CHARACTERS = 600
"""Of each of the two user turns that say what is asked."""


class Utterance(NamedTuple):
    """What is asked, and what came before it. Private: never logged."""

    last: str
    """The last user turn, whole."""
    earlier: tuple[str, ...] = ()
    """Ends of the turns before it, latest first: by turns the assistant's and the user's, SILENCE for a missing one.
    An even number of them."""


def utterance(turns: tuple[Turn, ...]) -> Utterance:
    """The last user turn and its context. Without a user turn the last turn counts as one."""
    position = next((i for i in range(len(turns) - 1, -1, -1) if turns[i].role == "user"), len(turns) - 1)
    if position < 0:
        return Utterance("")
    earlier: list[str] = []
    answer = ""
    for turn in reversed(turns[:position]):
        end = turn.text[-CONTEXT_CHARACTERS:].strip()
        if turn.role == "assistant":
            answer = answer or end
        elif turn.role == "user":
            earlier += [answer or SILENCE, end or SILENCE]
            answer = ""
        if len(earlier) == 2 * EARLIER:
            break
    if answer:
        earlier += [answer, SILENCE]
    return Utterance(turns[position].text, tuple(earlier))


def task(turns: tuple[Turn, ...]) -> str:
    """What the last user turn asks together with the user turn before it, or empty when there is none before it.

    "Now do it in five lines" asks for as good a model as what it is about.
    """
    asked = [turn.text[:_TASK_CHARACTERS] for turn in turns if turn.role == "user" and turn.text.strip()]
    return "\n".join(asked[-2:]) if len(asked) > 1 else ""
