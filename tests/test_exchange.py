"""What is written for other programs says what the result says, and is read back as it was."""

import json
from functools import cache

import numpy as np
import pytest
from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.errors import InputError
from autapse_sim.results import recordings
from autapse_sim.training.draws import draw

TASK = ap.BouncingBall(steps=30)
LIVELY = {"v_th": 0.2, "v_reset": -0.05, "tau_m": "8 ms", "tau_out": "5 ms"}
NETWORKS = {
    "lif_hard": ({"rule": "eprop", "learn": ("W", "U", "b", "V", "c")}, LIVELY | {"eta": 0.03}),
    "leaky": (
        {"rule": "rflo", "learn": ("W", "U", "b", "V", "c"), "activation": "linear"},
        {"tau_m": "6 ms", "eta": 1e-3, "eta_out": 1e-3},
    ),
    "rate": (
        {"rule": "dfa", "learn": ("W", "V"), "activation": "linear", "substeps": 2},
        {"tau_m": "10 ms", "eta": 1e-3, "eta_out": 1e-3},
    ),
}


PROTOCOL = ap.Protocol(replicates=2, train=6, test=4)


@cache
def trained(neuron):
    fields, values = NETWORKS[neuron]
    circuit = ap.Circuit(neuron=neuron, neurons=12, readout="random", feedback="symmetric", **fields)
    return ap.train(circuit, TASK, PROTOCOL, parameters=values, engine="runtime")


@pytest.fixture(scope="module")
def spikes():
    return trained("lif_hard")


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow if name == "leaky" else ()) for name in NETWORKS]
)
def network(request):
    return trained(request.param)


def again(network, **changes):
    """What the network that was read predicts of the same trajectories."""
    protocol = ap.Protocol(replicates=1, train=6, test=4)
    weights = network.weights if not changes else ap.Weights(**{**dict(network.weights.items()), **changes})
    values = dict(network.parameters)
    return ap.train(network.circuit, TASK, protocol, weights=weights, parameters=values, engine="runtime").data


def test_nir_round_trip_predicts_the_same(network, tmp_path):
    pytest.importorskip("nir")
    data = network.data
    before = draw(ap.Circuit(**json.loads(data.attrs["circuit"])), TASK, PROTOCOL).weights
    assert 1e-7 < abs(data.W[0].values - before.W[0]).max() < 10  # something was learned
    path = ap.export.write(network, tmp_path / "net.nir")
    read = ap.export.from_nir(path)
    assert read.circuit.neuron == json.loads(data.attrs["circuit"])["neuron"]
    for name in ("W", "U", "V"):
        np.testing.assert_array_equal(getattr(read.weights, name)[0], data[name][0].values)
    mine = again(read)
    np.testing.assert_allclose(mine.prediction[0].values, data.prediction[0].values, rtol=0, atol=1e-12)
    assert np.std(data.prediction[0].values) > 1e-3
    if "trace_spikes" in data and data.trace_spikes.notnull().any():
        assert data.trace_spikes.sel(phase="test 1")[0].sum() > 10
    moved = again(read, W=read.weights.W * 1.05)
    assert abs(moved.prediction[0].values - data.prediction[0].values).max() > 1e-6  # W matters


def test_nir_nodes_are_those_that_other_programs_read(tmp_path):
    nir = pytest.importorskip("nir")
    graph = nir.read(ap.export.write(trained("lif_hard"), tmp_path / "net.nir", replicate=1))
    assert {name: type(node).__name__ for name, node in graph.nodes.items()} == {
        "input": "Input", "U": "Affine", "neurons": "LIF", "W": "Linear", "filter": "LI", "V": "Affine",
        "output": "Output"
    }  # fmt: skip
    np.testing.assert_array_equal(graph.nodes["neurons"].tau, np.full(12, 0.008))
    np.testing.assert_array_equal(graph.nodes["neurons"].v_reset, np.full(12, -0.05))
    assert {("neurons", "W"), ("W", "neurons")} <= set(graph.edges)


@pytest.mark.slow
def test_nir_of_a_comparison_is_of_the_rule_that_is_named(tmp_path):
    nir = pytest.importorskip("nir")
    circuit = ap.Circuit(activation="linear", neurons=4, readout="random", learn=("W",))
    protocol = ap.Protocol(replicates=3, train=5, validate=2, test=2)
    compared = ap.compare(
        ("dfa", "autapse"), task=ap.BouncingBall(steps=10), circuit=circuit, protocol=protocol, etas=(1e-4,)
    )
    written = {
        rule: nir.read(ap.export.write(compared, tmp_path / f"{rule}.nir", replicate=2, rule=rule)).nodes
        for rule in ("dfa", "autapse")
    }
    for rule, nodes in written.items():
        np.testing.assert_array_equal(nodes["W"].weight, compared.data.W.sel(rule=rule).values[2])
        np.testing.assert_array_equal(nodes["neurons"].tau, np.full(4, 0.001))
    assert abs(written["dfa"]["W"].weight - written["autapse"]["W"].weight).max() > 1e-6
    with pytest.raises(InputError, match="replicate"):
        ap.export.to_nir(compared, replicate=3)
    compared.data.W[0, 1, 0, 0] = np.nan
    with pytest.raises(InputError, match="network 1 of dfa diverged"):
        ap.export.to_nir(compared, replicate=1, rule="dfa")


