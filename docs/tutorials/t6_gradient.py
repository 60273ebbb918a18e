"""
6. The exact gradient
=====================

A local rule is measured by the gradient that it stands for. ``bptt`` is that gradient for any neuron, derived from the
texts of its equations: its integration step is a list of assignments, and the same list read from the last line to the
first, each line with its derivative, carries the error back. Nothing has to be written by hand, for a spiking neuron of
yours neither.
"""

# %%
# It is the gradient
# ------------------
#
# One trajectory, one network: the change that ``bptt`` makes with a small step, beside what finite differences of the
# loss say. No spikes here, so that differences mean something.

import numpy as np

import autapse_sim as ap

rng = np.random.default_rng(0)
n, steps, eta = 4, 12, 1e-6
x, y = rng.normal(size=(2, 1, 2, steps, 2))
x[:, 1], y[:, 1] = x[:, 0], y[:, 0]  # the trajectory of training is that of the test
circuit = ap.Circuit(neuron="leaky", rule="bptt", neurons=n, activation="tanh", readout="random", learn=("W",))
protocol = ap.Protocol(replicates=1, train=1, validate=0, test=1, averaging=False, update="trajectory")
draw = {"U": rng.normal(size=(1, n, 2)), "V": rng.normal(size=(1, 2, n)), "B": rng.normal(size=(1, n, 2))}
W = rng.normal(size=(1, n, n)) / 2


def trained(W, rate):
    """The result of one step of learning from weights W."""
    weights = ap.Weights(W=W, **draw)
    return ap.train(
        circuit, ap.ArrayTask(x, y), protocol, weights=weights, parameters={"eta": rate}, engine="numpy"
    ).data


def loss(W):
    """Half the squared error of the trajectory, summed over its steps."""
    error = trained(W, 0.0).mse.item()  # a mean over steps and coordinates
    return error * steps * 2 / 2


gradient = (W - trained(W, eta).W.values[0]) / eta
by_hand = np.zeros_like(W)
for i in range(n):
    for j in range(n):
        nudge = np.zeros_like(W)
        nudge[0, i, j] = 1e-5
        by_hand[0, i, j] = (loss(W + nudge) - loss(W - nudge)) / 2e-5
print("gradient  ", gradient[0].ravel()[:4].round(5))
print("difference", np.abs(gradient - by_hand).max())

# %%
# The updates of rules
# --------------------
#
# ``ap.align`` holds the updates of any rule against the exact gradient: cosines by replicate and trajectory, beside
# those of a rule that is blind to what arrives. 1 is the gradient itself, 0 is a direction that has nothing to do with
# it.

task = ap.FlipFlop(steps=40, probability=0.1)
network = {
    "neurons": 16,
    "activation": "tanh",
    "readout": "random",
    "feedback": "symmetric",
    "learn": ("W", "b", "V", "c"),
}
cosines = {}
for rule in ("rflo", "autapse", "dfa"):
    found = ap.align(ap.Circuit(rule=rule, **network), task, ap.Protocol(replicates=8, train=20))
    cosines[rule] = {name: float(found[name].median()) for name in found.data_vars}
    print(rule, {name: round(value, 2) for name, value in cosines[rule].items()})
