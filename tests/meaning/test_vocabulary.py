"""Every name in a model's text means what the table says, or is refused with its line; comments are no code."""

import re
from pathlib import Path

import numpy as np
import pytest
from meaning.models import ENGINES, RELAY, SAMPLED, Files, spikes_only, trained, weights

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.spec import vocabulary
from autapse_sim.spec.reading import self_contained

LEAKY = "do/dt = (-o + tanh(drive + input + bias))/tau_m : 1\nactivity = o : 1"
TAU = "{'tau_m': 5*ms}"


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def test_the_documentation_has_the_table():
    assert vocabulary.table() in (Path(__file__).parents[2] / "docs" / "meaning.md").read_text()


def objects(files, **circuit):
    """The Brian2 objects of a circuit with everything, by name."""
    from brian2.devices.device import runtime_device

    from autapse_sim.engines.brian.assembly.assembler import assemble
    from autapse_sim.engines.brian.dense.layout import Layout
    from autapse_sim.engines.brian.session import building, tape_function
    from autapse_sim.engines.brian.tape import FUNCTIONS
    from autapse_sim.spec.library import Models
    from autapse_sim.training.declared import resolve_parameters
    from autapse_sim.training.draws import draw
    from autapse_sim.training.train import prepare

    neuron = files.neuron(
        "dv/dt = (-v + drive + input + bias)/tau_m : 1 (unless refractory)\na = v : 1\nactivity = v*f : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory="2*ms",
        activations="{'tanh': Activation('tanh(a)', '1 - f**2')}",
        parameters=TAU,
    )
    rule = files.rule("w -= loss_post*sent_sum_post*i*perturbation_post", perturbation="0.1", parameters="{}")
    given = {"neuron": neuron, "rule": rule, "activation": "tanh", "neurons": 3, "readout": "random", **circuit}
    circuit, task = ap.Circuit(**given), ap.BouncingBall(steps=5)
    protocol = ap.Protocol(replicates=2, train=1, validate=0, test=0)
    values = resolve_parameters(circuit, {}, 2)
    job = prepare(circuit, draw(circuit, task, protocol), protocol, values, np.arange(2))
    models = Models.of(circuit)
    with building(runtime_device, models):
        functions = {name: tape_function(name, lambda *arguments: 0.0) for name in FUNCTIONS}
        network = assemble(job, models, functions, Layout.plain(2), program=False).network
        return {each.name: each for each in network.objects}


@pytest.mark.slow
def test_the_table_is_what_the_circuit_provides(files):
    found = objects(files, learn=("W", "b", "V", "B"))
    brians = {"N", "i", "dt", "t", "t_in_timesteps", "autapse_i"}
    mine = {"v", "a", "tau_m", "eta_out", "eta_back"}

    def provided(group):
        names = {name for name in found[group].variables if not name.startswith(("_", "autapse_"))}
        return names - brians - mine

    table = vocabulary.PLACES
    written = {*vocabulary.TIME, *vocabulary.NUMBERED}  # these are looked up in the text, and are no variables
    assert provided("neurons") == set(table["taught neuron"]) - written | {"activity", "sent"}
    assert provided("outputs") == set(table["read-out"]) - written
    assert provided("unit") == set(table["stimulus"]) - written - set(vocabulary.SHOWN_SPIKES)


