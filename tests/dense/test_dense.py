"""Dense loops against Brian2's own path and NumPy; splits, shapes, precision, and what the loops cannot do."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import precompiled
import pytest
from brian2 import ms

import autapse_sim as ap
from autapse_sim.engines import discrete, playing
from autapse_sim.engines.brian import standalone
from autapse_sim.engines.brian.assembly import projections
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.engines.brian.dense import synapses
from autapse_sim.engines.choose import simulate

pytestmark = pytest.mark.skipif(not compiler(), reason="no C++ compiler")
as_users_have_them = pytest.mark.usefixtures("flags_of_users")
EXACT = 1e-12
SMALL = {"eta": 0.01}
LEARNED = {"learn": ("W", "V", "b", "c"), "biases": True, "parameters": {"eta": 0.002, "eta_out": 0.002}}
CASES = {
    # replicate index innermost
    "n=2, R=1": {"neurons": 2, "replicates": 1},
    "n=2, R=13, all learn": {"neurons": 2, "replicates": 13, **LEARNED},
    "n=3, R=5, trajectories, half steps": {
        "neurons": 3,
        "replicates": 5,
        "update": "trajectory",
        "substeps": 2,
        **LEARNED,
    },
    # presynaptic index innermost, or postsynaptic where few project
    "n=10, R=4, tanh": {"neurons": 10, "replicates": 4, "activation": "tanh"},
    "n=17, R=3, trajectories, all learn": {"neurons": 17, "replicates": 3, "update": "trajectory", **LEARNED},
    "n=9, R=2, rk4": {"neurons": 9, "replicates": 2, "method": "rk4", "substeps": 3},
}
OWN = """
from brian2 import ms
from autapse_sim import Rule
rule = Rule({fields}, parameters={{"tau": 10*ms, "eta": 0.03}})
"""


@pytest.fixture
def flags_of_users(shared_folder, monkeypatch):
    """Programs are compiled as those of users are, where what the optimiser makes of them may matter."""
    monkeypatch.setenv("AUTAPSE_CXXFLAGS", precompiled.flags(shared_folder))


def distance(one, other):
    """The largest difference of two outcomes in weights, scores and predictions."""
    pairs = [(a, b) for (_, a), (_, b) in zip(one.weights.items(), other.weights.items(), strict=True)]
    pairs += [(one.mse, other.mse), (one.prediction, other.prediction)]
    return max(np.abs(a - b).max(initial=0) for a, b in pairs)


def moved(job, outcome):
    """How far each network's W went."""
    return np.abs(outcome.weights.W - job.weights.W).max(axis=(1, 2))


def rule_file(folder, **fields):
    path = folder / "rule.py"
    path.write_text(OWN.format(fields=", ".join(f"{name}={text!r}" for name, text in fields.items())))
    return str(path)


@pytest.mark.parametrize(
    "case", [c if k % 6 == 1 else pytest.param(c, marks=pytest.mark.slow) for k, c in enumerate(CASES)]
)
@pytest.mark.parametrize("rule", ["autapse", pytest.param("dfa", marks=pytest.mark.slow)])
@as_users_have_them
def test_dense_loops_are_brians_own_path(make_job, rule, case):
    sizes = {"steps": 30, "train": 3, "validate": 1, "test": 1}
    job = make_job(rule=rule, **{"parameters": SMALL, **sizes, **CASES[case]})
    dense, brian = simulate(job, "standalone"), simulate(job, "standalone", dense=False)
    assert distance(dense, brian) <= EXACT
    assert (moved(job, dense) > 1e-4).all()
    if job.circuit.substeps == 1 and job.circuit.method == "euler":
        assert distance(dense, discrete.simulate(job)) <= EXACT


