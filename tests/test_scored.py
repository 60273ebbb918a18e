"""What does not count has no error: in learning, in every score, of rules and of controls, on every engine."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.errors import InputError
from autapse_sim.results.plots import panels
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.training import sizes

pytestmark = pytest.mark.usefixtures("no_workers")

ENGINES = [
    pytest.param("standalone", marks=pytest.mark.skipif(compiler() is None, reason="no C++ compiler")),
    "runtime",
    "numpy",
]
RNG = np.random.default_rng(5)
R, K, T, M, C, N = 2, 7, 12, 2, 2, 4
TRAIN, TEST = 4, 2
X, Y = RNG.normal(size=(R, K, T, M)), RNG.normal(size=(R, K, T, C))
WEIGHTS = ap.Weights(
    W=RNG.normal(size=(R, N, N)),
    U=RNG.normal(size=(R, N, M)),
    V=RNG.normal(size=(R, C, N)),
    B=RNG.normal(size=(R, N, C)),
)
PROTOCOL = ap.Protocol(replicates=R, train=TRAIN, validate=1, test=TEST, validate_every=TRAIN, record=R)
CIRCUIT = ap.Circuit(
    rule="autapse", neurons=N, readout="random", feedback="random", activation="tanh", learn=("W", "V")
)
ETA, TAU = 0.02, 3.0
LENGTHS = np.array([12, 3, 7, 1, 9, 5, 10])
SOME = RNG.random((R, K, T, C)) < 0.5
MASKS = {
    "the same steps of every trajectory": np.arange(T) % 3 > 0,
    "trajectories of different lengths": np.arange(T) < LENGTHS[:, None],
    "other lengths in each replicate": np.arange(T) < np.stack([LENGTHS, LENGTHS[::-1]])[:, :, None],
    "outputs apart": SOME,
}


class Trials:
    """A task of the user's own: all that it needs to be one."""

    inputs, outputs, steps, blanked = M, C, T, None

    def __init__(self, scored=None, x=X, y=Y):
        self.scored, self.x, self.y, self.handed = scored, x, y, 0

    def sample(self, rng, replicates, trajectories):
        first, self.handed = self.handed, self.handed + replicates
        return tuple(a[first : first + replicates, :trajectories] for a in (self.x, self.y))


def train(task, engine="numpy", circuit=CIRCUIT, protocol=PROTOCOL):
    parameters = {"eta": ETA, "eta_out": ETA, "tau": TAU * ms}
    return ap.train(circuit, task, protocol, WEIGHTS, parameters, engine=engine).data


def loop(counts):
    """W, V, and the MSE of each trajectory of training and test, by a plain loop."""
    found = []
    for r in range(R):
        W, V, B, U = (getattr(WEIGHTS, name)[r].copy() for name in "WVBU")
        errors = []
        for trajectory in [*range(TRAIN), *range(K - TEST, K)]:
            o, k, squares, number = np.zeros(N), np.zeros(N), 0.0, 0
            for t in range(T):
                before = o
                o = np.tanh(W @ o + U @ X[r, trajectory, t])
                k = k + (before - k) / TAU
                err = np.zeros(C)
                for q in range(C):
                    if counts[r, trajectory, t, q]:
                        err[q] = V[q] @ o - Y[r, trajectory, t, q]
                        squares, number = squares + err[q] ** 2, number + 1
                if trajectory < TRAIN:
                    W, V = W - ETA * np.outer(B @ err, k), V - ETA * np.outer(err, o)
            errors.append(squares / number)
        found.append((W, V, errors))
    W, V, errors = (np.array(each) for each in zip(*found, strict=True))
    return {"W": W, "V": V, "mse_train": errors[:, :TRAIN], "mse": errors[:, TRAIN:]}


def spread(scored):
    """The mask of each number."""
    return np.broadcast_to(scored if scored.ndim == 4 else scored[..., None], Y.shape)


def assert_same(one, other, names=None, rtol=0.0):
    for name in names or one.data_vars:
        np.testing.assert_allclose(one[name], other[name], rtol=rtol, atol=rtol, err_msg=name)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", MASKS)
