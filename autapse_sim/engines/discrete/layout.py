"""Where the network axis lies in memory, and the few contractions that care."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SMALL = 8
"""Up to so many neurons NumPy is fastest with the networks side by side in memory, above it with a matrix a network."""


@dataclass(frozen=True)
class Layout:
    """Arrays of many networks; their logical shape is (N, ...) or (T, N, ...), whatever their order in memory.

    What depends on the trajectory may have K trajectories of each network side by side: its network axis then has
    L = K N lanes, all networks with the first trajectory, then all with the second.

    Parameters
    ----------
    neurons : int
        n. For small n the network axis is the last (contiguous) one in memory, for large n it stays in front.
    networks : int
        N.
    """

    neurons: int
    networks: int

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

    def split(self, array: np.ndarray, axis: int) -> np.ndarray:
        """A view of `array` with its axis of L lanes as two, (K, N)."""
        shape = array.shape
        return array.reshape(*shape[:axis], shape[axis] // self.networks, self.networks, *shape[axis + 1 :])

    def lanes(self, array: np.ndarray, count: int) -> np.ndarray:
        """`array` (N, ...) for each of `count` lanes."""
        out = self.zeros(count, *array.shape[1:])
        self.split(out, 0)[...] = array
        return out

    def apply(self, A: np.ndarray, x: np.ndarray, out: np.ndarray) -> np.ndarray:
        """out_i = sum_j A_ij x_j, with A (N, i, j) and x (L, j) or (T, L, j)."""
        if x.shape[-2] == self.networks:
            self._apply(A, x, out)
        else:
            self._apply(A, self.split(x, x.ndim - 2), self.split(out, out.ndim - 2))
        return out

    def _apply(self, A: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
        if self.last:
            np.multiply(A[:, :, 0], x[..., 0, None], out=out)
            product = np.empty_like(out)
            for j in range(1, A.shape[2]):
                np.multiply(A[:, :, j], x[..., j, None], out=product)
                out += product
        elif x.ndim == 2:
            np.matmul(A, x[:, :, None], out=out[:, :, None])
        else:
            x, out = (array.reshape(-1, *array.shape[-2:]) for array in (x, out))  # time and trajectories in one
            np.matmul(x.transpose(1, 0, 2), A.transpose(0, 2, 1), out=out.transpose(1, 0, 2))

    def times(self, A: np.ndarray, X: np.ndarray, out: np.ndarray) -> np.ndarray:
        """out_ik = sum_j A_ij X_jk, with A (N, i, j) and X (N, j, k)."""
        if not self.last:
            return np.matmul(A, X, out=out)
        np.multiply(A[:, :, 0, None], X[:, None, 0], out=out)
        for j in range(1, A.shape[2]):
            out += A[:, :, j, None] * X[:, None, j]
        return out

    def over_time(self, delta: np.ndarray, z: np.ndarray) -> np.ndarray:
        """sum_l delta(l) z(l)^T (N, i, j) over time and trajectories, with delta (T, L, i) and z (T, L, j)."""
        delta, z = self.split(delta, 1), self.split(z, 1)
        if self.last:
            out = self.zeros(self.networks, delta.shape[3], z.shape[3])
            return np.einsum("lkri,lkrj->rij", delta, z, out=out)
        delta, z = (array.reshape(-1, *array.shape[2:]) for array in (delta, z))
        return np.matmul(delta.transpose(1, 2, 0), z.transpose(1, 0, 2))


def outer(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """u v^T of every network, with u (N, i) and v (N, j)."""
    return u[:, :, None] * v[:, None, :]


class Sweep:
    """Rows d(t) (L, n) that follow from each other backwards in time: d(t-1) = (A d(t)) * scale(t-1).

    Neurons that keep a part of their activity hand their adjoint on as well: d(t) = s(t) * scale(t) with
    s(t-1) = A d(t) + keep s(t).

    For small n, A d is summed over the cyclic diagonals of A, sum_s A[i, i+s] d[i+s] with indices modulo n: each row
    holds its first n - 1 entries once more behind the last, so that every d[i+s] is one contiguous block, which is
    where NumPy is fastest.

    Parameters
    ----------
    layout : Layout
        Of the networks.
    scale : array (T, L, n)
        Read as it is when the sweep passes.
    keep : array (L, 1), optional
        None is 0.

    Attributes
    ----------
    d : array (T, L, n)
        The rows.
    """

    def __init__(self, layout: Layout, scale: np.ndarray, keep: np.ndarray | None = None) -> None:
        steps, count, n = scale.shape
        self.layout, self.scales, self.keep = layout, list(scale), keep
        whole = layout.zeros(steps, count, 2 * n - 1 if layout.last else n, axis=1)
        self.d = whole[:, :, :n]
        self.rows = list(self.d)
        self.turned = [[row[:, s : s + n] for s in range(n if layout.last else 0)] for row in whole]
        self.again = list(zip(whole[:, :, n:], whole[:, :, : whole.shape[2] - n], strict=True))

    def back(self, A: np.ndarray, t: int, signal: np.ndarray) -> None:
        """Fill row t from the signal (L, n) that enters there, and from it the rows before."""
        multiply, add, rows, scales, keep = np.multiply, np.add, self.rows, self.scales, self.keep
        multiply(signal, scales[t], rows[t])
        if not self.layout.last or keep is not None:
            for past in range(t - 1, -1, -1):
                d = self.layout.apply(A, rows[past + 1], out=rows[past])
                if keep is not None:
                    signal = d + keep * signal
                    d[...] = signal
                multiply(d, scales[past], d)
            return
        i = np.arange(A.shape[1])
        first, *rest = (self.layout.lanes(A[:, i, (i + s) % len(i)], len(rows[t])) for s in i)
        product = np.empty_like(first)
        for past in range(t - 1, -1, -1):
            again, head = self.again[past + 1]
            again[...] = head
            d, (straight, *turned) = rows[past], self.turned[past + 1]
            multiply(first, straight, d)
            for diagonal, entries in zip(rest, turned, strict=True):
                multiply(diagonal, entries, product)
                add(d, product, d)
            multiply(d, scales[past], d)
