"""Linear maps that are fitted, scaled and added up before they become one head."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Linear(NamedTuple):
    """Weights of the inputs, and what is added."""

    weights: Array
    bias: float

    def __call__(self, inputs: Array) -> Array:
        """The values of some inputs."""
        return np.asarray(inputs @ self.weights + self.bias)

    def scaled(self, factor: float, shift: float = 0.0) -> "Linear":
        """Its values times a factor, and a number more."""
        return Linear(self.weights * factor, self.bias * factor + shift)

    def plus(self, other: "Linear") -> "Linear":
        """The sum of both."""
        return Linear(self.weights + other.weights, self.bias + other.bias)

    def standard(self, inputs: Array) -> "Linear":
        """The same order, with mean 0 and standard deviation 1 on some inputs."""
        values = self(inputs)
        return self.scaled(1 / float(values.std()), -float(values.mean() / values.std()))


def ridge(inputs: Array, target: Array, penalty: float) -> Linear:
    """Ridge regression with a free intercept."""
    centre = inputs.mean(0)
    x = inputs - centre
    w = np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ (target - target.mean()))
    return Linear(w, float(target.mean() - centre @ w))
