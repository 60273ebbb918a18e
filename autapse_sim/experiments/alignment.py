"""How a rule's updates stand to the exact gradient, taken from the same state of the same network.

Alignment explains, it does not rank: a rule may learn along a poor direction, and where all rates are positive even a
rule that is blind to the presynaptic activity points the right way. That rule, (B err) 1^T, is the control here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autapse_sim.engines.adjoint import penalised
from autapse_sim.engines.discrete.layout import outer
from autapse_sim.engines.discrete.network import Network
from autapse_sim.engines.discrete.rules.bptt import Bptt
from autapse_sim.engines.discrete.rules.rtrl import Rtrl
from autapse_sim.engines.discrete.simulate import Learner, network_of, simulate
from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import TAUGHT_BY
from autapse_sim.spec.job import Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.training.in_numpy import discretely, one_for_all
from autapse_sim.training.train import simulated

REFERENCES = {"bptt": Bptt, "rtrl": Rtrl}
"""The exact gradients: the past unrolled with the weights of now, or with those of then. The same while W is fixed."""


@dataclass(frozen=True)
class Alignment:
    """Cosines between updates of W (with its biases, where they learn) and exact gradients, over one trajectory.

    NaN where one of the two is zero, as on the first step without biases, or not finite.

    Parameters
    ----------
    step : dict of str to array (N, T)
        Of the rule's g(t), by reference ('bptt', 'rtrl').
    trajectory : dict of str to array (N,)
        Of the sums over the trajectory.
    control_step, control_trajectory : dict of str to array (N, T) or (N,)
        The same of the control (B err) 1^T.
    angle : array (N,)
        Between V and B^T before the trajectory, in degrees: 0 where the feedback is the read-out's transpose.
    """

    step: dict[str, np.ndarray]
    trajectory: dict[str, np.ndarray]
    control_step: dict[str, np.ndarray]
    control_trajectory: dict[str, np.ndarray]
    angle: np.ndarray


def align(job: Job, trajectory: int = 0) -> Alignment:
    """Compare a rule's updates with the exact gradient along one trajectory of learning.

    The networks start from the weights of the job. With updates at every step the weights move along with the rule, and
    each of its updates is held against the exact ones of the state that it was made from; else they stand still.

    Parameters
    ----------
    job : Job
        Its rule is one of `autapse_sim.engines.discrete.references`; its schedule is not used.
    trajectory : int
        Which of the job's trajectories is shown.

    Returns
    -------
    Alignment
    """
    network, learner = _shown(job, trajectory)
    state = learner.state()
    exact = {
        name: rule(network, learner.columns["W"], learner.values, job.averaging) for name, rule in REFERENCES.items()
    }
    cosines: dict[tuple[str, str], list[np.ndarray]] = {
        (who, name): [] for who in ("rule", "control") for name in exact
    }
    sums = dict.fromkeys(["rule", "control", *exact], np.zeros(()))
    with np.errstate(all="ignore"):
        for t in range(network.steps):
            gradients = learner.gradients(t, state)
            g = {"rule": gradients["W"], "control": outer(network.feedback(t), np.ones_like(state.z[t]))}
            g |= {name: one.fast(t) for name, one in exact.items()}
            sums = {name: total + g[name] for name, total in sums.items()}
            for (who, name), values in cosines.items():
                values.append(cosine(g[who], g[name]))
            if job.update == "step":
                learner.change(gradients)
        step = {pair: np.stack(values, axis=1) for pair, values in cosines.items()}
        summed = {(who, name): cosine(sums[who], sums[name]) for who, name in cosines}
    return Alignment(
        step={name: step["rule", name] for name in exact},
        trajectory={name: summed["rule", name] for name in exact},
        control_step={name: step["control", name] for name in exact},
        control_trajectory={name: summed["control", name] for name in exact},
        angle=np.degrees(np.arccos(np.clip(cosine(job.weights.V, job.weights.B.transpose(0, 2, 1)), -1, 1))),
    )


def aged(job: Job, presentations: int) -> Job:
    """The same job, started from the weights that its first `presentations` have left.

    A batch that is not complete by then has changed nothing yet.
    """
    first = np.arange(len(job.schedule.learn)) < presentations
    none = np.zeros(int(first.sum()), dtype=bool)
    prefix = Schedule(job.schedule.trajectory[first], job.schedule.learn[first], none, none)
    return replace(job, weights=simulate(replace(job, schedule=prefix)).weights)


def exact_gradient(job: Job, trajectory: int = 0) -> np.ndarray:
    """The gradient of one trajectory at the weights of the job, to hold a change of W that any engine made against.

    Returns
    -------
    array (N, n, n)
        By W, summed over the steps, whatever else learns; with eq. 1's 1/t where the job has it.
    """
    if penalised(job.circuit, job.parameters) or not (discretely(job.circuit) and one_for_all(job.parameters)):
        return _exact(job, trajectory)[0]["W"]
    network, learner = _shown(job, trajectory)
    with np.errstate(all="ignore"):
        network.run()
        network.read(slice(None))
        network.differentiate(slice(None))
        return Bptt(network, network.recurrent, learner.values, job.averaging).total()


def aligned(job: Job, engine: str, trajectory: int = 0) -> dict[str, np.ndarray]:
    """Compare what a rule makes of one trajectory with the exact gradient, in any circuit and on any engine.

    The weights stand still meanwhile.

    Parameters
    ----------
    job : Job
        The networks start from its weights; its schedule and what becomes of gradients are not used.
    engine : str
        Who runs the rule.
    trajectory : int
        Which of the job's trajectories is shown.

    Returns
    -------
    dict of str to array (N,)
        The cosine between the change that the rule makes and the negative gradient, by the weights that it teaches, and
        'blind' for the control (B err) 1^T in place of a change of W. NaN where one of the two is nothing.
    """
    still = _still(job, trajectory)
    taught = [name for name in still.circuit.learn if TAUGHT_BY[name] == "rule"]
    if not taught:
        raise InputError(f"alignment is of the updates of W, U and b, but {', '.join(job.circuit.learn)} learns")
    after = simulated(still, engine).weights
    exact, err = _exact(job, trajectory)
    found = {}
    for name in taught:
        before = getattr(job.weights, name)
        found[name] = cosine((0 if before is None else before) - getattr(after, name), exact[name])
    return {**found, "blind": cosine(_blind(still, err), exact["W"])}


def blind(job: Job, trajectory: int = 0) -> np.ndarray:
    """The cosine (N,) of the control (B err) 1^T with the exact gradient by W, over one trajectory."""
    exact, err = _exact(job, trajectory)
    return cosine(_blind(job, err), exact["W"])


def _exact(job: Job, trajectory: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The exact gradients (N, ...) of the loss that a job's rule descends, and the error (N, 1, c)."""
    from autapse_sim.engines.adjoint.simulate import gradients_and_error

    pulled = penalised(job.circuit, job.parameters)
    return gradients_and_error(_still(job, trajectory, rule="bptt"), trajectory, pulled=pulled)