def simulated(graph, x):
    """What NIR's equations say of a graph, in steps of 1 ms, with a spike as a pulse of 1 for a step: its output."""
    cell, filtered = graph.nodes["neurons"], graph.nodes.get("filter")
    alpha = 1 - 1e-3 / cell.tau if filtered is None else np.exp(-1e-3 / cell.tau)  # as the neurons are integrated
    v, sent, o = (np.zeros(len(cell.tau)) for _ in range(3))
    said = []
    for shown in x:
        current = graph.nodes["U"].weight @ shown + graph.nodes["U"].bias + graph.nodes["W"].weight @ sent
        v = alpha * v + (1 - alpha) * (cell.v_leak + cell.r * current)
        if filtered is None:
            sent = o = v
        else:
            sent = (v > cell.v_threshold).astype(float)
            v = np.where(sent > 0, cell.v_reset, v)
            kappa = np.exp(-1e-3 / filtered.tau)
            o = kappa * o + (1 - kappa) * filtered.r * sent
        said.append(graph.nodes["V"].weight @ o + graph.nodes["V"].bias)
    return np.array(said)


@pytest.mark.parametrize("neuron", ["lif_hard", "leaky"])
def test_what_nir_says_of_a_file_is_what_the_network_predicts(neuron, tmp_path):
    nir = pytest.importorskip("nir")
    result = trained(neuron)
    graph = nir.read(ap.export.write(result, tmp_path / "net.nir"))
    shown = recordings.recording(result, "stimulus", "test 1", 0).transpose("step", ...).values
    mine = result.data.prediction.isel(trajectory=0).values[0]
    np.testing.assert_allclose(simulated(graph, shown), mine, rtol=0, atol=1e-12)
    assert np.std(mine) > 1e-3
    graph.nodes["neurons"].tau = graph.nodes["neurons"].tau * 1.1
    assert abs(simulated(graph, shown) - mine).max() > 1e-4


def test_a_file_of_another_program_is_read(tmp_path):
    nir = pytest.importorskip("nir")
    n, rng = 3, np.random.default_rng(0)
    lif = nir.LIF(np.array([0.01, 0.02, 0.03]), np.ones(n), np.zeros(n), np.full(n, 0.1))
    nodes = {"in": nir.Input(np.array([2])), "fc": nir.Linear(rng.normal(size=(n, 2))), "lif": lif}
    nodes |= {"li": nir.LI(np.full(n, 0.005), np.ones(n), np.zeros(n)), "out_fc": nir.Linear(rng.normal(size=(2, n)))}
    nodes |= {"out": nir.Output(np.array([2]))}
    edges = [("in", "fc"), ("fc", "lif"), ("lif", "li"), ("li", "out_fc"), ("out_fc", "out")]
    nir.write(tmp_path / "other.nir", nir.NIRGraph(nodes, edges))
    read = ap.export.from_nir(tmp_path / "other.nir")
    assert not read.weights.W.any()
    np.testing.assert_array_equal(np.asarray(read.parameters["tau_m"]), [[0.01, 0.02, 0.03]])
    assert np.isfinite(again(read).prediction).all()


@pytest.mark.parametrize("said", ['{"neuron": "evil.py"}', '{"neuron": ["rate"]}', "[1]", "{", "3"])
def test_metadata_of_a_file_names_no_code_to_run(said, spikes, tmp_path, monkeypatch):
    nir = pytest.importorskip("nir")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    graph = ap.export.to_nir(spikes)
    graph.metadata["autapse_sim"] = said
    nir.write("other.nir", graph)
    with pytest.raises(InputError, match="not what autapse_sim writes"):
        ap.export.from_nir("other.nir")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"neuron": "lif", "rule": "eprop"}, "NIR has no neuron lif; .* lif_hard is the same with NIR's reset"),
        ({"neuron": "leaky", "rule": "rflo", "activation": "tanh"}, "NIR has no activation tanh"),
        ({"neuron": "lif_hard", "rule": "autapse", "delay": 2}, "a delay"),
        ({"neuron": "lif_hard", "rule": "autapse", "returned": True}, "a prediction that is returned"),
        ({"neuron": "lif_hard", "rule": "autapse", "loss": "cross-entropy"}, "no softmax"),
    ],
)
def test_what_nir_cannot_say_is_refused_by_name(changes, says, spikes, tmp_path):
    pytest.importorskip("nir")
    told = json.loads(spikes.data.attrs["circuit"]) | {"activation": "linear", "delay": 0} | changes
    result = ap.Result(spikes.data.assign_attrs(circuit=json.dumps(told)))
    with pytest.raises(InputError, match=says):
        ap.export.write(result, tmp_path / "net.nir")
    assert not (tmp_path / "net.nir").exists()