def test_weights_and_errors_are_those_of_a_plain_loop(kind, engine):
    data = train(Trials(MASKS[kind]), engine)
    right, blind = loop(spread(MASKS[kind])), loop(np.ones(Y.shape, dtype=bool))
    for name, values in right.items():
        np.testing.assert_allclose(data[name], values, rtol=1e-11, atol=1e-13, err_msg=name)
        assert np.abs(values - blind[name]).max() > 1e-2  # a mask that is not looked at gives other numbers
    assert (np.abs(data.W - WEIGHTS.W).max(("post", "pre")) > 1e-2).all()
    np.testing.assert_array_equal(np.isnan(data.target), ~spread(MASKS[kind])[:, -TEST:])
    assert np.isfinite(data.prediction).all()
    assert np.isfinite(data.r2_network).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_nan_in_a_target_says_the_same_as_a_mask(engine):
    data = train(Trials(SOME), engine)
    assert_same(data, train(Trials(y=np.where(SOME, Y, np.nan)), engine))
    assert_same(data, train(Trials(SOME.tolist()), engine))
    assert_same(data, train(ArrayTask(X, Y, SOME), engine))
    half = np.arange(T) % 2 > 0  # a mask and NaN add up
    assert_same(train(Trials(half, y=np.where(SOME, Y, np.nan)), engine), train(Trials(SOME & half[:, None]), engine))


def test_everything_counts_as_nothing_said():
    plain = train(Trials())
    assert_same(plain, train(Trials(np.ones(T, dtype=bool))))
    assert_same(plain, train(Trials([True] * T)))
    assert not np.isnan(plain.target).any()


@pytest.mark.parametrize(
    "kind", ["trajectories of different lengths", "other lengths in each replicate", "outputs apart"]
)
def test_replicates_that_run_in_blocks_get_their_own_masks(kind, monkeypatch):
    whole = train(Trials(MASKS[kind]))
    monkeypatch.setattr(sizes, "ROOM", 1)
    task = Trials(MASKS[kind])
    assert_same(whole, train(task), rtol=1e-13)
    assert task.handed == R
    assert_same(whole, train(ArrayTask(X, Y, MASKS[kind])), rtol=1e-13)


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_masks_hold_in_single_precision():
    data = train(Trials(SOME), "standalone", replace(CIRCUIT, precision="single"))
    for name, values in loop(SOME).items():
        np.testing.assert_allclose(data[name], values, rtol=1e-3, atol=1e-4, err_msg=name)


