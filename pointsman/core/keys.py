"""Client API keys: how a key is made, and the file that lists them.

A key file is YAML (edited by `core.key_file`), the same in a folder and in a cluster's Secret:

    keys:
    - id: k-5f0c2a9be1d4            # names the key in records and quotas
      hash: sha256:9b74c9897bac…    # of the whole key; the key itself is shown once, when it is made
      tenant: free                  # who is billed
      user: ada                     # optional: the one user of this key
      rights:                       # optional
        models: [auto, small]       #   names that may be asked for; empty allows all
        speakForUsers: true         #   `user` of the request body counts as the user
      expires: "2027-01-01T00:00:00Z"   # optional
      disabled: true                # optional: refused, but kept for the record
      note: the demo's laptop       # optional, for people
    - id: public
      anonymous: true               # instead of hash: stands for requests without any key; at most one entry
      tenant: public

A plain SHA-256 is enough, since a key is 256 random bits: there is nothing to guess, so nothing to slow down.
"""

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
from pydantic import Field, ValidationError

from pointsman.core import yamltext
from pointsman.core.errors import ConfigError
from pointsman.core.mistakes import findings
from pointsman.core.problems import Problem, path
from pointsman.core.resources.common import Part, Tenant

KEY_PREFIX = "pm-"
"""Lets people and secret scanners recognise a key."""
RANDOM_BYTES = 32

Time = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$")]


class KeyRights(Part):
    """What a key allows."""

    models: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=253)], ...], Field(max_length=256)] = ()
    """Names (virtual or real) that may be asked for; empty allows all."""
    speak_for_users: bool = False
    """`user` of the request body counts as the user."""


class KeyEntry(Part):
    """One key, as the file lists it."""

    id: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
    hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] = ""
    """Of the whole key; every entry has one, save for an anonymous one."""
    anonymous: bool = False
    """Stands for requests without any key. An unknown key is refused all the same."""
    tenant: Tenant
    user: Annotated[str, Field(max_length=512)] = ""
    rights: KeyRights = KeyRights()
    expires: Time | None = None
    disabled: bool = False
    note: Annotated[str, Field(max_length=256)] = ""

    @property
    def expires_at(self) -> float | None:
        """Epoch seconds, or None for never."""
        return None if self.expires is None else datetime.fromisoformat(self.expires).timestamp()


class _KeyFile(Part):
    keys: Annotated[tuple[KeyEntry, ...], Field(max_length=100_000)]


class ParsedKeys(msgspec.Struct, frozen=True):
    """The keys of a file, and what is wrong with it. A file with a problem is used as a whole or not at all."""

    entries: tuple[KeyEntry, ...] = ()
    problems: tuple[Problem, ...] = ()


def digest(key: str) -> str:
    """What is stored instead of a key."""
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def new_key(
    random: bytes,
    *,
    tenant: str,
    user: str = "",
    rights: KeyRights | None = None,
    expires: str | None = None,
    note: str = "",
) -> tuple[str, KeyEntry]:
    """A key, to be shown once, and its entry. `random` is 32 bytes that nobody else has seen."""
    if len(random) != RANDOM_BYTES:
        raise ConfigError(f"a key is made of {RANDOM_BYTES} random bytes, not {len(random)}")
    key = KEY_PREFIX + base64.urlsafe_b64encode(random).decode().rstrip("=")
    stored = digest(key)
    entry = KeyEntry.model_construct(
        id=f"k-{stored[7:19]}",
        hash=stored,
        tenant=tenant,
        user=user,
        rights=rights or KeyRights(),
        expires=expires,
        note=note,
    )
    problems = _check({"keys": [entry.model_dump(mode="json")]}, "").problems
    if problems:
        raise ConfigError(f"{problems[0].field.removeprefix('keys[0].')}: {problems[0].problem}. {problems[0].fix}")
    return key, entry


def parse_keys(text: str, file: str = "") -> ParsedKeys:
    """All keys of a file, or all its problems; no problem quotes a value, since someone may have put a key there."""
    try:
        documents = [document for document in yamltext.read(text) if document.value is not None]
    except yamltext.Unreadable as error:
        return ParsedKeys(problems=(Problem(file, "", "", str(error), error.fix),))
    if not documents:
        return ParsedKeys()
    if len(documents) > 1:
        return ParsedKeys(problems=(Problem(file, "", "", "holds several documents", "Keep one list of keys"),))
    doubled = tuple(
        Problem(file, "", path(*at), f"is given twice, again on line {line}", "Keep one of them")
        for at, line in documents[0].duplicates
    )
    return ParsedKeys(problems=doubled) if doubled else _check(documents[0].value, file)


def _check(document: object, file: str) -> ParsedKeys:
    if document == {"keys": None}:  # what is left when the last key is removed
        return ParsedKeys()
    try:
        text = msgspec.json.encode(document)
        entries = _KeyFile.model_validate_json(text, strict=True, by_alias=True, by_name=False).keys
    except ValidationError as error:
        found = findings(_KeyFile, error.errors(include_url=False), document, private=True)
        return ParsedKeys(problems=tuple(finding.of("", file) for finding in found))
    problems = tuple(_clashes(entries, file))
    return ParsedKeys(() if problems else entries, problems)


def _clashes(entries: tuple[KeyEntry, ...], file: str) -> Iterator[Problem]:
    """What each entry alone does not show, and times that do not exist."""
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        yield from _misses(entry, f"keys[{index}]", file)
        named = ("anonymous", "anonymous") if entry.anonymous else ("hash", entry.hash)
        for field, value in (("id", f"id {entry.id}"), named):
            if value in seen:
                yield Problem(file, "", f"keys[{index}].{field}", "is that of an earlier key", "Remove one of the two")
            seen.add(value)
        try:
            _ = entry.expires_at
        except ValueError:
            yield Problem(file, "", f"keys[{index}].expires", "is no time that exists", "Write 2027-01-31T00:00:00Z")


def _misses(entry: KeyEntry, field: str, file: str) -> Iterator[Problem]:
    """A forgotten hash must not open the door, so an entry without one says that it means to."""
    if entry.anonymous and entry.hash:
        yield Problem(file, "", f"{field}.anonymous", "stands for requests without a key", "Remove it, or the hash")
    if not entry.anonymous and not entry.hash:
        fix = "Make one with `pointsman keys create`, or write anonymous: true for requests without a key"
        yield Problem(file, "", f"{field}.hash", "is required", fix)
