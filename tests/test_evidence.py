"""The figures of a verdict draw its numbers, say what diverged, and name what is absent."""

import json
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.results.plots import evidence_panels, looks, style
from autapse_sim.results.plots.catalogue import figures, figures_of
from autapse_sim.results.plots.figures import ablations, alignment, example, learning_curves, learning_rates, scores
from autapse_sim.results.result import Result, load

METHODS = ["autapse", "bptt", "fa", "dfa", "rflo", "fixed reservoir", "tuned reservoir"]
MEDIANS = [0.0546, 0.0064, 0.0428, 0.0548, 0.0404, 0.0566, 0.0502]
CONTROLS = {
    "training mean": 0.0836,
    "W = 0": 0.07,
    "affine of x(t)": 0.0755,
    "affine of 20 lags": 0.0515,
    "persistence": 0.098,
    "linear extrapolation": 0.41,
    "hold last seen": 0.098,
    "physics": 3e-31,
}
ABLATIONS = {
    "with f' (trace of o)": 0.049,
    "tau = 1": 0.052,
    "tau = 50": 0.0561,
    "B = V^T": 0.0562,
    "B with a negative spectrum": np.inf,
    "per step": 0.0559,
    "SGD": 0.0571,
    "B mixed": 0.31,
}


def verdict(replicates: int = 200, seed: int = 0) -> xr.Dataset:
    """A made-up verdict on the bounce, with the names and the looks of a real one."""
    rng = np.random.default_rng(seed)
    medians = np.array(MEDIANS)[:, None]
    network = rng.normal(0, 0.08, replicates)
    online = medians * np.exp(network + rng.normal(0, [[0.08]] + [[0.1]] * 6, (7, replicates)))
    refit = online * np.exp(rng.normal(-0.06, 0.03, (7, replicates)))
    online[3, : replicates // 8], refit[3, : replicates // 8] = np.nan, np.inf
    updates = np.arange(0, 301, 20)
    fall = np.exp(-updates[:, None] / np.array([60, 50, 70, 40, 60, 20, 20])).T
    curve = (medians + (0.11 - medians) * fall)[..., None] * np.exp(network + rng.normal(0, 0.06, (7, 16, replicates)))
    curve[3, 5:, : replicates // 8] = np.nan
    eta_grid = np.logspace(-3, 0.5, 8)
    bowl = 1 + 0.25 * np.log(eta_grid / np.array([0.03, 0.01, 0.03, 0.02, 0.03, 0.1, 0.1])[:, None]) ** 2
    grid = (medians * bowl)[..., None] * rng.lognormal(0, 0.1, (7, 8, 20))
    grid[1, 6:] = np.nan
    grid[3, 5, :4], grid[3, 6, :15], grid[3, 7] = np.inf, np.inf, np.inf
    grid[0, 7, :9] = np.inf
    aligned = np.array([0, 30, 75, 150, 300])
    middle = [[0.6, 0.2], [1, 1], [0.6, 0.3], [-0.07, 0.05], [0.84, 0.35]]
    cosine = np.array([np.linspace(*ends, 5) for ends in middle])[..., None] + rng.normal(0, 0.06, (5, 5, replicates))
    cosine = np.concatenate([np.clip(cosine, -1, 1), np.full((2, 5, replicates), np.nan)])
    cosine[3, 2:, : replicates // 8] = np.nan
    path = rng.uniform(0, 1, 2) + 0.1 * np.arange(110)[:, None] * [np.cos(0.7), np.sin(0.7)]
    path = 1 - np.abs(1 - path % 2)
    stimulus, target = path[:-10], path[10:]
    mix = np.array([0.7, 0.05, 0.55, 0.75, 0.5, 0.8, 0.7])[:, None, None]
    prediction = (1 - mix) * target + mix * (0.5 + 0.3 * (stimulus - 0.5)) + rng.normal(0, 0.01, (7, 100, 2))
    spread = rng.lognormal(0, 0.15, (len(ABLATIONS), replicates))
    singular = np.exp(-np.arange(32) * np.array([3, 0.1, 0.3, 0.3, 0.5, 0, 0])[:, None, None]) * online[..., None]
    singular[5:] = 0  # nothing learns there
    modes = rng.normal(0, 0.4, (7, 32, 2))
    return xr.Dataset(
        {
            "mse_online": (("method", "replicate"), online),
            "mse_refit": (("method", "replicate"), refit),
            "curve": (("method", "updates", "replicate"), curve),
            "eta": ("method", eta_grid[np.argmin(np.median(np.nan_to_num(grid, nan=9, posinf=9), axis=-1), axis=1)]),
            "tuned": ("method", ["tau = 3 ms", *[""] * 6]),
            "pilot_mse": (("trial", "pilot"), np.concatenate([*grid, 1.1 * grid[0]])),
            "pilot_eta": ("trial", np.tile(eta_grid, 8)),
            "pilot_method": ("trial", np.repeat([*METHODS, METHODS[0]], 8)),
            "pilot_tuned": ("trial", np.repeat(["tau = 3 ms", *[""] * 6, "tau = 10 ms"], 8)),
            "control_mse": (
                ("control", "replicate"),
                np.array(list(CONTROLS.values()))[:, None] * rng.lognormal(0, 0.08, (len(CONTROLS), replicates)),
            ),
            "alignment": (("method", "updates_aligned", "aligned_seed"), cosine),
            "singular": (("method", "replicate", "direction"), singular),
            "eigenvalue": (("method", "mode", "part"), modes),
            "ablation_mse": (("ablation", "replicate"), np.array(list(ABLATIONS.values()))[:, None] * spread),
            "example_prediction": (("method", "step", "coordinate"), prediction),
            "example_target": (("step", "coordinate"), target),
            "example_stimulus": (("step", "input"), stimulus),
        },
        coords={
            "method": METHODS,
            "updates": updates,
            "updates_aligned": aligned,
            "control": list(CONTROLS),
            "ablation": list(ABLATIONS),
            "step": np.arange(100),
            "part": ["real", "imaginary"],
            "coordinate": [0, 1],
        },
        attrs={
            "sentence": "autapse has not learned the bounce: it lowers test MSE by 4% [2, 6] against the fixed "
            "reservoir; BPTT: 89% [88, 90].",
            "benchmark": "bounce",
            "title": "Verdict on autapse, bounce",
            "heading": "n = 32, tanh, read-out trained, B random; 200 replicates, 300 updates, seed 0",
            "unit": "box lengths",
            "table": "            eta  test MSE\nautapse    0.03  0.0546 [0.0540, 0.0552]\nbptt       0.01  0.0064",
            "claims": json.dumps(
                [
                    {
                        "claim": "(a) follows up to scale and shift",
                        "says": "true",
                        "measured": "R2 0.934; W = 0: 0.984",
                        "verdict": "true & empty",
                    },
                    {
                        "claim": "(d) DFA sometimes diverges",
                        "says": "yes",
                        "measured": "6.5% of seeds at eta 0.03",
                        "verdict": "holds",
                    },
                ]
            ),
            "methods": json.dumps(
                {
                    "autapse": "error re-weighted by the presynaptic trace\ntau dk/dt + k = o\ndW = -eta (B e) k^T",
                    "bptt": "exact gradient, Adam",
                    "fixed reservoir": "W as drawn, read-out trained",
                }
            ),
            "provenance": json.dumps({"command": "autapse verdict autapse --benchmark bounce", "numpy": "2.3"}),
            "peak_memory": "310 MB",
        },
    )


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return verdict(replicates=16)


@pytest.fixture
def ax():
    return Figure().subplots()


def words(figure: Figure) -> str:
    """All that a figure says: labels, ticks, titles, legends and texts."""
    figure.draw_without_rendering()
    return "\n".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))


EVIDENCE = figures("verdict")


def all_drawn(data):
    return {name: draw(data) for name, draw in figures_of(data, "verdict").items()}


def drawn(ax, label: str) -> np.ndarray:
    return next(line for line in ax.lines if line.get_label() == label).get_xydata()


def test_a_full_verdict_has_every_figure_with_every_axis_labelled(data):
    shown = all_drawn(Result(data))
    assert list(shown) == list(EVIDENCE)
    for name, figure in shown.items():
        for ax in figure.axes:
            if name != "example":  # there the outer panels are labelled for all
                assert ax.get_xlabel() or ax.get_shared_x_axes().joined(ax, figure.axes[-1]), name
            assert "nan" not in ax.get_xlabel() + ax.get_ylabel()
        said = words(figure)
        assert "autapse" in said
        assert "box lengths" in said or name in ("alignment", "learned")


def test_a_minimal_verdict_has_its_scores_only(data):
    least = data[["mse_online"]].isel(replicate=slice(3)).assign_attrs({})
    shown = all_drawn(least)
    assert list(shown) == ["scores"]
    assert "read-out refitted" not in words(shown["scores"])
    one = least.isel(method=[0], replicate=[0])
    one.attrs = {}
    assert "box lengths" not in words(scores.draw(one))


@pytest.mark.parametrize("name", [name for name in EVIDENCE if name != "scores"])
def test_what_is_absent_is_named(data, name):
    poorer = data.drop_vars(EVIDENCE[name].NEEDS[-1])
    with pytest.raises(InputError, match=EVIDENCE[name].NEEDS[-1]):
        EVIDENCE[name].draw(poorer)
    assert name not in all_drawn(poorer)


def test_what_learning_did_to_a_single_weight_has_no_directions(data):
    assert "learned" not in all_drawn(data.isel(direction=[0]))


def test_figures_are_the_same_after_a_file(data, tmp_path):
    Result(data).save(tmp_path / "verdict.nc")
    again = load(tmp_path / "verdict.nc")
    assert words(learning_curves.draw(again)) == words(learning_curves.draw(data))


def test_curves_are_medians_with_the_diverged_counted(data, ax):
    evidence_panels.draw_curves(data, ax)
    np.testing.assert_allclose(drawn(ax, "bptt")[:, 1], np.median(data.curve[1], axis=-1))
    filled = np.nan_to_num(data.curve[3].values, nan=np.inf)
    np.testing.assert_allclose(drawn(ax, "dfa (2 of 16 diverged)")[:, 1], np.median(filled, axis=-1))
    assert ax.get_ylabel() == "validation MSE (box lengths²)"
    low, high = ax.get_ylim()
    assert 0.002 < low < high < 1


@pytest.mark.parametrize("worst", [np.nan, np.inf])
def test_a_method_of_which_all_diverged_blanks_no_figure(data, worst):
    broken = data.copy(deep=True)
    for name in ("mse_online", "mse_refit", "curve", "example_prediction", "alignment"):
        broken[name][0] = worst
    broken["pilot_mse"][{"trial": broken.pilot_method.values == METHODS[0]}] = worst
    broken["curve"][0, 0] = data["curve"][0, 0]
    broken["ablation_mse"][:] = worst
    shown = all_drawn(broken)
    for name, figure in shown.items():
        for ax in figure.axes:
            assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all(), name
    assert "autapse (16 of 16 diverged)" in words(shown["scores"])
    assert "infinite" in words(shown["scores"])
    assert "autapse (16 of 16 diverged)" in words(shown["learning_curves"])
    assert "autapse: diverged" in words(shown["example"])
    assert sizes(shown["learning_rates"].axes[1])[0] == [36] * 8
    assert "infinite" in words(shown["ablations"])
    assert np.isfinite(drawn(shown["learning_curves"].axes[0], "bptt")).all()


def test_everything_diverged_is_drawn_all_the_same(data):
    broken = data.map(lambda values: values * np.nan if values.dtype.kind == "f" else values)
    broken = broken.assign({name: data[name] for name in ("example_target", "pilot_eta")})
    shown = all_drawn(broken)
    assert shown.keys() == EVIDENCE.keys()
    assert all(words(figure) for figure in shown.values())


def test_controls_are_named_lines_and_far_ones_stand_at_the_edge_with_their_value(data):
    ax = learning_curves.draw(data).axes[0]
    texts = {text.get_text() for text in ax.texts}
    assert set(CONTROLS) - texts == {"physics"}
    assert any(text.startswith("physics: ") and text.endswith("↓") for text in texts)
    low, high = ax.get_ylim()
    assert low > 1e-4
    assert high > 0.41
    linear = learning_curves.draw(data, scale="linear").axes[0]
    assert linear.get_yscale() == "linear"
    assert linear.get_ylim()[0] == 0
    with pytest.raises(InputError, match="unknown scale"):
        learning_curves.draw(data, scale="cubic")


def test_scores_have_a_row_per_method_and_control_and_ratios_are_paired(data):
    left, right = scores.draw(data).axes
    rows = [tick.get_text() for tick in left.get_yticklabels()]
    assert rows == [*METHODS[:3], "dfa (2 of 16 diverged)", *METHODS[4:], *CONTROLS]
    ratio = np.median(data.mse_online[1].values / data.mse_online[5].values)
    assert f"{ratio:.2f} [" in "\n".join(text.get_text() for text in right.texts)
    assert len(scores.draw(data.isel(method=slice(5))).axes) == 1


@pytest.mark.parametrize("smaller", [1, 0.1, 1e-5, 1e-12])
def test_ratios_have_room_for_their_numbers_however_small_they_are(data, smaller):
    better = data.copy(deep=True)
    for name in ("mse_online", "mse_refit"):
        better[name][1] *= smaller
    figure = scores.draw(better)
    ax = figure.axes[1]
    with style.styled():
        figure.draw_without_rendering()
    assert 1 in ax.get_xticks()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(boxes) > 2
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
    ratio = smaller * np.median(data.mse_online[1].values / data.mse_online[5].values)
    told = [float(text.get_text().split()[0]) for text in ax.texts]
    assert min(told) == pytest.approx(ratio, rel=0.2, abs=0.005 if smaller > 0.01 else 0)


def test_ablations_are_sorted_beside_the_rule_and_the_reservoir(data):
    ax = ablations.draw(data).axes[0]
    medians = data.ablation_mse.median("replicate")
    order = [str(name) for name in medians.ablation.values[np.argsort(medians.values)]]
    assert [tick.get_text().split(" (16 of")[0] for tick in ax.get_yticklabels()] == order
    assert drawn(ax, "autapse")[0, 0] == pytest.approx(float(data.mse_online[0].median()))
    assert drawn(ax, "fixed reservoir")[0, 0] == pytest.approx(float(data.mse_online[5].median()))
    assert ax.get_xlim()[1] < 0.31


def test_learning_rates_mark_the_chosen_one_and_say_what_diverged(data):
    upper, lower = learning_rates.draw(data).axes
    rings = [line.get_xdata()[0] for line in upper.lines if line.get_markersize() == 7]
    np.testing.assert_allclose(rings[::-1], data.eta)
    assert sizes(lower) == [[16.2], [36, 36], [], [7.2, 27, 36], [], [], []]
    faint = next(line for line in upper.lines if line.get_alpha() == 0.25)
    np.testing.assert_allclose(faint.get_ydata(), np.median(data.pilot_mse[-8:], axis=1))


def sizes(ax):
    """The areas of the squares of each row."""
    found = [[] for _ in METHODS]
    for squares in ax.collections:
        for (_, row), size in zip(squares.get_offsets(), squares.get_sizes(), strict=True):
            found[int(row)].append(pytest.approx(size))
    return found


def test_a_reservoir_without_pilots_has_no_learning_rates(data):
    name = str(data["method"].values[-1])
    assert name in looks.RESERVOIRS
    assert name in words(learning_rates.draw(data))
    assert name not in words(learning_rates.draw(data.isel(trial=data.pilot_method.values != name)))


def test_alignment_leaves_out_what_has_no_direction_and_says_so(data):
    said = words(alignment.draw(data))
    assert "dfa (2 of 16 in part undefined)" in said
    assert "reservoir" not in said


def test_alignment_shows_the_rule_that_is_blind_wherever_it_is(data, ax):
    blind = np.linspace(-0.9, 0.4, data.sizes["updates_aligned"])[:, None] + np.zeros(data.sizes["aligned_seed"])
    evidence_panels.draw_alignment(data.assign(alignment_blind=(("updates_aligned", "aligned_seed"), blind)), ax)
    assert ax.get_ylim()[0] < drawn(ax, "blind to activity: (B err) 1^T")[:, 1].min()


def test_example_shows_the_turn_of_the_coordinate_that_turns(data):
    figure = example.draw(data)
    coordinate, steps = example.turn(data.example_target.values)
    for ax, method in zip(figure.axes, METHODS, strict=True):
        np.testing.assert_array_equal(drawn(ax, "target")[:, 1], data.example_target[steps, coordinate])
        expected = data.example_prediction.sel({"method": method})[steps, coordinate]
        np.testing.assert_array_equal(drawn(ax, "predicted")[:, 1], expected)
    assert "stimulus" in words(figure)
    assert "stimulus" not in words(example.draw(data.drop_vars("example_stimulus")))


@pytest.mark.parametrize("first", [0, 50, 95])
def test_example_of_a_target_that_does_not_turn_is_where_it_counts(first):
    target = np.full((100, 2), np.nan)
    target[first:, 1] = 1
    coordinate, window = example.turn(target)
    assert coordinate == 1
    assert window.start <= first < window.stop


@pytest.mark.parametrize("steps", [1, 2, 3, 40, 41])
def test_turn_of_a_short_target(steps):
    coordinate, window = example.turn(np.arange(2.0 * steps).reshape(steps, 2))
    assert coordinate in (0, 1)
    assert len(range(steps)[window]) == min(steps, 40)


def test_methods_have_colours_of_their_own(data):
    names = ["rules/mine.py", "yours", "theirs", "bptt", "fa", "fixed reservoir"]
    chosen = looks.colours(data.isel(method=slice(6)).assign_coords(method=names))
    assert len(set(chosen.values())) == 6
    assert chosen["bptt"] == style.colour("bptt")


def test_style_save_writes_both_forms(data, tmp_path):
    paths = style.save(scores.draw(data), tmp_path, "scores")
    assert [path.suffix for path in paths] == [".pdf", ".png"]
