"""Which release of a model repository answers: what its `config.pbtxt` files say, and how that is changed.

The ensemble names one release of each of its steps. While a release is tried, the steps have two releases loaded and
a second ensemble, `classifier_candidate`, names the new one; nothing that is asked of `classifier` changes meanwhile.
Every file is replaced whole, so a server that starts at any moment finds a repository that it can load.
"""

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

ENSEMBLE, CANDIDATE = "classifier", "classifier_candidate"

STEPS = ("tokenizer", "encoder", "heads")

MODELS = (*STEPS, ENSEMBLE)
"""The models of the repository, each after those that it needs."""

_VERSIONS = re.compile(r"(version_policy \{ specific \{ versions: \[) [\d, ]+ (\] \} \})")
_STEP = re.compile(r"(model_version:) (\d+)")
_MODEL = re.compile(r'model_name: "(\w+)"')
_HISTORY = "promoted.json"


def check(repository: Path) -> None:
    """Raises ValueError for a repository with other models than this version's."""
    try:
        found = steps(repository)
    except OSError as error:
        raise ValueError(f"{repository} is no model repository: {error.strerror}: {error.filename}") from error
    if found != STEPS:
        raise ValueError(f"{repository} was made by another version of Pointsman; build into a new folder")


def current(repository: Path) -> int:
    """The release that answers. Raises ValueError for a configuration of another making."""
    found = set(_STEP.findall((repository / ENSEMBLE / "config.pbtxt").read_text()))
    if len(found) != 1:
        raise ValueError(f"{repository / ENSEMBLE}: the steps of the ensemble are of different releases")
    return int(found.pop()[1])


def steps(repository: Path) -> tuple[str, ...]:
    """The models that the ensemble asks, in that order."""
    return tuple(_MODEL.findall((repository / ENSEMBLE / "config.pbtxt").read_text()))


def offer(repository: Path, releases: tuple[int, ...]) -> None:
    """Have the steps offer these releases, once they are loaded again."""
    for step in STEPS:
        path = repository / step / "config.pbtxt"
        _write(path, _VERSIONS.sub(rf"\g<1> {', '.join(map(str, releases))} \g<2>", path.read_text()))


def point(repository: Path, release: int, promoted: Sequence[int] = ()) -> None:
    """Have the ensemble ask this release, once it is loaded again; the one before it is remembered, or `promoted` is
    the whole history."""
    before = [number for number in history(repository) if number != release]
    _write(repository / _HISTORY, json.dumps({"promoted": list(promoted) or [*before, release]}) + "\n")
    _write(repository / ENSEMBLE / "config.pbtxt", _ensemble(repository, ENSEMBLE, release))


def history(repository: Path) -> list[int]:
    """The releases that answered, in that order; the last one does now."""
    path = repository / _HISTORY
    promoted = json.loads(path.read_text())["promoted"] if path.exists() else []
    return [int(number) for number in promoted] or [current(repository)]


def previous(repository: Path) -> int | None:
    """The release that answered before the one that does, if there was one."""
    before = [number for number in history(repository) if number != current(repository)]
    return before[-1] if before else None


def forget(repository: Path, release: int) -> None:
    """Leave a release out of the history: it was rolled back, and the one before it is not to return to it."""
    kept = [number for number in history(repository) if number != release]
    _write(repository / _HISTORY, json.dumps({"promoted": kept}) + "\n")


def add_candidate(repository: Path, release: int) -> None:
    """A second ensemble, which asks this release."""
    folder = repository / CANDIDATE
    (folder / str(release)).mkdir(parents=True, exist_ok=True)
    _write(folder / "config.pbtxt", _ensemble(repository, CANDIDATE, release))


def drop_candidate(repository: Path) -> None:
    """Remove it."""
    shutil.rmtree(repository / CANDIDATE, ignore_errors=True)


def _ensemble(repository: Path, name: str, release: int) -> str:
    text = (repository / ENSEMBLE / "config.pbtxt").read_text()
    text = text.replace(f'\nname: "{ENSEMBLE}"\n', f'\nname: "{name}"\n')
    return _STEP.sub(rf"\g<1> {release}", _VERSIONS.sub(rf"\g<1> {release} \g<2>", text))


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)
