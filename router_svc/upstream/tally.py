"""What an answer has said until now, piece by piece: content, refusal, end, and what it has used."""

import math

from pointsman.core.quota import Usage
from router_svc.exchange import Spoken
from router_svc.upstream.answer import Part

_LONGEST_NAME, _MOST_CHOICES = 200, 16
"""Characters and values that are repeated elsewhere: a model server decides what it sends."""


class Tally:
    """What an answer has said until now."""

    def __init__(self, prompt_tokens: int) -> None:
        self.content = False
        self.refused = False
        self._prompt_tokens = prompt_tokens
        self._tokens = 0.0
        self._reasoning_tokens = 0.0
        self._choices: set[int] = set()
        self._finished: set[int] = set()
        self._reported: Usage | None = None
        self._model = ""
        self._reasons: tuple[str, ...] = ()

    def add(self, part: Part) -> None:
        """Counts one piece."""
        self.content = self.content or part.content
        self.refused = self.refused or part.refused
        self._tokens += part.tokens
        self._reasoning_tokens += part.reasoning_tokens
        self._choices.update(part.choices)
        self._finished.update(part.finished)
        self._reported = part.usage or self._reported
        self._model = self._model or part.model
        if part.reasons:
            self._reasons += part.reasons

    @property
    def spoken(self) -> Spoken:
        """What the model server says of it."""
        return Spoken(self._model[:_LONGEST_NAME], self._reasons[:_MOST_CHOICES])

    @property
    def complete(self) -> bool:
        """Every choice has said how it ended."""
        return bool(self._finished) and self._choices <= self._finished

    @property
    def usage(self) -> Usage:
        """As reported, else estimated."""
        if self._reported is not None:
            return self._reported
        return Usage(
            prompt_tokens=self._prompt_tokens,
            completion_tokens=math.ceil(self._tokens),
            reasoning_tokens=math.ceil(self._reasoning_tokens),
            estimated=True,
        )
