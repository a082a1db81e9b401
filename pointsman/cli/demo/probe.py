"""Asks as a client would, to know that a real request is answered."""

import json
import socket
import urllib.error
import urllib.request

from pointsman.core.errors import ConfigError


def require_free(address: str, variable: str) -> None:
    """Raise ConfigError when somebody else listens there, with what to do."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"{variable}={address}: is not HOST:PORT, such as 127.0.0.1:8080")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), int(port)))
        except OSError as error:
            other = f"{host}:{int(port) + 100}"
            raise ConfigError(
                f"{address} cannot be used ({error.strerror}); choose another: {variable}={other} make run"
            ) from error


def base_url(address: str) -> str:
    """URL by which this machine reaches an address that may mean all of its interfaces."""
    host, _, port = address.rpartition(":")
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{port}"


def answers(url: str, model: str) -> bool:
    """Whether the router answers a small real request without a key."""
    body = {"model": model, "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 4}
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - our own address
            return bool(json.load(response).get("choices"))
    except (OSError, ValueError):
        return False
