"""A job run on the discrete network."""

from __future__ import annotations

import numpy as np

from autapse_sim.discrete.autapse import Autapse
from autapse_sim.discrete.bptt import Bptt
from autapse_sim.discrete.dfa import Dfa
from autapse_sim.discrete.fa import Fa
from autapse_sim.discrete.layout import outer
from autapse_sim.discrete.network import Network
from autapse_sim.discrete.rule import Rule
from autapse_sim.job import STEP, Job, Outcome, Progress
from autapse_sim.names import one_of

RULES: dict[str, type[Rule]] = {"bptt": Bptt, "fa": Fa, "dfa": Dfa, "autapse": Autapse}
"""The rules that have a discrete form, by name."""

FORMS = ("plain", "fast")


def simulate(job: Job, form: str = "fast", progress: Progress | None = None) -> Outcome:
    """Run a job on the exact discrete network.

    Parameters
    ----------
    job : Job
        Its rule is one of `RULES`. Networks that diverge go on with NaN or infinity, apart from the others.
    form : {'fast', 'plain'}
        'plain' computes every g(t) as it is defined, 'fast' in the cheapest form that is still exact.
    progress : callable, optional
        Called with the completed share after each presentation.

    Returns
    -------
    Outcome
        With engine 'numpy'.
    """
    rule = RULES[one_of("rule", job.circuit.rule, RULES)]
    fast = one_of("form", form, FORMS) == "fast"
    schedule, steps = job.schedule, job.x.shape[2]
    network = Network(job.weights, job.circuit.activation, job.circuit.learn, steps)
    values = {name: np.asarray(value, dtype=float) for name, value in job.parameters.items()}
    if "tau" in values:
        values["tau"] = values["tau"] / STEP
    learn = _each_step if job.update == "step" else _each_trajectory

    presentations = len(schedule.trajectory)
    mse = np.empty((len(job.source), presentations))
    kept: list[np.ndarray] = []
    traced: list[dict[str, np.ndarray]] = []
    with np.errstate(all="ignore"):
        for p, trajectory in enumerate(schedule.trajectory):
            network.show(job.x[job.source, trajectory], job.y[job.source, trajectory])
            if schedule.learn[p]:
                learn(network, rule, values, fast)
            else:
                network.run()
                network.read(slice(None))
            mse[:, p] = np.einsum("trq,trq->r", network.err, network.err) / network.err[:, 0].size
            if schedule.keep[p]:
                kept.append(network.prediction.transpose(1, 0, 2).copy(order="C"))
            if schedule.trace[p]:
                traced.append(_traces(network, rule, values, job.traced))
            if progress is not None:
                progress((p + 1) / presentations)

    count, outputs = job.weights.V.shape[:2]
    prediction = np.array(kept) if kept else np.empty((0, count, steps, outputs))
    names = traced[0] if traced else ()
    traces = {name: np.array([one[name] for one in traced]) for name in names}
    return Outcome(mse=mse, weights=network.weights(), prediction=prediction, traces=traces, engine="numpy")


def _each_step(network: Network, rule: type[Rule], values: dict[str, np.ndarray], fast: bool) -> None:
    """One trajectory with an update of every weight after each step, from the state before it."""
    W, V = network.learning("W", "b"), network.learning("V", "c")
    state = rule(network, W, values) if W.stop else None
    for t in range(network.steps):
        network.step(t)
        network.read(t)
        if state is not None:
            network.differentiate(t)
            g = state.fast(t) if fast else state.plain(t)
        if V.stop:
            network.V[:, :, V] -= _rate(values["eta_out"]) * outer(network.err[t], network.post[t][:, V])
        if state is not None:
            network.W[:, :, W] -= _rate(values["eta"]) * g


def _each_trajectory(network: Network, rule: type[Rule], values: dict[str, np.ndarray], fast: bool) -> None:
    """One trajectory with the sum of all updates at its end."""
    W, V = network.learning("W", "b"), network.learning("V", "c")
    network.run()
    network.read(slice(None))
    if W.stop:
        network.differentiate(slice(None))
        state = rule(network, W, values)
        g = state.total() if fast else sum(state.plain(t) for t in range(network.steps))
        network.W[:, :, W] -= _rate(values["eta"]) * g
    if V.stop:
        g = network.layout.over_time(network.err, network.post[:, :, V])
        network.V[:, :, V] -= _rate(values["eta_out"]) * g


def _rate(eta: np.ndarray) -> np.ndarray:
    return eta[:, None, None]


def _traces(
    network: Network, rule: type[Rule], values: dict[str, np.ndarray], which: np.ndarray
) -> dict[str, np.ndarray]:
    """What is kept of the networks `which`: arrays (Q, T, n or c)."""
    parts = {
        "activity": network.o[:, which],
        "feedback": network.feedback(slice(None))[:, which],
        "error": network.err[:, which],
        **rule.traces(network, values, which),
    }
    return {name: part.transpose(1, 0, 2).copy(order="C") for name, part in parts.items()}
