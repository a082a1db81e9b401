"""What an ingress needs of the data plane."""

from typing import Protocol

from router_svc.exchange import Answer, Incoming
from router_svc.openai.explain import Explanation
from router_svc.openai.models import ModelEntry


class Pipeline(Protocol):
    """Answers requests."""

    def authenticate(self, authorization: str | None) -> None:
        """Raises `Unauthenticated`; asked before anything else, so that nobody without a key holds a place."""

    async def answer(self, incoming: Incoming) -> Answer:
        """Answer a request; an error is an answer too."""

    async def explain(self, incoming: Incoming) -> Explanation:
        """Decide only. Raises `RequestError`, but not for a plan without candidates."""

    def models(self, authorization: str | None) -> list[ModelEntry]:
        """What may be asked for. Raises `RequestError`."""
