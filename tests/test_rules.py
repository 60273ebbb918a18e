"""What rules may ask of a circuit: connections, noise, the loss, ends of trajectories; and weights within bounds."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import second

import autapse_sim as ap
from autapse_sim.engines import reference
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.engines.choose import simulate
from autapse_sim.errors import InputError
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

ENGINES = ["runtime"] + (["standalone"] if compiler() else [])
SAMPLED = [pytest.param(name, marks=[pytest.mark.slow] * (name == "standalone")) for name in ENGINES]
needs_compiler = pytest.mark.skipif(not compiler(), reason="needs a C++ compiler")
EXACT = 1e-12


def job_of(circuit, task, protocol, **parameters):
    """The job of all replicates of an experiment."""
    drawn = draw(circuit, task, protocol)
    values = resolve_parameters(circuit, parameters, protocol.replicates)
    return prepare(circuit, drawn, protocol, values, np.arange(protocol.replicates))


@pytest.mark.parametrize("engine", ENGINES)
def test_autapses_make_the_trace(engine):
    circuit = ap.Circuit(neurons=6, readout="random", activation="tanh", learn=("W", "U"))
    task, protocol = ap.BouncingBall(steps=40), ap.Protocol(replicates=3, train=4, validate=0, test=1, record=1)
    equation = simulate(job_of(circuit, task, protocol, eta=0.01), engine)
    literal = job_of(replace(circuit, rule="literal_autapse"), task, protocol, eta=0.01, w_a=0.9)
    autapses = simulate(literal, engine)
    for name in circuit.learn:
        assert np.abs(getattr(equation.weights, name) - getattr(autapses.weights, name)).max() <= EXACT
    assert np.abs(equation.traces["k"] - autapses.traces["k"]).max() <= EXACT
    assert equation.traces["k"].std() > 0.02
    assert np.abs(autapses.weights.W - literal.weights.W).max() > 1e-3
    mistuned = simulate(job_of(replace(circuit, rule="literal_autapse"), task, protocol, eta=0.01, w_a=0.8), engine)
    assert np.abs(equation.weights.W - mistuned.weights.W).max() > 1e-4


def force_loop(job, alpha, learns):
    """FORCE in NumPy, one network: the reference of the equations of Sussillo & Abbott 2009."""
    w, (a, tau) = job.weights, (job.parameters["a_0"][0], job.parameters["tau_m"][0] / 1e-3)
    V, P, r, z = w.V[0].copy(), np.eye(w.W.shape[1]) / alpha, np.tanh(a), np.zeros(w.V.shape[1])
    substeps, mse = job.circuit.substeps, []
    for trajectory, learning in enumerate(learns):
        squares = []
        shown = (np.repeat(each[0, trajectory], substeps, axis=0) for each in (job.x, job.y))
        for x, y in zip(*shown, strict=True):
            a = a + (-a + w.W[0] @ r + w.U[0] @ x + w.F[0] @ z) / tau / substeps
            r = np.tanh(a)
            z = V @ r
            squares.append((z - y) ** 2)
            if learning:  # least squares in which each integration step counts dt/step
                Pr = P @ r / substeps
                k = Pr / (1 + r @ Pr)
                P -= np.outer(k, Pr) * substeps
                V -= np.outer(z - y, k)
        mse.append(np.mean(squares[substeps - 1 :: substeps]))
    return V, np.array(mse)


@pytest.mark.parametrize("substeps", [1, 4])
@pytest.mark.parametrize("engine", ENGINES)
def test_force_is_recursive_least_squares(engine, substeps):
    n, steps = 30, 200
    rng = np.random.default_rng(1)
    y = np.sin(2 * np.pi * np.arange(2 * steps) / 50)[:, None] * [1, 0.5]
    task = ap.ArrayTask(rng.normal(0, 0.1, (1, 2, steps, 1)), y.reshape(1, 2, steps, 2))
    given = {"readout": "random", "activation": "tanh", "learn": "V", "returned": True, "substeps": substeps}
    circuit = ap.Circuit(neuron="leaky", readout_rule="force", neurons=n, **given)
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=1, reset=False, record=1)
    job = job_of(circuit, task, protocol, alpha=2.0, a_0=rng.normal(0, 0.5, (1, n)))
    job = replace(job, weights=replace(job.weights, V=0 * job.weights.V))
    outcome = simulate(job, engine)
    V, mse = force_loop(job, 2.0, [True, False])
    assert np.abs(outcome.weights.V[0] - V).max() <= 1e-10  # P magnifies rounding, by its condition number
    assert np.abs(outcome.mse[0] - mse).max() <= 1e-10
    assert outcome.mse[0, 0] < 0.3 * (y**2).mean()
    assert np.abs(outcome.weights.V[0] - force_loop(job, 3.0, [True, False])[0]).max() > 1e-3


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize(("rule", "eta"), [("node_perturbation", 0.01), ("three_factor", 0.01)])
def test_rules_that_know_the_loss_alone_learn(rule, eta):
    protocol = ap.Protocol(replicates=40, train=300, validate=0, test=10, record=1)
    task, parameters = ap.BouncingBall(), {"eta": np.where(np.arange(40) < 20, 0, eta)}
    result = ap.train(ap.Circuit(rule=rule), task, protocol, parameters=parameters)
    first, last = result.data.mse_train.values[:, :20].mean(axis=1), result.data.mse_train.values[:, -20:].mean(axis=1)
    change = np.log(last / first)
    assert np.median(change[20:]) < -0.1
    assert abs(np.median(change[:20])) < 0.05
    wrong = ap.train(ap.Circuit(rule=rule), task, protocol, parameters=parameters | {"tau_loss": 1 * second})
    assert not np.allclose(wrong.data.W, result.data.W)


@needs_compiler
def test_noise_is_added_only_while_something_is_learned(tmp_path):
    protocol = ap.Protocol(replicates=2, train=2, validate=1, test=1, validate_every=5, record=1)
    circuit = ap.Circuit(rule="node_perturbation")
    quiet = ap.train(circuit, ap.BouncingBall(), protocol, parameters={"eta": 0.0, "sigma": 1e-9})
    loud = ap.train(circuit, ap.BouncingBall(), protocol, parameters={"eta": 0.0, "sigma": 1.0})
    assert np.allclose(quiet.data.mse, loud.data.mse, rtol=1e-9)
    assert np.allclose(quiet.data.mse_validate, loud.data.mse_validate, rtol=1e-9)
    assert not np.allclose(quiet.data.mse_train, loud.data.mse_train, rtol=1e-3)


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("how", [{}, {"update": "trajectory", "optimiser": "adam"}])
def test_weights_stay_within_their_constraints(engine, how):
    circuit = ap.Circuit(neurons=8, readout="random", activation="tanh", learn=("W", "U"))
    task = ap.BouncingBall(steps=40)
    free = ap.Protocol(replicates=2, train=5, validate=0, test=1, **how)
    job = job_of(circuit, task, free, eta=0.1)
    W = job.weights.W * (1 - np.eye(8)) * (np.random.default_rng(0).random((8, 8)) < 0.5)
    job = replace(job, weights=replace(job.weights, W=W))
    unbound = simulate(job, engine).weights
    bound = 0.9 * float(np.abs(unbound.U).max())
    assert (unbound.W[W == 0] != 0).all()
    assert (unbound.W * W < 0).any()
    tied = simulate(replace(job, constraints=("sparse", "dale"), bound=(-bound, bound)), engine).weights
    assert (tied.W[W == 0] == 0).all()
    assert (tied.W * W >= 0).all()
    assert (tied.U * job.weights.U >= 0).all()
    assert np.abs(tied.U).max() <= bound
    assert np.abs(tied.W - W).max() > 0.01
    between = simulate(replace(job, bound=(0.05, bound)), engine).weights
    assert between.W.min() == 0.05
    assert between.W.max() <= bound


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("how", [{}, {"update": "trajectory", "optimiser": "adam"}])
def test_those_of_the_read_out_are_its_own(engine, how):
    circuit = ap.Circuit(neurons=8, readout="random", activation="tanh", learn=("W", "V"))
    free = ap.Protocol(replicates=2, train=5, validate=0, test=1, **how)
    job = job_of(circuit, ap.BouncingBall(steps=40), free, eta=0.1, eta_out=0.1)
    off = 1 - np.eye(8), np.arange(8) % 2
    job = replace(job, weights=replace(job.weights, W=job.weights.W * off[0], V=job.weights.V * off[1]))
    for kind in ("sparse", "dale"):
        for suffix, tied, other in (("", "W", "V"), ("-readout", "V", "W")):
            after = simulate(replace(job, constraints=(kind + suffix,)), engine).weights
            for name in (tied, other):
                before, now = getattr(job.weights, name), getattr(after, name)
                broken = now[before == 0] != 0 if kind == "sparse" else now * before < 0
                assert broken.any() == (name == other), (kind, suffix, name)
                assert np.abs(now - before).max() > 0.01


def test_constraints_that_do_not_exist_are_refused():
    with pytest.raises(ap.InputError, match="sparse"):
        ap.Protocol(constraints="sparce")
    with pytest.raises(ap.InputError, match="bound"):
        ap.Protocol(bound=-1)


FINISH = """
from autapse_sim import Rule
rule = Rule(
    eligibility="S : 1",
    update="S += activity_pre",
    finish="w -= eta*S/steps*(sent_sum_post/steps)",
    parameters={"eta": 0.1},
)
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("update", ["step", "trajectory"])
def test_the_end_of_a_trajectory(tmp_path, engine, update):
    path = tmp_path / "mean.py"
    path.write_text(FINISH)
    circuit = ap.Circuit(rule=str(path))
    task = ap.BouncingBall(steps=25)
    job = job_of(circuit, task, ap.Protocol(replicates=2, train=3, validate=1, test=1, update=update))
    outcome = simulate(job, engine)
    for network in range(2):
        W = job.weights.W[network].copy()
        for trajectory in range(3):
            o, mean = np.zeros(2), np.zeros(2)
            for x in job.x[network, trajectory]:
                o = 1 / (1 + np.exp(-(W @ o + x)))
                mean += o / 25
            W -= 0.1 * np.outer(mean, mean)
        assert np.abs(outcome.weights.W[network] - W).max() <= EXACT
        assert np.abs(W - job.weights.W[network]).max() > 0.01


