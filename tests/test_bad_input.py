"""Whatever is typed or stands in a model file: it works, or one line and exit code 2 say why not."""

import re
import time

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import event, given, settings
from hypothesis import strategies as st

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.spec.model import library

LONGEST = 20.0
"""Seconds of the processor that a case may take."""
FEW = {"replicates": 2, "trajectories": 2, "validate": 1, "test": 1, "steps": 6, "record": 1}
PLAIN = """
    0 1 2 3 -1 0.5 1e-3 1e5 1e400 nan inf -inf 1_0 0x10 1e1e1 ٣ -5_ms 5mV 5*quux 10*ms 0*ms 0.3*ms 1e308*s ms None True
    eta=1 eta=x tau=3*ms k=1 =1 é ' / . /dev/null /dev/zero /proc/x nowhere/mine.py %s{}$ --help -h -- W,V,c W,b Q
    autapse bptt fa dfa rflo uoro delta rate lif tanh relu euler rk4 exact gsl identity random symmetric conditioned
    mixed negative step trajectory batch double single fig1 fig2 traces raster circuit scores
"""
WORDS = (
    *PLAIN.split(),
    *("", " ", "10 ms", "W U b", "[1, 2]", "test 1", "training 1", str(2**31), str(2**63), str(10**13), str(10**40)),
    *("9" * 5000, "x" * 300, "x" * 5000, "a\0b", "a\nb", "\udcff"),
)
"""What may be typed behind an option, and much that means nothing."""
OPTIONS = """
    --rule --eta --neuron --neurons --readout --activation --learn --feedback --substeps --method --precision
    --replicates --trajectories --validate --test --update --seed --record --steps --horizon --speed --gravity --radius
    --noise --tau -p --out
"""
OF_PLOTS = "--rule --replicate --phase --before --out"


@st.composite
def lines(draw):
    """Command lines that take no compiler and little time where they work."""
    command = draw(st.sampled_from([*14 * ["train"], "compare", "verdict", "plot"]))
    word = st.sampled_from(WORDS)
    if command == "verdict":  # one that works takes minutes
        return [command, draw(word), "--benchmark", "nowhere"]
    if command == "plot":
        arguments = [
            draw(st.sampled_from(["fig2", "traces", "circuit", draw(word)])),
            draw(st.sampled_from(["{result}", draw(word)])),
        ]
    else:
        engine = draw(st.sampled_from([*6 * ["numpy"], "runtime", "reference", draw(word)]))
        small = {
            **FEW,
            "engine": "numpy" if engine in ("auto", "standalone") else engine,
            "rule": draw(st.sampled_from(["autapse", "bptt", "dfa"])),
        }
        arguments = [text for name, value in small.items() for text in (f"--{name}", str(value))]
        arguments += ["--eta", "0.1"] if command == "compare" else []
    options = (OF_PLOTS if command == "plot" else OPTIONS).split()
    for option in draw(st.lists(st.sampled_from(options), max_size=2)):
        arguments += [option, draw(word)]
    return [command, *arguments, *(["--occlusion", draw(word), "3"] if draw(st.integers(0, 9)) == 0 else [])]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a result of two networks."""
    folder = tmp_path_factory.mktemp("typed")
    protocol = ap.Protocol(replicates=2, train=2, validate=1, test=1, record=1)
    ap.train(ap.Circuit(), ap.BouncingBall(steps=6), protocol, engine="numpy").save(folder / "result.nc")
    return folder


def told(done, seconds):
    """What came of a command line: it worked, or one line says why not."""
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in (0, 2), done.output
    assert "Traceback" not in done.output
    assert "Warning" not in done.output
    refused = [line for line in done.stderr.splitlines() if line.startswith(("autapse: error: ", "Error: "))]
    assert len(refused) == (done.exit_code == 2), done.stderr
    assert all(line.isprintable() and len(line) < 6000 for line in refused)
    assert seconds < LONGEST
    return "refused" if refused else "works"


@pytest.mark.slow
@settings(deadline=None)
@given(line=lines())
def test_a_command_line_works_or_is_refused_in_one_line(line, place):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        # figures take most of the time, and are drawn by `plot`
        patch.setattr("autapse_sim.results.plots.catalogue.figures", lambda *kinds: {})
        begin = time.process_time()
        done = CliRunner().invoke(main, [text.replace("{result}", "result.nc") for text in line])
        event(f"{line[0]}: {told(done, time.process_time() - begin)}")


TOKENS = """
    lambda " ' \\ { } [ ] é None b'x' parameters= initial= 10*ms 1j object() 10**400 Rule( Neuron( () sys.exit()
    rand() randn() 1e400 1/0 9**9**9 exp( clip( # == := (summed) (event-driven) (constant) :volt :boolean dk/dt i t xi
"""
MODELS = {path.stem: path.read_text() for kind in ("neurons", "rules") for path in library(kind).values()}
WORD = re.compile(r"\w+|\s+|[^\w\s]+")


@st.composite
def files(draw):
    """A model file of the package in which a word or two are others, and what it defines."""
    name = draw(st.sampled_from(sorted(MODELS)))
    text = MODELS[name]
    start = text.index("import")  # changes in the docstring mean nothing
    quoted = [match.span(1) for match in re.finditer(r'"+([^"]+)"+', text[start:])]
    first, last = draw(st.sampled_from([*quoted, *quoted, (0, len(text) - start)]))
    parts = WORD.findall(text[start + first : start + last])
    words = st.sampled_from([*parts, *parts, *parts, *TOKENS.split(), "", "\n", "\0"])
    for _ in range(draw(st.integers(1, 2))):
        parts[draw(st.integers(0, len(parts) - 1))] = draw(words)
    text = text[: start + first] + "".join(parts) + text[start + last :]
    data = bytearray(text.encode(draw(st.sampled_from([*30 * ["utf-8"], "utf-16", "utf-8-sig"]))))
    if draw(st.integers(0, 19)) == 0:
        data[draw(st.integers(0, len(data) - 1))] ^= draw(st.integers(1, 255))
    return "neuron" if name in library("neurons") else "rule", bytes(data), draw(st.booleans())


def circuit_of(kind, path):
    taught = "readout_rule" if "err_post" in path.read_text(errors="replace") else kind
    learn = {"readout_rule": ("V", "c")}.get(taught, ("W",))
    return ap.Circuit(**{taught: path}, learn=learn, activation="tanh", readout="random", substeps=10)


@settings(deadline=None)
@given(case=files())
def test_a_model_file_works_or_is_refused_in_one_line(case, place):
    from autapse_sim.training.declared import resolve_parameters

    kind, data, runs = case
    path = place / "mine.py"
    path.write_bytes(data)
    begin = time.process_time()
    try:
        circuit = circuit_of(kind, path)
        if runs:
            protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0)
            with np.errstate(all="ignore"):
                ap.train(circuit, ap.BouncingBall(steps=3), protocol, engine="runtime")
        else:
            resolve_parameters(circuit, {}, 2)
        event(f"{kind}: {'runs' if runs else 'is read'}")
        said = ""
    except ap.InputError as error:
        said = str(error)
        event(f"{kind}: refused")
    assert said.isprintable()
    assert time.process_time() - begin < LONGEST
