"""Small builders, so that a test shows only what it is about."""

from typing import Any

import yaml

from pointsman.core.compile import compile_snapshot
from pointsman.core.installation import OPEN
from pointsman.core.parse import parse_text
from pointsman.core.quota import Balance
from pointsman.core.request import Request, Turn
from pointsman.core.signals import Classification, ClassifierOutcome, Score, Signals
from pointsman.core.snapshot import Snapshot
from pointsman.core.state import BackendState, SessionState, State


def backend(name: str, **spec: Any) -> dict[str, Any]:
    """A ModelBackend's body; `labels` go to its metadata."""
    labels = spec.pop("labels", {})
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "ModelBackend",
        "metadata": {"name": name, "namespace": "ai", "labels": labels},
        "spec": {
            "model": f"org/{name}",
            "endpoints": {"external": {"host": "127.0.0.1", "port": 1, "tls": False}},
            **spec,
        },
    }


def policy(name: str = "assistant", **spec: Any) -> dict[str, Any]:
    """A RoutingPolicy's body that answers to `auto`."""
    return {
        "apiVersion": "pointsman.dev/v1alpha1",
        "kind": "RoutingPolicy",
        "metadata": {"name": name, "namespace": "ai"},
        "spec": {"virtualModels": ["auto"], **spec},
    }


def refs(*names: str, **shared: Any) -> list[dict[str, Any]]:
    """Backend references."""
    return [{"name": name, **shared} for name in names]


def route(name: str, *backends: str, **more: Any) -> dict[str, Any]:
    """A described route."""
    return {"name": name, "description": f"about {name}", "backends": refs(*backends), **more}


def snapshot(*objects: dict[str, Any]) -> Snapshot:
    """Compiled objects; whatever is wrong with them fails the test."""
    parsed = parse_text(yaml.safe_dump_all(objects))
    assert not parsed.problems, parsed.problems
    compilation = compile_snapshot(parsed.resources, OPEN)
    problems = [problem for verdict in compilation.verdicts for problem in verdict.problems if problem.is_error]
    assert not problems, problems
    return compilation.snapshot


def request(text: str = "hello", model: str = "auto", **facts: Any) -> Request:
    """A one-turn chat."""
    return Request(
        **{"id": "decision-1", "model": model, "turns": (Turn("user", text),), "prompt_tokens": 100, **facts}
    )


def signals(routes: dict[str, float] | None = None, **more: Any) -> Signals:
    """Signals of a classifier that answered; all given routes pass their match rules."""
    routes = routes or {}
    difficulty = more.pop("difficulty", None)
    reasoning = more.pop("reasoning", None)
    return Signals(
        **{
            "matched": frozenset(routes),
            "classifier": ClassifierOutcome.ANSWERED,
            "classification": Classification(
                routes=routes,
                category=more.pop("category", {}),
                difficulty=None if difficulty is None else Score(difficulty, 1.0),
                reasoning=None if reasoning is None else Score(reasoning, 1.0),
            ),
            **more,
        }
    )


def state(
    *well: str, session: SessionState | None = None, balances: dict[str, Balance] | None = None, **other: BackendState
) -> State:
    """Backends that are well, by bare name, and others as given (with _ for -)."""
    states = {f"ai/{name}": BackendState(endpoints=1, available=1) for name in well}
    states |= {f"ai/{name.replace('_', '-')}": value for name, value in other.items()}
    return State(now=1_000_000.0, backends=states, session=session, balances=balances or {})
