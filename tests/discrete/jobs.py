"""Networks that learn on random trajectories, and what is asserted of them."""

import numpy as np

from autapse_sim.engines.discrete import references, simulate
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights

ALL = ("W", "b", "V", "c")
EVERYTHING = ("U", *ALL)
NAMES = sorted(references())


def make_job(
    rule,
    n=2,
    N=4,
    T=12,
    learn=ALL,
    update="step",
    activation="tanh",
    biases=True,
    shown=3,
    seed=1,
    m=2,
    tau_m=None,
    loss="mse",
):
    """N networks that learn on `shown` trajectories and are then shown one more, all of it recorded."""
    rng = np.random.default_rng(seed)
    c = 2
    weights = Weights(
        W=rng.normal(0, n**-0.5, (N, n, n)),
        U=rng.normal(0, 1, (N, n, m)),
        V=rng.normal(0, n**-0.5, (N, c, n)),
        B=rng.normal(0, 1, (N, n, c)),
        B_rec=rng.normal(0, n**-0.5, (N, n, n)),
        b=rng.normal(0, 0.5, (N, n)) if biases else None,
        c=rng.normal(0, 0.5, (N, c)) if biases else None,
    )
    x, y = rng.normal(0, 1, (3, shown + 1, T, m)), rng.normal(0, 1, (3, shown + 1, T, c))
    if loss == "cross-entropy":
        y = np.abs(y) / np.abs(y).sum(axis=-1, keepdims=True)
    leak = {} if tau_m is None else {"tau_m": np.full(N, tau_m) * STEP}
    learning = np.arange(shown + 1) < shown
    everything = np.ones(shown + 1, dtype=bool)
    return Job(
        circuit=Circuit(rule=rule, neurons=n, readout="random", activation=activation, learn=learn, loss=loss),
        x=x,
        y=y,
        source=rng.integers(0, 3, N),
        weights=weights,
        parameters={
            "eta": rng.uniform(0.02, 0.05, N),
            "eta_out": rng.uniform(0.01, 0.03, N),
            "tau": rng.uniform(2, 9, N) * STEP,
            **leak,
        },
        schedule=Schedule(np.arange(shown + 1), learning, everything, everything),
        update=update,
        traced=np.array([0, N - 1]),
        seeds=np.arange(N),
    )


def assert_same(one, two, tolerance=1e-12):
    np.testing.assert_allclose(one.mse, two.mse, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(one.prediction, two.prediction, rtol=tolerance, atol=tolerance)
    assert dict(one.weights.items()).keys() == dict(two.weights.items()).keys()
    for name, value in one.weights.items():
        np.testing.assert_allclose(value, getattr(two.weights, name), rtol=tolerance, atol=tolerance, err_msg=name)
    assert one.traces.keys() == two.traces.keys()
    for name, value in one.traces.items():
        np.testing.assert_allclose(value, two.traces[name], rtol=tolerance, atol=tolerance, err_msg=name)


def assert_alive(job, outcome):
    """Every learning weight moved, every other one stayed, and the activity varied."""
    for name in EVERYTHING:
        before = getattr(job.weights, name)
        after = getattr(outcome.weights, name)
        if name in job.circuit.learn:
            before = 0 if before is None else before
            assert np.abs(after - before).max() > 1e-3, name
        elif before is None:
            assert after is None, name
        else:
            np.testing.assert_array_equal(after, before)
    assert outcome.traces["activity"].std(axis=2).max() > 0.05


def moved(job):
    """The gradient that a job's one learning trajectory applied."""
    weights = simulate(job).weights
    eta = job.parameters["eta"]
    changes = {name: getattr(job.weights, name) - getattr(weights, name) for name in ("W", "U", "b")}
    return {name: (change.T / eta).T for name, change in changes.items()}
