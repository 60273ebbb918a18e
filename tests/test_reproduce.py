"""Published results: found by looking, run as studies, answered by what can be shown."""

import json
import re
from textwrap import dedent

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from here import Here

import autapse_sim as ap
from autapse_sim.commands import main
from autapse_sim.experiments import reproductions as package
from autapse_sim.experiments.agreement import (
    NOT,
    REPRODUCED,
    UNSAID,
    Sample,
    alike,
    among,
    exact,
    lower,
    near,
    same_mean,
)
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction, reproductions
from autapse_sim.studies.workers import Workers

pytestmark = pytest.mark.usefixtures("no_workers", "fast_programs")

HERE = Workers(Here(), lambda: 1)
OWN = """
    import numpy as np
    import xarray as xr
    import autapse_sim as ap
    from autapse_sim.experiments.agreement import same_mean, Sample
    from autapse_sim.experiments.reproduction import Answer, Call, Finding

    def scores(seed, count, at):
        return xr.Dataset({"score": ("replicate", np.random.default_rng(seed).normal(at, 0.1, count))})

    def units(seed, quick):
        return {"all": Call(scores, {"seed": seed, "count": 3 if quick else 20, "at": 1.0})}

    def answer(found, quick):
        score = found["all"].score.values
        one = Finding("the score", "1", f"{score.mean():.2f}", *same_mean(score, Sample(PUBLISHED), 0.2))
        return Answer((one,), found["all"])

    reproduction = ap.Reproduction(
        "scores are 1", "Nobody, doi:10.0000/none", "1", (2, 0.01), "3 of 20 seeds", units, answer, shorter=False
    )
"""


@pytest.fixture
def own(tmp_path):
    """The path of a file with a reproduction of a published number."""

    def written(published=1.0, text=OWN):
        path = tmp_path / "mine.py"
        path.write_text(dedent(text).replace("PUBLISHED", str(published)))
        return str(path)

    return written


def command(*words):
    return CliRunner().invoke(main.main, ["reproduce", *words])


def test_those_that_there_are_say_what_and_where():
    known = reproductions()
    assert {"eprop-sine"} <= known.keys()
    for name, one in known.items():
        one.checked(name)
        assert "doi:10." in one.source, name
        assert one.minutes[1] <= one.minutes[0], name
        for quick in (True, False):
            assert one.units(0, quick), name
    listed = command("--list").output
    assert all(name in listed for name in known)
    assert {row["name"] for row in json.loads(command("--list", "--json").output)} == known.keys()


@pytest.mark.parametrize(("published", "answer"), [(1.0, REPRODUCED), (1.2, UNSAID), (2.0, NOT)])
def test_a_file_of_ones_own_is_run_kept_and_answered(own, tmp_path, published, answer):
    out = tmp_path / "out"
    done = command(own(published), "--out", str(out))
    assert done.exit_code == 0, done.stderr
    assert "mine takes about 2 min on 2 cores; with --quick 1 s, 3 of 20 seeds" in done.stderr
    saved = ap.load(out / "reproduction.nc").data
    assert (saved.attrs["answer"], saved.agrees.values.tolist()) == (answer, [answer])
    assert saved.attrs["table"] in done.output
    assert saved.sizes["replicate"] == 20
    page = (out / "reproduction.html").read_text()
    assert saved.attrs["source"] in page
    assert "quick=False, seed=0" in json.loads(saved.attrs["provenance"])["command"]
    assert page.count(f">{answer}</td>") == 1
    (unit,) = (out / "study" / "units").glob("*.nc")
    before = unit.stat().st_mtime_ns
    told = json.loads(command(own(published), "--out", str(out), "--json").stdout)
    assert (told["answer"], told["quick"], unit.stat().st_mtime_ns) == (answer, False, before)
    other = command(own(published), "--out", str(out), "--seed", "1", "--json")
    assert json.loads(other.stdout)["findings"] != told["findings"]


def test_another_text_of_the_file_is_another_unit(own, tmp_path):
    for text in (OWN, OWN.replace("(at, 0.1", "(at, 0.2")):
        ap.reproduce(own(text=text), folder=tmp_path / "study", on=HERE)
    assert len([*(tmp_path / "study" / "units").glob("*.nc")]) == 2


def test_a_quick_run_says_so_and_shows_nothing_that_it_cannot(own):
    about = ap.reproduce(own(), quick=True, on=HERE).data.attrs
    assert "a quick run (3 of 20 seeds)" in about["sentence"]
    assert about["answer"] == UNSAID

    def answer(found, quick):
        return Answer((Finding("x", "1", "1", *exact([1.0], [1.0], 0.1)),))

    call = Call(xr.Dataset, {})
    for shorter, kind in ((True, UNSAID), (False, REPRODUCED)):
        what = Reproduction("x", "y", "z", (1, 1), "less", lambda seed, quick: {"": call}, answer, shorter)
        assert what.answered({}, quick=True).kind == kind
        assert what.answered({}, quick=False).kind == REPRODUCED


