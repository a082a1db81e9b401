"""What may go wrong, and when: the typed form of `PUT /faults` and of the `--script` file. Pure.

A script is a list of rules. The first rule that matches a request and is not used up decides how it is answered.
"""

from enum import StrEnum

import msgspec

from pointsman_faults.kinds import AnyFault, Part


class UsageReport(StrEnum):
    """Whether usage is reported."""

    ASKED = "Asked"
    """In JSON answers always, in streams when include_usage is set."""
    ALWAYS = "Always"
    NEVER = "Never"
    ODD = "Odd"
    """Numbers that nobody should believe."""
    WITH_LAST = "WithLast"
    """In the chunk that ends the choice, not in one of its own."""


class Rule(Part, frozen=True, kw_only=True):
    """How some requests are answered."""

    path: str | None = None
    """Only requests to this path, such as /v1/chat/completions."""
    model: str | None = None
    """Only requests for this model."""
    skip: int = 0
    """Matching requests that pass before it holds."""
    times: int | None = None
    """Requests it holds for; all from then on by default."""
    fault: AnyFault | None = None
    first_token: float = 0.0
    """Seconds before the first token, or before a JSON answer or an error."""
    inter_token: float = 0.0
    """Seconds between two tokens."""
    tokens: int | None = None
    """Length of the answer; by default, all of `text`."""
    text: str | None = None
    """The answer, instead of the canned one."""
    reasoning: str = ""
    """Sent as reasoning_content before the answer."""
    tool_call: str | None = None
    """Name of a function that is called instead of an answer in text."""
    usage: UsageReport = UsageReport.ASKED


class Script(Part, frozen=True, kw_only=True):
    """What `PUT /faults` takes."""

    rules: tuple[Rule, ...] = ()
    healthy: bool = True
    """Whether /health answers 200 or 503."""


class ScriptError(ValueError):
    """The script cannot be used; the message names the field."""


def parse(data: bytes) -> Script:
    """Raises ScriptError."""
    try:
        return msgspec.json.decode(data, type=Script)
    except msgspec.DecodeError as error:
        raise ScriptError(str(error)) from error


class Player:
    """Follows a script, request by request."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._seen = [0] * len(script.rules)

    def rule_for(self, path: str, model: str | None) -> Rule:
        """The rule for the next request."""
        for index, rule in enumerate(self.script.rules):
            if rule.path not in (None, path) or rule.model not in (None, model):
                continue
            seen = self._seen[index]
            self._seen[index] += 1
            if seen >= rule.skip and (rule.times is None or seen < rule.skip + rule.times):
                return rule
        return Rule()