NEURON_MISTAKES = [
    ({"equations": LEAKY.replace("drive", "drvie")}, "'drvie' means nothing in the neuron; did you mean 'drive'?"),
    ({"equations": LEAKY.replace("tau_m", "tau")}, "'tau' means nothing in the neuron"),
    ({"equations": LEAKY.replace("tanh(", "tahn(")}, "'tahn' is no function; did you mean 'tan' or 'tanh'"),
    ({"equations": LEAKY.replace("tanh(", "tau_m(")}, "'tau_m' is no function"),
    ({"equations": LEAKY + "\ngain : 1"}, "line 4: nothing ever sets 'gain'"),
    ({"equations": LEAKY + "\ngain : 1 (constant)"}, "line 4: gain is constant and nothing gives it a value"),
    ({"equations": LEAKY + "\ninput = 3 : 1"}, "line 4: 'input' cannot be defined here: the circuit provides it"),
    ({"equations": LEAKY + "\nautapse_w = 3 : 1"}, "names that begin with 'autapse_' are the harness's own"),
    ({"equations": LEAKY + "\ndouble = 3 : 1"}, "'double' cannot be defined here: it is a word of C"),
    ({"equations": LEAKY + "\nk_pre = 3 : 1"}, "names that end in _pre or _post"),
    ({"equations": LEAKY + "\nx = 3 : 1 (shared)"}, r"the flag \(shared\) means nothing here"),
    ({"equations": LEAKY + "\nx = 7*o : integer"}, r"line 4: x is no real number; write 'x = int\(...\) : 1'"),
    ({"equations": LEAKY + "\nx = feedback_post : 1"}, "line 4: 'feedback_post' means nothing in the neuron"),
    ({"equations": LEAKY, "threshold": "o"}, "threshold 'o' is no condition; write for example 'v > v_th'"),
    ({"equations": LEAKY, "threshold": "o > 1", "reset": "oo = 0"}, "'oo' is set and never read"),
    ({"equations": LEAKY, "threshold": "o > 1", "reset": "o = oo"}, "'oo' means nothing in the neuron"),
    ({"equations": LEAKY, "threshold": "o > 1", "reset": "activity = 0"}, "'activity = 0' assigns to 'activity'"),
    ({"equations": LEAKY, "threshold": "o > 1", "reset": "tau_m = 0*ms"}, "assigns to 'tau_m'"),
    ({"equations": LEAKY, "initial": {"v": "0"}}, "the neuron has no 'v' that could start anew"),
    ({"equations": LEAKY, "method": "gsl"}, "unknown method 'gsl'"),
    ({"equations": LEAKY, "parameters": "{'ms': 5.0}"}, "parameter 'ms': it is a unit; rename it"),
    ({"equations": LEAKY, "parameters": "{'tau_m': 5*ms, 'o': 1.0}"}, "parameter 'o': the equations define it, too"),
    ({"equations": LEAKY.replace("o : 1", "o[0] : 1")}, "'\\[' has no place in an equation"),
    ({"equations": LEAKY + '\nx = "a" : 1'}, "has no place in an equation"),
    ({"equations": LEAKY.replace("activity", "rate")}, "defines no 'activity'"),
]
RULE_MISTAKES = [
    (
        {"update": "w -= eta*feedbak_post"},
        "'feedbak_post' means nothing in the synapses of W; did you mean 'feedback_post'",
    ),
    ({"update": "w -= eta*spiked_post"}, "'spiked_post' means nothing in the synapses of W"),
    ({"update": "w -= eta*err_post"}, "'err_post' means nothing in the synapses of W"),
    ({"update": "zz_post = 1\nw -= eta"}, "line 4: 'zz_post' means nothing|'zz_post = 1' assigns to 'zz_post'"),
    ({"update": "ebra = 1\nw -= eta", "eligibility": "ebar : 1"}, "'ebra' is set and never read; did you mean 'ebar'"),
    ({"update": "w -= eta*k_pre"}, "'k_pre' means nothing"),
    ({"update": "w -= eta*learning"}, "'learning' means nothing in the synapses of W"),
    ({"update": "w -= eta*t_in_timesteps"}, "'t_in_timesteps' means nothing"),
    ({"update": "w -= eta*N"}, "'N' means nothing"),
    ({"update": "w -= eta if eta > 0 else 1"}, "IfExp has no place"),
    ({"update": "w -= own*eta", "eligibility": "own : 1 (constant)"}, "own is constant and nothing gives it a value"),
    ({"update": "w -= own*eta", "eligibility": "own : 1"}, "nothing ever sets 'own'"),
    (
        {"update": "w -= eta", "eligibility": "dw/dt = -w/tau : 1"},
        r"the weight w changes in update; write .*w \+= step",
    ),
    ({"update": "w -= eta", "trace": "do/dt = -o/ms : 1"}, "'o' cannot be defined here: the neuron has it, too"),
    ({"update": "w -= eta", "postsynaptic": "derror/dt = -error/ms : 1"}, "'error' cannot be defined here"),
    ({"update": "w -= eta", "lasting": ("k",)}, "the rule has no state 'k' that could start"),
    ({"update": "w -= eta", "finish_postsynaptic": "o = 1"}, "finish_postsynaptic sets variables of postsynaptic"),
    ({"update": "w -= eta*poisson(3)"}, "'poisson' is no function"),
    (
        {"update": "w -= eta", "eligibility": "da/dt = -b/ms : 1 (event-driven)\ndb/dt = -b/ms : 1"},
        "a is event-driven but",
    ),
    ({"update": "w -= eta", "parameters": "{'eta': 0.1, 'now_': 1.0, 'loss': 1.0}"}, "parameter 'loss'"),
]


