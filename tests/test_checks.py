"""What a user gives: normalised where it is as good, else refused in one line that says what is right."""

import contextlib
import json
import pickle
from dataclasses import asdict, replace
from fractions import Fraction
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from brian2 import ms
from odd import ODD

import autapse_sim as ap
from autapse_sim import checks, plots, recordings
from autapse_sim.errors import InputError
from autapse_sim.experiments import compare as comparison
from autapse_sim.names import one_of
from autapse_sim.training import draws, sizes
from autapse_sim.training import train as experiment

pytestmark = pytest.mark.usefixtures("no_workers")

SMALL = ap.Protocol(replicates=2, train=2, validate=1, test=1)
TASK = ap.BouncingBall(steps=6)
DFA = ap.Circuit(rule="dfa")


def train(circuit=DFA, task=TASK, protocol=SMALL, **options):
    return ap.train(circuit, task, protocol, **{"engine": "numpy", **options})


def test_numbers_of_every_library_become_pythons():
    for given in (3, np.int8(3), np.uint64(3), np.array(3)):
        assert type(checks.whole("n", given)) is int
    for given in (1, 0.5, np.float16(0.5), np.longdouble(0.5), Fraction(1, 2), np.array(0.5)):
        assert type(checks.real("x", given)) is float
    for given in (True, np.True_, np.array(True)):
        assert checks.truth("b", given) is True


def test_what_is_no_small_whole_number_is_refused():
    taken = []
    for given in ODD:
        with contextlib.suppress(InputError):
            taken.append(checks.whole("n", given, most=99))
    assert taken == [0, 3]


def test_an_error_is_one_printable_line_whatever_it_tells_of():
    for given in ODD:
        with pytest.raises(InputError) as caught:
            one_of("rule", given, ["dfa"])
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 300
    assert str(pickle.loads(pickle.dumps(InputError("a\nb")))) == "a b"


def test_a_value_that_cannot_show_itself_is_refused_like_others():
    class Silent:
        def __repr__(self):
            raise RuntimeError

    with pytest.raises(InputError, match="neurons is <Silent instance"):
        ap.Circuit(neurons=Silent())


def test_names_come_as_tuples_without_doubles():
    assert ap.Circuit(learn=["W", "b", "W"]).learn == ("W", "b")
    assert ap.Circuit(learn={"b", "W"}).learn == ("W", "b")
    assert ap.Circuit(learn=np.array(["W"])).learn == ("W",)
    assert ap.Circuit(learn=()).learn == ()
    assert ap.Protocol(constraints="dale").constraints == ("dale",)
    for wrong in (None, b"W", 3, {"W": 1}, ["W", 3], np.array([["W"]])):
        with pytest.raises(InputError, match="learn"):
            ap.Circuit(learn=wrong)


