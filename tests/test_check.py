"""`autapse check` says what the bench understands of a model, a task or a benchmark, and refuses what means nothing."""

import ast
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.experiments.checking import trial
from autapse_sim.experiments.checking.check import check
from autapse_sim.experiments.checking.circuits import circuit_of
from autapse_sim.experiments.checking.words import against
from autapse_sim.results.report.notation import parts
from autapse_sim.results.report.plain import LATEX, TEXT
from autapse_sim.spec.model import library, read_rule

HEAD = "from brian2 import ms, mV, nS, pF\nimport autapse_sim as ap\n"
NEURON = (
    "ap.Neuron('dv/dt = (tanh(drive + input + bias) - v)/tau_v : 1\\nactivity = v : 1', parameters={'tau_v': %s})\n"
)


@pytest.fixture(autouse=True)
def without_compiling(request, monkeypatch):
    """Brian2's runtime mode, which has the same numbers, where a test does not ask for a program."""
    if "program" not in request.keywords:
        monkeypatch.setattr("autapse_sim.experiments.checking.trial.choose_engine", lambda circuit, engine: "runtime")
        monkeypatch.setattr("autapse_sim.experiments.checking.trial.TIMED", 1)


@pytest.fixture
def file(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(HEAD + text)
        return str(path)

    return write


def sections(given, **how):
    """What is said, by the heading without what stands in brackets."""
    return {heading.partition(" (")[0]: lines for heading, lines in check(given, **how)}


def table(lines):
    """The rows of a table of variables, by name."""
    head, *rows = lines
    starts = [head.index(word) for word in ("name", "place", "unit", "role")]
    cells = [[row[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)] for row in rows]
    return {name: rest for name, *rest in cells}


def test_a_rule_is_told_with_places_units_and_roles():
    found = sections("rflo")
    assert next(iter(found)) == "rflo: a rule for W and U and b, tried with the neuron rate, n = 16, dt = 1 step"
    rate, change = "  dp/dt = (f′ₚₒₛₜ⋅activityₚᵣₑ − p)/τₘ,ₚₒₛₜ", "  w ← w − η⋅feedbackₚₒₛₜ⋅p"
    assert found["equations"] == ["in the synapse", rate, "update", change]
    told = table(found["variables"])
    assert told["p"] == ["synapse", "1", "state, moves by its equation, starts at 0"]
    assert told["o"][0] == "neuron"
    assert told["tau_m"] == ["replicate", "s", "parameter, the neuron's; default 1. ms"]
    assert told["w"][:2] == ["synapse", "1"]
    assert told["feedback"][2].startswith("of the circuit: (B err)_i")
    assert "loss" not in told
    assert "dt" not in told
    order = [line[4:] for line in found["order inside a step"]]
    drive, synapses, change = (
        next(k for k, line in enumerate(order) if line.startswith(word))
        for word in ("drive =", "equations of synapses", "the weights change")
    )
    assert drive < synapses < change


def test_what_it_is_held_against_and_what_it_costs_is_measured():
    found = sections("dfa")
    reference, finer, gradient, blind = found["held against"]
    assert float(reference.rpartition(" ")[2]) <= 1e-12
    assert "--substeps 2" in finer
    assert "cosine" in gradient
    cosines = {word.split()[0]: float(word.split()[1]) for word in gradient.rpartition(": ")[2].split(", ")}
    assert cosines.keys() == {"W", "U", "b"}
    assert 0.2 < cosines["b"] < 1
    assert "blind" in blind
    assert float(found["cost"][0].split()[0].replace(",", "")) > 0
    assert all("cosine" not in line for line in sections("node_perturbation")["held against"])


def test_steps_that_are_too_long_are_told():
    apart = [
        float(sections("leaky", substeps=many)["held against"][1].split(" by ")[1].split("%")[0]) for many in (1, 8)
    ]
    assert apart[0] > 4 * apart[1] > 0


def test_the_exact_gradient_is_its_own_cosine():
    found = sections("bptt", neuron="leaky")
    assert "W 1.00, U 1.00, b 1.00" in " ".join(found["held against"])
    assert "reads forward weights backwards (their transpose): yes" in found["what it asks of a brain"]
    assert "W 1.00" not in " ".join(sections("autapse", neuron="leaky")["held against"])


def test_an_engine_that_gives_other_weights_is_told(monkeypatch):
    def wrong(job, engine, **options):
        outcome = simulated(job, engine, **options)
        if engine == "runtime":
            outcome.weights.W[0, 0, 0] += 0.01
        return outcome

    simulated = trial.simulated
    right = trial.tried(circuit_of("autapse"))
    monkeypatch.setattr(trial, "simulated", wrong)
    assert "the same weights" in next(against(right))
    assert "other weights, by 0.01" in next(against(trial.tried(circuit_of("autapse"))))


@pytest.mark.parametrize(
    ("update", "says"),
    [
        ("w -= eta*feedback_post*k_pre", "in one pass over the weights"),
        (
            "w -= eta*feedback_post*drive_pre",
            "in two passes: the update reads drive_pre, which would be that of the next step",
        ),
        (
            "w -= eta*feedback_post*a_pre",
            "in two passes: the update reads drive_pre, which would be that of the next step",
        ),
    ],
)
def test_the_term_that_keeps_change_and_sum_apart_is_named(file, update, says):
    path = file(f"rule = ap.Rule({update!r}, trace='dk/dt = (activity - k)/(10*ms) : 1', parameters={{'eta': 0.1}})")
    found = sections(path)
    assert [line.partition("next sum ")[2] for line in found["cost"] if line.startswith("W: ")] == [says]


def test_a_rule_for_one_kind_of_weights_says_why(file):
    path = file("rule = ap.Rule('w -= eta*feedback_post*drive_pre', parameters={'eta': 0.1})")
    heading, lines = next(check(path))
    assert "a rule for W, tried" in heading
    assert "not for W and U and b together" in lines[0]
    assert "'drive_pre' means nothing in the synapses of U" in lines[0]


def test_the_neuron_that_has_what_a_rule_reads_is_taken():
    assert "tried with the neuron alif" in next(check("eprop_alif"))[0]
    with pytest.raises(ap.InputError, match="'beta_post' means nothing in the synapses of W"):
        [*check("eprop_alif", neuron="rate")]


def test_a_neuron_is_told_with_its_own_units(file):
    found = sections("adex")
    assert "adex: a neuron that spikes" in next(iter(found))
    told = table(found["variables"])
    assert told["v"][:2] == ["neuron", "V"]
    assert told["I_w"][:2] == ["neuron", "A"]
    assert told["C"][0] == "replicate"
    assert "w" not in told
    assert "spike where" in found["equations"]
    assert any("pseudo-derivative, threshold and reset" in line for line in found["order inside a step"])


def test_an_integrator_that_the_reference_does_not_have_is_told(file):
    neuron = "ap.Neuron('dv/dt = (drive + input + bias - v)/(5*ms) : 1\\nactivity = v : 1', method='exact')"
    found = sections(file(f"neuron = {neuron}"))
    reference, gradient, _ = found["held against"]
    assert reference.startswith("reference interpreter: none")
    assert "cosine" in gradient


@pytest.mark.slow
def test_steps_are_as_short_as_a_neuron_needs(file):
    assert "dt = 1 step" in next(check(file(f"neuron = {NEURON % '2*ms'}")))[0]
    assert "dt = 1/10 step" in next(check(file(f"neuron = {NEURON % '0.2*ms'}")))[0]
    assert "dt = 1/3 step" in next(check(file(f"neuron = {NEURON % '2*ms'}"), substeps=3))[0]
    growing = "neuron = ap.Neuron('dv/dt = (v**2 + 10)/ms : 1\\nactivity = v + input + drive : 1')"
    with pytest.raises(ap.InputError, match="a state grows beyond all numbers"):
        [*check(file(growing))]


def test_a_neuron_and_a_rule_of_one_file_are_tried_together(file):
    path = file(f"neuron = {NEURON % '5*ms'}rule = ap.Rule('w -= eta*feedback_post*v_pre', parameters={{'eta': 0.1}})")
    headings = [heading for heading, _ in check(path) if path in heading]
    assert "a neuron that has a rate" in headings[0]
    assert f"a rule for W, tried with the neuron {path}" in headings[1]


def test_tasks_and_benchmarks_are_told(file):
    (lines,) = (lines for heading, lines in check("add-task"))
    assert lines[0].startswith("1 inputs, ") or "inputs" in lines[0]
    assert "draws of a replicate do not depend on how many run beside it" in lines
    found = sections("flip-flop")
    assert {"flip-flop: a benchmark", "flip-flop: a task", "its circuit, where it is not the default"} <= found.keys()
    assert "neurons = " in " ".join(found["its circuit, where it is not the default"])
    assert found["held against"][0] == "bptt, the ceiling, and fa, dfa, rflo, autapse"


@pytest.mark.parametrize(("beside", "told"), [("('dfa',)", "bptt, the ceiling, and dfa"), ("()", "bptt, the ceiling")])
def test_what_a_benchmark_is_held_against_is_what_it_names(file, beside, told):
    text = """
circuit = ap.Circuit(neurons=2, readout="random", learn=("W", "b", "V", "c"))
benchmark = ap.Benchmark("own", ap.FlipFlop(steps=12), circuit, ap.Protocol(train=2), unscored=2, beside=%s)
"""
    assert sections(file(text % beside))["held against"][0] == told


def test_a_task_whose_replicates_hang_together_is_told(file):
    text = """
import numpy as np
class Own:
    inputs = outputs = 1
    steps, blanked = 5, None
    def sample(self, rng, replicates, trajectories):
        x = %s
        return x, x
task = Own()
"""
    shape = "size=(trajectories, 5, 1)"
    apart = f"np.stack([each.normal({shape}) for each in rng.spawn(replicates)])"
    together = "rng.normal(size=(trajectories, replicates, 5, 1)).swapaxes(0, 1)"
    says = [next(check(file(text % each)))[1] for each in (apart, together)]
    assert "draws of a replicate do not depend on how many run beside it" in says[0]
    assert "draws of a replicate depend on how many run beside it; use rng.spawn(replicates)" in says[1]


EVENTS = [name for name in library("rules") if read_rule(name).on_pre and name != "clopath"]


@pytest.mark.parametrize("name", sorted(library("rules").keys() | {"bptt", "fa", "rtrl", "snap1", "uoro"}))
def test_every_rule_finds_its_circuit_and_its_audit(name):
    circuit = circuit_of(name)
    assert circuit.learn[0] in ("W", "V", "B")
    others = {"eprop_alif": "alif", "eprop_diffusion": "alif", "mdgl": "alif"}
    others |= {"clopath": "adex", "lr0": "lif"}
    others |= dict.fromkeys(EVENTS, "lif")
    assert circuit.neuron == others.get(name, "rate")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rfl"], "unknown model, task or benchmark 'rfl'; did you mean 'rflo'"),
        (["nowhere.py"], "nowhere.py does not exist"),
        (["lif", "--neuron", "rate"], "--neuron is for rules, and lif is a neuron"),
        (["rflo", "--neuron", "rat"], "unknown neuron 'rat'; did you mean 'rate'"),
        (["rflo", "--neuron", "adex"], "'tau_m_post' means nothing in the synapses of W"),
        (["hh", "--substeps", "0"], "0 is not in the range x>=1"),
    ],
)
def test_what_cannot_be_checked_is_refused(arguments, says):
    done = CliRunner().invoke(main, ["check", *arguments])
    assert done.exit_code == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.output


