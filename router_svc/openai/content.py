"""What a request says and how large it is: turns, estimated tokens, and whether there is more than text."""

from collections.abc import Iterable, Sequence

import msgspec

from pointsman.core.request import Turn
from pointsman.core.tokens import estimate_tokens
from router_svc.openai.fields import Message, Part

MEDIA_TOKENS = 1024
"""What an image, a sound or a file counts as. Models differ (85 to 1,600 for one image) and its true size is known
only by decoding it, so this errs towards a larger context."""

MESSAGE_TOKENS = 4
"""What a chat template adds around each message: role, separators, line ends."""

_ROLES = {"developer": "system", "function": "tool"}
_TEXT_PARTS = frozenset({"text", "input_text", "output_text", "refusal", "thinking", "reasoning"})


class Content(msgspec.Struct, frozen=True):
    """The private part of a request, and its size in tokens."""

    turns: tuple[Turn, ...]
    tokens: int
    media: bool = False


def of_messages(messages: Iterable[Message]) -> Content:
    """The conversation of a chat."""
    turns, tokens, media = [], 0, 0
    for message in messages:
        text, parts = _text(message.content)
        turns.append(Turn(role=_ROLES.get(message.role, message.role), text=text))
        media += parts
        tokens += MESSAGE_TOKENS + parts * MEDIA_TOKENS + estimate_tokens(text)
        tokens += raw_tokens(message.tool_calls) + raw_tokens(message.function_call)
    return Content(tuple(turns), tokens, media > 0)


def of_prompt(prompt: str | Sequence[str | int | list[int]]) -> Content:
    """The inputs of a completion or of embeddings, each a user turn; one given as tokens has no text to classify."""
    if isinstance(prompt, str):
        return Content((Turn("user", prompt),), estimate_tokens(prompt))
    if any(isinstance(item, int) for item in prompt):
        return Content((Turn("user", ""),), sum(_input_tokens(item) for item in prompt))
    turns = tuple(Turn("user", item if isinstance(item, str) else "") for item in prompt)
    return Content(turns, sum(_input_tokens(item) for item in prompt))


def raw_tokens(raw: msgspec.Raw | None) -> int:
    """Size of a field that is sent to the model as JSON."""
    data = bytes(raw) if raw is not None else b""
    return 0 if data in (b"", b"null") else estimate_tokens(data.decode())


def _text(content: str | list[Part] | None) -> tuple[str, int]:
    """All text of a message, and the number of its parts that are something else."""
    if content is None or isinstance(content, str):
        return content or "", 0
    texts = [part.text or part.refusal or "" for part in content if part.type in _TEXT_PARTS]
    return "\n".join(texts), len(content) - len(texts)


def _input_tokens(item: str | int | list[int]) -> int:
    if isinstance(item, int):
        return 1
    return estimate_tokens(item) if isinstance(item, str) else len(item)