def test_what_is_settled_is_plain_and_the_same_again():
    circuit = ap.Circuit(rule=Path("a/b.py"), neurons=np.int64(4), learn=["W"], returned=np.False_, delay=np.int8(2))
    protocol = ap.Protocol(replicates=np.int8(100), epsilon=np.float32(0.5), bound=np.array([-1, 1]), reset=np.True_)
    ball = ap.BouncingBall(steps=np.int16(10), noise=np.float32(0.5), occlusion=[np.int8(1), 3], centred=np.False_)
    for settled in (circuit, protocol, ball):
        told = json.loads(json.dumps(asdict(settled)))
        assert type(settled)(**{**told, **({"rule": circuit.rule} if settled is circuit else {})}) == settled


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ap.Circuit(rule=None), r"rule is None; it must be a name, the path of a file, or an object Rule\("),
        (lambda: ap.Circuit(rule=b"dfa"), "rule is b'dfa'; it must be a name"),
        (lambda: ap.Circuit(neuron=3), "neuron is 3; it must be a name"),
        (lambda: ap.Circuit(rule="\udcff.py"), "without what is no UTF-8"),
        (lambda: ap.Circuit(neuron=ap.Rule(update="w += eta")), r"neuron is Rule.*an object Neuron\("),
        (lambda: ap.Circuit(activation=None), "activation is None; it must be the name of an activation"),
        (lambda: ap.Circuit(method=3), "method is 3; it must be the name of an integrator"),
        (lambda: ap.Circuit(substeps=10**17), "substeps is 1000.*; it must be a whole number from 1 to 1000000"),
        (lambda: ap.Circuit(delay=[1, 2 + 1j]), "delay is .*; it must be whole integration steps"),
        (lambda: ap.Circuit(delay=["1", "2"]), "delay is .*; it must be whole integration steps"),
        (lambda: ap.Protocol(bound="x"), "bound is 'x'; it must be a finite number"),
        (lambda: ap.Protocol(bound=(1, 1)), r"bound is \(1, 1\); it must be a positive number, two numbers"),
        (lambda: ap.Protocol(bound=(1, 2, 3)), r"bound is \(1, 2, 3\); it must be a positive number, two numbers"),
        (lambda: ap.Protocol(epsilon=None), "epsilon is None; it must be a finite number of at least 0"),
        (
            lambda: ap.Protocol(constraints=None),
            "constraints is None; it must be names among sparse, dale, sparse-readout, dale-readout",
        ),
        (lambda: ap.Protocol(seed=2**70), "seed is 1180.*; it must be a whole number from 0 to 9223372036854775807"),
        (lambda: ap.BouncingBall(noise=1e150), r"noise is 1e\+150; it must be a finite number from 0 to 1e\+06"),
        (lambda: ap.ChaoticSeries(interval=1e-300), "interval is 1e-300; it must be a finite number from 0.001 to 10"),
        (lambda: ap.ArrayTask(np.full((1, 3, 4, 2), 1e200), np.ones((1, 3, 4, 2))), r"x\[0, 0, 0, 0\] is 1e\+200"),
        (lambda: train(circuit=None), r"circuit is None; it must be an object of Circuit, such as Circuit\(...\)"),
        (lambda: train(protocol=ap.Protocol), "protocol is the class itself; it must be an object of Protocol"),
        (lambda: train(task=None), "task is None; it must be a task"),
        (lambda: train(task=ap.BouncingBall), "task is the class BouncingBall itself"),
        (lambda: train(task=object()), "task is <object.*any object with sample, inputs, outputs, steps, blanked"),
        (lambda: train(progress="bar"), "progress is 'bar'; it must be a function"),
        (lambda: train(engine=None), "unknown engine None"),
        (lambda: train(parameters=[1]), r"parameters is \[1\]; it must map names to values"),
        (lambda: train(parameters={"eta": [1j, 2]}), "parameter eta is .*; expected one number"),
        (lambda: train(parameters={"eta": ["1", "2"]}), "parameter eta is .*; expected one number"),
        (lambda: train(weights={"W": 1}), "weights is {'W': 1}; it must be an object of Weights"),
        (lambda: train(weights=np.ones(3)), "weights is array.*; it must be an object of Weights"),
        (lambda: train(weights=ap.Weights(W=np.ones((2, 2, 2)))), r"weights: U is missing; expected shape \(2, 2, 2\)"),
        (lambda: ap.compare(etas=np.ones((2, 2))), "etas is array.*; it must be learning rates"),
        (lambda: ap.compare(etas=["0.1"]), "eta is '0.1'; it must be a finite number of at least 0"),
        (lambda: ap.compare(rules=None), "rules is None; it must be names or files of rules"),
        (lambda: ap.compare(rules=["dfa", 3]), "rule is 3; it must be a name"),
        (lambda: ap.compare(task=0), "task is 0; it must be a task"),
        (lambda: ap.verdict(None), "rule is None; it must be a name"),
        (lambda: ap.verdict("dfa", seed=-1), "seed is -1; it must be a whole number of at least 0"),
        (lambda: ap.verdict("dfa", seed=None), "seed is None"),
        (lambda: ap.verdict("dfa", replicates=2.5), "replicates is 2.5; it must be a whole number of at least 2"),
        (lambda: ap.verdict("dfa", precision="x"), "precision is 'x'; it must be a finite number above 0"),
        (lambda: ap.verdict("dfa", ablations="no"), "ablations is 'no'; it must be True or False"),
        (lambda: ap.verdict("dfa", train=0), "train is 0; it must be a whole number of at least 1"),
        (lambda: ap.verdict("dfa", progress=1), "progress is 1; it must be a function"),
        (lambda: plots.figure1(None), "a result is None; it must be a Result"),
    ],
)
def test_each_is_refused_before_any_work(make, says, monkeypatch):
    monkeypatch.setattr(experiment, "run", None)
    monkeypatch.setattr(comparison, "studying", None)
    monkeypatch.setattr("autapse_sim.experiments.verdict.judging.studying", None)
    with pytest.raises(InputError, match=says) as caught:
        make()
    assert str(caught.value).isprintable()


def test_what_is_no_path_is_refused_by_all_that_take_one():
    result = ap.Result(train().data)
    figure = plots.figure2(result)
    for wrong in (None, 3, "", "a\0b", "\ud800", object(), "x" * 10_000):
        for call in (ap.load, result.save, lambda path: plots.save(figure, path, "a")):
            with pytest.raises(InputError, match="it must be a path"):
                call(wrong)


def test_paths_may_be_bytes(tmp_path):
    path = str(tmp_path / "run.nc").encode()
    result = train()
    result.save(path)
    assert ap.load(path).data.equals(result.data)