@pytest.mark.parametrize(("fields", "said"), NEURON_MISTAKES, ids=[said[:40] for _, said in NEURON_MISTAKES])
def test_a_neuron_that_means_nothing_is_refused(files, fields, said):
    path = files.neuron(**{"parameters": TAU, **fields})
    with pytest.raises(ap.InputError, match=said) as caught:
        trained(ap.Circuit(neuron=path, readout="random"), np.ones((1, 5, 2)))
    assert "neuron.py" in str(caught.value) or "method" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("fields", "said"), RULE_MISTAKES, ids=[said[:40] for _, said in RULE_MISTAKES])
def test_a_rule_that_means_nothing_is_refused(files, fields, said):
    path = files.rule(**{"parameters": "{'eta': 0.1, 'tau': 5*ms}", **fields})
    with pytest.raises(ap.InputError, match=said) as caught:
        trained(ap.Circuit(rule=path, readout="random"), np.ones((1, 5, 2)))
    assert re.search(r"rule.py, line \d+: ", str(caught.value))
    assert "\n" not in str(caught.value)


COMMENTS = (
    "# was wrong; w += 100",
    "# ends in a backslash \\",
    "# {braces} 'quotes' \"more\"",
    "# x\x0bw += 1",
    "# ü∂",
)


@pytest.mark.parametrize("engine", ENGINES)
def test_comments_are_no_code(files, engine):
    x, start = np.random.default_rng(0).normal(size=(2, 15, 2)), weights(2, 2, 2)
    W = []
    for comment in ("", *COMMENTS):
        changing = f"q += 0.1 {comment}"
        rule = files.rule(
            f"w -= eta*feedback_post*k_pre {comment}\n{comment}\nw -= 0.001*p",
            trace=f"{comment}\ndk/dt = (activity - k)/tau : 1 {comment}",
            eligibility=f"p : 1 {comment}\n{comment}",
            finish=f"{comment}\nw -= 0.01*p  {comment}",
            initial={"p": f"0.1 {comment}"},
            parameters="{'eta': 0.1, 'tau': 5*ms}",
            connections=f"(Connection(sums={{'s': 'q*activity_pre'}}, equations='q : 1', update={changing!r}),)",
        )
        neuron = files.neuron(f"{comment}\n{LEAKY} {comment}\n{comment}", parameters=TAU)
        W.append(
            trained(ap.Circuit(rule=rule, neuron=neuron, readout="random"), x, engine=engine, start=start).W.values
        )
    for found in W[1:]:
        assert np.abs(found - W[0]).max() == 0
    assert np.abs(W[0] - start.W).max() > 1e-3


def test_a_carriage_return_ends_a_comment_in_every_engine(files):
    rule = files.rule("w -= 0.1 # a\rw -= 0.2", parameters="{}")
    for engine in ENGINES:
        W = trained(ap.Circuit(rule=rule, readout="random"), np.ones((1, 3, 2)), engine=engine, start=spikes_only()).W
        assert np.abs(W.values + 0.9).max() <= 1e-12


