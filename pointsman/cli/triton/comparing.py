"""Both ensembles of a server, asked the same cases."""

from collections.abc import Sequence
from pathlib import Path

from pointsman_classifier.triton_configs import CANDIDATE, ENSEMBLE

from pointsman.cli import explaining
from pointsman.cli.classifier import RouteClassifier, embedded_classifier
from pointsman.cli.triton import gate
from pointsman.cli.triton.client import PROBE, TritonClassifier
from pointsman.cli.triton.promotion import Gate
from pointsman.core.errors import ConfigError
from pointsman.core.snapshot import Route
from router_svc.triton.client import LIKENESS


def comparison(cases: Sequence[gate.Case], policy: Path | None, server: str, limits: gate.Limits) -> Gate:
    """A gate over these cases. Raises ConfigError when they name routes and no policy has them."""
    routes = _routes(policy) if policy is not None else ()
    names = frozenset(route.name for route in routes)
    unknown = {route for case in cases if (route := case.wanted.get("route")) is not None} - names
    if unknown:
        hint = "name its folder with --policy" if policy is None else f"not in {policy}"
        raise ConfigError(f"the cases name routes of a policy, such as {min(unknown)}: {hint}")

    def compare() -> gate.Verdict:
        embedded = embedded_classifier()
        embedded.prepare("gate", routes)
        now, new = (TritonClassifier(embedded, server, model) for model in (ENSEMBLE, CANDIDATE))
        _same_encoder(embedded, new)
        return gate.judge(
            cases,
            lambda turns: now.classify("gate", turns, names),
            lambda turns: new.classify("gate", turns, names),
            limits,
        )

    return compare


def _same_encoder(embedded: RouteClassifier, candidate: TritonClassifier) -> None:
    """Raises ConfigError for a release that no router would use: routers score routes with their own encoder."""
    here, there = (each.analyse((PROBE,))["embedding"][0] for each in (embedded, candidate))
    cosine = float(here @ there)
    if not cosine >= LIKENESS:
        raise ConfigError(
            f"the release embeds otherwise than this version (cosine {cosine:.2f}): no router of it would use the "
            "release; build it with the version that the routers run"
        )


def _routes(folder: Path) -> tuple[Route, ...]:
    """The described routes of the folder's one policy that has any."""
    policies = explaining.load(folder).snapshot.policies.values()
    described = [tuple(route for route in policy.routes if route.described) for policy in policies]
    having = [routes for routes in described if routes]
    if len(having) != 1:
        raise ConfigError(f"{folder} has {len(having)} policies with described routes; the cases are of one")
    return having[0]
