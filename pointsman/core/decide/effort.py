"""Reasoning effort: who may ask for how much, and what a backend makes of it."""

from pointsman.core.plan import Code, Reason
from pointsman.core.request import Effort
from pointsman.core.resources.backend import ReasoningParameter, ReasoningType
from pointsman.core.signals import Score
from pointsman.core.snapshot import ReasoningSupport

_NEED = 0.5
"""Value and confidence from which the classifier's reasoning need switches thinking on where nobody asked."""


def for_backend(
    wanted: Effort | None, support: ReasoningSupport, need: Score | None
) -> tuple[Effort | None, tuple[Reason, ...]]:
    """The effort to send, and why it is not the one wanted. None leaves the model's own default.

    Where nobody asked for an effort, a backend that can think or not does so when the request needs it.
    """
    if support.type is ReasoningType.NONE:
        adjusted = wanted is not None and wanted is not Effort.NONE
        return None, (_adjusted(wanted, Effort.NONE),) if adjusted else ()
    if wanted is None:
        if support.type is ReasoningType.ALWAYS or need is None:
            return None, ()
        wanted = Effort.MEDIUM if min(need.value, need.confidence) >= _NEED else Effort.NONE
    effort = _nearest(wanted, _known(support))
    return effort, () if effort is wanted else (_adjusted(wanted, effort),)


def _known(support: ReasoningSupport) -> tuple[Effort, ...]:
    efforts = support.efforts or (
        tuple(Effort) if support.parameter is ReasoningParameter.REASONING_EFFORT else (Effort.NONE, Effort.MEDIUM)
    )
    if support.type is ReasoningType.ALWAYS:
        return tuple(effort for effort in efforts if effort is not Effort.NONE) or (Effort.LOW,)
    return efforts if Effort.NONE in efforts else (Effort.NONE, *efforts)


def _nearest(wanted: Effort, known: tuple[Effort, ...]) -> Effort:
    """The nearest effort; of two equally near, the lower. Thinking wanted stays thinking where there is any."""
    if wanted is not Effort.NONE:
        known = tuple(effort for effort in known if effort is not Effort.NONE) or known
    return min(known, key=lambda effort: (abs(effort.rank - wanted.rank), effort.rank))


def _adjusted(wanted: Effort | None, sent: Effort) -> Reason:
    return Reason(Code.EFFORT_ADJUSTED, {"wanted": str(wanted), "sent": str(sent)})
