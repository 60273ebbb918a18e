"""Circuits along their equations: the forward sweep is the reference's, and what has no gradient is said."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms
from test_reference import SUBSTEPS, difference, job_of

import autapse_sim as ap
from autapse_sim.engines import reference
from autapse_sim.engines.adjoint.simulate import gradients, simulate
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.errors import InputError
from autapse_sim.spec.model import library
from autapse_sim.training.train import choose_engine

CLOSE = 1e-10


def forward_job(neuron, update="step", learn=("V", "c"), **options):
    """A job in which the read-out learns, so that the reference runs it, too."""
    job = job_of("delta", neuron, steps=2 if neuron in SUBSTEPS else 12, how={"update": update}, **options)
    rates = {"eta": np.full(2, 0.01), "eta_out": np.full(2, 0.03)}
    return replace(job, circuit=replace(job.circuit, learn=learn), parameters=job.parameters | rates)


def along(job, rule="bptt", **changes):
    return replace(job, circuit=replace(job.circuit, rule=rule, **changes))


@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize("neuron", sorted(library("neurons")))
def test_the_forward_sweep_is_the_references(neuron, update):
    job = forward_job(neuron, update)
    outcome = simulate(along(job))
    assert difference(outcome, reference.simulate(job)) <= CLOSE
    assert outcome.traces["activity"].std() > 1e-6
    assert outcome.spikes is None or outcome.spikes.sum() > 0
    assert np.abs(outcome.weights.V - job.weights.V).max() > 1e-4


CIRCUITS = {
    "softmax": {"loss": "cross-entropy"},
    "returned": {"returned": True},
    "rk2": {"method": "rk2", "substeps": 2},
    "rk4": {"method": "rk4", "substeps": 3},
    "heun": {"method": "heun"},
    "a delay": {"delay": 3},
    "a delay of each synapse": {"delay": np.arange(16).reshape(4, 4) % 3},
    "refractory": {"parameters": {"t_ref": 2 * ms}},
    "each neuron another": {"parameters": {"v_th": np.linspace(0.005, 0.02, 8).reshape(2, 4)}},
    "momentum": {"how": {"optimiser": "momentum"}},
}


@pytest.mark.parametrize("neuron", ["leaky", "alif"])
@pytest.mark.parametrize("circuit", CIRCUITS)
def test_so_it_is_in_other_circuits(circuit, neuron):
    options = dict(CIRCUITS[circuit])
    spiking = {"t_ref", "v_th"} & options.get("parameters", {}).keys()
    if neuron == "leaky" and spiking:
        pytest.skip("a rate neuron has no threshold")
    how = options.pop("how", {})
    job = replace(forward_job(neuron, **options), **how)
    if job.circuit.loss == "cross-entropy":
        odds = np.exp(job.y)
        job = replace(job, y=odds / odds.sum(axis=-1, keepdims=True))
    outcome = simulate(along(job))
    assert difference(outcome, reference.simulate(job)) <= CLOSE
    # the negative control: one integration step more, or another membrane, gives other numbers
    other = replace(job, parameters=job.parameters | {"tau_m": 1.01 * job.parameters["tau_m"]})
    assert difference(simulate(along(other)), outcome) > 1e-6


@pytest.mark.parametrize("method", ["rk2", "exponential_euler"])
def test_a_user_neuron_with_sums_and_a_reset(method, tmp_path):
    path = tmp_path / "neuron.py"
    path.write_text(
        f"""from brian2 import ms
