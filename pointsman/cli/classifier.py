"""Hands the classifier to a plane: planes and classifier are strangers, and the command line knows both."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pointsman.core.errors import ConfigError
from pointsman.core.request import Turn
from pointsman.core.signals import Classification
from pointsman.core.snapshot import Route

if TYPE_CHECKING:
    from pointsman_classifier.embedded import EmbeddedClassifier

    from router_svc.classify import Remote

EMBEDDED, NONE, TRITON = "embedded", "none", "triton://"

Languages = Callable[[str], tuple[str | None, float]]

_FIX = "install the extra with `pip install 'pointsman[classifier]'`, or pass --classifier none"


class RouteClassifier:
    """The embedded classifier, told of routes in its own terms. Blocking and thread-safe."""

    def __init__(self, model: "EmbeddedClassifier") -> None:
        self._model = model

    @property
    def digest(self) -> str:
        """Names the weights: equal digests give equal answers."""
        return self._model.digest

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

    def texts(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> tuple[str, ...]:
        """What has to be analysed."""
        return self._model.texts(key, turns, eligible)

    def analyse(self, texts: tuple[str, ...]) -> Mapping[str, Any]:
        """The analyses of some texts, made here."""
        return self._model.analyse(texts)

    def score(
        self, key: str, texts: tuple[str, ...], analyses: Mapping[str, Any], eligible: frozenset[str]
    ) -> Classification:
        """The classification, from analyses made here or by a server."""
        return self._model.score(key, texts, analyses, None, eligible)


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


def open_classifier(spec: str, progress: Callable[[str], None] | None = None) -> RouteClassifier | None:
    """The classifier of a command that asks it and waits: `embedded`, `none` or `triton://HOST:PORT`.

    One at Triton has its texts analysed there, without a fallback, so that what is shown is what Triton says; its
    `classify` raises ConfigError where Triton does not answer. So does this, where none can be had.
    """
    address = triton_address(spec)
    if spec == NONE:
        return None
    embedded = embedded_classifier(progress)
    if not address:
        return embedded
    from pointsman.cli.triton.client import TritonClassifier

    return TritonClassifier(embedded, address)


def open_for_router(
    spec: str, progress: Callable[[str], None] | None = None
) -> "tuple[RouteClassifier | None, Remote | None]":
    """The classifier in the router's process, and the server that is asked first, if there is one.

    Triton need not be there: the embedded classifier answers until it is. Raises ConfigError.
    """
    address = triton_address(spec)
    embedded = None if spec == NONE else embedded_classifier(progress)
    if embedded is None or not address:
        return embedded, None
    from pointsman.cli.triton.client import remote

    return embedded, remote(embedded, address)


def triton_address(spec: str) -> str:
    """The HOST:PORT of `triton://HOST:PORT`; empty for `embedded` and `none`. Raises ConfigError for anything else."""
    if spec in (EMBEDDED, NONE):
        return ""
    address = spec.removeprefix(TRITON)
    host, _, port = address.rpartition(":")
    if not spec.startswith(TRITON) or not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"--classifier {spec}: write embedded, none or triton://HOST:PORT")
    return address


def language_detector() -> Languages:
    """Tells languages; without its extra, none can be told, and routes that match languages take nothing."""
    try:
        from pointsman_classifier.language import LanguageDetector
    except ImportError:
        return lambda _text: (None, 0.0)
    return LanguageDetector().detect
