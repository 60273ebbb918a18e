"""The command line, run as a user runs it: one clear line for each mistake, exit code 2, nothing lost."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main

SMALL = ["--replicates", "3", "--trajectories", "4", "--validate", "2", "--test", "2", "--steps", "20"]


@pytest.fixture
def run(tmp_path):
    def invoke(*arguments):
        return CliRunner().invoke(
            main, [*arguments, *([] if "--out" in arguments else ["--out", str(tmp_path / "out")])]
        )

    return invoke


@pytest.fixture
def rule_file(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


GOOD = """from brian2 import ms
from autapse_sim import Rule
rule = Rule(
    trace="dk/dt = (activity - k)/tau : 1",
    update="w -= eta * feedback_post * k_pre",
    parameters={"tau": 10*ms, "eta": 0.03},
)
"""


@pytest.mark.slow
def test_compare_writes_table_result_and_figures(run, tmp_path):
    done = run("compare", *SMALL, "--eta", "0.01", "--eta", "0.1")
    assert done.exit_code == 0, done.output
    for name in ("bptt", "fa", "dfa", "autapse", "persistence", "W = 0", "bias only"):
        assert name in done.stdout
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"compare.nc", "study", *(f"{f}.{e}" for f in ("fig1", "fig2", "traces") for e in ("pdf", "png"))}
    data = ap.load(tmp_path / "out" / "compare.nc").data
    assert dict(data.sizes)["rule"] == 4
    assert np.isfinite(data.mse.values).all()
    assert "tau dk/dt" in data.attrs["equations"] or "dk/dt" in data.attrs["equations"]


def test_json_is_for_machines(run):
    done = run("train", *SMALL, "--json", "--engine", "numpy", "--tau", "5 ms")
    assert done.exit_code == 0, done.output
    row, *controls = json.loads(done.stdout)
    assert row["name"] == "autapse"
    assert {each["name"] for each in controls} == {"training mean", "persistence", "untrained W", "affine of x(t)"}
    assert row["mse"][1] <= row["mse"][0] <= row["mse"][2]


def test_a_rule_by_path_is_the_rule_by_name(run, rule_file, tmp_path):
    for rule, out in ((rule_file(GOOD), "a"), ("autapse", "b")):
        done = run("train", *SMALL, "--rule", rule, "--engine", "runtime", "--out", str(tmp_path / out))
        assert done.exit_code == 0, done.output
    one, other = (ap.load(tmp_path / out / "train.nc").data for out in "ab")
    np.testing.assert_array_equal(one.W, other.W)
    assert np.abs(one.W).max() > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--rule", "autaps"], ["unknown rule 'autaps'", "'autapse'"]),
        (["--neuron", "rat"], ["unknown neuron 'rat'", "'rate'"]),
        (["--activation", "sigmoide"], ["unknown activation 'sigmoide'", "'sigmoid'"]),
        (["--engine", "nump"], ["unknown engine 'nump'", "'numpy'"]),
        (["--learn", "Q"], ["unknown learn 'Q'"]),
        (["--neurons", "0"], ["neurons is 0"]),
        (["--tau", "-5 ms"], ["tau", "must be positive"]),
        (["--tau", "5"], ["tau", "second"]),
        (["--tau", "5 mV"], ["tau", "second"]),
        (["--tau", "5 quux"], ["unknown unit 'quux'"]),
        (["--eta", "nan"], ["eta", "finite"]),
        (["--horizon", "120"], ["horizon is 120", "20 steps"]),
        (["--replicates", "0"], ["replicates is 0"]),
        (["-p", "gain=2"], ["unknown parameter 'gain'"]),
        (["-p", "gain"], ["NAME=VALUE"]),
        (["--rule", "nowhere/rule.py"], ["does not exist"]),
        (["--rule", "bptt", "--engine", "standalone"], ["bptt", "engine='numpy'"]),
        (["--method", "quux"], ["quux"]),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, arguments, says):
    done = run("train", *SMALL, *arguments)
    assert done.exit_code == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("autapse: error:")]
    assert len(lines) == 1, done.output
    for words in says:
        assert words in lines[0]
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("rule = Rule(", "rule = Rule((", ["line ", "does not parse"]),
        ("rule = Rule", "law = Rule", ["defines no rule"]),
        ("update=", "updat=", ["line 5", "updat"]),
        ("w -= eta", "v -= eta", ["does not change the weight w"]),
        ("k_pre", "kk_pre", ["line 5", "kk_pre"]),
        ("/tau : 1", "/tau : volt", ["line 4", "k"]),
        ("10*ms", "10*mss", ["line 6", "mss"]),
        ("tau", "tau_m", ["tau_m", "rename"]),
    ],
)
def test_a_rule_file_that_is_wrong(run, rule_file, old, new, says):
    path = rule_file(GOOD.replace(old, new))
    done = run("train", *SMALL, "--rule", path, "--engine", "runtime")
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("autapse: error:")]
    for words in says:
        assert words in line
    assert "mine.py" in line or "Rule" in line


def test_an_output_folder_that_cannot_be_written(run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = run("train", *SMALL, "--out", str(tmp_path / "file"))
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_damaged_result_file(run, tmp_path):
    assert run("train", *SMALL, "--engine", "numpy").exit_code == 0
    path = tmp_path / "out" / "train.nc"
    path.write_bytes(path.read_bytes()[:-100])
    done = CliRunner().invoke(main, ["plot", "fig1", str(path)])
    assert done.exit_code == 2
    assert "damaged" in done.stderr


def test_help_does_not_import_the_heavy_libraries():
    code = "import sys; from autapse_sim.commands.main import main\n"
    code += "print([m for m in ('brian2', 'xarray', 'matplotlib', 'scipy')"
    done = subprocess.run(
        [sys.executable, "-c", code + " if m in sys.modules])"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def running():
    """The command lines of all processes, where the system tells them."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_text(errors="replace"))
    return lines