@pytest.mark.parametrize("neurons", [2, pytest.param(12, marks=pytest.mark.slow)])
@as_users_have_them
def test_a_rule_that_reads_the_drive_sees_that_of_this_step(make_job, tmp_path, neurons):
    """One pass over W sums the next step's drive: b, which learns after it, must not see that."""
    rule = rule_file(tmp_path, update="w -= eta*feedback_post*f_prime_post*activity_pre")
    sizes = {"steps": 30, "train": 3, "validate": 1, "test": 1}
    job = make_job(rule=rule, neurons=neurons, replicates=3, learn=("W", "U", "b"), readout="random", **sizes)
    dense, brian = simulate(job, "standalone"), simulate(job, "standalone", dense=False)
    assert distance(dense, brian) <= EXACT
    assert (moved(job, dense) > 1e-4).all()
    assert np.abs(dense.weights.b).max() > 1e-4


@pytest.mark.slow
@as_users_have_them
def test_filters_with_time_constants_of_their_own_are_brians_own_path(make_job):
    """The decays of filters are looked up in tables, by the neuron that a time constant belongs to."""
    taus = np.linspace(5, 30, 3 * 9).reshape(3, 9) * ms
    own = {
        "tau_m": taus,
        "tau_out": taus[::-1],
        "tau_e": taus[:, ::-1],
        "v_th": 0.1,
        "eta": 1e-3,
        "eta_out": 1e-3,
    }
    shape = {"neurons": 9, "replicates": 3, "steps": 60, "train": 2, "update": "trajectory", "substeps": 2}
    shape |= {"rule": "eprop", "neuron": "lif", "learn": ("W", "U", "V")}
    job = make_job(parameters=own, **shape)
    dense, brian = simulate(job, "standalone"), simulate(job, "standalone", dense=False)
    assert distance(dense, brian) <= EXACT
    assert (moved(job, dense) > 1e-4).all()
    assert ((dense.spikes.sum(axis=1) > 10) & (dense.spikes.sum(axis=1) < 1000)).all()
    for name in ("tau_m", "tau_out", "tau_e"):
        other = make_job(parameters={**own, name: np.roll(own[name], 1, axis=-1)}, **shape)
        assert distance(dense, simulate(other, "standalone")) > 1e-6, name


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        pytest.param({"update": "w -= eta*feedback_post*activity_pre*f_prime_post"}, True, marks=pytest.mark.slow),
        ({"update": "w -= eta*feedback_post*f_prime_pre"}, False),  # f'(a) of others reads their drive
        pytest.param(
            {
                "eligibility": "dp/dt = (f_prime_post*activity_pre - p)/tau : 1",
                "update": "w -= eta*feedback_post*p",
            },
            True,
            marks=pytest.mark.slow,
        ),
        # what an update keeps for itself is kept where nothing is learned, too
        ({"eligibility": "seen : 1", "update": "seen = 0.9*seen + activity_pre\nw -= eta*feedback_post*seen"}, True),
        pytest.param(
            {"trace": "dk/dt = (activity - k)/tau : 1", "update": "d = k_pre - 0.5\nw -= eta*feedback_post*d"},
            True,
            marks=pytest.mark.slow,
        ),
    ],
)
@pytest.mark.parametrize("neurons", [2, pytest.param(12, marks=pytest.mark.slow)])
@as_users_have_them
def test_a_users_rule_runs_in_dense_loops(make_job, tmp_path, monkeypatch, fields, passes, neurons):
    made = []
    obstacle = projections.obstacle

    def spy(*arguments):
        made.append(obstacle(*arguments))
        return made[-1]

    monkeypatch.setattr(projections, "obstacle", spy)
    job = make_job(rule=rule_file(tmp_path, **fields), neurons=neurons, replicates=3, steps=30, train=2, test=1)
    dense = simulate(job, "standalone")
    assert [not each for each in made] == [passes]
    assert distance(dense, simulate(job, "runtime")) <= EXACT
    assert (moved(job, dense) > 1e-4).all()


@pytest.mark.slow
@as_users_have_them
def test_an_activity_that_follows_the_drive_at_once_is_not_fused(make_job, tmp_path):
    path = tmp_path / "direct.py"
    path.write_text(
        "from brian2 import ms\nfrom autapse_sim import Activation, Neuron\n"
        "neuron = Neuron(equations='''do/dt = (-o + f)/tau_m : 1\na = drive + input + bias : 1\n"
        "activity = o + 0.1*input : 1''', activations={'tanh': Activation('tanh(a)', '1 - f**2')},"
        " parameters={'tau_m': 1*ms})\n"
    )
    job = make_job(neuron=str(path), activation="tanh", replicates=3, steps=30, parameters=SMALL)
    dense = simulate(job, "standalone")
    assert distance(dense, simulate(job, "runtime")) <= EXACT
    assert (moved(job, dense) > 1e-4).all()