@pytest.mark.parametrize("engine", ENGINES)
def test_softmax_and_cross_entropy(engine):
    rng = np.random.default_rng(2)
    y = np.eye(3)[rng.integers(0, 3, (2, 4, 30))]
    task = ap.ArrayTask(rng.normal(size=(2, 4, 30, 2)), y)
    circuit = ap.Circuit(
        neurons=5, readout="random", activation="tanh", learn=("W", "V", "c"), loss="cross-entropy", feedback="random"
    )
    protocol = ap.Protocol(replicates=2, train=3, validate=0, test=1, record=2)
    job = job_of(circuit, task, protocol, eta=0.01, eta_out=0.05)
    outcome = simulate(job, engine)
    w, o, k = job.weights.take(np.arange(2)), np.zeros((2, 5)), np.zeros((2, 5))
    W, V, c = w.W.copy(), w.V.copy(), np.zeros((2, 3))
    nats = []
    for trajectory in range(4):
        o, k, summed = 0 * o, 0 * k, 0
        for step in range(30):
            k = k + (o - k) / 10
            o = np.tanh(np.einsum("rij,rj->ri", W, o) + np.einsum("rij,rj->ri", w.U, job.x[:, trajectory, step]))
            score = np.einsum("rij,rj->ri", V, o) + c
            p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
            err = p - job.y[:, trajectory, step]
            summed = summed - (job.y[:, trajectory, step] * np.log(p)).sum(axis=1)
            if trajectory < 3:
                W -= 0.01 * np.einsum("ri,rj->rij", np.einsum("rij,rj->ri", w.B, err), k)
                V -= 0.05 * np.einsum("ri,rj->rij", err, o)
                c -= 0.05 * err
        nats.append(summed / 30)
    assert np.abs(outcome.cross_entropy - np.stack(nats, axis=1)).max() <= EXACT
    assert np.abs(outcome.weights.W - W).max() <= EXACT
    assert np.abs(outcome.weights.V - V).max() <= EXACT
    assert np.abs(outcome.prediction.sum(axis=-1) - 1).max() <= EXACT
    assert np.abs(W - w.W).max() > 1e-3
    squares = simulate(replace(job, circuit=replace(circuit, loss="mse")), "runtime")
    assert squares.cross_entropy is None
    assert np.abs(squares.weights.W - W).max() > 1e-4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("neuron", ["rate", "leaky"])
