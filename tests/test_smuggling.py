"""No text of a model, no name and no path becomes C++ as it is written: what is no equation is refused."""

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import library
from autapse_sim.spec.scopes import check_models
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

needs_compiler = pytest.mark.skipif(not compiler(), reason="needs a C++ compiler")
PAYLOADS = (
    *('"; SMUGGLED(); "', "'SMUGGLED'", 'R"(SMUGGLED)"', '__import__("os").system("SMUGGLED")', "`SMUGGLED`"),
    *(
        "{0}; SMUGGLED()",
        "{0} /* SMUGGLED */",
        "{0}\nSMUGGLED()",
        "{0}\n#include SMUGGLED\n; SMUGGLED",
        "{0}\\\nSMUGGLED",
    ),
    *("{{SMUGGLED}}", "{%% SMUGGLED %%}", "%(SMUGGLED)s", "{{{{ SMUGGLED }}}}", "${{SMUGGLED}}", "??/SMUGGLED"),
    *("{0} if SMUGGLED else 2", "SMUGGLED", "SMUGGLED({0})", "{0} // SMUGGLED", "{0}, SMUGGLED", "{0}\rSMUGGLED"),
    *("{0}\x0bSMUGGLED", "{0}\x00SMUGGLED", "sizeof(SMUGGLED)", "asm('SMUGGLED')", "{0}->SMUGGLED", "{0}.SMUGGLED"),
    *("{0}[SMUGGLED]", "std::SMUGGLED", "SMUGGLED ? 1 : 2", "{0} & SMUGGLED", "(SMUGGLED){0}", "{0}) + (SMUGGLED"),
    *("{0} : 1 (SMUGGLED)", "lambda: SMUGGLED", "(SMUGGLED := {0})", "SMUGGLED\u2028", "\u0405MUGGLED_SMUGGLED"),
)
"""What is put in the place of an expression {0}."""
NEURON = {
    "equations": "dv/dt = (-v + drive + input + bias)/tau_m : 1\na = v : 1\nactivity = f : 1",
    "threshold": "v > 1",
    "reset": "v = 0",
    "refractory": "2*ms",
    "initial": {"v": "0.5"},
    "sums": {"total": "w*sent_pre"},
}
RULE = {
    "update": "w -= eta*feedback_post*k_pre*p*q_post*s_pre",
    "trace": "dk/dt = (activity - k)/tau_m : 1",
    "postsynaptic": "dq/dt = (loss - q)/tau_m : 1",
    "eligibility": "p : 1",
    "finish": "p = 0.5; w -= eta",
    "finish_postsynaptic": "q = 0.5",
    "perturbation": "0.5*randn()",
    "initial": {"p": "0.5"},
}
CONNECTION = {"sums": {"s": "c*activity_pre"}, "equations": "c : 1", "update": "c += eta", "initial": "zeros"}


def put(text, payload):
    """A text in which a payload stands for its last expression, or for the unit behind it."""
    before, mark, last = text.rpartition("= ") if "=" in text else ("", "", text)
    return before + mark + payload.replace("{0}", last).replace("%%", "%").replace("{{", "{").replace("}}", "}")


def units(text, payload):
    return text.rpartition(": ")[0] + ": " + payload.replace("{0}", "1")


def replaced(fields, name, text):
    return {**fields, name: text if isinstance(fields[name], str) else dict.fromkeys(fields[name], text)}


def renamed(fields, name, payload):
    return {**fields, name: {payload.replace("{0}", key): text for key, text in fields[name].items()}}


def text_of(fields, name):
    return fields[name] if isinstance(fields[name], str) else next(iter(fields[name].values()))


def made(
    neuron=NEURON, rule=RULE, connection=CONNECTION, activation=("tanh(a)", "1 - f**2"), parameters=("eta", "tau_m")
):
    """The circuit of models with these fields."""
    from brian2 import ms

    eta, tau_m = parameters
    neuron = ap.Neuron(**neuron, activations={"tanh": ap.Activation(*activation)}, parameters={tau_m: 10 * ms})
    rule = ap.Rule(**rule, connections=(ap.Connection(**connection),), parameters={eta: 0.1})
    return ap.Circuit(neuron=neuron, rule=rule, activation="tanh", neurons=2, readout="random")