def runs(folder):
    """Whether a program has its input in a folder, from which others are taken away meanwhile."""
    return any(name.endswith(".in") for _, _, files in os.walk(folder) for name in files)


@pytest.mark.slow
def test_ctrl_c_leaves_no_result_and_no_process(tmp_path):
    command = "from autapse_sim.commands.main import main; main()"
    arguments = [
        *("compare", "--rule", "autapse", "--neurons", "32", "--replicates", "20", "--trajectories", "4000"),
        "--out",
        str(tmp_path / "out"),
    ]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-c", command, *arguments], stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 60
    while not runs(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("autapse: stopped; ")
    assert not list((tmp_path / "out").glob("*.*"))
    assert not list(tmp_path.glob("autapse_*"))
    assert not [line for line in running() if str(tmp_path) in line]


def stop(*arguments, **options):
    raise KeyboardInterrupt


def test_ctrl_c_says_what_was_written(run, tmp_path, monkeypatch, without_workers):
    monkeypatch.setattr("autapse_sim.results.plots.style.write_contents", stop)
    done = run("compare", *SMALL, "--rule", "bptt", "--eta", "0.1")
    assert done.exit_code == 130
    files = f"{tmp_path / 'out' / 'study'}, {tmp_path / 'out' / 'compare.nc'}"
    assert done.stderr.splitlines()[-1] == f"autapse: stopped; written before that: {files}"
    assert ap.load(tmp_path / "out" / "compare.nc").data.mse.size
    monkeypatch.setattr("autapse_sim.compare", stop, raising=False)
    done = run("compare", *SMALL, "--rule", "bptt", "--eta", "0.1")
    assert done.stderr.splitlines()[-1] == "autapse: stopped; nothing was written"


@pytest.mark.parametrize(
    "rule",
    ["bptt", *(pytest.param(rule, marks=pytest.mark.slow) for rule in ("autapse", "rtrl", "snap1", "uoro", "fa"))],
)
def test_only_who_runs_in_brian2_runs_slower_without_a_compiler(run, rule, monkeypatch, without_workers):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("shutil.which", lambda command: None)  # whoever imports `compiler` meanwhile keeps the true one
    few = ["--replicates", "1", "--trajectories", "1", "--validate", "0", "--test", "1", "--steps", "5"]
    done = run("train", *few, "--rule", rule)
    assert done.exit_code == 0, done.output
    assert ("Brian2 runs in runtime mode" in done.stderr) == (rule == "autapse")
    if rule in ("bptt", "autapse"):
        done = run("compare", *few, "--rule", rule, "--eta", "0.1")
        assert ("Brian2 runs in runtime mode" in done.stderr) == (rule == "autapse")


def test_parameters_of_a_grid_and_activations_of_the_neuron(run):
    done = run("compare", *SMALL, "--rule", "bptt", "--eta", "0.1", "-p", "eta=0.1")
    assert (done.exit_code, "give etas (--eta)" in done.stderr) == (2, True)
    done = run("train", *SMALL, "--neuron", "leaky", "--activation", "tan")
    assert (done.exit_code, "did you mean 'tanh'" in done.stderr) == (2, True)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTAPSE_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"


def test_the_cache_is_shown_and_cleared(place):
    from autapse_sim.engines import cache

    show = CliRunner().invoke(main, ["cache"])
    assert (show.exit_code, show.output) == (0, f"{place}: 0 programs, 0 manifests, 0.0 kB\n")
    assert not place.exists()
    cache.cached("0123456789abcdef", lambda path: path.write_bytes(bytes(1_500_000)))
    os.utime(next(place.iterdir()), (0, 0))
    cache.cached("f" * 64, lambda path: path.write_bytes(bytes(2500)))
    cache.remember("a" * 64, "text")
    show = CliRunner().invoke(main, ["cache"])
    assert show.exit_code == 0
    head, columns, new, old = show.output.splitlines()
    assert head == f"{place}: 2 programs, 1 manifest, 1.5 MB"
    assert columns.split() == ["key", "size", "last", "used"]
    assert new.split()[:3] == ["f" * 12, "2.5", "kB"]
    assert old.split()[:3] == ["0123456789ab", "1.5", "MB"]
    assert old.split()[3] in ("1970-01-01", "1969-12-31")
    done = CliRunner().invoke(main, ["cache", "--clear"])
    assert done.exit_code == 0
    assert done.output == f"{place}: removed 3 of 3 entries (2 programs, 1 manifest, 1.5 MB)\n"
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("arguments", [[], ["--clear"]])
def test_an_unsafe_cache_is_neither_shown_nor_cleared(place, arguments):
    place.mkdir()
    place.chmod(0o777)
    (place / "key.manifest.autapse").touch()
    done = CliRunner().invoke(main, ["cache", *arguments])
    assert done.exit_code == 2
    assert done.stderr == (
        f"autapse: error: program cache {place} is not used: others can write to it; "
        f"make it private: chmod go-w {place}\n"
    )
    assert len(list(place.iterdir())) == 1


TYPED = {
    "a folder as a rule": (["verdict", "{folder}/"], "{folder} is no file"),
    "a folder with the name of a file": (["train", "--rule", "{folder}/dir.py"], "{folder}/dir.py is no file"),
    "a device as a rule": (["train", "--rule", "/dev/zero"], "/dev/zero is no file"),
    "a name that is too long": (["train", "--neuron", "{folder}/" + 300 * "x" + ".py"], "x.py does not exist"),
    "NUL in a name": (["train", "--rule", "a\0b.py"], "rule is 'a\\x00b.py'; it must be text"),
    "NUL in a folder": (["train", "--out", "a\0b"], "--out is PosixPath('a\\x00b'); it must be a path"),
    "a rule that means nothing, judged": (["verdict", "{folder}/bad.py"], "{folder}/bad.py, line 2: 'x' means nothing"),
    "a rule that ends Python, judged": (["verdict", "{folder}/ends.py"], "{folder}/ends.py, line 1: SystemExit: 0"),
    "a rule that ends Python, compared": (["compare", "--rule", "{folder}/ends.py"], "line 1: SystemExit: 0"),
    "a short tau": (["train", "--tau", "0.3 ms"], "k decays at the rate 1/tau, within 0.3 ms"),
    "a seed that is too large": (["verdict", "autapse", "--seed", str(2**70)], "seed is 1180591620717411303424"),
    "networks that are too many": (["train", "--replicates", str(10**12)], "replicates"),
    "an error of two lines": (["train", "--rule", "{folder}/a\nb.py"], "{folder}/a b.py does not exist"),
}


@pytest.mark.parametrize("what", TYPED)
def test_what_is_typed_is_refused_before_any_work_in_one_line(run, rule_file, tmp_path, what):
    arguments, said = TYPED[what]
    rule_file("from autapse_sim import *\nrule = Rule('w -= x')\n", "bad.py")
    rule_file("raise SystemExit(0)\n", "ends.py")
    (tmp_path / "dir.py").mkdir()
    done = run(*(text.replace("{folder}", str(tmp_path)) for text in arguments))
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("autapse: error:")]
    assert said.replace("{folder}", str(tmp_path)) in line
    assert line == done.stderr.splitlines()[-1]