@pytest.mark.slow
@pytest.mark.parametrize("neurons", [2, pytest.param(12, marks=pytest.mark.slow)])
@as_users_have_them
def test_a_split_gives_the_same_numbers(make_job, neurons):
    job = make_job(neurons=neurons, replicates=7, steps=40, train=2, test=1, parameters=SMALL)
    whole = simulate(job, "standalone", processes=1)
    for processes in (2, 3):
        split = simulate(job, "standalone", processes=processes)
        assert distance(whole, split) <= EXACT
        assert distance(split, simulate(job, "standalone", processes=processes)) == 0
        for name, trace in whole.traces.items():
            assert np.abs(trace - split.traces[name]).max() <= EXACT
    assert distance(whole, simulate(job, "standalone", processes=2, room=10)) <= EXACT
    assert (moved(job, whole) > 1e-4).all()


def test_numbers_that_change_never_compile(make_job, monkeypatch):
    sizes = {"replicates": 3, "neurons": 4}
    simulate(make_job(**sizes, steps=20), "standalone")

    def refuse(*arguments):
        raise AssertionError("compiled")

    monkeypatch.setattr(standalone, "compile_program", refuse)
    seen = []
    for changed in (
        {"parameters": {"eta": 0.3}},
        {"parameters": {"tau": [5, 10, 20] * ms, "tau_m": [1, 1, 2] * ms}},
        {"steps": 31, "train": 2},
        {"train": 1, "validate": 2, "test": 3},
    ):
        job = make_job(**{**sizes, "steps": 20, **changed})
        seen.append(simulate(job, "standalone").weights.W)
    assert len({weights.tobytes() for weights in seen}) == len(seen)
    with pytest.raises(AssertionError, match="compiled"):
        simulate(make_job(**{**sizes, "neurons": 3}, steps=20), "standalone")


@pytest.mark.slow
def test_a_warm_run_needs_no_brian(tmp_path):
    code = """
import sys
import autapse_sim as ap
circuit, task = ap.Circuit(learn=("W", "V")), ap.BouncingBall(steps=10)
ap.train(circuit, task, ap.Protocol(replicates=3, train=1, validate=0, test=1, seed=int(sys.argv[1])))
print("brian2" in sys.modules)
"""
    said = [
        subprocess.run([sys.executable, "-c", code, seed], capture_output=True, text=True, check=True).stdout.strip()
        for seed in "12"
    ]
    assert said == ["True", "False"]


@pytest.mark.slow
@pytest.mark.parametrize("neurons", [2, 20])
@as_users_have_them
def test_single_precision_is_close_and_not_equal(make_job, neurons):
    job = make_job(neurons=neurons, replicates=3, steps=100, parameters=SMALL)
    double = simulate(job, "standalone")
    single = simulate(replace(job, circuit=replace(job.circuit, precision="single")), "standalone")
    assert 1e-9 < distance(double, single) < 1e-4
    assert (moved(job, single) > 1e-3).all()


