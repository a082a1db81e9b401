"""The temporary folder that the router reads: the example's files, this machine's ports and the demo's keys."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from pointsman.core.errors import ConfigError
from pointsman.core.keys import KeyEntry, KeyRights, digest

FREE_KEY, PAID_KEY = "pm-demo-free", "pm-demo-paid"
"""Known to everyone, so good for nothing but a demonstration."""

ENDPOINTS = "endpoints.yaml"
"""The file of an example that says where its backends run."""

_KEYS = (
    KeyEntry(id="public", anonymous=True, tenant="public", note="requests without a key"),
    KeyEntry(id="demo-free", hash=digest(FREE_KEY), tenant="free", user="ada", note=FREE_KEY),
    KeyEntry(
        id="demo-paid",
        hash=digest(PAID_KEY),
        tenant="paid",
        rights=KeyRights(speak_for_users=True),
        note=PAID_KEY,
    ),
)


def example() -> Path:
    """The example of a checkout."""
    folder = Path(__file__).resolve().parents[3] / "examples" / "01-one-machine"
    if not folder.is_dir():
        raise ConfigError("the example is not installed with the package; run this in a checkout, or name a folder")
    return folder


class Stage:
    """Written once, before the router starts."""

    def __init__(self, folder: Path) -> None:
        """`folder` is empty, and removed by whoever made it."""
        self.policies = folder / "policies"
        self.keys = folder / "keys.yaml"
        self.logs = folder / "logs"
        for each in (self.policies, self.logs):
            each.mkdir()

    def set(self, source: Path, namespace: str, ports: Mapping[str, int]) -> None:
        """Link the source's files, so that an edit there reaches the router, and write endpoints and keys."""
        for file in sorted(source.glob("*.yaml")):
            if file.name != ENDPOINTS:
                (self.policies / file.name).symlink_to(file.resolve())
        slices = [_slice(name, namespace, port) for name, port in ports.items()]
        (self.policies / ENDPOINTS).write_text(yaml.safe_dump_all(slices, sort_keys=False))
        keys = [entry.model_dump(mode="json", exclude_defaults=True) for entry in _KEYS]
        self.keys.write_text(yaml.safe_dump({"keys": keys}, sort_keys=False))
        self.keys.chmod(0o600)


def _slice(name: str, namespace: str, port: int) -> dict[str, object]:
    labels = {"kubernetes.io/service-name": name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-1", "namespace": namespace, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"port": port}],
        "endpoints": [{"addresses": ["127.0.0.1"]}],
    }
