"""Random numbers in the texts of models: of each network's own seed, wherever they stand."""

import numpy as np
import pytest
from meaning.models import ENGINES, EXACT, RELAY, spikes_only, trained

import autapse_sim as ap

DRAWING = [name for name in ENGINES if name != "reference"]
"""The reference draws no random numbers, and says so."""
STATE = "dv/dt = 0.1*input/ms : 1\n" + RELAY["equations"]


FIELDS = {
    "threshold": {"threshold": "rand() < 0.5"},
    "initial": {"initial": {"v": "rand()"}, "threshold": "v > 0.5"},
    "reset": {"reset": "v = rand(); o += 1", "threshold": "v >= 0"},
    "pseudo_derivative": {"pseudo_derivative": "rand()"},
    "activity": {"equations": STATE.replace("activity = o", "activity = o + randn()")},
    "sent": {"equations": STATE.replace("sent = ", "sent = randn()*")},
    "refractory": {"refractory": "rand()*5*ms"},
    "initial of a synapse": {"rule": {"eligibility": "q : 1", "initial": {"q": "rand()"}, "update": "w += q"}},
    "initial of a trace": {"rule": {"trace": "q : 1", "initial": {"q": "rand()"}, "update": "w += q_pre"}},
    "what is summed": {
        "rule": {"eligibility": "q_post = rand() : 1 (summed)", "postsynaptic": "q : 1", "update": "w += q"}
    },
}
UPDATE = {"pseudo_derivative": "w += f_prime_post", "sent": "w += sent_post"}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("engine", DRAWING)
def test_a_network_draws_by_its_own_seed(files, engine, field):
    given = dict(FIELDS[field])
    rule = files.rule(**({"update": UPDATE.get(field, "w += activity_post + v_post")} | given.pop("rule", {})))
    circuit = ap.Circuit(neuron=files.neuron(**(RELAY | {"equations": STATE} | given)), rule=rule)
    x = np.ones((2, 4, 2))

    def W(replicates, by, seed=0):
        start = ap.Weights(**{name: np.repeat(each, replicates, axis=0) for name, each in spikes_only().items()})
        task = ap.ArrayTask(np.repeat(x[None], replicates, axis=0), np.repeat(x[None], replicates, axis=0))
        how = ap.Protocol(replicates, train=2, validate=0, test=0, seed=seed)
        return ap.train(circuit, task, how, start, engine=by).data.W.values

    three = W(3, engine)
    assert np.abs(three[:1] - W(1, "runtime")).max() <= EXACT
    assert np.abs(three - W(3, "runtime")).max() <= EXACT
    assert np.abs(three[1] - three[0]).max() > 1e-3
    assert np.abs(three - W(3, "runtime", seed=1)).max() > 1e-3


@pytest.mark.parametrize("engine", DRAWING)
def test_a_threshold_at_random_and_starts_at_random_have_their_distribution(files, engine):
    neuron = files.neuron(
        STATE, threshold="rand() < 0.3", reset="o += 0", initial={"v": "2*rand()"}, parameters="{'tau_o': 20*ms}"
    )
    circuit = ap.Circuit(neuron=neuron, neurons=50, readout="random", learn=())
    start = ap.Weights(np.zeros((1, 50, 50)), np.zeros((1, 50, 1)), np.zeros((1, 1, 50)), np.zeros((1, 50, 1)))
    data = trained(circuit, np.zeros((4, 100, 1)), engine=engine, start=start, train=0, test=4)
    spikes, v = data.trace_spikes.values[0], data.trace_v.values[0, :, 0]
    assert spikes.mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / spikes.size))
    assert np.corrcoef(spikes.reshape(-1, 50).T)[np.triu_indices(50, 1)].mean() == pytest.approx(0, abs=0.02)
    assert v.mean() == pytest.approx(1, abs=5 * 0.58 / np.sqrt(v.size))
    assert v.std() == pytest.approx(2 / np.sqrt(12), rel=0.15)
    assert np.unique(v).size == v.size


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("field", ["equations", "eligibility", "trace", "postsynaptic"])
def test_an_expression_that_would_be_drawn_wherever_it_is_read_is_refused(files, engine, field):
    equations = RELAY["equations"] + "\nn = randn() : 1" * (field == "equations")
    reads = {"eligibility": "n", "trace": "n_pre"}.get(field, "n_post")
    rule = files.rule(f"w += {reads}", **({} if field == "equations" else {field: "n = randn() : 1"}))
    circuit = ap.Circuit(neuron=files.neuron(**(RELAY | {"equations": equations})), rule=rule)
    with pytest.raises(
        ap.InputError, match=r"(neuron|rule)\.py, line \d+: 'n' draws random numbers, .*write randn\(\)"
    ):
        trained(circuit, np.ones((1, 2, 2)), engine=engine, start=spikes_only())
