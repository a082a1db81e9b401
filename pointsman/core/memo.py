"""What was computed before, taken again while its inputs are the same. A value that is passed in; never global.

Whatever takes a memo gives what it gives without one: a result depends only on the inputs that are named with it.
Inputs are compared by identity first, so that objects which nobody touched cost a look at their address.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, TypeVarTuple

_Result = TypeVar("_Result")
_Inputs = TypeVarTuple("_Inputs")


class Memo:
    """Results by name. What two turns in a row did not ask for is forgotten, so it never grows beyond what is there."""

    def __init__(self) -> None:
        self._before: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}
        self._now: dict[Hashable, tuple[tuple[Any, ...], Any]] = {}

    def turn(self) -> None:
        """Another run begins."""
        self._before, self._now = self._now, {}

    def __call__(self, name: Hashable, compute: Callable[[*_Inputs], _Result], *inputs: *_Inputs) -> _Result:
        """`compute(*inputs)`, or its result of the run before or of this one. One name, one function."""
        known = self._now.get(name) or self._before.get(name)
        if known is None or known[0] != inputs:
            known = (inputs, compute(*inputs))
        self._now[name] = known
        result: _Result = known[1]
        return result
