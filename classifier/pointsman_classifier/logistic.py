"""Logistic regression in numpy: full-batch and free of randomness, so that the same data give the same weights.

Used to train the shipped artefacts, and on the examples of a policy when its snapshot arrives.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]


def minimise(loss: Callable[[Array], tuple[float, Array]], start: Array, steps: int = 200) -> Array:
    """L-BFGS with a backtracking line search. `loss` gives a value and its gradient."""
    x, (value, gradient) = start.copy(), loss(start)
    history: list[tuple[Array, Array, float]] = []
    for _ in range(steps):
        direction = -_two_loops(gradient, history)
        slope = float(gradient @ direction)
        if slope > -1e-12:
            break
        step = 1.0 if history else min(1.0, 1.0 / float(np.abs(gradient).sum() + 1e-12))
        while True:
            new_value, new_gradient = loss(x + step * direction)
            if new_value <= value + 1e-4 * step * slope or step < 1e-10:
                break
            step *= 0.5
        s, y = step * direction, new_gradient - gradient
        if float(s @ y) > 1e-12:
            history = [*history[-9:], (s, y, 1.0 / float(s @ y))]
        converged = abs(value - new_value) < 1e-9 * max(1.0, abs(value))
        x, value, gradient = x + s, new_value, new_gradient
        if converged:
            break
    return x


def _two_loops(gradient: Array, history: list[tuple[Array, Array, float]]) -> Array:
    q, alphas = gradient.copy(), []
    for s, y, rho in reversed(history):
        alpha = rho * float(s @ q)
        alphas.append(alpha)
        q -= alpha * y
    if history:
        s, y, rho = history[-1]
        q *= 1.0 / (rho * float(y @ y))
    for (s, y, rho), alpha in zip(history, reversed(alphas), strict=True):
        q += s * (alpha - rho * float(y @ q))
    return q


def fit_softmax(x: Array, targets: Array, weight: Array, penalty: float, steps: int = 200) -> tuple[Array, Array]:
    """Multinomial logistic regression on target distributions; gives weights (d, k) and bias (k,)."""
    (_, d), k = x.shape, targets.shape[1]
    total = weight.sum()

    def loss(flat: Array) -> tuple[float, Array]:
        w, b = flat[: d * k].reshape(d, k), flat[d * k :]
        logits = x @ w + b
        logits -= logits.max(1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        error = (np.exp(log_p) - targets) * (weight / total)[:, None]
        value = -float((weight / total) @ (targets * log_p).sum(1)) + penalty / 2 * float((w * w).sum())
        return value, np.concatenate([(x.T @ error + penalty * w).ravel(), error.sum(0)])

    best = minimise(loss, np.zeros(d * k + k, x.dtype), steps)
    return best[: d * k].reshape(d, k), best[d * k :]


def fit_sigmoid(x: Array, target: Array, weight: Array, penalty: float, steps: int = 200) -> tuple[Array, float]:
    """Logistic regression on targets between 0 and 1; gives weights (d,) and bias."""
    w, b = fit_softmax(x, np.stack([1 - target, target], 1), weight, penalty, steps)
    return w[:, 1] - w[:, 0], float(b[1] - b[0])