@pytest.mark.slow
def test_one_learning_rate_may_be_given_by_itself():
    data = [
        ap.compare(["dfa"], TASK, SMALL, etas=etas).data for etas in (0.1, [0.1], np.array(0.1), (x for x in [0.1]))
    ]
    assert all(other.eta.equals(data[0].eta) for other in data)


def test_nothing_may_learn():
    for engine in ("numpy", "runtime"):
        data = train(ap.Circuit(rule="autapse", learn=()), engine=engine).data
        assert data.mse.notnull().all()


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        ({"train": 10**9}, "1000000002 trajectories of 6 steps"),
        ({"replicates": 10**12}, "the results of 1000000000000 replicates"),
        ({"validate": 10**18}, "trajectories of 6 steps"),
        ({"validate": 10**6, "train": 10**6, "validate_every": 1}, "the scores of 1000002000001 presentations"),
    ],
)
def test_what_cannot_be_held_is_refused_with_the_memory_that_it_takes(changes, most, monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: 8 * 10**9)
    monkeypatch.setattr(experiment, "draws", None)
    monkeypatch.setattr(comparison, "studying", None)
    protocol = replace(SMALL, **changes)
    says = rf"this would take .* GB of memory, most of it for .*{most}.*, but there are 8.0 GB; give fewer"
    with pytest.raises(InputError, match=says):
        train(protocol=protocol)
    with pytest.raises(InputError, match=r"this would take .* GB of memory"):
        ap.compare(["dfa"], TASK, protocol)


def test_sizes_of_every_kind_are_counted(monkeypatch):
    monkeypatch.setattr(sizes, "memory", lambda: 8 * 10**9)
    monkeypatch.setattr(experiment, "draws", None)
    monkeypatch.setattr("autapse_sim.experiments.verdict.judging.studying", None)
    for give in (
        lambda: train(replace(DFA, neurons=10**6, readout="random")),
        lambda: train(task=ap.BouncingBall(steps=10**12)),
        lambda: train(task=ap.EvidenceAccumulation(population=10**9)),
        lambda: ap.verdict("dfa", replicates=10**10),
        lambda: ap.verdict("dfa", "bounce", train=16 * 10**9),
    ):
        with pytest.raises(InputError, match=r"this would take .* GB of memory"):
            give()


def test_what_fits_is_not_refused():
    """The estimate is of what is there at once at least: what ran before runs on."""
    sizes.check_sizes(DFA, ap.BouncingBall(), ap.Protocol(), together=100, rates=8)
    assert 10**8 < sizes.memory() < 10**15
    assert ap.Protocol(train=7, validate=1, validate_every=3).looks == 4
    for train_, every in ((7, 3), (6, 3), (0, 3), (1, 5)):
        protocol = ap.Protocol(train=train_, validate=2, validate_every=every)
        assert protocol.looks == len(protocol.validation_points)


class Given:
    """A task that hands out what it was told to."""

    inputs = outputs = 2
    steps = 6
    blanked = None

    def __init__(self, x=None, y=None, **more):
        self.x, self.y = x, y
        vars(self).update(more)

    def sample(self, rng, replicates, trajectories):
        shape = (replicates, trajectories, 6, 2)
        plain = rng.random(shape)
        return plain if self.x is None else self.x, plain if self.y is None else self.y


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (Given(steps=0), "task: steps is 0; it must be a whole number of at least 1"),
        (Given(inputs="2"), "task: inputs is '2'"),
        (Given(sample=3), "it must be a task"),
        (Given(horizon=-1), "task: horizon is -1"),
        (Given(units=3), "task: units is 3; it must be text"),
        (Given(observed=3), "task: observed is 3; it must be a function"),
        (Given(observed=lambda x: x[0]), r"task: what is observed of x has shape \(4, 6, 2\)"),
        (Given(blanked=[True] * 6), r"task: blanked is \[True.*; it must be a bool array of shape \(6,\), or None"),
        (Given(blanked=np.ones(5, dtype=bool)), "task: blanked is array"),
        (
            Given(x=np.full((2, 4, 6, 2), 1e200)),
            r"task: x\[0, 0, 0, 0\] is 1e\+200; every number must be finite, from -1e",
        ),
        (Given(y=np.full((2, 4, 6, 2), -1e200)), r"task: y\[0, 0, 0, 0\] is -1e\+200; a target must be finite, or NaN"),
        (Given(x=np.zeros((2, 4, 6, 2), dtype="M8[s]")), "task: x is not an array of numbers: it holds datetime64"),
    ],
)
def test_what_is_no_task_is_refused(task, says):
    with pytest.raises(InputError, match=says):
        train(task=task)


def test_a_task_may_speak_numpys():
    plain = train(task=Given()).data
    given = Given(inputs=np.int8(2), outputs=np.array(2), steps=np.uint8(6), units=np.str_("1"), horizon=np.int8(1))
    assert train(task=given).data.equals(plain)