GENERATED = {  # of what integrators keep, and the C++ around them
    "euler": ("idx", "vectorisation_idx", "lio_1", "lio_2", "lio_3"),
    "exponential_euler": ("A_v", "BA_v", "slow_v", "series_v", "BA_u", "u"),
    "rk4": ("k_1_v", "k_v", "x_v"),
}


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("method", GENERATED)
def test_states_may_have_names_of_generated_code(files, method, engine):
    x, start, found = np.random.default_rng(0).normal(size=(1, 9, 2)), weights(2, 2, 2), []
    for names in (GENERATED[method], tuple(f"mine_{k}" for k in range(len(GENERATED[method])))):
        lines = ["dv/dt = (drive + input - (1 + feedback**2)*v)/tau_m : 1", f"activity = v + {' + '.join(names)} : 1"]
        lines += [f"d{name}/dt = ({k}*0.1 + v - {name})/tau_m : 1" for k, name in enumerate(names)]
        path = files.neuron("\n".join(lines), method=method, parameters=TAU)
        data = trained(ap.Circuit(neuron=path, readout="random"), x, engine=engine, start=start, record=1)
        found.append(data.trace_activity.values)
    assert np.abs(found[0] - found[1]).max() <= 1e-12
    assert np.ptp(found[0]) > 0.1


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rule_may_have_the_names_of_the_neuron(files, engine):
    x, start = np.random.default_rng(0).normal(size=(2, 15, 2)), weights(2, 2, 2)
    neuron = files.neuron("dw/dt = (-w + tanh(drive + input))/tau_m : 1\nactivity = w : 1", parameters=TAU)
    W = []
    for name in ("p", "w_"):
        rule = files.rule(
            f"{name} += activity_pre\nw -= 0.01*feedback_post*{name}", eligibility=f"{name} : 1", parameters="{}"
        )
        W.append(
            trained(ap.Circuit(neuron=neuron, rule=rule, readout="random"), x, engine=engine, start=start).W.values
        )
    own = files.rule("o += activity_pre\nw -= 0.01*feedback_post*o", eligibility="o : 1", parameters="{}")
    plain = files.neuron(LEAKY.replace("+ bias", ""), name="plain", parameters=TAU)
    W.append(trained(ap.Circuit(neuron=plain, rule=own, readout="random"), x, engine=engine, start=start).W.values)
    assert max(np.abs(W[0] - other).max() for other in W) == 0
    assert np.abs(W[0] - start.W).max() > 1e-3


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        (
            "from brian2 import ms\nfrom autapse_sim import Rule\nrule = Rule(update='w -= a', parameters={'a': 1})",
            True,
        ),
        ("from brian2 import *\nrule = Rule(update='w -= eta', parameters={'eta': float(loadtxt('eta.txt'))})", False),
        ("from brian2 import loadtxt as dict\nrule = Rule(update='', parameters={'eta': dict('eta.txt')})", False),
        ("import os\nrule = Rule(update='')", False),
        (
            "from math import exp\nfrom numpy import array\nrule = Rule(update='', parameters={'a': array([exp(2)])})",
            True,
        ),
        ("from pathlib import Path\nrule = Rule(update=Path('x').read_text())", False),
        ("def float(x):\n    return 3\nrule = Rule(update='', parameters={'a': float(1)})", False),
    ],
)
def test_what_is_kept_by_its_text_can_read_nothing_else(text, alone):
    assert self_contained(text) is alone


def test_a_parameter_read_from_a_file_is_read_each_time(files):
    start, x = weights(2, 2, 2), np.random.default_rng(0).normal(size=(1, 9, 2))
    number = files.folder / "eta.txt"
    rule = files.rule("w -= eta*feedback_post*activity_pre", parameters=f"{{'eta': float(loadtxt({str(number)!r}))}}")
    moved = []
    for eta in (0.01, 0.02):
        number.write_text(str(eta))
        circuit = ap.Circuit(rule=rule, readout="random")
        moved.append(trained(circuit, x, start=start, update="trajectory").W.values - start.W)
    assert np.abs(moved[1] - 2 * moved[0]).max() <= 1e-12
    assert np.abs(moved[0]).max() > 1e-4


def test_the_record_is_what_ran(files, monkeypatch):
    rule = files.rule("w -= 0.01*feedback_post*activity_pre", parameters="{}")

    def edit(share):
        Path(rule).write_text(Path(rule).read_text().replace("0.01", "0.02"))

    x = np.random.default_rng(0).normal(size=(1, 9, 2))
    protocol, circuit = ap.Protocol(replicates=1, train=1, validate=0, test=0), ap.Circuit(rule=rule, readout="random")
    result = ap.train(circuit, ap.ArrayTask(x[None], x[None]), protocol, engine="runtime", progress=edit)
    assert "0.02" in Path(rule).read_text()
    assert "0.01" in result.data.attrs["equations"]
    assert "0.02" not in result.data.attrs["equations"]


def test_a_relay_spikes(files):
    data = trained(ap.Circuit(neuron=files.neuron(**RELAY), readout="random"), np.ones((1, 5, 2)), start=spikes_only())
    assert (data.trace_spikes.values == 1).all()