def test_what_is_sent_may_arrive_later(engine, neuron):
    circuit = ap.Circuit(neuron=neuron, neurons=4, readout="random", activation="tanh", delay=3)
    job = job_of(circuit, ap.BouncingBall(steps=30), ap.Protocol(replicates=1, train=1, validate=0, test=1, record=1))
    job = replace(job, parameters={**job.parameters, "eta": np.zeros(1)})
    outcome = simulate(job, engine)
    w, tau = job.weights, job.parameters["tau_m"][0] / 1e-3
    a, o, sent = np.zeros(4), np.zeros(4), [np.zeros(4)] * 4
    for step, x in enumerate(job.x[0, 0]):
        into = w.W[0] @ sent[0] + w.U[0] @ x
        a = a + (into - a) / tau
        o = np.tanh(a) if neuron == "leaky" else o + (np.tanh(into) - o) / tau
        sent = [*sent[1:], o]
        assert np.abs(outcome.traces["activity"][0, 0, step] - o).max() <= EXACT
    assert np.abs(o).min() > 0.01
    prompt = simulate(replace(job, circuit=replace(circuit, delay=0)), "runtime")
    assert np.abs(prompt.traces["activity"] - outcome.traces["activity"]).max() > 0.01


@pytest.mark.parametrize("engine", ENGINES)
def test_feedback_that_learns_moves_as_the_readout_does(engine):
    circuit = ap.Circuit(neurons=6, readout="random", activation="tanh", learn=("W", "V", "B"), feedback="random")
    task, protocol = ap.BouncingBall(steps=50), ap.Protocol(replicates=2, train=4, validate=0, test=1)
    job = job_of(circuit, task, protocol, eta=0.01, eta_out=0.02, eta_back=0.02)
    after = simulate(job, engine).weights
    before = job.weights
    assert np.abs((after.B - before.B) - (after.V - before.V).swapaxes(1, 2)).max() <= EXACT
    assert np.abs(after.V - before.V).max() > 0.01
    still = simulate(replace(job, circuit=replace(circuit, learn=("W", "V"))), "runtime").weights
    assert np.abs(still.W - after.W).max() > 1e-4
    with pytest.raises(ap.InputError, match="B"):
        ap.train(circuit, task, protocol, engine="numpy")


