"""Whatever values are given to circuits, protocols, tasks and weights: they work, or one `InputError` says why not."""

import json
import pickle
import warnings
from contextlib import contextmanager
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from here import Here
from hypothesis import event, given
from hypothesis import strategies as st
from odd import ODD

import autapse_sim as ap
from autapse_sim.spec.circuit import CHOICES, LEARNABLE
from autapse_sim.spec.protocol import CONSTRAINTS, OPTIMISERS, UPDATES
from autapse_sim.studies.workers import Workers
from autapse_sim.tasks.shown import check_task, checked
from autapse_sim.training.draws import draw

TASKS = (
    *(ap.BouncingBall, ap.FlipFlop, ap.Integrator, ap.DelayedCopy, ap.AddTask, ap.EvidenceAccumulation),
    *(ap.PatternGeneration, ap.ChaoticSeries),
)
SENSIBLE = {
    "learn": st.sets(st.sampled_from(LEARNABLE)),
    "update": st.sampled_from(UPDATES),
    "optimiser": st.sampled_from(OPTIMISERS),
    "constraints": st.sets(st.sampled_from(CONSTRAINTS)),
    "activation": st.sampled_from(["sigmoid", "tanh", "relu", "linear"]),
    "rule": st.sampled_from(["bptt", "fa", "dfa", "autapse", "rflo", "rtrl", "snap1", "uoro", "oja"]),
    "readout_rule": st.sampled_from(["delta", "autapse"]),
    "bound": st.one_of(st.floats(0, 2), st.tuples(st.floats(-2, 0), st.floats(0, 2))),
    "occlusion": st.tuples(st.integers(0, 3), st.integers(0, 6)),
    "delay": st.integers(0, 3),
    "batch": st.integers(1, 2),
    "minority": st.floats(0, 0.5),
    "method": st.sampled_from(["euler", "exponential_euler"]),
    "seed": st.integers(0, 2**63 - 1),
    **{name: st.sampled_from(known) for name, known in CHOICES.items()},
}
"""What most values of some fields should be; others are small numbers and truth values."""
SMALL = {
    "steps": 8,
    "t1": 1,
    "t2": 2,
    "cue": 2,
    "pause": 1,
    "delay": 2,
    "recall": 2,
    "replicates": 2,
    "train": 2,
    "validate": 1,
    "test": 1,
}
"""Sizes in place of defaults that would take long."""
HERE = Workers(Here(), lambda: 1)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    """What is slow to load the first time is no part of a case."""
    ap.compare(["dfa"], ap.BouncingBall(steps=5), ap.Protocol(2, 1, 1, 1), etas=0.1, engine="numpy", on=HERE)


ODD_ONES = st.integers(0, len(ODD) - 1).map(ODD.__getitem__)


@contextmanager
def outcome_of(what):
    """Let through what works and what is refused in one line, and count both."""
    refused = None
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            yield
        except ap.InputError as error:
            refused = str(error)
    if refused is not None:
        assert refused.isprintable()
        assert len(refused) < 1000
    event(f"{what}: {'works' if refused is None else 'refused'}")


def sensible(field):
    """Values that a field may well have."""
    if field.name in SENSIBLE:
        return SENSIBLE[field.name]
    if isinstance(field.default, bool):
        return st.booleans()
    return st.floats(0, 1) if isinstance(field.default, float) else st.integers(1, 6)


def values(draw_, described, odd=2, only=None):
    """Some fields of a dataclass: sensible, and up to so many of them odd."""
    known = {field.name: field for field in fields(described)}
    some = st.sampled_from(sorted(only or known))
    found = {name: draw_(sensible(known[name])) for name in draw_(st.lists(some, unique=True, max_size=4))}
    for name in draw_(st.lists(some, unique=True, max_size=draw_(st.integers(0, odd)))):
        found[name] = draw_(ODD_ONES)
    return {**{name: SMALL[name] for name in known if name in SMALL}, **found}


def plain(described):
    """Check that a description survives what results and workers do to it."""
    told = json.loads(json.dumps(asdict(described)))
    assert type(described)(**told) == described
    assert pickle.loads(pickle.dumps(described)) == described
    assert hash(described) == hash(replace(described))


@given(st.data())
def test_circuits(data):
    with outcome_of("circuit"):
        plain(ap.Circuit(**values(data.draw, ap.Circuit)))


@given(st.data())
def test_protocols(data):
    with outcome_of("protocol"):
        plain(ap.Protocol(**values(data.draw, ap.Protocol)))


@given(st.data(), st.sampled_from(TASKS))
def test_tasks(data, kind):
    with outcome_of(kind.__name__):
        task = kind(**values(data.draw, kind))
        plain(task)
        check_task(task)
        if task.steps * task.inputs <= 10_000:
            checked(task, task.sample(np.random.default_rng(0), 2, 3), (2, 3))


