"""The classifier that is evaluated: in this process, or a Triton server's."""

from collections.abc import Iterable
from typing import Protocol

from pointsman.core.errors import ConfigError
from pointsman.core.request import Turn
from pointsman.core.signals import Classification
from pointsman.core.snapshot import Route


class Classifier(Protocol):
    """What the evaluation asks of a classifier. Blocking; raises ConfigError when a server does not answer."""

    @property
    def digest(self) -> str:
        """Names the weights: equal digests give equal answers."""

    def prepare(self, key: str, routes: Iterable[Route]) -> None:
        """Make the prototypes of a policy's routes."""

    def classify(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> Classification:
        """Say what a conversation needs."""


def classifier_at(spec: str) -> Classifier:
    """`embedded`, or `triton://HOST:PORT`. Raises ConfigError where it cannot be had."""
    from pointsman.cli.classifier import open_classifier
    from pointsman.cli.output import err

    opened = open_classifier(spec, lambda text: err.print(text, markup=False))
    if opened is None:
        raise ConfigError("--classifier none: there would be nothing to evaluate; write embedded or triton://HOST:PORT")
    return opened