def _blind(job: Job, err: np.ndarray) -> np.ndarray:
    """(B err) 1^T, of an error (N, 1, c) summed over a trajectory."""
    return np.einsum("nic,nkc->ni", job.weights.B, err)[:, :, None] * np.ones_like(job.weights.W)


def _still(job: Job, trajectory: int, **circuit: Any) -> Job:
    """The job of one trajectory with weights that stand still, and change by the plain sum in the end."""
    no = np.zeros(1, dtype=bool)
    return replace(
        job,
        circuit=replace(job.circuit, **circuit),
        schedule=Schedule(np.array([trajectory]), ~no, no, no),
        update="trajectory",
        batch=1,
        optimiser="sgd",
        constraints=(),
        bound=None,
        done=0,
        start={},
        origin=None,
        checkpoints=(),
        states_after=(),
    )


def cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The cosine of the angle between arrays (N, ...) taken as vectors (N,); NaN where one is zero or not finite.

    Examples
    --------
    >>> cosine(np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 2.0]]))
    array([1., 0.])
    """
    one, other = (np.reshape(array, (len(array), -1)) for array in (one, other))
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        return np.einsum("ni,ni->n", one, other) / lengths


def _shown(job: Job, trajectory: int) -> tuple[Network, Learner]:
    """The networks of a job at the start of one of its trajectories."""
    network = network_of(job)
    learner = Learner(job, network, fast=True)
    if "W" not in learner.columns:
        raise InputError(f"alignment is of the updates of W, but {', '.join(job.circuit.learn) or 'nothing'} learns")
    shown = job.source[:, None], np.array([trajectory])
    network.show(job.x[shown], job.y[shown])
    return network, learner
