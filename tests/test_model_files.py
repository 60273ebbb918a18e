"""Model files of any kind, and what is wrong in them: one line with the file and what would be right."""

import gc
import os
import signal

import numpy as np
import pytest
from brian2 import NeuronGroup, ms, mV

import autapse_sim as ap
from autapse_sim.spec import language
from autapse_sim.spec.reading import MOST_BYTES, python_text, run
from autapse_sim.training.declared import resolve_parameters

GOOD = """from brian2 import *
from autapse_sim import *
# übrig
rule = Rule(
    trace="dk/dt = (activity - k)/tau : 1",
    update="w -= eta * feedback_post * k_pre",
    parameters={"tau": 10*ms, "eta": 0.03},
)
"""
NEURON = """from brian2 import *
from autapse_sim import *
neuron = Neuron("do/dt = (-o + drive + input + bias)/tau_m : 1\\nactivity = o : 1", {"tau_m": 5*ms}%s)
"""


def resolved(path, kind="rule", **circuit):
    """The parameters of the circuit of a model file."""
    return resolve_parameters(ap.Circuit(**{kind: path}, **circuit), {}, 2)


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "mine.py"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        ("# coding: latin-1\n" + GOOD).encode("latin-1"),
        ("# vim: set fileencoding=cp1252 :\n" + GOOD).encode("cp1252"),
    ],
)
def test_files_of_every_encoding_that_says_so_are_read(written, content):
    assert resolved(written(content))["tau"].tolist() == [0.01, 0.01]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD.encode("latin-1"), "is no Python text: .*; save it as UTF-8"),
        (GOOD.encode("utf-16"), "is no Python text"),
        (GOOD.encode("utf-32"), "is no Python text"),
        (b"# coding: quux\n", "unknown encoding: quux"),
        (b"# coding: ascii\n# \xc3\xbc\n", "'ascii' codec can't decode"),
        (b"# coding: rot13\n", "'rot13' is not a text encoding"),
        (b"# coding: hex\n", "'hex' is not a text encoding"),
        (b"# coding: undefined\n", "save it as UTF-8"),
        (b"\xff\xfe\xff", "is no Python text"),
        (GOOD.encode() + b"\0", "does not parse as Python: source code string cannot contain null bytes"),
        (b"", "defines no rule; write rule = Rule"),
        (b"rule = Rule", "line 1: NameError: name 'Rule' is not defined"),
        (b"from autapse_sim import Rule as rule", "defines no rule"),
        (b"x = (", "line 1: does not parse as Python: '\\(' was never closed"),
        (b"x = " + 300 * b"(" + 300 * b")", "line 1: does not parse as Python: too many nested parentheses"),
        (b"x = " + 100_000 * b"-" + b"1", "does not parse as Python: nested too deeply"),
        (b"x = " + 5000 * b"9", "line 1: does not parse as Python: Exceeds the limit"),
        (b"#" * (MOST_BYTES + 1), "is longer than 1048576 bytes"),
    ],
)
def test_what_is_no_python_is_refused_with_the_file(written, content, said):
    path = written(content)
    with pytest.raises(ap.InputError, match=said) as caught:
        resolved(path)
    assert str(caught.value).startswith(f"{path}")
    assert str(caught.value).isprintable()


RAISED = {
    "import sys; sys.exit()": "SystemExit",
    "import sys; sys.exit(0)": "SystemExit: 0",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise GeneratorExit": "GeneratorExit",
    "raise BaseException('a\\nb')": "BaseException: a b",
    "class E(BaseException):\n  def __str__(self): raise self\nraise E": "exception str\\(\\) failed",
    "def f(): f()\nf()": "RecursionError",
    "1/0": "ZeroDivisionError: division by zero",
    "import nowhere": "ModuleNotFoundError: No module named 'nowhere'",
    "open('nowhere')": "FileNotFoundError",
    "bytearray(2**62)": "MemoryError",
    "exec('x = (')": "SyntaxError",
    "Rule(update='w -= eta', updat='')": "unknown field of Rule 'updat'; did you mean 'update'",
}