ALIEN = "SIGINT SIG_DFL CLOCKS_PER_SEC block size layout jumps tape tile brian std string real pop vector owner_ thrown"
"""Names that headers of C++, the generated program and Brian2's objects have, too."""


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
@pytest.mark.parametrize("turn", [0, 1])
def test_names_of_the_generated_program_are_free_for_models(files, turn):
    names = ALIEN.split()
    defined, given = names[turn::2], names[1 - turn :: 2]
    neuron = files.neuron(
        "do/dt = (-o + drive + input + bias + 0.01*({}))/(5*ms) : 1\n{}\nactivity = tanh(o) : 1".format(
            "+".join(names), "\n".join(f"{name} = 0.{k}*o : 1" for k, name in enumerate(defined, 1))
        ),
        parameters=repr({name: 0.1 * k for k, name in enumerate(given)}),
    )
    rule = files.rule(
        "\n".join(f"{name} = 0.9*{name} + feedback_post*activity_pre" for name in defined)
        + f"\nw -= 0.01*({'+'.join(names)})",
        eligibility="\n".join(f"{name} : 1" for name in defined),
        parameters=repr({name: 0.1 * k for k, name in enumerate(given)}),
    )
    x = np.random.default_rng(0).random((2, 10, 2))
    for circuit in (ap.Circuit(neuron=neuron), ap.Circuit(rule=rule)):
        one, other = (trained(circuit, x, engine=engine).W.values for engine in ("reference", "standalone"))
        assert np.abs(one).max() > 0.1
        np.testing.assert_allclose(one, other, rtol=1e-11)


@pytest.mark.parametrize("name", ["pre", "post", "self", "defined"])
def test_names_that_cannot_be_had_are_refused_in_the_same_words(files, name):
    rule = files.rule(f"{name} = activity_pre\nw -= {name}", eligibility=f"{name} : 1")
    said = set()
    for engine in ENGINES:
        with pytest.raises(ap.InputError, match=f"'{name}' cannot be defined here: it is .*; rename it") as error:
            trained(ap.Circuit(rule=rule), np.ones((1, 4, 2)), engine=engine)
        said.add(str(error.value))
    assert len(said) == 1


def test_the_docstring_of_a_rule_lists_the_names_that_are_taken():
    listed = set(re.findall(r"\w+", ap.Rule.__doc__.partition("Names that no model may define:")[2]))
    provided = {word for place in vocabulary.PLACES.values() for word in place}
    taken = {
        word
        for word in provided | {*vocabulary.CONSTANTS}
        if vocabulary.refusal(word, provided - vocabulary.READOUT.keys() - {"activity", "sent"})
    }
    assert {"drive", "w", "t", "e", "target"} <= taken <= listed
    examples = {"choose", "clip", "exp", "rand", "ms", "volt", "lambda", "double", "order"}
    assert all(vocabulary.refusal(word) for word in examples & listed)
    assert not {"tau", "k", "activity", "err", "prediction"} & listed


SUMMED = {
    "the drive": ({"sums": {"gate": "w*seen_pre"}}, {}),
    "a sum of the neuron": ({"sums": {"gate": "w*sent_pre", "other": "tanh(gate_pre)"}}, {}),
    "through the synapse": ({}, {"eligibility": "gate_post = 0.1*w*both : 1 (summed)\nboth = seen_pre : 1"}),
    "for a connection": ({}, {"connections": (ap.Connection({"more": "0.1*input_pre"}, when="drive"),)}),
}


@pytest.mark.parametrize("case", SUMMED)
def test_a_sum_reads_nothing_that_is_summed_at_the_same_moment(case):
    def run(seen, sums=None, **fields):
        equations = f"dv/dt = (-v + drive + input)/(3*ms) : 1\nactivity = tanh(v) : 1\nseen = {seen} : 1"
        neuron = ap.Neuron(equations, sums=sums or {})
        post = {"postsynaptic": "gate : 1"} if "eligibility" in fields else {}
        rule = ap.Rule(update="w -= 0.1*feedback_post*activity_pre", **post, **fields)
        circuit = ap.Circuit(neuron=neuron, rule=rule, neurons=2, readout="random")
        return trained(circuit, np.ones((1, 3, 2)), engine="runtime", start=weights(2, 2, 2)).W.values

    neuron, rule = SUMMED[case]
    with pytest.raises(ap.InputError, match=r"reads '\w+', which is summed at the same moment"):
        run("tanh(drive)", **neuron, **rule)
    if "seen" in str(neuron) + str(rule):
        assert np.abs(run("tanh(v)", **neuron, **rule) - weights(2, 2, 2).W).max() > 1e-4
