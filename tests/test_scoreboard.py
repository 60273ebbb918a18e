"""Several rules judged on several benchmarks: what is trained, what is corrected, and what is shown."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from here import Here
from scipy.stats import trim_mean
from two_seeds import contradictions, table

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.board import MARKS, over_all, text
from autapse_sim.experiments.verdict.judging import case_of, work
from autapse_sim.experiments.verdict.methods import FIXED
from autapse_sim.experiments.verdict.scoreboard import plan_scoreboard
from autapse_sim.experiments.verdict.standing import mean, middle, profile, shares
from autapse_sim.results.answers import LEARNS, NO_MORE, NOT, UNSAID, UNSURE
from autapse_sim.results.plots.catalogue import figures, figures_of
from autapse_sim.results.statistics import compare_all, holm
from autapse_sim.spec.model import library
from autapse_sim.studies.workers import Workers

FEW = ap.Protocol(train=16, validate=2, test=2, validate_every=8, update="batch", batch=8, optimiser="adam")
CIRCUIT = ap.Circuit(neurons=4, readout="random", activation="tanh", learn=("W", "V", "c"), feedback="symmetric")
BALL = Benchmark("foresee a ball", ap.BouncingBall(steps=12, horizon=2), CIRCUIT, FEW, etas=(0.01, 0.03))
SLOW = replace(BALL, title="a slow ball", circuit=replace(CIRCUIT, neuron="leaky"), family="continuous")


@pytest.fixture(autouse=True)
def benchmark(monkeypatch):
    monkeypatch.setattr("autapse_sim.experiments.benchmark.benchmarks", lambda: {"ball": BALL, "slow": SLOW})
    monkeypatch.setattr("autapse_sim.experiments.verdict.scoreboard.benchmarks", lambda: {"ball": BALL, "slow": SLOW})
    monkeypatch.setattr("autapse_sim.experiments.verdict.pilots.GROWTH", 0)


def board(folder, rules=("fa", "snap1"), benchmarks=("ball", "slow"), executor=None, **options):
    executor = executor or Here()
    options = {"replicates": 8, **options}
    return ap.scoreboard(rules, benchmarks, folder=folder, on=Workers(executor, lambda: 1), **options), executor.calls


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autapse_sim.experiments.benchmark.benchmarks", lambda: {"ball": BALL, "slow": SLOW})
        patch.setattr("autapse_sim.experiments.verdict.pilots.GROWTH", 0)
        return board(tmp_path_factory.mktemp("board"))[0]


@pytest.mark.slow
def test_errors_are_those_of_the_verdicts_and_shares_go_from_reservoir_to_ceiling(both, tmp_path):
    data = both.data
    verdict = ap.verdict("fa", replace(BALL, beside=("snap1",)), 8, folder=tmp_path, on=Workers(Here(), lambda: 1)).data
    shown = data.error.sel(benchmark="ball")
    for name in ("fa", "snap1", "bptt", FIXED):
        assert np.array_equal(shown.sel({"method": name}), verdict.mse_online.sel({"method": name}))
    fixed, ceiling = (shown.sel({"method": name}).values for name in (FIXED, "bptt"))
    way = np.median(fixed - ceiling)
    assert way > 0
    share = data.share.sel(benchmark="ball")
    assert not share.sel({"method": FIXED}).any()
    assert np.median(share.sel({"method": "bptt"})) == pytest.approx(1)
    found = np.clip((fixed - shown.sel({"method": "fa"}).values) / way, -1, 2)
    assert np.array_equal(share.sel({"method": "fa"}), found)
    assert np.unique(found).size > 4


@pytest.mark.slow
def test_a_rule_that_does_not_go_with_a_benchmark_is_named_and_has_no_place_over_all(both):
    data, answers = both.data, json.loads(both.data.attrs["answers"])
    assert set(answers["slow"]) == {"fa", "bptt"}
    assert set(answers["ball"]) == {"fa", "snap1", "bptt"}
    nothing = data.sel({"method": "snap1"})
    assert np.isnan(nothing.error.sel(benchmark="slow")).all()
    assert np.isnan(nothing.middle.sel(family="all")).all()
    assert not np.isnan(nothing.middle.sel(family="leak-free")).any()
    assert not np.isnan(data.mean_rank.sel({"method": "fa", "family": "all"})).any()
    assert "without snap1" in plan_scoreboard(["fa", "snap1"], ["slow"]).text()
    assert all(each["answer"] in MARKS for one in answers.values() for each in one.values())
    way, _, _ = text(data.assign(share=data.share * np.nan)).partition(f"\n{MARKS[LEARNS]} ")
    shown = {line.split()[0]: line for line in way.splitlines() if line}
    assert shown["snap1"].split()[1:] == ["n/a", MARKS[answers["ball"]["snap1"]["answer"]], "n/a"]
    assert shown["fa"].split()[1:3] == ["n/a", MARKS[answers["ball"]["fa"]["answer"]]]


@pytest.mark.slow
def test_it_is_kept_as_a_file_drawn_and_written_as_a_page(both, tmp_path):
    both.save(tmp_path / "scoreboard.nc")
    again = ap.load(tmp_path / "scoreboard.nc")
    assert again.data.equals(both.data)
    assert again.data.attrs == both.data.attrs
    figures = {name: draw(again) for name, draw in figures_of(again, "scoreboard").items()}
    assert list(figures) == ["board", "standing", "profiles"]
    for figure in figures.values():
        assert all(ax.get_xlabel() or ax.get_ylabel() or ax.get_xticklabels() for ax in figure.axes)
    page = ap.report(again, tmp_path / "board.html").read_text()
    for said in ("fa on 0 of 2", "What is said of each rule", "a slow ball", "ns</td>"):
        assert said in page


@pytest.mark.slow
def test_what_verdicts_have_trained_is_not_trained_again(tmp_path):
    _, calls = board(tmp_path, ("fa",), ("ball",))
    again, more = board(tmp_path, ("fa",), ("ball",))
    assert calls > 0
    assert more == 0
    ap.verdict("fa", replace(BALL, beside=()), 8, folder=tmp_path, on=Workers(none := Here(), lambda: 1))
    assert none.calls == 0
    _, new = board(tmp_path, ("fa",), ("ball",), replicates=16)
    assert 0 < new < calls
    assert again.data.sizes["replicate"] == 8


def test_seeds_follow_the_family_where_nothing_is_said():
    spiky = replace(BALL, family="spiking")
    plan = plan_scoreboard(["fa"], [spiky])
    assert plan.replicates == {"own": 16}
    assert plan_scoreboard(["fa"], ["ball"], replicates=6).replicates == {"ball": 8}
    assert plan_scoreboard(["fa"], ["ball"]).replicates == {"ball": 56}


def test_all_rules_are_those_that_teach_recurrence_but_the_ceiling_itself():
    plan = plan_scoreboard(None, ["ball"])
    assert {"autapse", "rflo", "dfa", "fa", "eprop", "node_perturbation", "snap1"} <= set(plan.rules["ball"])
    assert not {"bptt", "rtrl", "delta", "force", "kolen_pollack"} & set(plan.rules["ball"])
    assert set(plan_scoreboard(["fa"], None).cases) == {"ball", "slow"}


@pytest.mark.parametrize(
    ("rules", "benchmarks", "said"),
    [
        (["autaps"], ["ball"], "did you mean 'autapse'"),
        (["fa"], ["bal"], "did you mean 'ball'"),
        (["fa"], ["ball", "ball"], "benchmark ball is there twice"),
        ([], ["ball"], "no rule is to be judged"),
        (["fa"], [], "no benchmark is named"),
        (["snap1"], ["slow"], "none of snap1 goes with slow: rule 'snap1' on engine"),
    ],
)
def test_mistakes_are_refused_before_anything_is_trained(rules, benchmarks, said):
    with pytest.raises(ap.InputError, match=said):
        plan_scoreboard(rules, benchmarks)


@pytest.mark.parametrize("rules", [["a/dfa.py", "fa", "b/dfa.py"], ["a/dfa.py", "dfa"], ["a/bptt.py"]])
def test_rules_of_one_name_are_refused_as_nobody_could_tell_them_apart(rules, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (each for each in rules if "/" in each):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(library("rules")["dfa"].read_text())
    alike = Path(rules[0]).stem
    with pytest.raises(ap.InputError, match=f"would both be called '{alike}' here; give the file another name"):
        plan_scoreboard(rules, ["ball"])


def test_comparisons_are_corrected_over_methods_and_benchmarks():
    rng = np.random.default_rng(0)
    base = rng.uniform(1, 2, 20)
    errors = {name: base * rng.normal(factor, 0.1, 20) for name, factor in (("a", 0.95), ("b", 1.0))}
    one = {FIXED: compare_all(errors, base, margin=0.05), "affine of 20 lags": compare_all(errors, 1.1 * base)}
    alone = {"a": errors["b"]}
    other = {FIXED: compare_all(alone, base, margin=0.05), "persistence": compare_all(alone, base)}
    found = over_all({"one": one, "other": other})
    plain = [one[FIXED]["a"].p_wilcoxon, one[FIXED]["b"].p_wilcoxon, other[FIXED]["a"].p_wilcoxon]
    told = [found["one"][FIXED]["a"].p, found["one"][FIXED]["b"].p, found["other"][FIXED]["a"].p]
    assert told == pytest.approx(holm(plain))
    assert told[0] > one[FIXED]["a"].p
    margins = [each.p_margin_wilcoxon for each in (one[FIXED]["a"], one[FIXED]["b"], other[FIXED]["a"])]
    told = [found["one"][FIXED]["a"], found["one"][FIXED]["b"], found["other"][FIXED]["a"]]
    assert [each.p_margin for each in told] == pytest.approx(holm(margins))
    assert margins != pytest.approx(plain)
    # the best control is one family, whichever it is
    best = [one["affine of 20 lags"][name].p_wilcoxon for name in "ab"] + [other["persistence"]["a"].p_wilcoxon]
    assert found["other"]["persistence"]["a"].p == pytest.approx(holm(best)[2])


def test_the_middle_is_the_interquartile_mean_and_its_interval_covers():
    rng = np.random.default_rng(1)
    covered = 0
    for k in range(60):
        columns = [rng.normal(0.2, 0.3, 20), rng.normal(0.6, 0.1, 40)]
        estimate, low, high = middle(columns, seed=k)
        assert estimate == pytest.approx(trim_mean(np.concatenate([columns[0], *columns]), 0.25), rel=1e-12)
        truth = trim_mean(np.concatenate([rng.normal(0.2, 0.3, 40_000), rng.normal(0.6, 0.1, 40_000)]), 0.25)
        covered += low <= truth <= high
    assert 50 <= covered <= 60
    assert middle(columns) == middle(columns) != middle(columns[:1])
    assert middle([np.ones(3), np.ones(2)]) == (1, 1, 1)
    assert np.isnan(middle([])).all()


def test_means_and_profiles_count_benchmarks_alike():
    columns = [np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0])]
    assert mean(columns)[0] == 0.5
    assert profile(columns, np.array([0.5])).tolist() == [0.5]


def test_there_is_no_share_of_a_way_that_does_not_exist():
    fixed = np.array([1.0, 1.0])
    assert np.isnan(shares(np.array([[0.5, np.inf]]), fixed, fixed)).all()
    assert np.isnan(shares(np.full((1, 2), np.nan), fixed, 0.5 * fixed)).all()
    lost = np.array([1.0, 1.0, np.inf])  # a seed of which both diverged leaves a way, and most of them none
    assert shares(np.array([[0.5, np.inf, 0.1], [0.8, 0.8, np.inf]]), lost, 0.5 * lost).tolist() == [
        pytest.approx([1, -1, 2]),
        pytest.approx([0.4, 0.4, -1]),
    ]
    assert np.isnan(shares(np.ones((1, 2)), np.array([np.inf, np.inf]), np.ones(2))).all()


def run(*words):
    return CliRunner(catch_exceptions=False).invoke(main, ["verdict", *words])


def test_the_command_says_what_it_would_train():
    done = run("fa", "snap1", "--benchmark", "ball", "--benchmark", "slow", "--dry-run")
    assert done.exit_code == 0
    assert "ball (leak-free): fa, snap1 and bptt, 56 seeds" in done.stderr
    assert "networks in all" in done.stderr
    one = run("fa", "--benchmark", "ball", "--dry-run", "--replicates", "16")
    assert one.exit_code == 0
    assert "ball (leak-free): fa, dfa, rflo, autapse and bptt, 16 seeds" in one.stderr  # with those beside it
    trained = work(case_of("fa", "ball", BALL, seed=0, worthwhile=0.05), 16)
    assert f"{trained} networks in all" in one.stderr
    assert "ball (leak-free): bptt, 56 seeds" in run("bptt", "--all", "--dry-run").stderr
    everything = run("--all", "--dry-run")
    assert everything.exit_code == 0
    assert "autapse" in everything.stderr
    assert "slow (continuous)" in everything.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which rule?"),
        (("fa", "--dry-run", "--ablations"), "--dry-run tells of a verdict without --claims, --ablations"),
        (("fa", "dfa", "--ablations"), "are of one rule on one benchmark"),
        (("--all", "--precision", "0.1"), "are of one rule on one benchmark"),
        (("--all", "--claims"), "are of one rule on one benchmark"),
    ],
)
def test_what_the_command_refuses(words, said, tmp_path):
    done = run(*words, "--out", str(tmp_path))
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.slow
def test_the_command_writes_result_figures_and_page(tmp_path):
    done = run("fa", "snap1", "--benchmark", "ball", "--replicates", "8", "--out", str(tmp_path))
    assert done.exit_code == 0
    assert "share of the way" in done.stdout
    assert "+ learns recurrence" in done.stdout
    assert {"scoreboard.nc", "scoreboard.html", "board.png", "standing.pdf"} <= {
        each.name for each in tmp_path.iterdir()
    }


def test_scoreboards_of_two_seeds_contradict_each_other_only_where_what_is_shown_does():
    def said(**answers):
        reduction = {FIXED: {"reduction": {"estimate": 0.12}}}
        return {"ball": {rule: {"answer": kind, **reduction} for rule, kind in answers.items()}}

    one = said(a=LEARNS, b=NO_MORE, c=NOT, d=UNSAID, e=LEARNS, f=NOT, g=LEARNS, h=UNSURE)
    other = said(a=NOT, b=NOT, c=UNSAID, d=LEARNS, e=NO_MORE, f=NOT, g=UNSURE, h=NO_MORE)
    assert contradictions(one, other) == contradictions(other, one) == [("ball", name) for name in "abe"]
    lines = table(one, other).splitlines()
    assert [line.split()[0] for line in lines if line.endswith("!")] == ["a", "b", "e"]
    assert "+ 12% / - 12% !" in lines[1]


def test_scoreboards_of_other_rules_and_benchmarks_stand_side_by_side_as_far_as_they_go():
    learns = {"a": {"answer": LEARNS, FIXED: {"reduction": {"estimate": -0.001}}}}
    one, other = {"ball": learns, "copy": learns}, {"ball": {"b": learns["a"]}, "noise": learns}
    assert contradictions(one, other) == []
    first, *rows, _ = [line.split() for line in table(one, other).splitlines()]
    assert first == ["ball", "copy", "noise"]
    assert [" ".join(row) for row in rows] == ["a + 0% / - + 0% / - - / + 0%", "b - / + 0% - / - - / -"]


STORED = sorted((Path(__file__).parents[1] / "figures" / "scoreboard").glob("*.nc"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_scoreboards_that_are_kept_can_be_read_and_drawn(path):
    data = ap.load(path).data
    assert path.stat().st_size < 2e6
    assert data.sizes["replicate"] >= (10 if path.stem == "spiking" else 50)
    answers = json.loads(data.attrs["answers"])
    assert answers.keys() == set(data.benchmark.values.tolist())
    assert (data.share.sel({"method": "bptt"}).median("replicate").round(6) == 1).all()
    assert figures("scoreboard")["board"].draw(data).axes
    assert path.with_suffix(".html").read_text().count("<svg") >= 3


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_profiles_tell_all_rules_apart(path):
    (ax,) = figures("scoreboard")["profiles"].draw(ap.load(path).data).axes
    looks = [(line.get_color(), line._dash_pattern) for line in ax.lines if not line.get_label().startswith("_")]
    assert len(looks) == len(set(map(str, looks))) > 10


def test_a_family_is_named_where_the_best_rule_does_not_go_with_it():
    data = ap.load(STORED[0]).data
    two = data.reindex(family=[*data.family.values, "mine, $a$ and $b$"])
    for name in ("middle", "mean_rank", "profile"):
        two[name][1] = two[name][0]
    best = two["middle"].sel(family="continuous", bound="estimate").idxmax("method").item()
    two["middle"].loc[{"family": "mine, $a$ and $b$", "method": best}] = np.nan
    (legend,) = figures("scoreboard")["standing"].draw(two).legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["continuous", r"mine, \$a\$ and \$b\$"]
    titles = [ax.get_title() for ax in figures("scoreboard")["profiles"].draw(two).axes]
    assert titles == names


def test_names_of_benchmarks_are_no_mathematics():
    data = ap.load(STORED[0]).data
    renamed = {name: f"{name}$a$" for name in data.benchmark.values.tolist()}
    answers = {renamed[name]: each for name, each in json.loads(data.attrs["answers"]).items()}
    data = data.assign_coords(benchmark=list(renamed.values())).assign_attrs(answers=json.dumps(answers))
    ax = figures("scoreboard")["board"].draw(data).axes[0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == [rf"{name}\$a\$" for name in renamed]