@pytest.mark.parametrize("code", RAISED)
def test_whatever_a_file_raises_is_told_with_its_line(written, code):
    path = written(f"from autapse_sim import *\n{code}\n{GOOD}")
    with pytest.raises(ap.InputError, match=rf"{path}, line \d: .*{RAISED[code]}") as caught:
        resolved(path)
    assert str(caught.value).isprintable()


@pytest.fixture
def ctrl_c():
    """Ctrl-C is what it usually is: a run in the background may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_a_file_runs_is_no_mistake_of_the_file(ctrl_c):
    with pytest.raises(KeyboardInterrupt):
        run("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nwhile True: pass", "mine.py")
    assert signal.getsignal(signal.SIGINT) is ctrl_c


def test_what_is_no_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "fifo.py")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    for path in (tmp_path / "fifo.py", tmp_path / "folder.py", tmp_path / "loop.py", "/dev/zero", "/"):
        with pytest.raises(ap.InputError, match=r"is no file$"):
            python_text(path)
    for path in (tmp_path / "nowhere.py", tmp_path / ("x" * 300 + ".py"), "a\0b.py"):
        with pytest.raises(ap.InputError, match=r"does not exist$"):
            python_text(path)


FIELDS = {
    ap.Neuron: {"equations": "activity = drive : 1"},
    ap.Rule: {"update": "w -= 1"},
    ap.Connection: {"sums": {"s": "activity_pre"}},
    ap.Activation: {"f": "tanh(a)", "f_prime": "1 - f**2"},
}
TEXTS = ("equations", "update", "trace", "finish", "perturbation", "reset", "threshold", "f", "f_prime", "method")
WRONG = (
    None,
    True,
    b"x",
    1j,
    object(),
    (),
    [],
    {},
    (3,),
    ["w -= 1"],
    {"x": 3},
    np.nan,
    np.array("x"),
    int,
    10**400,
    2 * [ms],
)


@pytest.mark.parametrize("kind", FIELDS)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: repr(value)[:20])
def test_a_text_is_a_text_or_a_number(kind, wrong):
    for name in [name for name in TEXTS if name in kind.__dataclass_fields__]:
        with pytest.raises(ap.InputError, match=rf"{kind.__name__}\({name}=...\) must be text, got"):
            kind(**{**FIELDS[kind], name: wrong})


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (ap.Rule, {"connections": (3,)}, r"Rule\(connections=...\) must be a tuple of Connection"),
        (ap.Rule, {"connections": ""}, "must be a tuple of Connection"),
        (ap.Rule, {"connections": 4 * (ap.Connection({"s": "1"}),)}, "there is room for 3"),
        (ap.Rule, {"lasting": {"k": 1}}, "must be a tuple of str"),
        (ap.Rule, {"lasting": (b"k",)}, "must be a tuple of str"),
        (ap.Rule, {"update": "k = 1"}, "does not change the weight w"),
        (ap.Rule, {"parameters": None}, "must map names to values"),
        (ap.Rule, {"parameters": {1: 2}}, "must map names to values"),
        (ap.Rule, {"parameters": {"": 2}}, "'' is no name"),
        (ap.Rule, {"parameters": {"τ": 2}}, "'τ' is no name"),
        (ap.Rule, {"initial": {"a b": 0}}, "'a b' is no name"),
        (ap.Rule, {"initial": {"k": None}}, r"Rule\(initial=...\), k must be text, got NoneType"),
        (ap.Connection, {"sums": {}}, "maps one name to one expression"),
        (ap.Connection, {"sums": 3}, "maps one name to one expression"),
        (ap.Connection, {"initial": "identity"}, "needs equations"),
        (ap.Connection, {"initial": None}, "unknown initial None"),
        (ap.Connection, {"pairs": ["all"]}, "unknown pairs"),
        (ap.Neuron, {"activations": {"tanh": "tanh(a)"}}, r"Neuron\(activations=...\), tanh must be an Activation"),
        (ap.Neuron, {"activations": {"tanh": ("tanh(a)", "1")}}, "must be an Activation"),
        (ap.Neuron, {"activations": ("tanh",)}, "must map names to values"),
        (ap.Neuron, {"sums": {"x; y": "w"}}, "'x; y' is no name"),
        (ap.Neuron, {"reset": "v = 0"}, "needs a threshold"),
    ],
)
def test_fields_of_models_are_checked_where_they_are_given(kind, fields, said):
    with pytest.raises(ap.InputError, match=said):
        kind(**{**FIELDS[kind], **fields})


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "10 ms",
        "x",
        b"1",
        1j,
        np.nan,
        np.inf,
        10**400,
        [[1], [1, 2]],
        [],
        {},
        object(),
        np.zeros((2, 2, 2)),
        [1 * ms, 2],
        np.array("x"),
        np.datetime64("2020"),
        type(ms),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_parameter_is_a_finite_number_or_an_array_of_such(value):
    for kind in (ap.Rule, ap.Neuron):
        with pytest.raises(ap.InputError, match=r"\(parameters=...\), tau is .*; it must be a finite number"):
            kind(**FIELDS[kind], parameters={"tau": value})


def test_numbers_with_and_without_units_are_parameters_and_starting_values(written):
    for value in ("10*ms", "[10*ms, 10*ms]", "array([[10., 10.]])*ms", "0.01*second", "Quantity(10*ms)"):
        assert (resolved(written(GOOD.replace("10*ms", value)))["tau"] == 0.01).all()
    for value in ("3", "10**20", "np.float32(3)", "[3, 3]", "np.array(3)"):
        assert (resolved(written(GOOD.replace("0.03", value)))["eta"] >= 3).all()
    for value in (0, 0.5, np.float32(0.5), np.array(0.5), "0.5"):
        assert ap.Neuron("activity = o : 1\no : 1", initial={"o": value}).initial["o"] in ("0.0", "0.5")
    assert ap.Neuron("activity = v/mV : 1\nv : volt", initial={"v": -70 * mV}).initial["v"].startswith("-0.07*metre**2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1/0", "'1/0' divides by zero"),
        ("eta/(1 - 1)", "'eta/\\(1 - 1\\)' divides by zero"),
        ("3 % 0", "divides by zero"),
        ("0**-1", "divides by zero"),
        ("9**9**9", "holds a number that is too large"),
        ("1e400", "holds a number that is too large"),
        ("(-1)**0.5", "not real"),
        ("a) + (b", "is no expression"),
        ("+".join(200 * ["a"]), "is nested more than 100 deep"),
        (10_000 * "-" + "a", "is n"),
    ],
)
def test_numbers_that_are_none_are_refused_in_expressions(text, said):
    with pytest.raises(ap.InputError, match=said) as caught:
        language.parsed(text)
    assert len(str(caught.value)) < 200


def test_long_texts_are_refused():
    with pytest.raises(ap.InputError, match=r"Rule\(update=...\): the text is longer than 20000 characters"):
        ap.Rule("w -= 1;" * 10_000)


@pytest.mark.parametrize("unit", ["9**9**9", "1; x", "volt(0)", "lambda: 1", "quux", "1 + 1", "()"])
def test_a_unit_is_a_unit(unit):
    rule = ap.Rule("w -= p", eligibility=f"dp/dt = -p/ms : {unit}")
    with pytest.raises(ap.InputError, match=r"Rule-\w+, line \d"):
        resolved(rule)


def test_steps_that_are_too_long_for_a_decay_are_refused_before_a_run():
    trained = ap.Circuit(rule="autapse")
    for tau, circuit in (
        ("0.5 ms", trained),
        ("0.4 ms", ap.Circuit(substeps=2)),
        ("0.1 ms", ap.Circuit(method="exact")),
    ):
        assert resolve_parameters(circuit, {"tau": tau}, 2)["tau"].shape == (2,)
    with pytest.raises(
        ap.InputError, match=r"^k decays .* within 0.4 ms; .* grow without bound below 0.5 ms; .*substeps"
    ):
        resolve_parameters(trained, {"tau": "0.4 ms"}, 2)
    with pytest.raises(ap.InputError, match=r"^o decays .*grow without bound"):
        resolve_parameters(ap.Circuit(neuron="adex", substeps=10), {"tau_out": np.array([[1.0, 0.01]]) * ms}, 2)


def test_below_half_a_step_a_trace_does_grow_without_bound(monkeypatch):
    monkeypatch.setattr("autapse_sim.training.declared.check_steps", lambda *given: None)
    largest = {}
    for tau in ("0.49 ms", "0.51 ms"):
        protocol = ap.Protocol(replicates=1, train=0, validate=0, test=1, record=1)
        data = ap.train(
            ap.Circuit(), ap.BouncingBall(steps=400), protocol, parameters={"tau": tau}, engine="runtime"
        ).data
        largest[tau] = np.abs(data.trace_k).max()
    assert largest["0.49 ms"] > 1e3 > 10 > largest["0.51 ms"]


@pytest.mark.parametrize(
    "word", ["drive", "autapse_w", "double", "ms", "pi", "exp", "lambda", "_x", "k_pre", "t", "i", "xi", "N"]
)
def test_reserved_names_are_refused_in_every_place(written, word):
    places = {
        "trace": f"Rule('w -= 1', trace='d{word}/dt = -{word}/ms : 1')",
        "postsynaptic": f"Rule('w -= 1', postsynaptic='d{word}/dt = -{word}/ms : 1')",
        "eligibility": f"Rule('w -= 1', eligibility='d{word}/dt = -{word}/ms : 1')",
        "parameter": f"Rule('w -= 1', parameters={{{word!r}: 1.0}})",
        "sum": f"Rule('w -= 1', connections=Connection({{{word!r}: 'activity_pre'}}))",
        "state": f"Rule('w -= 1', connections=Connection({{'s': 'activity_pre'}}, '{word} : 1', '{word} = 1'))",
    }
    free = {"eligibility", "state"} if word == "drive" else set()  # the synapse's own, beside drive_pre and drive_post
    for place, rule in places.items():
        if place not in free:
            with pytest.raises(ap.InputError, match=r"mine.py, line 3: "):
                resolved(written(f"from brian2 import *\nfrom autapse_sim import *\nrule = {rule}"))
    for field in (f", initial={{{word!r}: 0}}", f", sums={{{word!r}: 'w'}}"):
        with pytest.raises(ap.InputError, match=r"mine.py, line 3: "):
            resolved(written(NEURON % field), "neuron")


def test_brian_says_nothing_of_what_a_failure_leaves_behind(caplog):
    rule = ap.Rule("w -= k_pre/mV", trace="dk/dt = (activity - k)/ms : volt")
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0)
    with pytest.raises(ap.InputError, match="inconsistent units") as caught:
        ap.train(ap.Circuit(rule=rule), ap.BouncingBall(steps=5), protocol, engine="runtime")
    del caught
    gc.collect()
    assert "never included" not in caplog.text
    NeuronGroup(1, "x : 1")
    gc.collect()
    assert "never included" in caplog.text  # of the user's own it does


def test_a_model_file_is_read_once_and_run_once(tmp_path, monkeypatch):
    from autapse_sim.spec import model

    path, calls = tmp_path / "mine.py", []
    path.write_text(
        "from brian2 import ms\nfrom autapse_sim import Rule\n"
        'rule = Rule(update="w -= 0.07*eta*feedback_post*activity_pre", parameters={"eta": 0.1})\n'
    )
    for name in ("python_text", "run"):
        told = getattr(model, name)

        def counted(*given, told=told, name=name):
            calls.append(name) if str(path) in map(str, given) else None
            return told(*given)

        monkeypatch.setattr(model, name, counted)
    protocol = ap.Protocol(replicates=2, train=2, validate=0, test=1)
    data = ap.train(ap.Circuit(rule=path), ap.BouncingBall(steps=5), protocol, engine="runtime").data
    assert sorted(calls) == ["python_text", "run"]
    assert "0.07*eta" in data.attrs["equations"]
    path.write_text(path.read_text().replace("0.07", "0.7"))
    other = ap.train(ap.Circuit(rule=path), ap.BouncingBall(steps=5), protocol, engine="runtime").data
    assert sorted(calls) == ["python_text", "python_text", "run", "run"]
    assert np.abs(other.W - data.W).max() > 1e-6
