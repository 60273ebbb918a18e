"""What automatic differentiation makes of lif and alif: writes tests/data/spiking_gradients.npz (with PyTorch).

The neurons are written from Bellec et al. 2020, eqs. 6 to 10 (DOI 10.1038/s41467-020-17236-y), and not from the model
files; a spike has the derivative of their surrogate. `python tests/adjoint/spiking_in_torch.py` makes the numbers anew.
"""

from pathlib import Path

import numpy as np

WHERE = Path(__file__).parents[1] / "data" / "spiking_gradients.npz"
R, N, M, C, T = 2, 6, 3, 2, 60
TAU_M, TAU_OUT, TAU_A, T_REF, GAMMA = 20.0, 15.0, 40.0, 3, 0.3
V_TH = np.linspace(0.02, 0.05, R * N).reshape(R, N)
"""Of each neuron of each network."""
BETA = 0.3 * V_TH
WEIGHTS = ("W", "U", "b", "V", "c")
CASES = [
    (neuron, loss, through)
    for neuron in ("lif", "alif")
    for loss in ("mse", "cross-entropy")
    for through in (True, False)
]


def drawn() -> dict[str, np.ndarray]:
    """Weights, stimulus, targets of both losses, and which steps count."""
    rng = np.random.default_rng(11)
    weights = {
        "W": 0.05 * rng.normal(size=(R, N, N)),
        "U": 0.08 * rng.random((R, N, M)),
        "b": 0.02 * rng.random((R, N)),
        "V": rng.normal(size=(R, C, N)),
        "c": 0.1 * rng.normal(size=(R, C)),
    }
    odds = np.exp(rng.normal(size=(R, T, C)))
    targets = {"mse": rng.normal(size=(R, T, C)), "cross-entropy": odds / odds.sum(axis=-1, keepdims=True)}
    return weights | {"x": rng.random((R, T, M)), "counts": rng.random(T) < 0.8} | targets


def gradients(neuron: str, loss: str, through: bool) -> dict[str, np.ndarray]:
    """The gradients of the sum over networks and steps by all weights, and the spikes."""
    import torch

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(context, excess, slope):
            context.save_for_backward(slope)
            return (excess >= 0).to(excess.dtype)

        @staticmethod
        def backward(context, slope_of_loss):
            (slope,) = context.saved_tensors
            return slope_of_loss * slope, None

    given = {name: torch.tensor(value, dtype=torch.float64) for name, value in drawn().items() if name != "counts"}
    W, U, b, V, c = (given[name].requires_grad_() for name in WEIGHTS)
    v_th, beta = torch.tensor(V_TH), torch.tensor(BETA if neuron == "alif" else 0 * BETA)
    alpha, kappa, rho = (np.exp(-1 / tau) for tau in (TAU_M, TAU_OUT, TAU_A))
    v = z = o = a = torch.zeros(R, N, dtype=torch.float64)
    wait = torch.zeros(R, N)
    total, spikes = 0.0, []
    for t in range(T):
        current = torch.einsum("rij,rj->ri", W, z) + torch.einsum("rij,rj->ri", U, given["x"][:, t]) + b
        # the spike of the step before takes v_th off, as a number or as what it is a function of
        v = alpha * v + (1 - alpha) * current - v_th * (z if through else z.detach())
        a = rho * a + z
        excess = v - v_th - beta * a
        free = (wait <= 0).to(torch.float64)
        slope = free * GAMMA / v_th * torch.clamp(1 - torch.abs(excess) / v_th, min=0)
        z = free * Spike.apply(excess, slope.detach())
        wait = torch.where(z > 0, torch.full_like(wait, T_REF - 1), wait - 1)
        o = kappa * o + (1 - kappa) * z
        spikes.append(z.detach().numpy().astype(bool))
        score = torch.einsum("rcj,rj->rc", V, o) + c
        if drawn()["counts"][t]:
            y = given[loss][:, t]
            each = (score - y) ** 2 / 2 if loss == "mse" else -y * torch.log_softmax(score, dim=-1)
            total = total + each.sum()
    total.backward()
    found = {name: each.grad.numpy() for name, each in zip(WEIGHTS, (W, U, b, V, c), strict=True)}
    return found | {"spikes": np.stack(spikes, axis=1), "loss": total.item()}


if __name__ == "__main__":
    kept = {
        f"{neuron}, {loss}, {'through' if through else 'detached'}: {name}": value
        for neuron, loss, through in CASES
        for name, value in gradients(neuron, loss, through).items()
    }
    np.savez_compressed(WHERE, **kept)