TYPES = st.sampled_from([*[float] * 8, np.float32, np.int8, bool, np.uint64, complex, str, object, "M8[s]"])
FORMS = st.sampled_from([*[np.asarray] * 6, np.ndarray.tolist, np.asfortranarray, np.ma.array])


@st.composite
def arrays(draw_, shape):
    """Arrays of nearly that shape, of any type, some with a number that is none."""
    shape = tuple(max(0, size + draw_(st.sampled_from([0] * 40 + [-1, 1]))) for size in shape)
    array = np.full(shape, draw_(st.sampled_from([0.5, 0.0, 1.0, 3.0, 1e99])))
    if array.size:
        array.flat[draw_(st.integers(0, array.size - 1))] = draw_(st.sampled_from([0.5] * 12 + [np.nan, np.inf, 1e200]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = array.astype(draw_(TYPES))
    return draw_(FORMS)(array)


@pytest.mark.slow
@given(st.data())
def test_weights(data):
    circuit, task = ap.Circuit(rule="dfa", neurons=3, readout="random"), ap.BouncingBall(steps=4)
    protocol = ap.Protocol(replicates=2, train=1, validate=0, test=1)
    weights = draw(circuit, task, protocol).weights
    shapes = {name: array.shape for name, array in weights.items()} | {"b": (2, 3), "c": (2, 2)}
    names = data.draw(st.lists(st.sampled_from(sorted(shapes)), unique=True, min_size=1, max_size=3))
    changed = {name: data.draw(arrays(shapes[name])) for name in names}
    if data.draw(st.integers(0, 5)) == 0:
        changed[names[0]] = data.draw(ODD_ONES)
    with outcome_of("weights"):
        ap.train(circuit, task, protocol, weights=replace(weights, **changed), engine="numpy")


@given(st.data())
def test_array_tasks(data):
    either = st.integers(0, 9).flatmap(lambda k: arrays((2, 3, 4, 2)) if k else ODD_ONES)
    x, y = data.draw(either), data.draw(either)
    scored = data.draw(st.one_of(st.none(), arrays((3, 4)), st.lists(st.booleans(), min_size=4, max_size=5)))
    with outcome_of("array task"):
        task = ap.ArrayTask(x, y, scored)
        ap.train(ap.Circuit(rule="dfa"), task, ap.Protocol(2, 1, 1, 1), engine="numpy")


# what the discrete network takes
DISCRETE = {"activation", "feedback", "learn", "loss", "neurons", "rule"}
SHOWN = {"batch", "epsilon", "optimiser", "record", "replicates", "seed", "test", "train", "update", "validate"}


@pytest.mark.slow
@given(st.data(), st.sampled_from(TASKS))
def test_experiments(data, kind):
    with outcome_of("experiment"):
        task = kind(**values(data.draw, kind, odd=0, only={"steps"} & {field.name for field in fields(kind)}))
        circuit = values(data.draw, ap.Circuit, odd=1, only=DISCRETE)
        protocol = ap.Protocol(**values(data.draw, ap.Protocol, odd=1, only=SHOWN))
        parameters = {name: data.draw(ODD_ONES) for name in data.draw(st.sampled_from([(), (), ("eta",), ("x",)]))}
        result = ap.train(
            ap.Circuit(**{"rule": "dfa", "readout": "random", **circuit, "delay": 0}),
            task,
            protocol,
            parameters=parameters,
            engine="numpy",
        )
        for told in result.data.attrs.values():  # what a file can hold
            assert told.encode() if type(told) is str else type(told) is int and abs(told) < 2**63


@pytest.mark.slow
@given(st.data())
def test_comparisons(data):
    sensible = {
        "rules": st.lists(st.sampled_from(["dfa", "fa", "autapse"]), min_size=1),
        "etas": st.lists(st.floats(0, 1), min_size=1),
        "parameters": st.sampled_from([{}, {"tau": "5 ms"}, {"tau": 2}]),
        "progress": st.sampled_from([None, float]),
        "task": st.just(ap.BouncingBall(steps=5)),
        "circuit": st.just(ap.Circuit()),
        "protocol": st.integers(0, 2).map(lambda many: ap.Protocol(2, many, 1, 1)),
    }
    given_ = {name: data.draw(strategy) for name, strategy in sensible.items()}
    for name in data.draw(st.lists(st.sampled_from(sorted(given_)), unique=True, max_size=1)):
        odd = data.draw(ODD_ONES)
        given_[name] = given_[name] if odd is None else odd  # None is what takes long
    with outcome_of("comparison"):
        ap.compare(**given_, engine="numpy", on=HERE)
