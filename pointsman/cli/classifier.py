"""Hands the embedded classifier to a plane: planes and classifier are strangers, and the command line knows both."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pointsman.core.errors import ConfigError
from pointsman.core.request import Turn
from pointsman.core.signals import Classification
from pointsman.core.snapshot import Route

if TYPE_CHECKING:
    from pointsman_classifier.embedded import EmbeddedClassifier

Languages = Callable[[str], tuple[str | None, float]]

_FIX = "install the extra with `pip install 'pointsman[classifier]'`, or pass --classifier none"


class RouteClassifier:
    """The embedded classifier, told of routes in its own terms. Blocking and thread-safe."""

    def __init__(self, model: "EmbeddedClassifier") -> None:
        self._model = model

    def prepare(self, key: str, routes: Iterable[Route]) -> None:
        """Make the prototypes of a policy's routes."""
        from pointsman_classifier.routes import RouteText

        texts = tuple(
            RouteText(
                name=route.name,
                domain=route.domain,
                action=route.action,
                description=route.description,
                examples=route.examples,
            )
            for route in routes
        )
        self._model.prepare(key, texts)

    def retain(self, keys: frozenset[str]) -> None:
        """Forget the prototypes of all other keys."""
        self._model.retain(keys)

    def classify(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> Classification:
        """Say what a conversation needs."""
        return self._model.classify(key, turns, None, eligible)


def embedded_classifier(progress: Callable[[str], None] | None = None) -> RouteClassifier:
    """Load it; the first time on a machine this takes seconds. Raises ConfigError where it cannot be loaded."""
    try:
        from pointsman_classifier.embedded import EmbeddedClassifier
        from pointsman_classifier.heads import DamagedArtefactError
    except ImportError as error:
        raise ConfigError(f"--classifier embedded: {error.name} is not installed; {_FIX}") from error
    try:
        return RouteClassifier(EmbeddedClassifier.load(progress=progress))
    except (DamagedArtefactError, OSError) as error:
        raise ConfigError(f"--classifier embedded: {error}") from error


def language_detector() -> Languages:
    """Tells languages; without its extra, none can be told, and routes that match languages take nothing."""
    try:
        from pointsman_classifier.language import LanguageDetector
    except ImportError:
        return lambda _text: (None, 0.0)
    return LanguageDetector().detect
