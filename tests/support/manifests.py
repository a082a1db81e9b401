"""Hypothesis strategies of manifests, as plain values: valid ones, and valid ones with something broken."""

from typing import Any

from hypothesis import strategies as st

NAMESPACES = st.sampled_from(["ai", "web", "models"])
NAMES = st.sampled_from(["small", "big", "qwen3-32b", "llama", "ghost"])
MODEL_NAMES = st.sampled_from(["auto", "chat", "code", "qwen", "small", "gpt-4o", "ai/big"])
LABELS = st.dictionaries(
    st.sampled_from(["residency", "tier"]), st.sampled_from(["eu", "us", "ü"]), min_size=1, max_size=2
)
CREATED = st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"])
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
EFFORT = st.sampled_from(["None", "Minimal", "Low", "Medium", "High", "XHigh"])
MONEY = st.from_regex(r"[0-9]{1,3}\.[0-9]{1,6}", fullmatch=True)
Body = dict[str, Any]


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Body]:
    """Any of these optional fields."""
    return st.fixed_dictionaries({}, optional=fields)


def _metadata() -> st.SearchStrategy[Body]:
    return st.fixed_dictionaries(
        {"name": NAMES, "namespace": NAMESPACES}, optional={"labels": LABELS, "creationTimestamp": CREATED}
    )


def _object(kind: str, spec: st.SearchStrategy[Body]) -> st.SearchStrategy[Body]:
    return st.fixed_dictionaries(
        {"apiVersion": st.just("pointsman.dev/v1alpha1"), "kind": st.just(kind), "metadata": _metadata(), "spec": spec}
    )


def _references() -> st.SearchStrategy[list[Body]]:
    reference = st.fixed_dictionaries(
        {"name": NAMES},
        optional={"namespace": NAMESPACES, "weight": st.integers(0, 9), "priority": st.integers(0, 3)},
    )
    return st.lists(reference, min_size=1, max_size=3, unique_by=lambda ref: (ref["name"], ref.get("namespace")))


def _backend_spec() -> st.SearchStrategy[Body]:
    service = st.fixed_dictionaries({"name": NAMES, "port": st.integers(1, 65535)}, optional={"namespace": NAMESPACES})
    return st.fixed_dictionaries(
        {"model": st.sampled_from(["org/a", "org/b"]), "endpoints": st.fixed_dictionaries({"serviceRef": service})},
        optional={
            "aliases": st.lists(MODEL_NAMES, max_size=3, unique=True),
            "pricing": _some(input=MONEY, output=MONEY),
            "quality": st.lists(st.fixed_dictionaries({"percent": st.integers(0, 100)}), max_size=1),
            "limits": _some(concurrency=st.integers(1, 100)),
            "capabilities": _some(contextTokens=st.integers(1, 10**6), tools=st.booleans()),
        },
    )


def _policy_spec() -> st.SearchStrategy[Body]:
    selector = st.fixed_dictionaries({"matchLabels": LABELS})
    route: st.SearchStrategy[Body] = st.fixed_dictionaries(
        {"name": st.sampled_from(["code", "chit-chat", "legal"]), "domain": st.just("x"), "backends": _references()},
        optional={
            "description": TEXT,
            "examples": st.lists(TEXT, max_size=3),
            "backendSelector": selector,
            "reasoning": st.fixed_dictionaries({"effort": EFFORT}),
            "match": _some(languages=st.lists(st.sampled_from(["de", "en", "no"]), unique=True)),
        },
    )
    quota: st.SearchStrategy[Body] = st.fixed_dictionaries(
        {
            "name": st.sampled_from(["free", "paid"]),
            "limit": st.integers(1, 10**9).map(str),
            "window": st.sampled_from([{"length": "5h"}, {"type": "Calendar", "period": "Day"}]),
        },
        optional={"match": _some(tenants=st.lists(st.sampled_from(["a", "b", "c"]), unique=True))},
    )
    return st.fixed_dictionaries(
        {
            "virtualModels": st.lists(MODEL_NAMES, min_size=1, max_size=3, unique=True),
            "default": st.one_of(
                st.fixed_dictionaries({"backends": _references()}), st.fixed_dictionaries({"backendSelector": selector})
            ),
        },
        optional={
            "routes": st.lists(route, max_size=3, unique_by=lambda each: each["name"]),
            "quotas": st.lists(quota, max_size=2, unique_by=lambda each: each["name"]),
            "objective": _some(type=st.sampled_from(["Cost", "Latency"]), qualityBandPercent=st.integers(0, 100)),
            "fallback": _some(triggers=st.lists(st.sampled_from(["Timeout", "Refusal", "Overloaded"]), unique=True)),
        },
    )


def backends() -> st.SearchStrategy[Body]:
    return _object("ModelBackend", _backend_spec())


def policies() -> st.SearchStrategy[Body]:
    return _object("RoutingPolicy", _policy_spec())


def key(body: Body) -> tuple[str, str, str]:
    return body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]


def manifests(at_least: int = 0) -> st.SearchStrategy[list[Body]]:
    """A set of valid objects, each named once."""
    return st.lists(st.one_of(backends(), policies()), min_size=at_least, max_size=8, unique_by=key)


JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))


@st.composite
def broken(draw: st.DrawFn, body: Body) -> Body:
    """The object with one field replaced by junk or taken away; its name stays. It may happen to stay valid."""
    body = _copy(body)
    at: Any = body["spec"]
    while True:
        where = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        inner = at[where]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            break
        at = inner
    if isinstance(at, dict) and draw(st.booleans()):
        del at[where]
    else:
        at[where] = draw(JUNK)
    return body


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


@st.composite
def shuffled(draw: st.DrawFn, value: Any) -> Any:
    """The same value, with the keys of every mapping in another order."""
    if isinstance(value, dict):
        return {name: draw(shuffled(value[name])) for name in draw(st.permutations(sorted(value)))}
    return [draw(shuffled(item)) for item in value] if isinstance(value, list) else value
