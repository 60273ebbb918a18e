"""Gradients of spiking circuits: automatic differentiation with the same surrogate, and e-prop where it is exact."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms
from spiking_in_torch import (
    BETA,
    CASES,
    GAMMA,
    T_REF,
    TAU_A,
    TAU_M,
    TAU_OUT,
    V_TH,
    WEIGHTS,
    WHERE,
    C,
    M,
    N,
    R,
    drawn,
)

import autapse_sim as ap
from autapse_sim.engines import reference
from autapse_sim.engines.adjoint.network import Network
from autapse_sim.engines.adjoint.simulate import gradients, models_of, simulate
from autapse_sim.engines.adjoint.step import step_of
from autapse_sim.tasks.shown import masked
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

CLOSE, EXACT = 1e-10, 1e-12


def job_of(neuron, loss, through, **circuit):
    """The circuit of the script as a job."""
    given = drawn()
    description = ap.Circuit(
        neuron=neuron,
        rule="bptt",
        neurons=N,
        readout="random",
        learn=WEIGHTS,
        loss=loss,
        through_reset=through,
        **circuit,
    )
    protocol = ap.Protocol(replicates=R, train=1, validate=0, test=0, averaging=False, update="trajectory", record=R)
    feedback = {"B": np.zeros((R, N, C))}
    weights = ap.Weights(**{name: given[name] for name in WEIGHTS}, **feedback).checked(R, N, M, C)
    y = masked(given[loss][:, None], given["counts"])
    parameters = {"tau_m": TAU_M * ms, "tau_out": TAU_OUT * ms, "t_ref": T_REF * ms, "gamma": GAMMA, "v_th": V_TH}
    parameters |= {"tau_a": TAU_A * ms, "beta": BETA} if neuron == "alif" else {}
    values = resolve_parameters(description, parameters, R)
    shown = draw(description, ap.ArrayTask(given["x"][:, None], given[loss][:, None]), protocol, weights)
    return prepare(description, replace(shown, y=y), protocol, values, np.arange(R))


def theirs(neuron, loss, through):
    with np.load(WHERE) as kept:
        start = f"{neuron}, {loss}, {'through' if through else 'detached'}: "
        return {name.removeprefix(start): kept[name] for name in kept.files if name.startswith(start)}


def spikes_of(job):
    network = Network(job, step_of(models_of(job), job.circuit))
    network.show(job.x, job.y)
    network.run()
    return np.stack(network.spikes, axis=2)[:, 0]


@pytest.mark.parametrize(("neuron", "loss", "through"), CASES)
def test_gradients_are_those_of_automatic_differentiation(neuron, loss, through):
    job = job_of(neuron, loss, through)
    right, mine = theirs(neuron, loss, through), gradients(job)
    np.testing.assert_array_equal(spikes_of(job), right["spikes"])
    rate = right["spikes"].mean(axis=1)
    assert ((rate > 0) & (rate < 1 / T_REF)).mean() > 0.7
    for name in WEIGHTS:
        scale = np.abs(right[name]).max()
        assert scale > 1e-3
        assert np.abs(mine[name] - right[name]).max() <= CLOSE * scale, name
    # the negative control: the other reset gives another gradient by all that acts on the membrane
    other = gradients(replace(job, circuit=replace(job.circuit, through_reset=not through)))
    for name in WEIGHTS[:3]:
        assert np.abs(other[name] - right[name]).max() > 1e-3 * np.abs(right[name]).max(), name


def test_the_numbers_are_those_of_the_script():
    """Where PyTorch is installed, they are made anew."""
    pytest.importorskip("torch")
    from spiking_in_torch import gradients as made

    for case in CASES:
        for name, value in made(*case).items():
            np.testing.assert_allclose(value, theirs(*case)[name], rtol=1e-10, atol=1e-12)


EPROP = {"lif": "eprop", "alif": "eprop_alif"}


def eprop_job(neuron, learn=("W", "U", "b"), scale=0.0, c_reg=0.0, **circuit):
    """e-prop with B = V^T in a circuit whose neurons do not reach each other, as a job."""
    job = job_of(neuron, "mse", False, **circuit)
    description = replace(job.circuit, rule=EPROP[neuron], learn=learn)
    given = {name: job.parameters[name] for name in resolve_parameters(description, {}, R) if name in job.parameters}
    values = resolve_parameters(description, {"tau_e": TAU_OUT * ms, "eta": 0.01}, R) | given
    values["eta"], values["c_reg"] = np.full(R, 0.01), np.full(R, c_reg)
    weights = replace(job.weights, W=scale * job.weights.W, B=job.weights.V.transpose(0, 2, 1).copy())
    return replace(job, circuit=description, weights=weights, parameters=values, traced=np.arange(R))


def moved(job, engine):
    outcome = engine(job)
    return {n: getattr(outcome.weights, n) - getattr(job.weights, n) for n in job.circuit.learn}, outcome


@pytest.mark.parametrize("c_reg", [0.0, 30.0])
@pytest.mark.parametrize("neuron", EPROP)
def test_eprop_is_the_gradient_where_recurrence_and_reset_are_cut(neuron, c_reg):
    job = eprop_job(neuron, c_reg=c_reg)
    mine, outcome = moved(job, reference.simulate)
    exact = replace(job, circuit=replace(job.circuit, rule="bptt"))
    right, _ = moved(exact, simulate)
    assert outcome.spikes.sum() > 30
    for name in job.circuit.learn:
        scale = np.abs(right[name]).max()
        assert scale > 1e-6
        assert np.abs(mine[name] - right[name]).max() <= EXACT * max(1, scale), name
    other = moved(replace(exact, parameters={**exact.parameters, "c_reg": np.full(R, c_reg + 3)}), simulate)[0]
    assert np.abs(other["U"] - mine["U"]).max() > 1e-3 * np.abs(right["U"]).max()
    # with the reset, or with neurons that reach each other, it is not
    through = replace(exact, circuit=replace(exact.circuit, through_reset=True))
    assert np.abs(moved(through, simulate)[0]["U"] - mine["U"]).max() > 1e-3 * np.abs(right["U"]).max()
    coupled = eprop_job(neuron, scale=1.0, c_reg=c_reg)
    theirs_ = moved(replace(coupled, circuit=replace(coupled.circuit, rule="bptt")), simulate)[0]
    mine, _ = moved(coupled, reference.simulate)
    assert np.abs(theirs_["U"] - mine["U"]).max() > 1e-3 * np.abs(right["U"]).max()


@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize("neuron", ["lif", "alif"])
def test_fa_is_bptt_where_its_weights_are_the_transposes(neuron, update):
    """With B = V^T and B_rec = W the two are one, as long as V and W stand still."""
    job = replace(job_of(neuron, "mse", True), update=update)
    job = replace(job, circuit=replace(job.circuit, learn=("U", "b")))
    aligned = replace(job.weights, B=job.weights.V.transpose(0, 2, 1).copy(), B_rec=job.weights.W.copy())
    fa = replace(job, circuit=replace(job.circuit, rule="fa"), weights=aligned)
    (mine, _), (right, _) = moved(fa, simulate), moved(replace(job, weights=aligned), simulate)
    for name in ("U", "b"):
        np.testing.assert_allclose(mine[name], right[name], rtol=1e-10, atol=1e-14)
    other = replace(fa, weights=replace(aligned, B_rec=2 * aligned.B_rec))
    assert np.abs(moved(other, simulate)[0]["U"] - mine["U"]).max() > 1e-3 * np.abs(mine["U"]).max()
