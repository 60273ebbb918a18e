"""Where the network axis lies in memory, and the few contractions that care."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SMALL = 8
"""Up to so many neurons NumPy is fastest with the networks side by side in memory, above it with a matrix a network."""


@dataclass(frozen=True)
class Layout:
    """Arrays of many networks; their logical shape is (N, ...) or (T, N, ...), whatever their order in memory.

    Parameters
    ----------
    neurons : int
        n. For small n the network axis is the last (contiguous) one in memory, for large n it stays in front.
    """

    neurons: int

    @property
    def last(self) -> bool:
        """Whether the network axis is the last one in memory."""
        return self.neurons <= SMALL

    def zeros(self, *shape: int, axis: int = 0) -> np.ndarray:
        """Zeros of the logical `shape`, whose networks are counted by `axis`."""
        if not self.last:
            return np.zeros(shape)
        return np.moveaxis(np.zeros((*shape[:axis], *shape[axis + 1 :], shape[axis])), -1, axis)

    def copy(self, array: np.ndarray, axis: int = 0) -> np.ndarray:
        """A copy of `array`, whose networks are counted by `axis`."""
        out = self.zeros(*array.shape, axis=axis)
        out[...] = array
        return out

    def lift(self, x: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """The view of x (N, j) that an `operator` reads; worth keeping where it is read more than once."""
        return [x[:, j, None] for j in range(x.shape[1])] if self.last else x[:, :, None]

    def operator(self, A: np.ndarray) -> Callable[[np.ndarray | list[np.ndarray], np.ndarray], None]:
        """The function (lifted x, out): out_i = sum_j A_ij x_j, with A (N, i, j)."""
        if not self.last:
            return lambda x, out: np.matmul(A, x, out=out[:, :, None])
        first, *rest = (A[:, :, j] for j in range(A.shape[2]))
        product = np.empty_like(first)

        def apply(x: list[np.ndarray], out: np.ndarray, multiply=np.multiply, add=np.add) -> None:
            multiply(first, x[0], out)
            for j, column in enumerate(rest, 1):
                multiply(column, x[j], product)
                add(out, product, out)

        return apply

    def apply(self, A: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
        """out_i = sum_j A_ij x_j, with A (N, i, j) and x (N, j) or (T, N, j)."""
        if x.ndim == 2:
            self.operator(A)(self.lift(x), out)
        elif self.last:
            operator = self.operator(A)
            for row, result in zip(x, out, strict=True):
                operator(self.lift(row), result)
        else:
            np.matmul(x.transpose(1, 0, 2), A.transpose(0, 2, 1), out=out.transpose(1, 0, 2))
        return out

    def times(self, A: np.ndarray, X: np.ndarray, out: np.ndarray) -> np.ndarray:
        """out_ik = sum_j A_ij X_jk, with A (N, i, j) and X (N, j, k)."""
        if not self.last:
            return np.matmul(A, X, out=out)
        np.multiply(A[:, :, 0, None], X[:, None, 0], out=out)
        for j in range(1, A.shape[2]):
            out += A[:, :, j, None] * X[:, None, j]
        return out

    def over_time(self, delta: np.ndarray, z: np.ndarray) -> np.ndarray:
        """sum_l delta(l) z(l)^T, with delta (T, N, i) and z (T, N, j)."""
        if self.last:
            out = self.zeros(*delta.shape[1:], z.shape[2])
            return np.einsum("lri,lrj->rij", delta, z, out=out)
        return np.matmul(delta.transpose(1, 2, 0), z.transpose(1, 0, 2))


def outer(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """u v^T of every network, with u (N, i) and v (N, j)."""
    return u[:, :, None] * v[:, None, :]
