"""Requests to an API server whose refusals are data, as kubectl's are not."""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from unittest import mock

import kopf
from pointsman_operator.watched import WATCHED


class Caller:
    """Calls the API as the user of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        with mock.patch.dict(os.environ, {"KUBECONFIG": str(kubeconfig)}):
            info = kopf.login_with_kubeconfig(settings=kopf.OperatorSettings())
        assert info is not None
        self._server, self._context, self._headers = info.server, info.as_ssl_context(), info.as_http_headers()

    def __call__(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """Status and JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, "Content-Type": content_type, "Accept": "application/json"}
        request = urllib.request.Request(self._server + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {"message": text.decode()}

    def create(self, body: Any, *, dry: bool = False) -> tuple[int, Any]:
        """Creates an object, refusing unknown fields as `kubectl apply` does."""
        path = _collection(body)
        return self("POST", f"{path}?fieldValidation=Strict{'&dryRun=All' if dry else ''}", body)

    def apply(self, body: Any, manager: str, *, force: bool = False) -> tuple[int, Any]:
        """Server-side apply."""
        path = f"{_collection(body)}/{body['metadata']['name']}"
        path += f"?fieldManager={manager}&force={'true' if force else 'false'}"
        return self("PATCH", path, body, "application/apply-patch+yaml")

    def delete(self, body: Any) -> None:
        """Deletes an object, if it is there."""
        status, answer = self("DELETE", f"{_collection(body)}/{body['metadata']['name']}")
        assert status in (200, 202, 404), answer

    def get(self, kind: str, namespace: str, name: str) -> Any:
        """One object, which must exist."""
        status, body = self("GET", WATCHED[kind].object_path(namespace, name))
        assert status == 200, body
        return body


def _collection(body: Any) -> str:
    watched = WATCHED[body["kind"]]
    root = "apis" if watched.group else "api"
    return f"/{root}/{watched.api_version}/namespaces/{body['metadata']['namespace']}/{watched.plural}"