SURE = np.eye(C)[RNG.integers(C, size=(R, K, T))]
LONG = MASKS["other lengths in each replicate"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_cross_entropy_is_the_mean_over_steps_that_count(engine):
    circuit = replace(CIRCUIT, loss="cross-entropy")
    data = train(Trials(LONG, y=SURE), engine, circuit)
    nats = -np.log((data.prediction.values * SURE[:, -TEST:]).sum(axis=-1))
    right = np.where(LONG[:, -TEST:], nats, 0).sum(axis=-1) / LONG[:, -TEST:].sum(axis=-1)
    np.testing.assert_allclose(data.cross_entropy, right, rtol=1e-10)
    assert np.abs(right - nats.mean(axis=-1)).max() > 1e-2
    assert_same(data, train(Trials(LONG, y=SURE), "numpy", circuit), ["W", "V", "cross_entropy_train"], rtol=1e-11)
    # what stands where nothing counts need not be a probability
    assert_same(data, train(Trials(LONG, y=np.where(LONG[..., None], SURE, 7.0)), engine, circuit))


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
def test_a_loss_that_a_rule_reads_is_zero_where_nothing_counts(tmp_path, loss):
    rule = tmp_path / "summing.py"
    rule.write_text(
        'from autapse_sim import Rule\nrule = Rule(update="w += eta*loss_post", parameters={"eta": 1e-3})\n'
    )
    circuit = replace(CIRCUIT, rule=str(rule), learn=("W",), loss=loss)
    found = {}
    for engine in ("standalone", "runtime"):
        for name, scored in (("first", np.arange(T) < 1), ("all", None)):
            data = ap.train(circuit, Trials(scored, y=SURE), PROTOCOL, WEIGHTS, engine=engine).data
            found[engine, name] = (data.W - WEIGHTS.W).values
    for name in ("first", "all"):
        assert np.isfinite(found["standalone", name]).all()
        np.testing.assert_allclose(found["standalone", name], found["runtime", name], rtol=1e-9)
        assert (found["runtime", name] > 0).all()
    # of a trajectory of which one step counts, each synapse has seen the loss of this step alone
    o = np.tanh(np.einsum("rnm,rkm->rkn", WEIGHTS.U, X[:, :TRAIN, 0]))
    score = np.einsum("rcn,rkn->rkc", WEIGHTS.V, o)
    wanted = SURE[:, :TRAIN, 0]
    if loss == "mse":
        lost = ((score - wanted) ** 2).sum(axis=-1) / 2
    else:
        lost = -np.log((np.exp(score) / np.exp(score).sum(axis=-1, keepdims=True) * wanted).sum(axis=-1))
    expected = np.broadcast_to(1e-3 * lost.sum(axis=1)[:, None, None], WEIGHTS.W.shape)
    np.testing.assert_allclose(found["runtime", "first"], expected, rtol=1e-9)
    assert np.abs(found["runtime", "all"] - expected).max() > 1e-3


def compared(task):
    protocol = replace(PROTOCOL, seed=2)
    return ap.compare(("dfa", "autapse"), task, protocol, CIRCUIT, etas=(0.01, 0.03), engine="numpy").data


@pytest.mark.parametrize("kind", ["trajectories of different lengths", "outputs apart"])
def test_rules_and_controls_are_compared_on_what_counts(kind):
    counts = spread(MASKS[kind])
    data = compared(Trials(MASKS[kind]))
    assert {"training mean", "affine of x(t)", "untrained W", "bias only", "fixed W, trained read-out"} <= set(
        data.control.values.tolist()
    )
    # what stands in the target where it does not count changes no number of a rule or a control
    assert_same(data, compared(Trials(MASKS[kind], y=np.where(counts, Y, 50.0))))
    assert np.isfinite(data.control_mse).all()
    other = compared(Trials(y=np.where(counts, Y, 50.0)))
    assert (np.abs(data.control_mse - other.control_mse).mean(("replicate", "trajectory")) > 0.1).all()
    # by hand
    wanted = Y[:, -TEST:]
    mean = np.array([[Y[r, :TRAIN, :, q][counts[r, :TRAIN, :, q]].mean() for q in range(C)] for r in range(R)])
    fitted = np.empty(wanted.shape)
    for r in range(R):
        for q in range(C):
            rows = counts[r, :TRAIN, :, q]
            design = np.column_stack([X[r, :TRAIN][rows], np.ones(rows.sum())])
            best = np.linalg.lstsq(design, Y[r, :TRAIN, :, q][rows], rcond=None)[0]
            fitted[r, :, :, q] = X[r, -TEST:] @ best[:M] + best[M]
    squares = {"training mean": (mean[:, None, None] - wanted) ** 2, "affine of x(t)": (fitted - wanted) ** 2}
    for name, square in squares.items():
        right = np.array([[square[r, k][counts[r, k - TEST]].mean() for k in range(TEST)] for r in range(R)])
        np.testing.assert_allclose(data.control_mse.sel(control=name), right, rtol=1e-8, err_msg=name)


def test_a_trajectory_is_drawn_where_its_target_counts():
    from matplotlib.figure import Figure

    data = train(Trials(np.arange(T) >= 4))
    ax = Figure().subplots()
    panels.trajectories(data, ax, "autapse")
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()
    start = next(line for line in ax.lines if line.get_label() == "start")
    np.testing.assert_array_equal(np.ravel(start.get_data()), Y[0, -TEST, 4])


FLAGS = np.ones((R, K, T), dtype=bool)


def nothing(shape, *index):
    flags = np.ones(shape, dtype=bool)
    flags[index] = False
    return flags


@pytest.mark.parametrize("engine", ["standalone", "runtime", "numpy"])
@pytest.mark.parametrize(
    ("scored", "message"),
    [
        (
            FLAGS[0, 0, :-3],
            r"task: scored has shape \(9,\); expected bools of shape \(T,\) = \(12,\), \(K, T\) = \(7, 12\)",
        ),
        (FLAGS[0, :6], r"scored has shape \(6, 12\)"),
        (FLAGS[0].T, r"scored has shape \(12, 7\)"),
        (FLAGS[:1], r"scored has shape \(1, 7, 12\)"),
        (FLAGS[..., None], r"scored has shape \(2, 7, 12, 1\)"),
        (True, r"scored has shape \(\)"),
        (np.full(T, 0.5), r"scored holds float64 in shape \(12,\)"),
        (np.ones(T, dtype=int), r"scored holds int64 in shape \(12,\)"),
        ([1.0] * T, "scored holds float64"),
        ([[True], [True, False]], "scored is not an array"),
        ("all", "scored holds <U3"),
        (np.ma.array(FLAGS, mask=~FLAGS), "scored is a masked array"),
        (np.zeros(T, dtype=bool), "no target counts in trajectory 0 of replicate 0"),
        (nothing((K, T), 2), "no target counts in trajectory 2 of replicate 0"),
        (nothing((R, K, T), 1, 5), "no target counts in trajectory 5 of replicate 1"),
    ],
)
def test_what_is_no_mask_is_refused(scored, message, engine):
    with pytest.raises(InputError, match=message) as refused:
        train(Trials(scored), engine)
    assert "\n" not in str(refused.value)


def test_the_trajectory_of_which_nothing_counts_is_named_in_a_later_block(monkeypatch):
    monkeypatch.setattr(sizes, "ROOM", 1)
    with pytest.raises(InputError, match="no target counts in trajectory 5 of replicate 1"):
        train(Trials(nothing((R, K, T), 1, 5)))


def test_a_step_of_a_cross_entropy_counts_as_a_whole_or_not():
    circuit = replace(CIRCUIT, loss="cross-entropy")
    with pytest.raises(
        InputError, match="all outputs of a step count or none, but in step 3 of trajectory 1 of replicate"
    ):
        train(Trials(nothing(Y.shape, 1, 1, 3, 0), y=SURE), circuit=circuit)


def changed(array, value):
    array = array.copy()
    array[1, 2, 3, 0] = value
    return array


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": changed(X, np.nan)}, r"task: x\[1, 2, 3, 0\] is nan; every number must be finite"),
        ({"y": changed(Y, np.inf)}, r"task: y\[1, 2, 3, 0\] is inf; a target must be finite, or NaN where it does not"),
        ({"x": np.ma.array(X, mask=X > 0)}, "task: x is a masked array"),
        ({"y": np.ma.array(Y, mask=Y > 0)}, "task: y is a masked array"),
        ({"x": X + 0j}, "x is not an array of numbers: it holds complex128"),
        ({"y": Y.astype(object)}, "y is not an array of numbers: it holds object"),
        ({"y": np.zeros(Y.shape, dtype="m8[ms]")}, "y is not an array of numbers: it holds timedelta64"),
        ({"x": X.astype(str)}, "x is not an array of numbers: it holds <U"),
        ({"x": np.zeros(X.shape, dtype=[("a", float)])}, "x is not an array of numbers: it holds"),
        ({"x": X * ms}, "x has a unit"),
        ({"x": X[:, :, :-1]}, r"x has shape \(2, 7, 11, 2\), expected .* steps, inputs\) = \(2, 7, 12, 2\)"),
        ({"y": Y[:, :, :, :1]}, r"y has shape \(2, 7, 12, 1\), expected .* steps, outputs\) = \(2, 7, 12, 2\)"),
        ({"y": Y[:, :5]}, r"y has shape \(2, 5, 12, 2\), expected .* = \(2, 7, 12, 2\)"),
    ],
)
def test_what_a_task_hands_out_is_checked(given, message):
    with pytest.raises(InputError, match=message):
        train(Trials(**given))


