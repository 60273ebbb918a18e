"""Networks that learn W by back-propagation through time, in libraries that differentiate programs."""

from __future__ import annotations

from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np
from sides import Side

from autapse_sim.spec.job import Job


def libraries(job: Job) -> dict[str, Side]:
    """Those that are installed here; `job` updates after each batch or trajectory, and where JAX is, has tanh neurons
    and no averaging."""
    known = {"jax": in_jax, "torch": in_torch}
    return {name: side(job) for name, side in known.items() if find_spec(name)}


def _shown(values: np.ndarray, batch: int) -> np.ndarray:
    """Numbers (network, trajectory, step, channel) as (update, network, trajectory of the batch, step, channel)."""
    networks, trajectories, *others = values.shape
    return values.reshape(networks, trajectories // batch, batch, *others).swapaxes(0, 1)


def _batch(job: Job) -> int:
    return job.batch if job.update == "batch" else 1


def in_jax(job: Job) -> Side:
    """One compiled program: a scan over updates with the gradient of a scan over steps, of all networks at once."""
    import jax
    from jax import lax
    from jax import numpy as jnp

    jax.config.update("jax_enable_x64", True)
    batch = _batch(job)
    W, U, V = (jnp.asarray(getattr(job.weights, name)) for name in ("W", "U", "V"))
    x, y = (jnp.asarray(_shown(values, batch).swapaxes(2, 3)) for values in (job.x, job.y))
    eta = jnp.asarray(job.parameters["eta"])

    def loss(W: Any, U: Any, V: Any, x: Any, y: Any) -> Any:
        def step(o: Any, given: Any) -> Any:
            o = jnp.tanh(o @ W.T + given)
            return o, o

        _, o = lax.scan(step, jnp.zeros((batch, len(W))), x @ U.T)
        return 0.5 * ((o @ V.T - y) ** 2).sum() / batch

    def update(W: Any, shown: Any) -> Any:
        gradient = jax.vmap(jax.grad(loss))(W, U, V, *shown)
        return W - eta[:, None, None] * gradient, None

    learn = jax.jit(lambda W, x, y: lax.scan(update, W, (x, y))[0])

    def run() -> tuple[float, np.ndarray]:
        start = perf_counter()
        found = learn(W, x, y).block_until_ready()
        return perf_counter() - start, np.asarray(found)

    return run


def in_torch(job: Job) -> Side:
    """Autograd, step by step, of all networks and trajectories of a batch at once."""
    import torch

    torch.set_num_threads(1)
    batch = _batch(job)
    U, V = (torch.tensor(getattr(job.weights, name)).transpose(1, 2) for name in ("U", "V"))
    x, y = (torch.tensor(np.ascontiguousarray(_shown(values, batch))) for values in (job.x, job.y))
    eta = torch.tensor(job.parameters["eta"])[:, None, None]
    f = getattr(torch, job.circuit.activation)
    elapsed = torch.arange(1.0, x.shape[3] + 1, dtype=x.dtype)[:, None] if job.averaging else 1.0

    def run() -> tuple[float, np.ndarray]:
        start = perf_counter()
        W = torch.tensor(job.weights.W, requires_grad=True)
        for shown, target in zip(x, y, strict=True):
            drive = torch.matmul(shown, U[:, None])
            o, activity = torch.zeros_like(drive[:, :, 0]), []
            for t in range(drive.shape[2]):
                o = f(torch.baddbmm(drive[:, :, t], o, W.transpose(1, 2)))
                activity.append(o)
            err = torch.matmul(torch.stack(activity, dim=2), V[:, None]) - target
            (gradient,) = torch.autograd.grad((0.5 / batch / elapsed * err**2).sum(), W)
            with torch.no_grad():
                W -= eta * gradient
        return perf_counter() - start, W.detach().numpy()

    return run
