"""Promotion and rollback: which release answers, changed on a server that answers meanwhile."""

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

    Raises LoadError when the server does not load it. Then, and when the gate does not pass it, the release before
    goes on, and the repository says what it said.
    """
    current = configs.current(repository)
    try:
        configs.offer(repository, (current, release))
        configs.add_candidate(repository, release)
        control.load(configs.CANDIDATE)  # with its steps
        verdict = gate()
        if verdict.passed:
            configs.point(repository, release)
            control.load(configs.ENSEMBLE)
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
        configs.point(repository, before)
        control.load(configs.ENSEMBLE)  # with its steps
        configs.forget(repository, current)
    except LoadError:
        configs.point(repository, current)
        raise
    finally:
        _settle(repository, control)
    return before


def _settle(repository: Path, control: Control) -> None:
    """Only the release that answers stays loaded."""
    configs.drop_candidate(repository)
    configs.offer(repository, (configs.current(repository),))
    with suppress(LoadError):  # it may never have been loaded
        control.unload(configs.CANDIDATE)
    for model in configs.STEPS:
        control.load(model)