@pytest.mark.parametrize(("given", "what"), [(None, "NoneType"), ((X,), "tuple"), ((X, Y, X), "tuple")])
def test_what_is_no_pair_of_arrays_is_refused(given, what):
    task = Trials()
    task.sample = lambda rng, replicates, trajectories: given
    with pytest.raises(InputError, match=f"task: sample gave {what}, expected the two arrays x and y"):
        train(task)


def test_small_integers_do_not_wrap():
    """Differences of unsigned numbers, in a control, and sums of them, in the network."""
    x = np.zeros((R, K, T, M), dtype=np.uint8)
    x[:, :, ::2], x[:, :, 1::2] = 200, 50
    y = np.full(Y.shape, 250, dtype=np.uint8)
    task = Trials(x=x, y=y)
    task.horizon = 1
    plain = Trials(x=x.astype(float), y=y.astype(float))
    plain.horizon = 1
    data = compared(task)
    assert_same(data, compared(plain))
    assert float(data.control_mse.sel(control="linear extrapolation").max()) > 150**2


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_a_program_for_targets_that_all_count_is_not_that_of_others():
    x, y = np.random.default_rng(3).random((2, 2, 4, 10, 2))
    some = y.copy()
    some[1, 0, 3, 1] = np.nan
    protocol = ap.Protocol(replicates=2, train=3, validate=0, test=1)
    whole, masked, expected = (
        ap.train(ap.Circuit(), ap.ArrayTask(x, shown), protocol, engine=engine).data
        for shown, engine in ((y, "standalone"), (some, "standalone"), (some, "reference"))
    )
    np.testing.assert_array_equal(whole.W[0], masked.W[0])
    np.testing.assert_allclose(masked.W, expected.W, rtol=0, atol=1e-14)
    assert np.abs(whole.W[1] - masked.W[1]).max() > 1e-5
