"""One of the towers while it learns: what it makes of embeddings, the gradients of that, and a step of Adam."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pointsman_classifier.towers import Tower

Array = npt.NDArray[Any]
Gradient = dict[str, Array]

_RANK = _HIDDEN = 64
_DECAY = 2.0


class LearningTower:
    """A tower that learns."""

    def __init__(self, draw: np.random.Generator, d: int = 512) -> None:
        def near(rows: int, columns: int, scale: float) -> Array:
            return draw.normal(0, scale, (rows, columns)).astype(np.float32)

        zeros = np.zeros
        self.tower = Tower(
            near(d, _RANK, 4 / np.sqrt(d)),
            zeros((_RANK, d), np.float32),
            near(d, _HIDDEN, 1.0),
            zeros(_HIDDEN, np.float32),
            zeros((_HIDDEN, d), np.float32),
            zeros(d, np.float32),
        )
        self._first = {key: np.zeros_like(value) for key, value in self.tower._asdict().items()}
        self._second = {key: np.zeros_like(value) for key, value in self.tower._asdict().items()}
        self._steps = 0

    def forward(self, x: Array) -> tuple[Array, tuple[Array, ...]]:
        """What it makes of embeddings, shape (n, 512), of unit length; and what `backward` needs."""
        t = self.tower
        low, z = x @ t.a, x @ t.v1 + t.c
        hidden = np.maximum(z, 0)
        y = x + low @ t.b + hidden @ t.v2 + t.m
        length = np.linalg.norm(y, axis=1, keepdims=True) + 1e-6
        return y / length, (x, low, z, hidden, y / length, length)

    def backward(self, kept: tuple[Array, ...], toward: Array) -> Gradient:
        """Gradients of a loss whose derivatives by what it made are `toward`."""
        x, low, z, hidden, out, length = kept
        dy = (toward - out * (toward * out).sum(axis=1, keepdims=True)) / length
        dz, dlow = (dy @ self.tower.v2.T) * (z > 0), dy @ self.tower.b.T
        return {
            "a": x.T @ dlow,
            "b": low.T @ dy,
            "v1": x.T @ dz,
            "c": dz.sum(axis=0),
            "v2": hidden.T @ dy,
            "m": dy.sum(axis=0),
        }

    def step(self, gradient: Gradient, rate: float) -> None:
        """Adam, in place; what leads away from the embedding itself decays."""
        self._steps += 1
        for key, weights in self.tower._asdict().items():
            first, second = self._first[key], self._second[key]
            first *= 0.9
            first += 0.1 * gradient[key]
            second *= 0.999
            second += 0.001 * gradient[key] ** 2
            steady = np.sqrt(second / (1 - 0.999**self._steps)) + 1e-8
            weights[...] -= np.float32(rate) * (first / (1 - 0.9**self._steps)) / steady
            if key in ("b", "v2"):
                weights[...] *= np.float32(1 - rate * _DECAY)