def test_whatever_a_task_holds_the_result_is_saved(tmp_path):
    from dataclasses import dataclass, field

    @dataclass
    class Mine(Given):
        table: dict = field(default_factory=lambda: {(1, 2): 3})
        made: object = field(default_factory=object)
        rates: tuple = (np.float32(0.5), np.int8(3))
        x: None = None
        y: None = None

    result = train(task=Mine())
    result.save(tmp_path / "run.nc")
    told = json.loads(ap.load(tmp_path / "run.nc").data.attrs["task"])
    assert told["rates"] == [0.5, 3]
    assert told["table"] == "{(1, 2): 3}"


def test_the_result_of_any_seed_that_is_taken_is_saved(tmp_path):
    result = train(protocol=replace(SMALL, seed=2**63 - 1))
    result.save(tmp_path / "run.nc")
    assert ap.load(tmp_path / "run.nc").data.attrs["seed"] == 2**63 - 1


RULE = ap.Rule(
    update="w -= eta*feedback_post*k_pre",
    trace="""
        # eq. 7
        dk/dt = (activity - k)/tau : 1
    """,
    parameters={"eta": 0.03, "tau": 10 * ms},
)


def test_a_model_may_be_given_as_an_object():
    from autapse_sim.models.neurons.rate import neuron

    named = ap.Circuit(rule="autapse")
    given = replace(named, rule=RULE, neuron=neuron)
    for engine in ("runtime", "reference"):
        data = [train(circuit, engine=engine).data for circuit in (named, given)]
        np.testing.assert_array_equal(data[0].W, data[1].W)
    assert data[1].attrs["rule"].startswith("Rule-")
    assert "dk/dt = (activity - k)/tau : 1" in data[1].attrs["equations"]
    assert pickle.loads(pickle.dumps(given)) == given
    assert pickle.loads(pickle.dumps(given)).rule.text == given.rule.text
    assert replace(given, neurons=2) == given
    assert ap.Circuit(rule=replace(RULE, update="w += 0")).rule != given.rule


def test_rules_that_are_objects_are_compared(tmp_path):
    other = replace(RULE, parameters={"eta": 0.03, "tau": np.array([1, 2]) * ms})
    result = ap.compare([RULE, other, "autapse"], TASK, SMALL, etas=[0.1], engine="runtime")
    result.save(tmp_path / "run.nc")
    mse = ap.load(tmp_path / "run.nc").data.mse.mean("trajectory").values
    np.testing.assert_array_equal(mse[0], mse[2])
    assert (mse[0] != mse[1]).any()


def test_errors_of_a_model_that_is_an_object_name_it():
    with pytest.raises(InputError, match=r"Rule-[0-9a-f]{8}, line 5: 'feedback_pots' means nothing"):
        train(ap.Circuit(rule=replace(RULE, update="w -= eta*feedback_pots")), engine="runtime")
    with pytest.raises(InputError, match="eta is nan; it must be a finite number"):
        ap.Circuit(rule=replace(RULE, parameters={"eta": np.nan}))


class Stop(Exception):
    """Of the user's own."""


@pytest.mark.parametrize(
    "engine", ["numpy", "reference", "runtime", pytest.param("standalone", marks=pytest.mark.slow)]
)
def test_an_error_of_the_users_progress_arrives_as_it_is(engine, tmp_path, monkeypatch):
    def progress(share):
        raise Stop

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(Stop):
        train(ap.Circuit(), engine=engine, progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_recordings_are_asked_for_by_what_there_is(spiking):
    counts = np.ones((4, 2))
    asked = [
        (recordings.recording, {"data": spiking, "name": "activity", "phase": "test 1"}),
        (recordings.spikes, {"data": spiking, "phase": "test 1"}),
        (recordings.weights, {"data": spiking, "name": "W"}),
        (recordings.spike_times, {"counts": counts}),
        (recordings.population_rate, {"counts": counts, "width": 0.002}),
        (recordings.sorted_neurons, {"counts": counts}),
    ]
    refused = 0
    for function, arguments in asked:
        function(**arguments)
        for name in signature(function).parameters:
            for odd in ODD:
                try:
                    function(**{**arguments, name: odd})
                except InputError:
                    refused += 1
    assert refused > 600


def test_weights_are_copies_of_plain_numbers():
    weights = draws.draw(DFA, TASK, SMALL).weights
    narrow = replace(weights, **{name: value.astype(np.float32) for name, value in weights.items()})
    checked = narrow.checked(2, 2, 2, 2)
    assert all(value.dtype == float for _, value in checked.items())
    for wrong in (
        "x",
        weights.W.astype(str),
        weights.W + 0j,
        weights.W * 1e200,
        np.ma.array(weights.W),
        weights.W * ms,
    ):
        with pytest.raises(InputError, match="weights: W"):
            replace(weights, W=wrong).checked(2, 2, 2, 2)
