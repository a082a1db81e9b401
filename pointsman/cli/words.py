"""Reasons in words, for people who read `explain`. Programs read the codes."""

from collections.abc import Mapping

from pointsman.core.money import decimal
from pointsman.core.plan import Code, Reason

_WORDS: Mapping[Code, str] = {
    Code.PINNED: "the request names this model",
    Code.ROUTE_CLASSIFIED: "the classifier says route {route}, score {score}",
    Code.ROUTE_MATCHED: "the match rules of route {route} hold",
    Code.ROUTE_KEPT: "the conversation stays on route {route}",
    Code.NO_ROUTE_FITS: "no route fits{best}",
    Code.EMBEDDINGS: "embeddings are not routed by their content",
    Code.CLASSIFIER_LATE: "the classifier was late",
    Code.CLASSIFIER_FAILED: "the classifier failed",
    Code.DIFFICULT: "difficulty {difficulty} reaches the step at {atLeast}",
    Code.DOWNGRADED: "quota {quota} is spent",
    Code.RETIRED_NAME: "{asked} is retired; this model replaces it",
    Code.MODE_BY_NAME: "mode {mode}, by the model's name",
    Code.MODE_BY_EFFORT: "mode {mode}, by reasoning_effort",
    Code.MODE_BY_PHRASE: "mode {mode}, by a phrase of the prompt",
    Code.MODE_DENIED: "the policy lets nobody choose a mode",
    Code.EFFORT: "reasoning_effort {effort} was asked for",
    Code.EFFORT_ADJUSTED: "thinks with effort {sent} instead of {wanted}",
    Code.BEST_QUALITY: "best quality",
    Code.CHEAPEST: "cheapest",
    Code.FASTEST: "fastest",
    Code.IN_QUALITY_BAND: "cheapest of those that are good enough",
    Code.WEIGHTED: "weight {weight}",
    Code.LOWER_PRIORITY: "asked later: priority {priority}",
    Code.BELOW_BAND: "worse than the best ({best})",
    Code.STRAINED: "close to its own limits",
    Code.SESSION_KEPT: "answered this conversation before",
    Code.SESSION_SWITCHED: "better than {from}, which answered before",
    Code.FALLBACK_TIER: "fallback, of {tier}",
    Code.WRONG_OPERATION: "does not serve {operation}",
    Code.WRONG_LABELS: "lacks the label {label}={needed}",
    Code.CONTEXT_TOO_SHORT: "holds {limit} tokens, of {needed} needed",
    Code.OUTPUT_TOO_SHORT: "answers with {limit} tokens at most, of {needed} asked for",
    Code.NO_TOOLS: "cannot use tools",
    Code.NO_VISION: "cannot read images",
    Code.NO_JSON: "cannot keep to a JSON format",
    Code.TOO_COSTLY: "would cost {picos}, more than {limit}",
    Code.TOO_SLOW: "first token after {seconds} s, later than {limit} s",
    Code.NO_ENDPOINTS: "has no endpoints",
    Code.UNAVAILABLE: "all its endpoints failed lately",
    Code.LAST_RESORT: "tried all the same, as nothing else is left",
    Code.COOLING_DOWN: "asked to be left alone for {seconds} s",
    Code.QUOTA_SPENT: "quota {quota} is spent",
}


class _Details(dict[str, object]):
    """A detail that a reason lacks is left out of its words."""

    def __missing__(self, _name: str) -> str:
        return ""


def in_words(reason: Reason) -> str:
    """One reason, as a phrase."""
    details = _Details(reason.detail)
    if reason.code is Code.EFFORT_ADJUSTED and details["sent"] == "None":
        return "does not think"
    if reason.code is Code.TOO_COSTLY:
        details |= {name: decimal(int(amount)) for name, amount in reason.detail.items()}
    if reason.code is Code.NO_ROUTE_FITS and "best" in details:
        details["best"] = f" (best: {details['best']}, score {details.get('score')})"
    return _WORDS.get(reason.code, str(reason)).format_map(details)
