"""Training that is watched: what is seen on the way, and the same result to the last bit."""

import numpy as np
import pytest

import autapse_sim as ap

BALL = ap.BouncingBall(steps=30)
SPIKING = {"neuron": "lif", "neurons": 8, "readout": "random", "learn": ("W", "U", "V", "c")}
ADAM = {"optimiser": "adam", "update": "batch", "batch": 2, "checkpoints": (2, 4, 8), "checkpoint_states": True}
TIMED = ap.Rule(update="w -= eta*feedback_post*activity_pre*sin(t/(7*ms))", parameters={"eta": 0.1})
CASES = {
    "numpy": (ap.Circuit(rule="dfa"), "numpy", {}),
    "runtime": (ap.Circuit(rule="autapse"), "runtime", {}),
    "reference": (ap.Circuit(rule="autapse"), "reference", {}),
    "adam": (ap.Circuit(rule="eprop", **SPIKING), "standalone", ADAM),
    "going on": (ap.Circuit(rule="autapse", neurons=6, readout="random"), "standalone", {"reset": False}),
    "time": (ap.Circuit(rule=TIMED), "reference", {"reset": False}),
    "time, runtime": (ap.Circuit(rule=TIMED), "runtime", {"reset": False}),
    "time, compiled": (ap.Circuit(rule=TIMED), "standalone", {"reset": False}),
    "exact": (
        ap.Circuit(rule="bptt", neuron="leaky", neurons=6, readout="random"),
        "compiled",
        {"update": "trajectory", "optimiser": "momentum"},
    ),
}
SLOW = ("going on", "adam", "time, compiled")


class Watch:
    def __init__(self, every=None):
        self.every, self.seen = every, []

    def __call__(self, result):
        self.seen.append(result.data)


def protocol(**other):
    return ap.Protocol(
        **{"replicates": 3, "train": 10, "validate": 2, "test": 2, "validate_every": 4, "record_tests": 2, **other}
    )


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] * (case in SLOW)) for case in CASES])
def test_a_watched_run_is_the_same_to_the_last_bit(case):
    circuit, engine, other = CASES[case]
    alone = ap.train(circuit, BALL, protocol(**other), engine=engine).data
    watch = Watch(every=3)
    watched = ap.train(circuit, BALL, protocol(**other), engine=engine, watch=watch).data
    assert set(alone.variables) == set(watched.variables)
    for name, values in alone.variables.items():
        np.testing.assert_array_equal(values.values, watched[name].values, err_msg=str(name))
    assert np.abs(alone.W - watch.seen[0].W).max() > 0  # something was learned between
    counts = [seen.sizes["training_trajectory"] for seen in watch.seen]
    assert counts == ([4, 8, 10] if case == "adam" else [3, 6, 9, 10])
    for seen, count in zip(watch.seen, counts, strict=True):
        np.testing.assert_array_equal(seen.mse_train, alone.mse_train[:, :count])
        assert f"training {count}" in seen.phase.values
        if not other:
            short = ap.train(circuit, BALL, protocol(train=count, validate=0, test=0), engine=engine).data
            np.testing.assert_allclose(seen.W, short.W, atol=1e-12)
            last = seen.trace_activity.sel(phase=f"training {count}")
            np.testing.assert_allclose(last, short.trace_activity.isel(phase=-1), atol=1e-12)
    np.testing.assert_array_equal(watch.seen[-1].mse, alone.mse)


def test_training_that_goes_on_is_watched_from_there():
    circuit, given = ap.Circuit(rule="dfa"), {"protocol": protocol(train=4), "engine": "numpy"}
    begun, watch = ap.train(circuit, BALL, **given), Watch(every=2)
    alone = ap.train(circuit, BALL, **given, start=begun).data
    watched = ap.train(circuit, BALL, **given, start=begun, watch=watch).data
    np.testing.assert_array_equal(alone.W, watched.W)
    np.testing.assert_array_equal(alone.mse, watched.mse)
    assert [seen.training_trajectory.values.tolist() for seen in watch.seen] == [[5, 6], [5, 6, 7, 8]]


def test_it_is_looked_at_ten_times_where_nothing_is_said():
    watch, shares = Watch(), []
    long = protocol(train=40)
    ap.train(ap.Circuit(rule="dfa"), BALL, long, engine="numpy", watch=watch, progress=shares.append)
    assert [seen.sizes["training_trajectory"] for seen in watch.seen] == [*range(4, 41, 4)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_what_watches_may_end_a_run():
    def enough(result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ap.train(ap.Circuit(rule="dfa"), BALL, protocol(), engine="numpy", watch=enough)


@pytest.mark.parametrize(
    "circuit", [ap.Circuit(rule="dfa"), ap.Circuit(rule="eprop", **SPIKING)], ids=["rate", "spikes"]
)
def test_the_view_shows_curve_activity_and_weights(circuit):
    view, drawn = ap.LiveView(every=5), []

    def watch(result):
        view(result)
        drawn.append([ax.get_title() for ax in view.figure.axes])

    watch.every = view.every
    ap.train(circuit, BALL, protocol(), engine="numpy" if circuit.rule == "dfa" else "runtime", watch=watch)
    assert [titles[1] for titles in drawn] == ["activity, training 5", "activity, training 10"]
    curve, _, weights = view.figure.axes[:3]
    assert curve.lines[0].get_xdata().tolist() == [*range(1, 11)]
    assert weights.images or weights.collections


def test_what_cannot_watch_is_refused():
    with pytest.raises(ap.InputError, match="watch is 3; it must be a function"):
        ap.train(ap.Circuit(rule="dfa"), BALL, protocol(), engine="numpy", watch=3)
    with pytest.raises(ap.InputError, match="every is 0"):
        ap.LiveView(every=0)


def test_an_argument_that_does_not_exist_is_refused_by_the_function_s_name():
    with pytest.raises(TypeError, match=r"^train\(\) got an unexpected keyword argument 'tau'"):
        ap.train(ap.Circuit(rule="autapse"), BALL, ap.Protocol(train=2), tau="3 ms")


def test_a_view_of_a_run_that_trains_nothing_draws_nothing():
    view = ap.LiveView()
    few = ap.Protocol(replicates=2, train=0, validate=0, test=1)
    assert "mse" in ap.train(ap.Circuit(rule="dfa"), BALL, few, engine="numpy", watch=view).data
    assert view.figure is None