from autapse_sim import Neuron
neuron = Neuron(
    equations='''dv/dt = (-v + up - down + input + bias)/tau_m : 1 (unless refractory)
        dz/dt = -z/(2*tau_m) + sin(t/step)/tau_m : 1
        activity = choose(z > 0.1 and not (v < 0), z, 0.5*z) + i/N : 1
        sent = spiked*step/dt : 1''',
    threshold="v > 0.02", reset="lost = 0.5*v; v = 0; z += 0.5 + lost", refractory="2*ms", initial={{"v": "0.01*i"}},
    pseudo_derivative="exp(-abs(v))", method={method!r}, parameters={{"tau_m": 10*ms}},
    sums={{"up": "clip(w, 0, inf)*sent_pre", "down": "-clip(w, -inf, 0)*sent_pre"}})"""
    )
    job = forward_job(str(path), substeps=2)
    outcome = simulate(along(job))
    assert difference(outcome, reference.simulate(job)) <= CLOSE
    assert outcome.spikes.min() > 0
    found = gradients(along(job, learn=("W",)))
    assert all(np.abs(each).max() > 1e-6 for each in found.values())


CONSTRAINTS = {
    "sparse and Dale": {"constraints": ("sparse", "dale")},
    "bound": {"bound": (-0.3, 0.4)},
}
PENALTY = {"c_reg": 400.0, "f_target": "300 Hz"}


@pytest.mark.parametrize("neuron", ["rate", "leaky"])
@pytest.mark.parametrize("how", CONSTRAINTS)
def test_weights_stay_within_constraints(how, neuron):
    task, circuit = ap.BouncingBall(steps=10), ap.Circuit(rule="bptt", neuron=neuron, neurons=4, readout="random")
    plain = {"replicates": 2, "train": 6, "validate": 0, "test": 1, "update": "trajectory"}
    before = ap.train(circuit, task, ap.Protocol(**{**plain, "train": 0}), parameters={"eta": 3.0}).data.W.values
    weights = ap.train(circuit, task, ap.Protocol(**plain, **CONSTRAINTS[how]), parameters={"eta": 3.0}).data.W.values
    free = ap.train(circuit, task, ap.Protocol(**plain), parameters={"eta": 3.0}).data.W.values
    if how == "bound":
        assert -0.3 <= weights.min() < weights.max() <= 0.4
        assert free.max() > 0.4
    else:
        assert (weights * before >= 0).all()
        assert (free * before < 0).any()


@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_a_penalty_pulls_what_is_sent_to_its_target(engine):
    """The discrete network has none: a rate neuron is swept along its equations then."""
    task = ap.BouncingBall(steps=20)
    plain = {"replicates": 2, "train": 100, "validate": 0, "test": 1, "update": "trajectory", "averaging": False}
    means = {}
    for name, given in {"plain": {}, "pulled": PENALTY}.items():
        circuit = ap.Circuit(rule="bptt", neurons=4, readout="random", learn=("W", "U", "b"))
        result = ap.train(circuit, task, ap.Protocol(**plain), parameters={"eta": 0.03, **given}, engine=engine)
        means[name] = np.abs(result.data.trace_activity.values[:, -1].mean(axis=1) - 0.3).mean()
    assert means["pulled"] < 0.2 * means["plain"], means


def test_a_penalty_takes_whole_trajectories():
    with pytest.raises(ap.InputError, match="c_reg pulls at the rates of whole trajectories: give update='trajectory'"):
        ap.train(ap.Circuit(rule="bptt", neuron="lif"), ap.BouncingBall(), ap.Protocol(), parameters=PENALTY)
    shown = ap.train(ap.Circuit(rule="bptt", neuron="lif"), ap.BouncingBall(), ap.Protocol(2, 0), parameters=PENALTY)
    assert np.isfinite(shown.data.mse).all()  # nothing learns


def test_a_result_says_along_what_it_learned():
    task, protocol = ap.BouncingBall(steps=10), ap.Protocol(replicates=2, train=2, validate=0, test=1, record=1)
    told = {}
    for through in (True, False):
        circuit = ap.Circuit(rule="bptt", neuron="lif", neurons=6, readout="random", through_reset=through)
        result = ap.train(circuit, task, protocol, parameters={"v_th": 0.01, "eta": 1.0})
        told[through] = result.data.attrs
        assert result.data.attrs["engine"] == ("compiled" if compiler() else "numpy")
        assert 'threshold="v >= v_th"' in result.data.attrs["equations"]
    assert "the reset of a spike counts" in told[True]["equations"]
    assert "the reset of a spike is a constant" in told[False]["equations"]
    assert '"through_reset": false' in told[False]["circuit"]


def test_networks_in_blocks_are_the_same(monkeypatch):
    job = along(forward_job("alif", learn=("W", "V")))
    whole = simulate(job)
    monkeypatch.setattr("autapse_sim.engines.adjoint.simulate.ROOM", 1)
    parts = simulate(job)
    assert difference(parts, whole) <= 1e-14
    assert np.abs(whole.weights.W - job.weights.W).max() > 1e-9


LIF = """from brian2 import mV, ms
from autapse_sim import Neuron
neuron = Neuron(
    equations='''dv/dt = (-v + (drive + input + bias{more})*{scale})/tau_m : {unit}
        activity = v/{scale} : 1
        sent = spiked*step/dt : 1''',
    threshold="{threshold}", reset="v = 0*{scale}", {slope} parameters={{"tau_m": 10*ms}})"""
PLAIN = {"more": "", "unit": "1", "scale": "1", "threshold": "v > 0.1", "slope": "pseudo_derivative='exp(-abs(v))',"}
REFUSED = {
    "no pseudo-derivative": ({"slope": ""}, r"line 7: spikes have no gradient without a pseudo_derivative.*v - 0.1"),
    "two comparisons": ({"threshold": "v > 0.1 and t > 2*ms"}, r"line 7: .*has no gradient; write one comparison"),
    "a unit": (
        {
            "threshold": "v > 5*mV",
            "unit": "volt",
            "scale": "mV",
            "slope": "pseudo_derivative='exp(-abs(v/mV))',",
        },
        r"line 7: threshold 'v > 5\*mV' compares what has the unit V,.*threshold='\(v - 5 \* mV\)/\(scale\) > 0'",
    ),
    "noise": ({"more": " + randn()"}, r"line 4: exact gradients draw no random numbers \(randn\)"),
    "white noise": ({"more": " + xi*tau_m**0.5"}, r"line 4: exact gradients draw no random numbers \(xi\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_gradient_is_said_with_file_and_line(case, tmp_path):
    changes, said = REFUSED[case]
    path = tmp_path / "mine.py"
    path.write_text(LIF.format(**{**PLAIN, **changes}))
    circuit = ap.Circuit(rule="bptt", neuron=str(path), neurons=3, readout="random")
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=1)
    with pytest.raises(InputError, match=r"mine\.py, " + said):
        ap.train(circuit, ap.BouncingBall(steps=3), protocol)


def test_where_only_the_read_out_learns_no_slope_of_spikes_is_needed(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(LIF.format(**{**PLAIN, "slope": ""}))
    circuit = ap.Circuit(rule="bptt", neuron=str(path), neurons=3, readout="random", learn=("V",))
    result = ap.train(circuit, ap.BouncingBall(steps=9), ap.Protocol(replicates=2, train=2, validate=0, test=1))
    assert result.data.rate.max() > 0
    assert np.isfinite(result.data.mse).all()


@pytest.mark.parametrize("tau_m", [2.0, 5.0])
def test_a_rate_neuron_may_have_a_time_constant_of_its_own(tau_m):
    """Where all are the same it is the discrete network, which takes one for all."""
    task, protocol = ap.BouncingBall(steps=9), ap.Protocol(replicates=2, train=2, validate=0, test=1)
    each, one, other = (
        ap.train(ap.Circuit(rule="bptt"), task, protocol, parameters={"tau_m": given * ms}).data.W
        for given in (np.full((1, 2), tau_m), tau_m, np.array([[tau_m, 1.1 * tau_m]]))
    )
    np.testing.assert_allclose(each, one, rtol=0, atol=1e-13)
    assert np.abs(other - one).max() > 1e-8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"precision": "single", "neuron": ap.Neuron("dv/dt = (drive - v + feedback)/(9*ms) : 1\nactivity = v : 1")},
            "single precision in compiled programs alone: .*reads feedback",
        ),
        ({"readout_rule": "force"}, "takes any neuron, but .*readout_rule='delta'"),
        ({"rule": "rtrl"}, "is the discrete network.*bptt and fa take any neuron"),
        ({"neuron": "liv"}, "unknown neuron 'liv'; did you mean 'lif'"),
    ],
)
def test_what_does_not_run_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        choose_engine(ap.Circuit(**{"rule": "bptt", "neuron": "lif", **options}), "auto")


@pytest.mark.parametrize("name", ["eta", "eta_out"])
@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_learning_rates_of_neurons_are_refused(engine, name):
    circuit = ap.Circuit(rule="bptt", neuron="leaky", learn=("W", "V"))
    protocol = ap.Protocol(replicates=1, train=1, update="trajectory")
    with pytest.raises(InputError, match=f"parameter {name} has one value per neuron; rule 'bptt' takes one"):
        ap.train(circuit, ap.BouncingBall(), protocol, parameters={name: np.full((1, 2), 0.01)}, engine=engine)


def test_trajectories_that_go_on_have_no_gradient():
    circuit = ap.Circuit(rule="bptt", neuron="leaky")
    with pytest.raises(InputError, match="reset=True"):
        ap.train(circuit, ap.BouncingBall(steps=3), ap.Protocol(replicates=1, train=1, test=1, reset=False))
