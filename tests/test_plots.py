"""Every plot draws the numbers of the result it was given, and says which part it misses."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from autapse_sim import plots
from autapse_sim.errors import InputError
from autapse_sim.results.plots import panels, style
from autapse_sim.results.plots.catalogue import figures
from autapse_sim.results.result import Result

RULES = ["bptt", "fa", "dfa", "autapse"]
CONTROLS = {
    "untrained": 0.085,
    "W = 0": 0.082,
    "training mean": 0.078,
    "bias only": 0.031,
    "read-out of untrained": 0.0021,
    "affine of x(t)": 0.0012,
    "affine of 2 lags": 3.1e-4,
    "affine of 20 lags": 2.9e-4,
    "persistence": 0.0013,
    "linear extrapolation": 3.3e-4,
    "hold last seen": 0.0013,
}


def ball(generator: np.random.Generator, steps: int) -> np.ndarray:
    """A bouncing ball in the unit square, (steps, 2)."""
    angle = generator.uniform(0, 2 * np.pi)
    path = generator.uniform(0, 1, 2) + 0.05 * np.arange(steps)[:, None] * [np.cos(angle), np.sin(angle)]
    return 1 - np.abs(1 - path % 2)


def comparison(replicates: int = 40, train: int = 100, steps: int = 100) -> xr.Dataset:
    """A made-up comparison of four rules with the names and the looks of a real one."""
    generator = np.random.default_rng(0)
    recorded, tests, count = 3, 4, len(RULES)
    seen = np.arange(0, train + 1, 10)
    target = np.array([[ball(generator, steps) for _ in range(tests)] for _ in range(recorded)])
    scale, shift = np.array([0.45, 0.5, -0.3, 0.6])[:, None], np.array([0.3, 0.25, 1.2, 0.3])[:, None]
    prediction = scale[..., None, None, None] * target + shift[..., None, None, None]
    speed, noise = np.array([8, 10, 1e9, 25])[:, None], generator.normal(0, 0.35, (count, replicates, 1))

    def curve(at: np.ndarray, spread: float) -> np.ndarray:
        falling = 0.03 + 0.05 * np.exp(-at / speed)
        falling[2] = 0.08 * np.exp(at / 40)
        return falling[:, None] * np.exp(noise + generator.normal(0, spread, (count, replicates, len(at))))

    mse_train, mse_validate = curve(np.arange(1, train + 1), 0.5), curve(seen, 0.1)
    mse_train[2, : replicates // 3, train // 2 :] = np.nan
    mse_validate[2, : replicates // 3, len(seen) // 2 :] = np.nan
    activity = 0.5 + 0.3 * np.sin(np.arange(steps)[:, None] / 7 + np.arange(2)) + np.zeros((count, recorded, 3, 1, 1))
    k = np.where(np.arange(count)[:, None, None, None, None] == 3, activity - 0.1, np.nan)
    error = 0.2 * np.cos(np.arange(steps)[:, None] / 9 + np.arange(2)) + np.zeros((count, recorded, 3, 1, 1))
    trace = ("rule", "recorded", "phase", "step", "neuron")
    controls = np.array(list(CONTROLS.values()))[:, None, None]
    return xr.Dataset(
        {
            "mse_train": (("rule", "replicate", "training_trajectory"), mse_train),
            "mse_validate": (("rule", "replicate", "validation"), mse_validate),
            "prediction": (("rule", "recorded", "trajectory", "step", "coordinate"), prediction),
            "target": (("recorded", "trajectory", "step", "coordinate"), target, {"units": "box lengths"}),
            "trace_activity": (trace, activity),
            "trace_k": (trace, k),
            "trace_feedback": (trace, -error),
            "trace_error": ((*trace[:-1], "coordinate"), error),
            "control_mse": (
                ("control", "replicate", "trajectory"),
                controls * generator.lognormal(0, 0.3, (len(CONTROLS), replicates, tests)),
            ),
        },
        coords={
            "rule": RULES,
            "validation": seen,
            "step": np.arange(steps),
            "recorded": np.arange(recorded),
            "phase": ["training 1", f"training {train}", "test 1"],
            "control": list(CONTROLS),
        },
    )


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return comparison(replicates=9, train=20, steps=30)


@pytest.fixture
def ax():
    return Figure().subplots()


def single(data: xr.Dataset, rule: str) -> xr.Dataset:
    """What training of one rule gives: the same without the axis of rules."""
    return data.sel(rule=rule, drop=True).assign_attrs(rule=rule)


def drawn(ax, label: str) -> np.ndarray:
    """The points of the line with a label."""
    return next(line for line in ax.lines if line.get_label() == label).get_xydata()


def test_trajectories_draw_prediction_and_target(data, ax):
    plots.trajectories(data, ax, "fa", recorded=1, trajectory=2)
    np.testing.assert_array_equal(drawn(ax, "true"), data.target[1, 2])
    np.testing.assert_array_equal(drawn(ax, "predicted"), data.prediction.sel(rule="fa")[1, 2])
    assert ax.get_aspect() == 1
    assert ax.get_xlabel() == "x (box lengths)"


def test_trajectories_show_what_leaves_the_box_up_to_one_box_away(data, ax):
    plots.trajectories(data.assign(prediction=data.prediction + 0.5), ax, "dfa")
    assert 1.5 < ax.get_xlim()[1] < 2.1
    plots.trajectories(data.assign(prediction=data.prediction * np.nan), ax, "dfa")
    assert ax.get_xlim() == pytest.approx((-0.05, 1.05))
    plots.trajectories(data.assign(prediction=data.prediction * 1e200), ax, "bptt")
    assert ax.get_xlim() == pytest.approx((-0.05, 2.05))


@pytest.mark.parametrize(("kind", "name"), [("train", "mse_train"), ("validate", "mse_validate")])
def test_learning_curve_is_the_median(data, ax, kind, name):
    plots.learning_curve(data, ax, "autapse", kind)
    line = drawn(ax, "autapse")
    np.testing.assert_allclose(line[:, 1], np.median(data[name].sel(rule="autapse"), axis=0))
    np.testing.assert_array_equal(line[:, 0], data.validation if kind == "validate" else np.arange(1, 21))
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx(np.quantile(data[name].sel(rule="autapse"), 0.75, axis=0).max())
    assert ax.get_yscale() == "log"
    assert "MSE (box lengths²)" in ax.get_ylabel()


def test_diverged_networks_count_as_infinite(data, ax):
    broken = data.mse_train.copy()
    broken[0, :5, 10:] = np.nan  # 5 of 9: the median is infinite
    plots.learning_curve(data.assign(mse_train=broken), ax, "bptt")
    line = drawn(ax, "bptt")[:, 1]
    assert np.isfinite(line).all()
    np.testing.assert_allclose(line[10:], 10 * np.median(broken[:, :, 0]))
    np.testing.assert_allclose(line[:10], np.median(broken[0, :, :10], axis=0))


def test_curves_are_drawn_where_the_first_trajectory_asks_for_nothing(data, ax):
    asked = data.mse_train.copy()
    asked[..., 0] = 0
    plots.learning_curve(data.assign(mse_train=asked), ax, "autapse")
    line = drawn(ax, "autapse")[:, 1]
    np.testing.assert_allclose(line, [panels.FLOOR, *np.median(asked.sel(rule="autapse"), axis=0)[1:]])


@pytest.mark.parametrize("diverged", [slice(0, 9), slice(0, 5)])
def test_networks_that_diverge_in_the_first_trajectory_are_drawn(data, ax, diverged):
    broken = single(data, "bptt").mse_train.copy()
    broken[diverged] = np.nan
    plots.learning_curve(single(data, "bptt").assign(mse_train=broken), ax, "bptt")
    highest = 1.0 if diverged.stop == 9 else broken[5:].max()
    np.testing.assert_allclose(drawn(ax, "bptt"), [[seen, highest] for seen in range(1, 21)])
    mark = next(line for line in ax.lines if line.get_marker() == "^")
    np.testing.assert_allclose(mark.get_xydata(), [[1, highest]])


def test_what_diverges_after_a_trajectory_that_asks_for_nothing_is_drawn(data, ax):
    asked = single(data, "bptt").mse_train.copy()
    asked[:, 0], asked[:, 10:] = 0, np.nan
    plots.learning_curve(single(data, "bptt").assign(mse_train=asked), ax, "bptt")
    np.testing.assert_allclose(drawn(ax, "bptt")[10:, 1], asked[:, 1:10].max())
    assert next(line for line in ax.lines if line.get_marker() == "^").get_xdata().tolist() == [11]


def test_curves_of_any_rules_have_colours_of_their_own(data):
    names = ["snap1", "three_factor", "mine.py", "yours.py"]
    assert len({style.colour(name) for name in names}) == 2
    ax = figures()["fig2"].draw(data.assign_coords(rule=names)).axes[0]
    labels = [style.label(name) for name in names]
    assert len({to_hex(line.get_color()) for line in ax.lines if line.get_label() in labels}) == len(names)


def test_a_single_trajectory_is_seen(data, ax):
    plots.learning_curve(data.isel(training_trajectory=[0]), ax, "autapse")
    assert next(line for line in ax.lines if line.get_label() == "autapse").get_marker() == "o"


def test_quantile_agrees_with_numpy_and_bears_infinities():
    values = np.random.default_rng(1).normal(size=(10, 3))
    for share in (0, 0.25, 0.5, 0.75, 1):
        np.testing.assert_allclose(panels._quantile(values, share), np.quantile(values, share, axis=0))
    assert panels._quantile(np.array([1.0, np.nan, np.nan]), 0.5) == np.inf
    assert panels._quantile(np.array([1.0, 2.0, np.nan]), 0.5) == 2


def test_control_lines_lie_at_the_medians_with_labels_apart(data, ax):
    plots.learning_curve(data, ax, "bptt")
    before = len(ax.lines)
    plots.control_lines(data, ax)
    expected = np.median(data.control_mse.mean("trajectory"), axis=1)
    np.testing.assert_allclose([line.get_ydata()[0] for line in ax.lines[before:]], expected)
    assert {text.get_text() for text in ax.texts} == set(CONTROLS)
    low, high = ax.get_ylim()
    assert low < expected.min()
    assert high > expected.max()
    heights = np.sort([text.xyann[1] for text in ax.texts])
    assert np.diff(heights).min() > 0.03


def test_labels_of_controls_stand_as_far_apart_in_a_part_of_a_figure(data, ax):
    whole = Figure(figsize=(10, 4.8))
    part = whole.subfigures(1, 2)[0].subplots()
    for each in (ax, part):
        plots.control_lines(data, each)
    heights = [[text.xyann[1] for text in each.texts] for each in (ax, part)]
    assert ax.figure.get_figheight() == whole.get_figheight()
    np.testing.assert_allclose(*heights)


def test_a_control_that_diverged_is_left_out(data, ax):
    plots.control_lines(data.assign(control_mse=data.control_mse.where(data.control != "untrained")), ax)
    assert "untrained" not in {text.get_text() for text in ax.texts}


def test_traces_draw_every_panel(data):
    assert plots.trace_names(data, "bptt") == ["activity", "feedback", "error"]
    names = plots.trace_names(data, "autapse")
    assert names == ["activity", "k", "feedback", "error"]
    axes = Figure().subplots(4, 1)
    plots.traces(data, axes, "autapse", "test 1", recorded=2)
    for ax, name in zip(axes, names, strict=True):
        values = data[f"trace_{name}"].sel(rule="autapse", phase="test 1")[2]
        for index in range(2):
            line = drawn(ax, f"{values.dims[-1]} {index}")
            np.testing.assert_array_equal(line, np.stack([data.step, values[:, index]], axis=1))
        assert ax.get_xlim() == axes[-1].get_xlim()
    assert axes[-1].get_xlabel() == "step"


def test_traces_have_their_units(data):
    volts = data.assign(trace_k=data.trace_k.assign_attrs(units="V"))
    axes = Figure().subplots(4, 1)
    plots.traces(volts, axes, "autapse", "test 1")
    assert [ax.get_ylabel() for ax in axes] == ["activity", "trace k\n(V)", "feedback", "error\n(box lengths)"]


def test_traces_are_of_the_rules_that_have_one(data):
    """Side by side, with an own trace in a row of its own; where no rule has one, of the first."""
    added = data.assign(
        trace_k=data.trace_k.where(data.rule != "fa", data.trace_activity),
        trace_s=data.trace_activity.where(data.rule == "dfa"),
    )
    for shown, expected in (
        (data, {"autapse": ["activity", "trace k"]}),
        (added, {"fa": ["activity", "trace k"], "dfa": ["activity", "trace s"], "autapse": ["activity", "trace k"]}),
        (data.sel(rule=["fa", "dfa"]), {"fa": ["activity"]}),
    ):
        figure = plots.figure_traces(shown)
        axes = [ax for ax in figure.axes if ax.lines]
        assert len(axes) == sum(len(rows) + 2 for rows in expected.values())
        colours = {to_hex(ax.lines[0].get_color()).upper() for ax in axes}
        assert colours == {style.colour(rule) for rule in expected}
        labels = [ax.get_ylabel() for ax in axes if ax.get_ylabel()]
        assert set(labels) == {*(row for rows in expected.values() for row in rows), "feedback", "error\n(box lengths)"}
        assert len(labels) == len(set(labels))
    assert {ax.get_title() for ax in plots.figure_traces(added).axes if ax.get_title()} == {"fa", "dfa", "autapse"}
    assert len(plots.figure_traces(added, "dfa").axes) == 4


def test_figures_have_a_panel_per_rule_and_the_rules_colours(data):
    axes = plots.figure1(data).axes
    assert [ax.get_title() for ax in axes] == RULES
    assert len({ax.get_xlim() for ax in axes}) == 1
    for ax, rule in zip(axes, RULES, strict=True):
        line = next(line for line in ax.lines if line.get_label() == "predicted")
        assert to_hex(line.get_color()).upper() == style.colour(rule)
    for ax in plots.figure2(data).axes:
        assert {line.get_label() for line in ax.lines} >= set(RULES)
    assert len(plots.figure_traces(data, "autapse", "training 1").axes) == 4


@pytest.mark.parametrize("name", sorted(figures("result")))
def test_figures_take_one_rule_as_well_as_many(data, name):
    one = figures()[name].draw(Result(single(data, "autapse")))
    many = figures()[name].draw(data.sel(rule=["autapse"]))
    for left, right in zip(one.axes, many.axes, strict=True):
        for a, b in zip(left.lines, right.lines, strict=True):
            np.testing.assert_array_equal(a.get_xydata(), b.get_xydata())


@pytest.mark.parametrize(
    ("figure", "dropped", "part"),
    [
        ("fig1", "prediction", "test"),
        ("fig2", "mse_train", "training"),
        ("fig2", "mse_validate", "validation"),
        ("traces", "trace_activity", "traces"),
    ],
)
def test_an_absent_part_is_named(data, figure, dropped, part):
    for poorer in (data.drop_vars(dropped), data.isel({data[dropped].dims[2]: []})):
        with pytest.raises(InputError, match=f"no {part}"):
            figures()[figure].draw(poorer)


def test_nothing_kept_in_full_is_named(data):
    for figure in ("fig1", "traces"):
        with pytest.raises(InputError, match="no replicate of this result was kept in full"):
            figures()[figure].draw(data.isel(recorded=[]))


def test_both_trajectories_start_where_the_target_counts(data, ax):
    late = data.copy(deep=True)
    late.target[dict(step=slice(3))] = np.nan
    plots.trajectories(late, ax, "fa")
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    assert len(lines["true"]) == len(lines["predicted"]) == data.sizes["step"] - 3
    np.testing.assert_array_equal(lines["predicted"][0], late.prediction.sel(rule="fa")[0, 0, 3])


def test_bad_choices_are_one_line(data, ax):
    with pytest.raises(InputError, match="unknown rule 'bppt'; did you mean 'bptt'"):
        plots.trajectories(data, ax, "bppt")
    with pytest.raises(InputError, match="unknown rule 'fa'"):
        plots.learning_curve(single(data, "bptt"), ax, "fa")
    with pytest.raises(InputError, match="unknown kind"):
        plots.learning_curve(data, ax, "fa", "test")
    with pytest.raises(InputError, match="recorded is 3; this result holds 3"):
        plots.trajectories(data, ax, "fa", recorded=3)
    with pytest.raises(InputError, match="unknown phase"):
        plots.figure_traces(data, "fa", "training 3")
    with pytest.raises(InputError, match="need 3 axes"):
        plots.traces(data, [ax], "fa", "test 1")
    with pytest.raises(InputError, match="no controls"):
        plots.control_lines(data.drop_vars("control_mse"), ax)
    with pytest.raises(InputError, match="one coordinate"):
        plots.trajectories(data.isel(coordinate=[0]), ax, "fa")


def test_files_are_written_without_a_display_and_without_pyplot(data, tmp_path):
    paths = plots.save(plots.figure2(data), tmp_path / "new", "fig2")
    assert [path.name for path in paths] == ["fig2.pdf", "fig2.png"]
    assert paths[0].read_bytes().startswith(b"%PDF")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "new").iterdir())) == 2
    code = "import sys, autapse_sim.results.plots; assert not {'matplotlib.pyplot', 'brian2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fig1_trajectories", "fig2_mse"])
def test_figure_scripts(data, tmp_path, name):
    Result(data).save(tmp_path / "result.nc")
    root = Path(__file__).parents[1]
    script = [sys.executable, root / "figures" / f"{name}.py", tmp_path / "result.nc", tmp_path]
    subprocess.run(script, check=True, env={**os.environ, "PYTHONPATH": str(root)})
    assert (tmp_path / f"{name}.pdf").stat().st_size > 1000


@pytest.mark.parametrize("figure", figures("verdict"))
def test_figures_of_a_verdict_refuse_what_is_none(data, figure):
    with pytest.raises(InputError, match=r"this (result is no )?verdict"):
        figures()[figure].draw(data)