@pytest.mark.slow
def test_numbers_too_large_for_a_figure_lose_the_figure_alone(run, tmp_path, monkeypatch):
    from autapse_sim.results.plots.catalogue import figures

    known = figures()

    monkeypatch.setattr("autapse_sim.results.plots.catalogue.figures", lambda *kinds: {"fig2": known["fig2"]})
    diverging = ["--rule", "bptt", "--rule", "fa", "--eta", "1e3", "--activation", "linear", "--steps", "6"]
    done = run("compare", *SMALL, *diverging)
    assert done.exit_code == 0, done.output
    assert "fig2 is left out: it holds numbers that are too large to be drawn" in done.stderr
    assert "Warning" not in done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"compare.nc", "study"}
    done = CliRunner().invoke(main, ["plot", "fig2", str(tmp_path / "out" / "compare.nc"), "--out", str(tmp_path)])
    assert (done.exit_code, done.stderr) == (2, "autapse: error: it holds numbers that are too large to be drawn\n")


@pytest.mark.parametrize("more", [["--steps", "1", "--horizon", "0"], ["--speed", "0"]])
def test_r2_of_targets_that_do_not_vary_is_not_defined(run, more):
    done = run("train", *SMALL, "--engine", "numpy", *more)
    assert done.exit_code == 0, done.output
    assert "R2 is not defined (-): the targets of a trajectory do not vary" in done.stdout
    assert "nan" not in done.stdout.lower()
    assert "Warning" not in done.stderr
    varied = run("train", *SMALL, "--engine", "numpy")
    assert "not defined" not in varied.stdout


def test_libraries_say_nothing_on_the_terminal(run, monkeypatch):
    import logging
    import warnings

    def noisy(*arguments, **options):
        warnings.warn("overflow encountered in power", RuntimeWarning, stacklevel=1)
        logging.getLogger("matplotlib.font_manager").warning("building the font cache")
        raise ap.InputError("no more")

    monkeypatch.setattr("autapse_sim.train", noisy, raising=False)
    done = run("train", *SMALL)
    assert done.stderr.splitlines()[-1] == "autapse: error: no more"
    assert "overflow" not in done.stderr
    assert "font" not in done.stderr
    with pytest.warns(RuntimeWarning, match="overflow"), pytest.raises(ap.InputError):
        noisy()
