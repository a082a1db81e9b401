"""The response headers that say why: x-pointsman-decision-id, -model, -backend, -route, -reason, and so on.

A header that has nothing to say is left out: no route when a model was pinned, no backend when none was tried.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

from pointsman.core.plan import Candidate, Plan, Reason

DECISION_ID = "x-pointsman-decision-id"
MODEL = "x-pointsman-model"
BACKEND = "x-pointsman-backend"
ROUTE = "x-pointsman-route"
REASON = "x-pointsman-reason"
DOWNGRADED = "x-pointsman-downgraded"
ATTEMPTS = "x-pointsman-attempts"

_LONGEST_VALUE = 512
_UNSAFE = re.compile(r"[^!-~]|%")


def decision_headers(
    plan: Plan, candidate: Candidate | None, attempts: int, model: str | None, failed: Iterable[str] = ()
) -> dict[str, str]:
    """The headers of an answer that `candidate`'s backend gave, with its upstream model's name, after `attempts` tries,
    of which some `failed` with these triggers.

    An error after a plan was made has no candidate and no model, and keeps the rest.
    """
    why = codes(plan.reasons, candidate.reasons if candidate else ())
    values = {
        DECISION_ID: plan.id,
        MODEL: model,
        BACKEND: candidate.backend if candidate else None,
        ROUTE: plan.route,
        REASON: ",".join(dict.fromkeys((*why, *failed))),
        DOWNGRADED: plan.downgraded,
        ATTEMPTS: str(attempts),
    }
    return {name: header_safe(value) for name, value in values.items() if value}


def codes(*reasons: Iterable[Reason]) -> list[str]:
    """The codes of reasons, each once, in order."""
    return list(dict.fromkeys(reason.code.value for group in reasons for reason in group))


def header_safe(text: str) -> str:
    """The text as visible ASCII: all else, and the percent sign, is percent-encoded UTF-8."""
    safe = _UNSAFE.sub(lambda found: quote(found[0], safe="", errors="replace"), text)
    return re.sub(r"%[0-9A-F]?$", "", safe[:_LONGEST_VALUE])
