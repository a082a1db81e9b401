"""Promotion and rollback: which release answers, changed on servers that answer meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pointsman_classifier import triton_configs as configs

from pointsman.cli.triton.control import Control, LoadError
from pointsman.cli.triton.gate import Verdict

Gate = Callable[[], Verdict]
"""Compares the ensembles `classifier` and `classifier_candidate`, both loaded."""


def promote(repository: Path, control: Control, release: int, gate: Gate) -> Verdict:
    """Load a release beside the one that answers, and have it answer if the gate passes it.

    Raises LoadError when a server does not load it. Then, and when the gate does not pass it, the release before
    goes on at all of them, and the repository says what it said.
    """
    current = configs.current(repository)
    try:
        configs.offer(repository, (current, release))
        configs.add_candidate(repository, release)
        control.load(configs.CANDIDATE)  # with its steps
        verdict = gate()
        if verdict.passed:
            _answer(repository, control, release, current)
    finally:
        _settle(repository, control)
    return verdict


def roll_back(repository: Path, control: Control) -> int | None:
    """Have the release before answer again; its number, or None when there was none. Raises LoadError."""
    current, before = configs.current(repository), configs.previous(repository)
    if before is None:
        return None
    try:
        configs.offer(repository, (current, before))
        _answer(repository, control, before, current)
        configs.forget(repository, current)
    finally:
        _settle(repository, control)
    return before


def align(repository: Path, control: Control) -> None:
    """Have the servers serve what the repository says, as after they missed a promotion. Raises LoadError."""
    for model in configs.MODELS:
        control.load(model)


def _answer(repository: Path, control: Control, release: int, instead: int) -> None:
    """Have a release answer, or `instead` as before where a server does not load it. Raises LoadError."""
    before = configs.history(repository)
    configs.point(repository, release)
    try:
        control.load(configs.ENSEMBLE)  # with its steps
    except LoadError:
        configs.point(repository, instead, before)
        with suppress(LoadError):  # those that had loaded it return
            control.load(configs.ENSEMBLE)
        raise


def _settle(repository: Path, control: Control) -> None:
    """Only the release that answers stays loaded."""
    configs.drop_candidate(repository)
    configs.offer(repository, (configs.current(repository),))
    with suppress(LoadError):  # it may never have been loaded
        control.unload(configs.CANDIDATE)
    for model in configs.STEPS:
        control.load(model)