@pytest.mark.slow
@as_users_have_them
def test_random_numbers_belong_to_their_network(tmp_path):
    path = tmp_path / "noisy.py"
    path.write_text(
        "from brian2 import ms\nfrom autapse_sim import Activation, Neuron\n"
        "neuron = Neuron(equations='''do/dt = (-o + f)/tau_m + 0.1*tau_m**-0.5*xi : 1\na = drive + input + bias : 1\n"
        "activity = o : 1''', activations={'sigmoid': Activation('1/(1 + exp(-a))', 'f*(1 - f)')},"
        " parameters={'tau_m': 1*ms})\n"
    )
    task, protocol = ap.BouncingBall(steps=100), ap.Protocol(replicates=6, train=2, validate=0, test=1, record=6)
    runs = {
        name: ap.train(ap.Circuit(neuron=neuron), task, replace(protocol, **changed), engine="standalone").data
        for name, neuron, changed in (
            ("noisy", str(path), {}),
            ("again", str(path), {}),
            ("fewer", str(path), {"replicates": 4}),
            ("silent", "rate", {}),
        )
    }
    noise = (runs["noisy"].trace_activity - runs["silent"].trace_activity)[:, 0]
    assert noise.std() == pytest.approx(0.1, rel=0.15)
    between = np.corrcoef(noise.values.reshape(6, -1))
    assert np.abs(between[~np.eye(6, dtype=bool)]).max() < 0.4
    np.testing.assert_array_equal(runs["noisy"].W, runs["again"].W)
    np.testing.assert_allclose(runs["noisy"].W[:4], runs["fewer"].W, rtol=0, atol=EXACT)
    slow = ap.train(ap.Circuit(neuron=str(path)), task, protocol, engine="runtime").data
    assert np.abs(slow.trace_activity - runs["noisy"].trace_activity).max() <= EXACT
    np.testing.assert_allclose(slow.W, runs["noisy"].W, rtol=0, atol=EXACT)


def test_blocks_of_replicates_are_one_run(monkeypatch):
    from autapse_sim.training import train as experiment

    task, protocol = ap.BouncingBall(steps=20), ap.Protocol(replicates=7, train=2, validate=1, test=2, record=4)
    rng = np.random.default_rng(0)
    arrays = ap.ArrayTask(rng.random((7, 5, 20, 2)), rng.random((7, 5, 20, 2)))
    eta = np.linspace(0.01, 0.1, 7)
    for shown in (task, arrays):
        whole = ap.train(ap.Circuit(), shown, protocol, parameters={"eta": eta}).data
        with monkeypatch.context() as patch:
            patch.setattr(experiment, "at_once", lambda *arguments: 3)
            blocks = ap.train(ap.Circuit(), shown, protocol, parameters={"eta": eta}).data
        assert whole.sizes == blocks.sizes
        for name in whole.variables:
            if whole[name].dtype.kind == "f":
                np.testing.assert_allclose(whole[name], blocks[name], rtol=0, atol=EXACT, err_msg=name)
            else:
                np.testing.assert_array_equal(whole[name], blocks[name])
        assert np.ptp(whole.W.values, axis=0).min() > 0


LINES = """
    const double _a = _ptr_a[_postsynaptic_idx];
    const double o = _ptr_o[_presynaptic_idx];
    const double slope = 1.0 - tanh(_a);
    double s = _ptr_s[_idx];
    const double other = s*slope;
    s = s + slope*o;
    _ptr_s[_idx] = s;
""".strip("\n").split("\n")


def test_functions_of_postsynaptic_neurons_are_found_for_all_of_them_first():
    early, kept, rest = synapses._rows(LINES)
    assert early == [LINES[0], LINES[2]]
    assert kept == [("double", "slope")]
    assert rest == [LINES[1], *LINES[3:]]
    assert synapses._rows([line.replace("tanh", "") for line in LINES])[0] == []
    alone = ["const double _synaptic_var = exp(_ptr_a[_postsynaptic_idx]);"]
    assert synapses._rows(alone) == (alone, [("double", "_synaptic_var")], [])
    noise = ["const double _synaptic_var = _randn(_vectorisation_idx)*exp(_ptr_a[_postsynaptic_idx]);"]
    assert synapses._rows(noise) == ([], [], noise)


def test_long_runs_are_shared_by_the_cores(make_job, monkeypatch):
    job = make_job(replicates=4, steps=50)
    parts = []
    play = playing._side_by_side
    monkeypatch.setattr(
        playing, "_side_by_side", lambda *arguments: parts.append(len(arguments[2])) or play(*arguments)
    )
    monkeypatch.setattr(playing, "cores", lambda: 2)
    simulate(job, "standalone")
    monkeypatch.setattr(playing, "WORTH_SPLITTING", 1)
    simulate(job, "standalone")
    assert parts == [1, 2]
