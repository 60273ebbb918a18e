"""Training that goes on from a result gives the bits of training that was never interrupted."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.spec.protocol import Protocol

ENGINES = ["numpy", "runtime", "reference", *(["standalone"] if compiler() else [])]
BRIAN = ENGINES[1:]
TASK = ap.BouncingBall(steps=6)
WHOLE = Protocol(replicates=3, train=100, validate=0, test=2, record=1)
BATCH = {"update": "batch", "batch": 4, "optimiser": "adam"}
LIF = {"neuron": "lif", "rule": "eprop", "readout": "random", "learn": ("W", "V")}
LARGE = {"neurons": 32, "readout": "random", "learn": ("W", "b", "V", "c")}
LASTS = ap.Rule(
    trace="dk/dt = (activity - k)/(10*step) : 1",
    postsynaptic="mean : 1\nseen : 1",
    eligibility="p : 1",
    update="p += 0.01*feedback_post*k_pre; w -= 0.1*p*mean_post",
    finish="w -= 0.01*seen_post*p",
    finish_postsynaptic="mean = 0.9*mean + 0.1*activity; seen += mean",
    initial={"mean": 0.5},
    lasting=("k", "mean", "seen", "p"),
)
"""A rule with states of each kind that last."""
CASES = {
    "sgd at every step": ({}, {}),
    "momentum at every step": ({"rule": "dfa"}, {"optimiser": "momentum"}),
    "Adam after trajectories": ({"learn": ("W", "U", "b", "V")}, {"optimiser": "adam", "update": "trajectory"}),
    "Adam over batches": ({"rule": "rflo"}, BATCH),
    "32 neurons": (LARGE, {"optimiser": "adam-hat"}),
}
SPIKING = {
    "spikes, at every step": ({**LIF, "neurons": 2}, {}),
    "32 spiking neurons, Adam over batches": ({**LIF, "neurons": 32}, BATCH),
    "states of a rule that last": ({"rule": LASTS}, {"optimiser": "momentum", "update": "trajectory"}),
    "recursive least squares": ({"readout_rule": "force", "learn": ("V",)}, {}),
    "limits that go by the first weights": ({}, {"constraints": ("sparse", "dale"), "bound": 0.9}),
    "nothing begins anew": ({"substeps": 2}, {"reset": False, "optimiser": "adam"}),
    "spikes that go on": ({**LIF, "neurons": 4}, {"reset": False}),
}
"""What the discrete network does not have."""
NOISY = {
    "noise of the rule": ({"rule": "node_perturbation"}, {}),
    "spikes on their way": ({**LIF, "neurons": 4, "delay": 2}, {"reset": False}),
}
"""What the reference does not have."""
DISCRETE = {
    "back-propagation": ({"rule": "bptt", "learn": ("W", "U", "b", "V", "c")}, BATCH),
    "random signs": ({"rule": "uoro"}, {"optimiser": "momentum"}),
}
QUICK = {"momentum at every step", "spikes that go on", "states of a rule that last"}
"""What the modes of Brian2 and the reference, which take seconds, show in a default run."""
RUNS = [(engine, name) for engine in ENGINES for name in CASES]
RUNS += [(engine, name) for engine in BRIAN for name in SPIKING]
RUNS += [(engine, name) for engine in BRIAN if engine != "reference" for name in NOISY]
RUNS += [("numpy", name) for name in DISCRETE]
RUNS = [pytest.param(*run, marks=pytest.mark.slow if run[0] != "numpy" and run[1] not in QUICK else ()) for run in RUNS]
ALL = CASES | SPIKING | NOISY | DISCRETE


def setting(name, engine):
    """Circuit, protocol and where the protocol is cut; slow engines show fewer trajectories."""
    circuit, protocol = ALL[name]
    slow = engine in ("runtime", "reference")
    whole = replace(WHOLE, train=12 if slow else 100, **protocol)
    if whole.batch > 1:
        return ap.Circuit(**circuit), whole, (4, 8) if slow else (4, 60, 96)
    return ap.Circuit(**circuit), whole, (1, 11) if slow else (1, 60, 99)


def agree(one, other):
    """Whether two results agree to the bit in weights, states, tests and controls."""
    names = [name for name in one if name.startswith(("state_", "mse", "control_", "prediction", *"WUVbc"))]
    names = [name for name in names if name != "mse_train" and not name.endswith("checkpoint")]
    assert {"W", "V", "mse", "prediction"} <= {*names}
    assert {*names} <= {*other}
    return all(np.array_equal(one[name], other[name], equal_nan=True) for name in names)


@pytest.mark.parametrize(("engine", "name"), RUNS)
def test_training_that_goes_on_gives_the_bits_of_one_that_was_not_interrupted(engine, name, tmp_path):
    circuit, whole, cuts = setting(name, engine)
    expected = ap.train(circuit, TASK, replace(whole, checkpoints=cuts), engine=engine).data
    learned = circuit.learn[0]
    moved = np.abs(expected[f"{learned}_checkpoint"].diff("checkpoint")) > 1e-12
    assert moved.mean() > 0.25  # many synapses of spiking neurons are silent
    assert np.isfinite(expected[learned]).all()
    for cut in cuts:
        first = ap.train(circuit, TASK, replace(whole, train=cut, test=0), engine=engine)
        np.testing.assert_array_equal(first.data[learned], expected[f"{learned}_checkpoint"].sel(checkpoint=cut))
        if cut == cuts[-1]:  # once by way of a file
            first.save(tmp_path / "first.nc")
            first = ap.load(tmp_path / "first.nc")
        rest = replace(whole, train=whole.train - cut)
        found = ap.train(circuit, TASK, rest, engine=engine, start=first).data
        assert agree(expected, found), cut
        np.testing.assert_array_equal(found.mse_train, expected.mse_train.sel(training_trajectory=slice(cut + 1, None)))


@pytest.mark.parametrize("engine", ENGINES)
def test_another_seed_and_states_that_are_left_out_do_not_agree(engine):
    circuit, whole = ap.Circuit(rule="dfa"), replace(WHOLE, train=8, optimiser="adam")
    first = ap.train(circuit, TASK, replace(whole, train=4), engine=engine)
    rest = replace(whole, train=4)
    expected = ap.train(circuit, TASK, whole, engine=engine).data
    assert agree(expected, ap.train(circuit, TASK, rest, engine=engine, start=first).data)
    assert not agree(expected, ap.train(circuit, TASK, replace(whole, seed=1), engine=engine).data)
    forgetful = first.data.assign(state_W_moment=0 * first.data.state_W_moment)
    assert not agree(expected, ap.train(circuit, TASK, rest, engine=engine, start=ap.Result(forgetful)).data)


def test_several_pieces_are_as_good_as_two():
    circuit, whole = ap.Circuit(learn=("W", "V")), replace(WHOLE, optimiser="momentum", validate=2, validate_every=4)
    expected = ap.train(circuit, TASK, whole, engine="numpy").data
    result = None
    for train in (40, 20, 40):
        result = ap.train(circuit, TASK, replace(whole, train=train), engine="numpy", start=result)
    assert agree(expected.drop_vars("mse_validate"), result.data)
    last = expected.mse_validate.sel(validation=result.data.validation)
    np.testing.assert_array_equal(result.data.mse_validate, last)
    assert result.data.training_trajectory.values.tolist() == list(range(61, 101))
    assert result.data.phase.values.tolist() == ["training 61", "training 100", "test 1"]
    assert json.loads(result.data.attrs["notes"]) == ["goes on from a result after 60 training trajectories"]


@pytest.mark.parametrize("engine", ["numpy", *(["standalone"] if compiler() else [])])
def test_blocks_of_replicates_go_on_each_from_its_own(engine, monkeypatch):
    from autapse_sim.training import train as experiment

    monkeypatch.setattr(experiment, "at_once", lambda *arguments: 2)
    circuit, whole = ap.Circuit(), replace(WHOLE, replicates=5, train=10, optimiser="momentum", record=3)
    first = ap.train(circuit, TASK, replace(whole, train=6), engine=engine)
    expected = ap.train(circuit, TASK, whole, engine=engine).data
    rest = replace(whole, train=4)
    assert agree(expected, ap.train(circuit, TASK, rest, engine=engine, start=first).data)
    monkeypatch.setattr(experiment, "at_once", lambda *arguments: 3)
    other = ap.train(circuit, TASK, rest, engine=engine, start=first).data
    assert agree(expected, other)
    assert "2 replicates run at a time" in other.attrs["notes"]


def test_given_weights_and_arrays_go_on_where_they_are_the_same():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 12, 6, 2))
    task, circuit = ap.ArrayTask(x, x[..., ::-1]), ap.Circuit(rule="dfa")
    shape = {"W": (2, 2), "U": (2, 2), "V": (2, 2), "B": (2, 2)}
    weights = ap.Weights(**{name: rng.normal(size=(3, *size)) for name, size in shape.items()})
    whole, given = replace(WHOLE, train=10), {"weights": weights, "engine": "numpy"}
    first = ap.train(circuit, task, replace(whole, train=5), **given)
    rest = replace(whole, train=5)
    assert agree(ap.train(circuit, task, whole, **given).data, ap.train(circuit, task, rest, start=first, **given).data)
    for other_task, other in (
        (task, {"engine": "numpy"}),
        (ap.ArrayTask(x + (np.arange(12) == 3)[:, None, None], x[..., ::-1]), given),
    ):
        with pytest.raises(ap.InputError, match="initial weights, or the first 5 training trajectories, are others"):
            ap.train(circuit, other_task, rest, start=first, **other)


CHANGED = {
    "circuit.activation is 'sigmoid' in the result and 'tanh' here": {"circuit": ap.Circuit(activation="tanh")},
    "protocol.seed is 0 in the result and 1 here": {"protocol": replace(WHOLE, train=2, seed=1)},
    "protocol.optimiser is 'sgd' in the result": {"protocol": replace(WHOLE, train=2, optimiser="adam")},
    "protocol.replicates is 3 in the result and 4 here": {"protocol": replace(WHOLE, train=2, replicates=4)},
    "task.speed is 0.05 in the result and 0.1 here": {"task": replace(TASK, speed=0.1)},
    "task.name is 'BouncingBall' in the result and 'AddTask' here": {"task": ap.AddTask(steps=20)},
    "parameter eta is 0.03 in the result and 0.1 here": {"parameters": {"eta": 0.1}},
    "engine is 'numpy' in the result and 'reference' here": {"engine": "reference"},
}


@pytest.fixture(scope="module")
def two():
    """The result of two training trajectories."""
    return ap.train(ap.Circuit(), TASK, replace(WHOLE, train=2), engine="numpy")


@pytest.mark.parametrize("said", CHANGED)
def test_what_differs_is_refused_by_its_name(said, two):
    same = {"circuit": ap.Circuit(), "task": TASK, "protocol": replace(WHOLE, train=2), "engine": "numpy"}
    with pytest.raises(ap.InputError, match=f"start: {said}"):
        ap.train(**{**same, **CHANGED[said]}, start=two)


def test_other_models_versions_and_machines_are_refused(two):
    def start(**attributes):
        return ap.Result(two.data.assign_attrs(attributes))

    provenance = {**json.loads(two.data.attrs["provenance"]), "numpy": "1.0"}
    going = json.loads(two.data.attrs["goes_on"])
    elsewhere = {**going, "shares": {**going["shares"], "machine": "another"}}
    for said, given in {
        "the texts of the models are others": start(equations="dk/dt = 0"),
        "made with numpy 1.0": start(provenance=json.dumps(provenance)),
        "another compiler or processor": start(goes_on=json.dumps(elsewhere)),
        "damaged where it says how to go on": start(goes_on=json.dumps({**going, "states": ["W_moment"]})),
        "does not say how to go on": ap.Result(two.data.drop_attrs()),
        "a result is 'first.nc'; it must be a Result": "first.nc",
    }.items():
        with pytest.raises(ap.InputError, match=said):
            ap.train(ap.Circuit(), TASK, replace(WHOLE, train=2), engine="numpy", start=given)


def test_a_part_of_a_result_and_one_in_another_order_are_refused(two):
    def start(data):
        return ap.train(ap.Circuit(), TASK, replace(WHOLE, train=2), engine="numpy", start=ap.Result(data))

    data = two.data
    assert agree(start(data).data, start(data.copy()).data)
    for part, has in {(2,): r"\[2\]", (0, 1): r"\[0, 1\]", (1, 0, 2): r"\[1, 0, 2\]"}.items():
        with pytest.raises(ap.InputError, match=f"start: the result has the replicates {has}; it must have all 3"):
            start(data.isel(replicate=list(part)))
    for other in (data.assign(W=data.W.transpose("replicate", "pre", "post")), data.mean("replicate", keep_attrs=True)):
        with pytest.raises(ap.InputError, match="start: the result is not as train made it: '"):
            start(other)


def test_what_cannot_go_on_to_the_bit_is_refused():
    still = replace(WHOLE, train=2, reset=False)
    first = ap.train(ap.Circuit(), TASK, still, engine="reference")
    with pytest.raises(ap.InputError, match="without reset what is validated is part of what is learned"):
        ap.train(ap.Circuit(), TASK, replace(still, validate=2), engine="reference", start=first)
    late = ap.Circuit(delay=2)
    first = ap.train(late, TASK, still, engine="reference")
    with pytest.raises(ap.InputError, match="engine 'reference' cannot go on with what is on its way"):
        ap.train(late, TASK, still, engine="reference", start=first)
