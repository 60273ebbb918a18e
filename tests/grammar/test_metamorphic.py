"""What may change in a case without changing its numbers; nobody needs to know them."""

import re
from dataclasses import replace

import numpy as np
import pytest
from agreement import differences, numbers
from campaign import cheap_programs
from grammar import case_of, changed, renamed, without

from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.errors import InputError
from autapse_sim.spec.protocol import Schedule
from autapse_sim.training.train import simulated

EXACT = 1e-12
ENGINES = ["runtime"] + ([pytest.param("standalone", marks=pytest.mark.slow)] if compiler() else [])


@pytest.fixture(autouse=True)
def fast_compiler():
    """Programs of these tests are compiled fast."""
    with cheap_programs():
        yield


def drawn(tmp_path, first, count, off=(), engine="runtime", **options):
    """Some cases that run, from seed `first` on, with jobs and numbers; with other options of their parts."""
    left = count
    for seed in range(first, first + 3 * count):
        case = changed(case_of(seed, without("reserved names", *off)), **options)
        try:
            job = case.job(tmp_path / str(seed))
            yield case, job, run(job, engine)
        except InputError:
            continue
        left -= 1
        if not left:
            return
    raise AssertionError(f"of {3 * count} cases fewer than {count} ran")


def run(job, engine):
    return numbers(simulated(job, engine))


def assert_same(one, other, only=None):
    if only is not None:
        one, other = ({name: each[name] for name in only if name in each} for each in (one, other))
    assert one
    assert not differences(one, other, EXACT)


def weights_of(found):
    return {name: found[name] for name in ("W", "U", "V", "B", "b", "c") if name in found}


@pytest.mark.parametrize("engine", ENGINES)
def test_names_mean_nothing(tmp_path, engine):
    for case, _, found in drawn(tmp_path, 1000, 2, engine=engine):
        other = renamed(case)
        new = dict(
            zip((f"trace {name}" for name in case.names), (f"trace {name}" for name in other.names), strict=True)
        )
        before = {new.get(name, name): values for name, values in found.items()}
        assert_same(before, run(other.job(tmp_path / "renamed"), engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_is_alone_whoever_runs_beside_it(tmp_path, engine):
    for _, job, together in drawn(tmp_path, 1100, 2, ("shared stimuli",), engine, protocol={"replicates": 3}):
        assert_same(run(job.part(np.array([1]), 1), engine), networks(together, [1]))
        assert_same(run(job.part(np.array([2, 0]), 2), engine), networks(together, [2, 0]))


def networks(found, chosen):
    """The numbers of some networks; traces and predictions have the presentation first."""
    later = {"prediction", *(name for name in found if name.startswith("trace "))}
    return {name: values[:, chosen] if name in later else values[chosen] for name, values in found.items()}


def test_a_parameter_times_zero_changes_nothing(tmp_path):
    for case, _, found in drawn(tmp_path, 1200, 2):
        neuron = re.sub(r"(\bactivity = .*?) : 1", r"\1 + 0*idle : 1", case.neuron, count=1)
        rule = case.rule.replace("eta*feedback_post", "(eta + 0*idle_too)*feedback_post")
        more = {"neuron": with_parameter(neuron, "idle"), "rule": with_parameter(rule, "idle_too")}
        assert_same(found, run(replace(case, **more).job(tmp_path / "idle"), "runtime"))


def with_parameter(text, name):
    """A model file with one parameter more, where its equations ask for it."""
    if name not in text:
        return text
    if "    parameters={\n" in text:
        return text.replace("    parameters={\n", f'    parameters={{\n        "{name}": 0.731,\n', 1)
    return re.sub(r"\n\)\n$", f'\n    parameters={{"{name}": 0.731}},\n)\n', text)


COUNTING = ("counters", "elapsed", "sent_sum", "finish", "finish_postsynaptic", "masks")


@pytest.mark.parametrize("engine", ENGINES)
def test_two_halves_of_a_trajectory_are_the_whole(tmp_path, engine):
    whole = {"train": 2, "validate": 0, "test": 0, "reset": False, "averaging": False, "update": "step", "batch": 1}
    for _, job, _ in drawn(tmp_path, 1300, 2, COUNTING, engine, protocol=whole, task={"steps": 8}):
        S, K, T, m = job.x.shape
        halves = {"x": job.x.reshape(S, 2 * K, T // 2, m), "y": job.y.reshape(S, 2 * K, T // 2, -1)}
        one = run(replace(job, schedule=learning(K)), engine)
        other = run(replace(job, **halves, schedule=learning(2 * K)), engine)
        assert_same(weights_of(one), weights_of(other))
        for name in (name for name in one if name.startswith("trace ")):
            P, Q, _, width = one[name].shape
            joined = other[name].reshape(P, 2, Q, T // 2, width).swapaxes(1, 2).reshape(one[name].shape)
            assert_same({name: one[name]}, {name: joined})


def learning(count):
    """A schedule of training trajectories, all of them recorded."""
    yes = np.ones(count, dtype=bool)
    return Schedule(np.arange(count), yes, ~yes, yes)


@pytest.mark.parametrize("engine", ENGINES)
def test_looking_at_validation_data_changes_nothing(tmp_path, engine):
    seldom = {"train": 4, "validate": 2, "test": 1, "validate_every": 100, "reset": True}
    for case, _, one in drawn(tmp_path, 1400, 2, ("batch",), engine, protocol=seldom):
        often = changed(case, protocol={"validate_every": 1}).job(tmp_path / "often")
        other = run(often, engine)
        assert_same({**weights_of(one), "test": one["mse"][:, -1]}, {**weights_of(other), "test": other["mse"][:, -1]})
        assert one["mse"].shape[1] < other["mse"].shape[1]


# with these a weight may change without an error
ERRORLESS = (
    *(
        "several terms",
        "decay",
        "events",
        "at spikes",
        "dt terms",
        "normalisation",
        "finish",
        "finish_postsynaptic",
        "lasting",
    ),
    *("optimisers", "connections", "masks", "reset"),
)


@pytest.mark.slow
def test_nothing_is_learned_where_nothing_counts(tmp_path):
    for case, _, one in drawn(tmp_path, 1500, 2, ERRORLESS, protocol={"train": 1}):
        longer = changed(case, task={"blank": case.task["steps"]}).job(tmp_path / "longer")
        other = run(longer, "runtime")
        assert_same(weights_of(one), weights_of(other))
        assert_same(one, {**other, **shortened(other, one)}, only=["trace activity", "mse"])


def shortened(other, one):
    """The first steps of traces."""
    return {name: other[name][:, :, : one[name].shape[2]] for name in one if name.startswith("trace ")}


# with these a finer integration is another model: they act once in each integration step, or jump
COARSE = (
    *("spiking", "jumps", "plain states", "counters", "normalisation", "delay", "delays", "substeps", "methods"),
    *("optimisers", "constraints", "bound", "clip", "masks", "events"),
)


@pytest.mark.slow
def test_finer_steps_converge(tmp_path):
    for case, _, _ in drawn(tmp_path, 1600, 2, COARSE, protocol={"replicates": 1, "train": 1}, task={"steps": 5}):
        fine = [changed(case, circuit={"substeps": count}).job(tmp_path / str(count)) for count in (8, 16, 32)]
        found = [run(job, "runtime") for job in fine]
        for name in ("trace activity", *case.circuit["learn"]):
            far, near = (np.abs(found[k][name] - found[k + 1][name]).max() for k in (0, 1))
            assert near < 0.7 * far or near < 1e-9, (name, far, near)
