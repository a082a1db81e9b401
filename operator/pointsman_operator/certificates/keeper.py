"""Keeps the certificates in Secrets of the operator's namespace, and its own in files that the stream's server reads.

Every replica does this; who writes first wins, and the others take over what it wrote. While the API server does not
answer, what is in the files holds.
"""

import asyncio
import base64
import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pointsman_operator.api import Api, ApiError, ApiUnreachable
from pointsman_operator.certificates.plan import Plan
from pointsman_operator.certificates.renewal import Authority, Leaf, renewed_authority, renewed_leaf
from pointsman_operator.certificates.x509 import Pair

log = logging.getLogger("pointsman.certificates")

PERIOD = 60.0
"""Seconds between two looks: a Secret that somebody deleted is back within them."""
_FIRST_TRY = 0.5
SESSION_KEY = "session.key"
"""Beside the routers' certificate, and never renewed: routers that share it know each other's conversations."""
Data = dict[str, str]


class Keeper:
    """One replica's."""

    def __init__(self, api: Api, plan: Plan, clock: Callable[[], datetime]) -> None:
        """`clock` gives the time with its zone."""
        self._api, self._plan, self._clock = api, plan, clock
        self._path = f"/api/v1/namespaces/{plan.namespace}/secrets"

    async def first(self) -> None:
        """Return when the files are there; tries until the API server answers."""
        while not await self._try():  # noqa: ASYNC110 - the API server sends no event when it is back
            await asyncio.sleep(_FIRST_TRY)

    async def forever(self) -> None:
        """Renew what is due, until cancelled."""
        while True:
            await asyncio.sleep(PERIOD)
            await self._try()

    async def keep(self) -> None:
        """Look once. Raises ApiError (a conflict, when another replica was quicker) or ApiUnreachable."""
        now, plan = self._clock(), self._plan
        stored = await self._get(f"{plan.name}-ca")
        held = _authority(_data(stored))
        authority = renewed_authority(held, now)
        if authority != held:
            await self._put(f"{plan.name}-ca", stored, _authority_data(authority))
        for end, names in (("operator", plan.operator_names), ("router", plan.router_names)):
            name = f"{plan.name}-{end}-tls"
            stored = await self._get(name)
            before = _data(stored)
            leaf = renewed_leaf(_leaf(before), authority, names, now)
            after = _leaf_data(leaf)
            if end == "router":
                after |= {SESSION_KEY: before.get(SESSION_KEY) or secrets.token_hex(32)}
            if after != before:
                await self._put(name, stored, after)
            if end == "operator":
                await asyncio.to_thread(_write, plan.folder, _leaf_data(leaf))

    async def _try(self) -> bool:
        try:
            await self.keep()
        except ApiError as error:
            if error.status != 409:  # else another replica wrote at the same time
                log.warning("certificates were not kept: %s", error)
            return False
        except ApiUnreachable as error:
            log.warning("certificates were not kept: %s", error)
            return False
        return True

    async def _get(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._api.call("GET", f"{self._path}/{name}")
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return found

    async def _put(self, name: str, stored: Mapping[str, Any] | None, data: Data) -> None:
        """Create it, or replace exactly the one that was read."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        if stored is None:
            labels = {"app.kubernetes.io/name": "pointsman", "app.kubernetes.io/managed-by": "pointsman-operator"}
            kind = "Opaque" if name.endswith("-ca") else "kubernetes.io/tls"
            metadata = {"name": name, "namespace": self._plan.namespace, "labels": labels}
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": encoded}
            await self._api.call("POST", self._path, body=body)
        else:
            await self._api.call("PUT", f"{self._path}/{name}", body={**stored, "data": encoded})
        log.info("%s was written", name)


def _data(stored: Mapping[str, Any] | None) -> Data:
    """What a Secret holds; what is no text counts as missing."""
    found: Data = {}
    for key, value in ((stored or {}).get("data") or {}).items():
        with contextlib.suppress(ValueError):
            found[key] = base64.b64decode(value).decode()
    return found


def _authority(data: Data) -> Authority | None:
    if not (data.get("ca.crt") and data.get("ca.key")):
        return None
    after = Pair(data["next.crt"], data["next.key"]) if data.get("next.crt") and data.get("next.key") else None
    return Authority(Pair(data["ca.crt"], data["ca.key"]), after, data.get("previous.crt", ""))


def _authority_data(authority: Authority) -> Data:
    data = {"ca.crt": authority.current.certificate, "ca.key": authority.current.key}
    if authority.next:
        data |= {"next.crt": authority.next.certificate, "next.key": authority.next.key}
    return data | ({"previous.crt": authority.previous} if authority.previous else {})


def _leaf(data: Data) -> Leaf | None:
    if not (data.get("tls.crt") and data.get("tls.key")):
        return None
    return Leaf(Pair(data["tls.crt"], data["tls.key"]), data.get("ca.crt", ""))


def _leaf_data(leaf: Leaf) -> Data:
    return {"ca.crt": leaf.trusted, "tls.crt": leaf.pair.certificate, "tls.key": leaf.pair.key}


def _write(folder: Path, data: Data) -> None:
    """Each file whole, and only if it differs. Between two files the key does not fit: who reads then tries again."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in data.items():
        file = folder / name
        if file.exists() and file.read_text() == text:
            continue
        new = folder / f".{name}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        new.replace(file)
