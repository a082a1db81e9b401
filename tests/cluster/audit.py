"""What the API server wrote down about every request: the proof of which permissions are used."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class AuditLog:
    """Reads the audit log of one API server. An entry is there before the client has its answer."""

    file: Path

    def mark(self) -> int:
        """Where the log ends now: give it to `since`."""
        return self.file.stat().st_size

    def since(self, mark: int = 0) -> list[dict[str, Any]]:
        """The entries of finished requests after the mark (verb, user, objectRef, responseStatus, …)."""
        with self.file.open("rb") as log:
            log.seek(mark)
            lines = log.read().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]  # the last one is empty, or being written

    def of(self, user: str, mark: int = 0) -> list[dict[str, Any]]:
        """What one user did, a service account for example: `system:serviceaccount:NAMESPACE:NAME`."""
        return [entry for entry in self.since(mark) if entry["user"].get("username") == user]