def checked(**given):
    circuit = made(**given)
    check_models(Models.of(circuit), circuit)
    return circuit


def everywhere():
    """All places of a model's texts, units and names, each as what makes a circuit with a payload in that place."""
    for what, fields in (("neuron", NEURON), ("rule", RULE), ("connection", CONNECTION)):
        for name in fields:
            yield f"{what} {name}", lambda p, w=what, f=fields, n=name: {w: replaced(f, n, put(text_of(f, n), p))}
            if name in ("equations", "trace", "postsynaptic", "eligibility"):
                yield f"{what} {name}: unit", lambda p, w=what, f=fields, n=name: {w: {**f, n: units(f[n], p)}}
            if isinstance(fields[name], dict):
                yield f"{what} {name}: name", lambda p, w=what, f=fields, n=name: {w: renamed(f, n, p)}
    silent = {"threshold": "v > 1", "pseudo_derivative": "1"}
    yield "neuron pseudo_derivative", lambda p: {"neuron": {**NEURON, **silent, "pseudo_derivative": put("1", p)}}
    yield "rule lasting", lambda p: {"rule": {**RULE, "lasting": (p,)}}
    yield "neuron method", lambda p: {"neuron": {**NEURON, "method": p}}
    yield "activation f", lambda p: {"activation": (put("tanh(a)", p), "1")}
    yield "activation f_prime", lambda p: {"activation": ("tanh(a)", put("1 - f", p))}
    yield "parameter", lambda p: {"parameters": (p.replace("{0}", "eta"), "tau_m")}


PLACES = dict(everywhere())


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_equation_is_refused_in_every_place(place):
    for payload in PAYLOADS:
        if payload != "SMUGGLED" or ": name" not in place:
            with pytest.raises(ap.InputError) as caught:
                checked(**PLACES[place](payload))
            assert str(caught.value).isprintable()


def source_of(circuit, folder):
    """All C++ that is generated for a circuit."""
    from autapse_sim.engines.brian.standalone import generate

    protocol, task = ap.Protocol(replicates=1, train=1, validate=0, test=0), ap.BouncingBall(steps=5)
    values = resolve_parameters(circuit, {}, 1)
    job = prepare(circuit, draw(circuit, task, protocol), protocol, values, np.arange(1))
    generate(job, 1, True, folder, compiler())
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.suffix in {".cpp", ".h"})


@needs_compiler
def test_comments_are_in_no_source_and_names_are(tmp_path):
    said = " ".join(payload.replace("\n", " ").replace("\r", " ") for payload in PAYLOADS)
    given = {}
    for what, fields in (("neuron", NEURON), ("rule", RULE), ("connection", CONNECTION)):
        texts = {
            name: f"{text_of(fields, name)}  # {said} \\"
            for name in fields
            if (what, name) != ("connection", "initial")
        }
        given[what] = fields
        for name, text in texts.items():
            given[what] = replaced(given[what], name, text)
    plain, commented = source_of(made(), tmp_path / "plain"), source_of(made(**given), tmp_path / "commented")
    assert "SMUGGLED" not in commented
    assert plain == commented
    named = made(
        rule={**RULE, "update": "w -= SMUGGLED*feedback_post*k_pre*p*q_post*s_pre", "finish": "p = 0.5"},
        connection={**CONNECTION, "update": "c += SMUGGLED"},
        parameters=("SMUGGLED", "tau_m"),
    )
    assert "SMUGGLED" in source_of(named, tmp_path / "named")


@needs_compiler
def test_names_of_files_and_folders_are_in_no_source(tmp_path, monkeypatch):
    name = "SMUGGLED \"'; $x {0} %s # *) \\ \n#error SMUGGLED\n é"
    folder = tmp_path / name
    folder.mkdir()
    path = folder / f"{name}.py"
    path.write_bytes(library("rules")["autapse"].read_bytes())
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    circuit = ap.Circuit(rule=path)
    assert "SMUGGLED" not in source_of(circuit, folder / "source")
    protocol, task = ap.Protocol(replicates=1, train=1, validate=0, test=0), ap.BouncingBall(steps=5)
    W = [ap.train(each, task, protocol, engine="standalone").data.W.values for each in (circuit, ap.Circuit())]
    np.testing.assert_array_equal(*W)
