"""The classifier whose texts a Triton server analyses: for the router, and for commands that wait."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from pointsman.cli.classifier import RouteClassifier
from pointsman.core.errors import ConfigError
from pointsman.core.request import Turn
from pointsman.core.signals import Classification
from pointsman.runtime.telemetry.context import outgoing
from router_svc.classify import Remote
from router_svc.triton.client import Target
from router_svc.triton.connection import MODEL, Connection, NoAnswer
from router_svc.triton.servers import Servers

PROBE = "Which of these two laptops should I buy, and why?"

_PATIENCE = 10.0
"""Seconds that one question of a command may take."""


def outputs() -> dict[str, int]:
    """What the ensemble gives, and its widths."""
    from pointsman_classifier.encoder import DIMENSIONS
    from pointsman_classifier.heads import OUTPUTS

    return {"embedding": DIMENSIONS, **OUTPUTS}


def remote(embedded: RouteClassifier, address: str) -> Remote:
    """Triton for a router; the embedded classifier scores, and says what a probe should give."""
    from pointsman_classifier.memory import Memory

    expected = embedded.analyse((PROBE,))["embedding"][0]
    target = Target(address=address, outputs=outputs(), probe=PROBE, expected=expected)
    return Remote(Servers(target, outgoing, Memory()), embedded)


class TritonClassifier(RouteClassifier):
    """Asks Triton and waits, from any thread; without its answer there is none."""

    def __init__(self, embedded: RouteClassifier, address: str, model: str = MODEL) -> None:
        super().__init__(embedded._model)
        self._address, self._ensemble = address, model
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="triton", daemon=True).start()
        self._connection = self._run(self._connect())

    @property
    def digest(self) -> str:
        """Names the release that answers, and the weights that score."""
        inferred = self._run(self._connection.infer((PROBE,), _PATIENCE, {}))
        return f"triton-{inferred.release}/{super().digest}"

    def analyse(self, texts: tuple[str, ...]) -> Mapping[str, Any]:
        """The analyses of some texts, made by Triton. Raises ConfigError when it does not answer."""
        return self._run(self._connection.infer(texts, _PATIENCE, {})).rows if texts else {}

    def classify(self, key: str, turns: tuple[Turn, ...], eligible: frozenset[str]) -> Classification:
        """Say what a conversation needs."""
        texts = self.texts(key, turns, eligible)
        return self.score(key, texts, self.analyse(texts), eligible)

    async def _connect(self) -> Connection:
        return Connection(self._address, outputs(), self._ensemble)

    def _run(self, work: Any) -> Any:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except NoAnswer as error:
            raise ConfigError(f"--classifier triton://{self._address}: Triton gives no answer: {error}") from error