SHARED = ap.Rule(
    update="w -= eta*shared_post*activity_pre",
    connections=(ap.Connection(sums={"shared": "(i + 1)*feedback_pre/N_pre"}, among="taught"),),
    parameters={"eta": 0.02},
)
"""What all neurons that are taught hear of each other's errors."""


@pytest.mark.parametrize("engine", [*SAMPLED, "reference"])
@pytest.mark.parametrize("learn", ["U", ("W", "U", "b")])
def test_neurons_that_are_taught_hear_of_each_other_whatever_sends_to_them(engine, learn):
    n, steps = 5, 12
    rng = np.random.default_rng(3)
    task = ap.ArrayTask(rng.normal(size=(1, 1, steps, 3)), rng.normal(size=(1, 1, steps, 2)))
    circuit = ap.Circuit(rule=SHARED, neurons=n, readout="random", activation="tanh", learn=learn, feedback="random")
    protocol = ap.Protocol(1, 1, 0, 0, record=0)
    job = job_of(circuit, task, protocol)
    first = {name: value[0].copy() for name, value in job.weights.items() if name in ("W", "U", "V", "B", "b")}
    W, U, b, o = first["W"], first["U"], first.get("b", np.zeros(n)).reshape(n), np.zeros(n)
    for x, y in zip(task.x[0, 0], task.y[0, 0], strict=True):
        before, o = o, np.tanh(W @ o + U @ x + b)
        signal = 0.02 * np.full(n, (np.arange(1, n + 1) * (first["B"] @ (first["V"] @ o - y))).mean())
        U = U - np.outer(signal, x)
        if "W" in learn:
            W, b = W - np.outer(signal, o), b - signal
    assert before.std() > 0.1
    outcome = simulate(job, engine) if engine != "reference" else reference.simulate(job)
    assert np.abs(outcome.weights.U[0] - U).max() <= EXACT
    assert np.abs(outcome.weights.W[0] - W).max() <= EXACT
    assert np.abs(U - first["U"]).max() > 1e-3


def test_a_read_out_has_no_neurons_that_could_hear_of_each_other():
    delta = ap.read_rule("delta")
    mine = delta.replace(connections=(ap.Connection(sums={"shared": "activity_pre"}, among="taught"),))
    mine = mine.replace(update="w -= eta_out*err_post*activity_pre*shared_pre")
    circuit = ap.Circuit(readout_rule=mine, neurons=3, readout="random", learn="V")
    with pytest.raises(InputError, match="among='taught' is for the rule of W, U and b"):
        ap.train(circuit, ap.BouncingBall(steps=9), ap.Protocol(1, 1, 0, 0))
    with pytest.raises(InputError, match="did you mean 'taught'"):
        ap.Connection(sums={"shared": "activity_pre"}, among="taugt")