def test_what_no_circuit_is_is_refused_by_name(tmp_path):
    nir = pytest.importorskip("nir")
    nodes = {"in": nir.Input(np.array([2])), "pool": nir.Threshold(np.ones(2)), "out": nir.Output(np.array([2]))}
    nir.write(tmp_path / "odd.nir", nir.NIRGraph(nodes, [("in", "pool"), ("pool", "out")]))
    with pytest.raises(InputError, match=r"no circuit has the node pool \(Threshold\)"):
        ap.export.from_nir(tmp_path / "odd.nir")
    (tmp_path / "no.nir").write_text("nothing")
    with pytest.raises(InputError, match="cannot be read as NIR"):
        ap.export.from_nir(tmp_path / "no.nir")
    with pytest.raises(InputError, match="cannot be read"):
        ap.export.from_nir(tmp_path / "missing.nir")


def test_nwb_holds_spikes_trials_series_and_weights(spiking, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    path = ap.export.write(spiking, tmp_path / "run.nwb", replicate=1)
    with pynwb.NWBHDF5IO(str(path), "r") as held:
        file = held.read()
        assert list(file.trials["phase"][:]) == ["training 1", "training 9", "test 1"]
        counts = np.concatenate(list(spiking.data.trace_spikes[1].values))  # (steps of all phases, neurons)
        assert counts.sum() > 0
        for neuron in range(counts.shape[1]):
            binned, _ = np.histogram(file.units["spike_times"][neuron], np.arange(len(counts) + 1) * 1e-3 - 1e-9)
            np.testing.assert_array_equal(binned, counts[:, neuron])
        np.testing.assert_array_equal(file.get_scratch("W"), spiking.data.W[1].values)
        shown = np.concatenate(list(spiking.data.trace_stimulus[1].values))
        np.testing.assert_array_equal(file.acquisition["stimulus"].data[:], shown)
        assert file.acquisition["stimulus"].rate == 1000
        assert json.loads(file.notes)["rule"] == "autapse"


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tidy_tables_hold_every_number(spikes, suffix, tmp_path):
    pd = pytest.importorskip("pandas")
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = ap.export.write(spikes, tmp_path / f"mse.{suffix}")
    frame = pd.read_csv(path, dtype=str).astype({"mse": float}) if suffix == "csv" else pd.read_parquet(path)
    assert list(frame) == ["replicate", "trajectory", "mse"]
    np.testing.assert_array_equal(frame.mse.values.reshape(spikes.data.mse.shape), spikes.data.mse.values)
    weights = spikes.to_frame("W")
    row = weights[(weights.replicate == 1) & (weights.post == 2) & (weights.pre == 3)]
    assert row.W.item() == spikes.data.W[1, 2, 3].item()


@pytest.mark.parametrize(
    ("names", "says"), [("msee", "unknown variable"), (["mse", "W"], "the same axes"), ([], "one or more")]
)
def test_tables_that_cannot_be(spikes, names, says):
    with pytest.raises(InputError, match=says):
        spikes.to_frame(names)


def test_the_command(spikes, tmp_path):
    spikes.save(tmp_path / "run.nc")
    done = CliRunner().invoke(main, ["export", str(tmp_path / "run.nc"), str(tmp_path / "W.csv"), "--name", "W"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "W.csv").read_text().startswith("replicate,post,pre,W")
    for words, says in (
        (["x.txt"], "unknown ending of a file '.txt'"),
        (["x.nir", "--name", "W"], "take no option names"),
        (["x.csv", "--name", "no"], "unknown variable 'no'"),
    ):
        failed = CliRunner().invoke(main, ["export", str(tmp_path / "run.nc"), str(tmp_path / words[0]), *words[1:]])
        assert failed.exit_code == 2
        assert says in failed.output


@pytest.mark.parametrize(("suffix", "package"), [("nir", "nir"), ("nwb", "pynwb")])
def test_where_a_package_is_missing(spiking, suffix, package, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install autapse_sim\[{suffix}\]"):
        ap.export.write(spiking, tmp_path / f"x.{suffix}")