def test_where_the_setting_is_not_known_a_difference_may_be_due_to_that():
    for off, kinds in ((1.0, (REPRODUCED, REPRODUCED)), (2.0, (NOT, UNSAID))):

        def answer(found, quick, off=off):
            return Answer((Finding("x", "1", "1", *exact([off], [1.0], 0.1)),))

        for unknown, kind in zip(("", "the rates"), kinds, strict=True):
            what = Reproduction("x", "y", "z", (1, 1), "less", lambda seed, quick: {}, answer, unknown=unknown)
            answered = what.answered({}, quick=False)
            assert answered.kind == kind
            assert ("not known: the rates" in answered.findings[0].by) == (kind == UNSAID)


def test_what_is_wrong_is_said_in_a_line(own):
    for words, says in (
        ([], "which published result?"),
        (["eprop-sin"], "did you mean 'eprop-sine'"),
        (["eprop-sine", "--on", "moon"], "on is 'moon'"),
    ):
        assert refused(*words, says=says)
    for text, says in (
        ("reproduction = 3", "mine.py defines no reproduction; write reproduction = ap.Reproduction(...)"),
        (OWN.replace("(2, 0.01)", "2"), "mine.py: minutes is 2"),
        (OWN.replace("units, answer", "units, None"), "mine.py: answer is missing"),
    ):
        assert refused(own(text=text), says=says)


def refused(*words, says):
    done = command(*words)
    return done.exit_code == 2 and says in done.stderr.splitlines()[-1]


def test_one_that_comes_with_the_package(tmp_path, monkeypatch):
    (tmp_path / "more_of_it.py").write_text(dedent(OWN).replace("PUBLISHED", "1.0"))
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    assert "more-of-it            scores are 1; 2 min, quick 1 s" in command("--list").output


def test_few_seeds_show_nothing_and_no_agreement_is_given_away():
    seeds = np.random.default_rng(0).normal(1, 0.05, 20)
    assert same_mean(seeds[:5], Sample(1.0), 1.0)[0] == UNSAID
    assert near(seeds[:5], 1.0, 0.5)[0] == UNSAID
    assert among(seeds[:5], 1.0)[0] == UNSAID
    assert lower(seeds[:5] / 2, seeds[:5], "that")[0] == UNSAID
    assert alike(seeds[:5], seeds[:5], 0.1, "that")[0] == UNSAID
    assert same_mean(np.append(seeds, np.nan), Sample(1.0), 0.5)[0] == NOT
    assert lower(seeds, seeds / 2, "that")[0] == NOT
    assert exact([1.0, np.nan], [1.0, 1.0], 0.1)[0] == NOT
    assert same_mean(np.ones(6), Sample(1.0), 0.1)[0] == REPRODUCED
    assert same_mean(np.ones(6), Sample(1.5), 0.1)[0] == NOT


def test_equivalence_keeps_its_level():
    """Of means that differ by the margin, one in twenty is called the same; of equal ones, most."""
    rng = np.random.default_rng(0)
    for off, least, most in ((0.1, 0.02, 0.08), (0.0, 0.85, 1.0)):
        pairs = rng.normal(size=(400, 2, 20)) * 0.1 + np.array([off, 0.0])[:, None]
        same = [same_mean(here, Sample.of(there), 0.1)[0] == REPRODUCED for here, there in pairs]
        assert least < np.mean(same) < most


FAST = ("eprop-sine",)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in FAST)) for name in reproductions()]
)
def test_a_quick_run_of_each_is_run_and_says_what_it_may(name, tmp_path):
    done = command(name, "--quick", "--out", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    data = ap.load(tmp_path / "reproduction.nc").data
    findings = json.loads(data.attrs["findings"])
    assert findings
    for one in findings:
        assert re.search(r"\d", one["here"]), one
        assert "nan" not in one["here"], one
    what = reproductions()[name]
    assert what.quick in data.attrs["sentence"]
    assert data.attrs["answer"] == (UNSAID if what.shorter else REPRODUCED)


def test_another_published_number_is_not_reproduced():
    from autapse_sim.experiments.reproductions import eprop_sine

    losses = 1.001 * eprop_sine.reference()["loss"][: eprop_sine.FEW]
    found = {"": xr.Dataset({"loss": ("iteration", losses)})}
    assert reproductions()["eprop-sine"].answered(found, quick=True).kind == NOT


def test_a_stimulus_that_is_not_there_is_silence():
    from autapse_sim.experiments.reproductions.diffusion_match import MATCH

    task = MATCH.task
    x, y = task.sample(np.random.default_rng(0), 1, 200)
    fired = x[0].reshape(200, task.steps, 4, task.population).mean(axis=(1, 3)) * task.steps / task.cue
    there = fired[:, :2] > 0.01
    assert set(map(tuple, there)) == {(False, False), (False, True), (True, False), (True, True)}
    assert np.allclose(fired[:, :2][there], 0.04, atol=0.015)
    assert (fired[:, :2][~there] == 0).all()
    assert ((there[:, 0] != there[:, 1]) == y[0, :, -1].argmax(axis=1)).all()