def test_a_file_that_defines_nothing_is_refused(file):
    with pytest.raises(ap.InputError, match=r"mine.py defines nothing to check; write benchmark = ..., task = ..."):
        [*check(file("rul = 3\n"))]


LINES = [
    ("dk/dt = (activity - k)/tau_m : 1", "dk/dt = (activity − k)/τₘ"),
    ("w -= eta*feedback_post*o**2", "w ← w − η⋅feedbackₚₒₛₜ⋅o²"),
    ("x = a/(b*c) : volt", "x = a/(b⋅c)"),
    ("x = a/b/c : 1", "x = a/b/c"),
    ("x = a - (b - c) : 1", "x = a − (b − c)"),
    ("v >= v_th", "v ≥ vₜₕ"),
    ("v > 1 and not (u < 2)", "(v > 1) ∧ ¬(u < 2)"),
    ("x = e**(-t/tau) : 1", "x = e^(−t/τ)"),
    ("x = abs(u)*sqrt(c_reg) : 1", "x = |u|⋅√(c_reg)"),
    ("S : 1", "S"),
]


@pytest.mark.parametrize(("line", "text"), LINES)
def test_lines_are_typeset_as_they_are_written(line, text):
    assert TEXT.line(line)[0] == text


def test_latex_is_balanced_and_names_are_letters():
    written = LATEX.line("dk_x/dt = (-k + exp(-a/b)*f_prime)/tau_m : 1")[0]
    assert written == (
        r"\frac{\mathrm{d}k_{x}}{\mathrm{d}t} = \frac{-k + \exp\left(\frac{-a}{b}\right) \, f'}{\tau_{m}}"
    )
    assert parts("f_prime_post") == ("f′", ["post"])
    done = CliRunner().invoke(main, ["check", "autapse", "--latex"])
    assert r"w \leftarrow w - \eta \, \mathrm{feedback}_{\mathrm{post}} \, k_{\mathrm{pre}}" in done.output


def test_text_means_what_is_written():
    """Brackets that are left out change no value."""
    names = {"−": "-", "⋅": "*", "τₘ": "tau_m"}
    for line in (
        "a - (b - c)*d",
        "a/(b*c)",
        "a/b*c",
        "-(a + b)*c",
        "(a + b)/(c - d)",
        "a*(b/c)",
        "a - b/c - d",
        "-a/b",
    ):
        text = TEXT.expression(line)
        for sign, plain in names.items():
            text = text.replace(sign, plain)
        values = dict(zip("abcd", (2.0, 3.0, 5.0, 7.0), strict=True))
        assert np.isclose(*(eval(compile(ast.parse(each, mode="eval"), "", "eval"), values) for each in (line, text)))


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="there is no C++ compiler")
def test_it_takes_less_than_three_seconds_of_the_processor_once_it_is_compiled(tmp_path, fast_programs):
    command = [sys.executable, "-m", "autapse_sim", "check", "rflo"]
    spent = []
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
        assert done.returncode == 0, done.stderr
        assert "engine standalone" in done.stdout
    assert spent[1] < 3.5
    assert not list(Path(tmp_path).iterdir())
