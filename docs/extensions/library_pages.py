"""A page for each rule, neuron, task and benchmark, made of the file itself: what is added there is on the site."""

import ast
import functools
import inspect
import re
import textwrap
from dataclasses import MISSING, fields
from pathlib import Path

from measure import CHECKS, CLAIMS, claim_texts, fresh
from texts import cautions, code, escaped, heading, linked, listed, literal, raw, table, toctree, write

from autapse_sim.engines import discrete
from autapse_sim.errors import InputError
from autapse_sim.experiments import benchmarks as folder
from autapse_sim.experiments import claims as claims_folder
from autapse_sim.experiments import reproductions as reproductions_folder
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.experiments.checking.audits import audits
from autapse_sim.experiments.checking.circuits import circuit_of, role_of
from autapse_sim.experiments.reproduction import in_words, reproductions
from autapse_sim.names import modules_in
from autapse_sim.results.report.equations import formulas
from autapse_sim.spec.audit import COLUMNS, QUESTIONS
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import library, read_neuron, read_rule
from autapse_sim.spec.variables import variables
from autapse_sim.tasks import catalogue

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "explanation" / "published.md"
"""The page whose commands repeat what others have published."""
TEACHES = {"readout_rule": "the read-out V and c", "feedback_rule": "the feedback B"}


def write_all(out):
    """Write all pages of the library into a folder."""
    kinds = {
        "rules": {name: rule_page(name, path) for name, path in library("rules").items()}
        | {name: stated_page(name) for name in sorted(discrete.references().keys() - library("rules").keys())},
        "neurons": {name: neuron_page(name, path) for name, path in library("neurons").items()},
        "tasks": {name: task_page(name, kind) for name, kind in catalogue.tasks().items()},
        "benchmarks": {name: benchmark_page(name, setting) for name, setting in benchmarks().items()},
        "reproductions": {name: claim_page(name, module) for name, module in claims().items()}
        | {name: reproduction_page(name, what) for name, what in reproductions().items()}
        | {path.stem: script_page(path) for path in scripts()},
    }
    for kind, pages in kinds.items():
        for name, parts in pages.items():
            write(out / kind / f"{name}.rst", *parts)
        write(out / kind / "index.rst", *INDEX[kind](pages), toctree(pages))
        for path in (out / kind).glob("*.rst"):
            if path.stem not in pages and path.stem != "index":
                path.unlink()


def rule_page(name, path):
    """The page of a rule that has equations."""
    rule, text = read_rule(name), path.read_text()
    said, unsuited = cautions(ast.get_docstring(ast.parse(text)) or "")
    (fits, refused), circuit, role = neurons_of(name), circuit_of(name), role_of(rule)
    yield heading(name)
    taught = TEACHES.get(role, ", ".join(circuit.learn))
    yield f"*Teaches {taught}{', and U where what is shown are spikes' if rule.events else ''}.*\n"
    yield linked(said) + "\n"
    yield heading("Equations", "-") + "\n" + equations(name, text)
    yield heading("When not to use it", "-")
    yield listed(map(linked, unsuited))
    yield f"It means something with the neurons {', '.join(fits)}.\n"
    if refused:
        yield table(["not with", "because"], [[each, escaped(why)] for each, why in refused.items()])
    if name in audits():
        yield heading("What it asks of a brain", "-")
        yield audited(audits()[name])
    yield heading("Variables", "-")
    yield variables_of(circuit)
    yield heading("Held against", "-") + "\n" + held_against(name, text)
    yield heading("Use it", "-")
    yield code(USE[role].format(name=name, neuron=circuit.neuron), "console")
    yield heading("The file", "-") + "\n" + code(text)


USE = {
    "rule": "$ autapse train --rule {name} --neuron {neuron} --replicates 20\n$ autapse check {name}",
    "readout_rule": "$ autapse check {name}",
    "feedback_rule": "$ autapse check {name}",
}


def stated_page(name):
    """The page of a rule without equations of its own."""
    reference = discrete.references()[name]
    yield heading(name)
    said, unsuited = cautions(inspect.getdoc(inspect.getmodule(reference)) or "")
    yield linked(said) + "\n"
    along = name in ("bptt", "fa")
    yield (
        "Derived from the equations of any neuron, line by line of its integration step.\n"
        if along
        else "For the discrete network only (engine ``numpy``): it has no equations of a synapse.\n"
    )
    yield heading("When not to use it", "-")
    yield listed(map(linked, unsuited))
    yield heading("In the discrete network", "-")
    yield code(inspect.getdoc(reference) or "", "text")
    if reference.audit:
        yield heading("What it asks of a brain", "-")
        yield audited(reference.audit)
    yield heading("Use it", "-")
    yield code(f"$ autapse train --rule {name} --replicates 20\n$ autapse check {name}", "console")


def neuron_page(name, path):
    """The page of a neuron."""
    text = path.read_text()
    said, neuron = ast.get_docstring(ast.parse(text)), read_neuron(name)
    fits = [rule for rule in library("rules") if name in neurons_of(rule)[0]]
    yield heading(name)
    yield f"*{'Spikes' if neuron.threshold else 'Has a rate'}; integrated with* ``{neuron.method}``.\n"
    yield linked(said) + "\n"
    yield heading("Equations", "-") + "\n" + equations(name, text)
    yield heading("Rules that it goes with", "-")
    yield ", ".join(f":doc:`../rules/{rule}`" for rule in [*fits, "bptt", "fa"]) + "\n"
    yield heading("Variables", "-")
    yield variables_of(Circuit(neuron=name, learn=()))
    yield heading("Held against", "-") + "\n" + held_against(name, text)
    yield heading("Use it", "-")
    yield code(f"$ autapse train --neuron {name} --rule bptt --neurons 20\n$ autapse check {name}", "console")
    yield heading("The file", "-") + "\n" + code(text)


def task_page(name, kind):
    """The page of a task."""
    options = catalogue.options(name)
    needed = [option for option in options if not option.default]
    yield heading(name)
    yield f".. autoclass:: {kind.__module__}.{kind.__qualname__}\n   :no-members:\n   :no-index:\n"
    if not needed:
        yield heading("One trajectory", "-")
        yield f".. image:: {name}.png\n   :alt: stimulus and target of one trajectory of {name}\n   :width: 100%\n"
    yield heading("Options", "-")
    rows = [[literal(each.name), literal(each.default), escaped(each.about)] for each in options]
    yield table(["option", "default", "what it is"], rows)
    used = [bench for bench, setting in benchmarks().items() if type(setting.task) is kind]
    if used:
        yield (
            heading("Benchmarks with it", "-")
            + "\n"
            + ", ".join(f":doc:`../benchmarks/{each}`" for each in used)
            + "\n"
        )
    yield heading("Use it", "-")
    first = next((option for option in options if option.default), None)
    said = f" -t {first.name}={first.default}" if first else ""
    yield code(
        f"$ autapse tasks {name}\n$ autapse train --task {name}{said} --readout random --replicates 10", "console"
    )
    yield code(f"import autapse_sim as ap\n\ntask = ap.{kind.__name__}()" if not needed else "", "python")


def benchmark_page(name, setting):
    """The page of a benchmark."""
    module = modules_in(folder)[name.replace("-", "_")]
    source = inspect.getsource(module)
    yield heading(name)
    yield f"*{setting.family}*. {escaped(setting.title[0].upper() + setting.title[1:])}.\n"
    yield textwrap.dedent(linked(inspect.getdoc(module) or "")) + "\n"
    yield heading("The setting", "-")
    rows = [
        ["task", f":doc:`../tasks/{catalogue.name_of(type(setting.task))}`"]
        if known(setting.task)
        else ["task", literal(type(setting.task).__name__)]
    ]
    rows += [[f"task, {each}", value] for each, value in changed(setting.task)]
    rows += [[f"circuit, {each}", value] for each, value in changed(setting.circuit)]
    rows += [[f"protocol, {each}", value] for each, value in changed(setting.protocol)]
    rows += [[f"parameter {each}", literal(value)] for each, value in setting.parameters.items()]
    rows += [["learning rates tried first", ", ".join(map(str, setting.etas))]]
    rows += [["judged beside", ", ".join(f":doc:`../rules/{rule}`" for rule in setting.beside)]]
    rows += [["first steps that do not count", str(setting.unscored)]]
    rows += [["only blanked steps count", "yes"]] if setting.blind else []
    yield table(["what", "value, where it is not the default"], rows)
    yield heading("Use it", "-")
    yield code(f"$ autapse verdict autapse --benchmark {name}\n$ autapse check {name}", "console")
    yield heading("The file", "-") + "\n" + code(source)


def known(task):
    return type(task) in catalogue.tasks().values()


def changed(value):
    """The fields of a dataclass that are not the defaults, as text."""
    for each in fields(value):
        mine = getattr(value, each.name)
        default = each.default if each.default_factory is MISSING else each.default_factory()
        if each.init and mine != default and not callable(mine):
            yield (
                each.name,
                literal(getattr(mine, "text", mine) if not hasattr(mine, "sample") else type(mine).__name__),
            )


def equations(name, text):
    """The equations of a model file, typeset."""
    lines = [line for line in formulas(f"# {name}.py\n{text}")][1:]
    end = next((place for place, line in enumerate(lines) if line == '<p class="soft">parameters</p>'), len(lines))
    return raw('<div class="equations">\n' + "\n".join(lines[:end]) + "\n</div>")


def audited(audit):
    """What a rule asks, as a table, with the terms that cause it."""
    rows = []
    for (field, question), column in zip(QUESTIONS.items(), COLUMNS, strict=True):
        causes = getattr(audit, field)
        rows.append([f"**{column}**: {question}", "; ".join(map(escaped, causes)) or "no"])
    return table(["question", "answer"], rows)


@functools.cache
def neurons_of(name):
    """The neurons that a rule goes with, and for the others why not."""
    fits, refused = [], {}
    for neuron in library("neurons"):
        try:
            circuit_of(name, neuron)
            fits.append(neuron)
        except InputError as error:
            refused[neuron] = _without_path(str(error))
    return fits, refused


def _without_path(said):
    """What an error says, without the folder of the file that it names."""
    path, colon, rest = said.partition(" (known there")[0].partition(": ")
    return f"{Path(path.split(',')[0]).name},{path.partition(',')[2]}: {rest}" if colon and "/" in path else said


def variables_of(circuit):
    """A table of the variables of a circuit: those of the models themselves."""
    models = Models.of(circuit)
    rows = []
    for each in variables(models, circuit):
        if not each.role.startswith("of the circuit"):
            rows.append([literal(each.name), each.place, each.unit, escaped(each.role)])
    return table(["name", "place", "unit", "role"], rows)


def held_against(name, text):
    """What was measured of a model, with the text that it was measured of."""
    found = fresh(CHECKS, name, text)
    if not found:
        return f"Not measured since the file changed; ``autapse check {name}`` tells.\n"
    return code("\n".join(found["held against"]), "text", wraps=True)


def claims():
    """What the paper says, in its order."""
    return dict(sorted(modules_in(claims_folder).items(), key=lambda each: each[1].KEY))


def scripts():
    """The programs that repeat what others have published, as the page on it names them."""
    named = re.findall(r"python ((?:tests/benchmarks|figures)/\w+\.py)", PUBLISHED.read_text())
    return [ROOT / name for name in dict.fromkeys(named)]


def claim_page(name, module):
    """The page of what the paper says."""
    text = claim_texts()[name]
    found = fresh(CLAIMS, name, text)
    yield heading(f"({module.KEY}) {inspect.getdoc(module).rstrip('.')}")
    yield f"Wang, Gray & Banerjee: *{escaped(module.SAYS)}*\n"
    yield heading("Measured", "-")
    if found:
        yield f"**It {'is undecided' if found['answer'] == 'undecided' else escaped(found['answer'])}.**\n"
        yield escaped(found["measured"] or "Times are those of a machine: the command prints them.") + "\n"
        yield "Stored, of 200 networks a rule and seed 0; intervals are of 95%.\n"
    else:
        yield "Not measured since the file changed; the command below tells.\n"
    yield code("$ autapse verdict --claims", "console")
    yield heading("How", "-") + "\n" + code(text)


def reproduction_page(name, what):
    """The page of a published result."""
    module = modules_in(reproductions_folder)[name.replace("-", "_")]
    said = linked(inspect.getdoc(module))
    yield heading(name)
    yield said + "\n"
    rows = [["published", escaped(what.published)], ["by", linked(escaped(what.source))]]
    rows += [["takes, on 2 cores", in_words(what.minutes[0])]]
    rows += [["a quick run", f"{in_words(what.minutes[1])}; {escaped(what.quick)}"]]
    rows += [["not known, and chosen here", escaped(what.unknown)]] if what.unknown else []
    yield table(["what", "said"], rows)
    yield "What came out stands in :doc:`../../explanation/published`.\n"
    yield code(f"$ autapse reproduce {name} --quick\n$ autapse reproduce {name}", "console")
    yield heading("The file", "-") + "\n" + code(inspect.getsource(module))


def script_page(path):
    """The page of a program that repeats what others have published."""
    text = path.read_text()
    first, _, rest = ast.get_docstring(ast.parse(text)).partition("\n\n")
    yield heading(path.stem)
    yield linked(first.partition(": python")[0].rstrip(".") + ".") + "\n"
    yield linked(re.sub(r"^ *python .*$\n*", "", rest, flags=re.MULTILINE)) + "\n"
    yield "What came out stands in :doc:`../../explanation/published`. In a clone of the repository:\n"
    yield code(f"$ python {path.relative_to(ROOT).as_posix()}", "console")
    yield heading("The file", "-") + "\n" + code(text)


def rules_index(pages):
    """The list of rules, and what each asks."""
    yield heading("Rules")
    yield "One file each. ``autapse models`` prints this table.\n"
    with_audit = audits()
    rows = [[f":doc:`{name}`", *map(escaped, with_audit[name].row())] for name in pages if name in with_audit]
    yield table(["rule", *COLUMNS], rows)
    others = [name for name in pages if name not in with_audit]
    yield ("Others: " + ", ".join(f":doc:`{name}`" for name in others) + ".\n") if others else ""


def neurons_index(pages):
    """The list of neurons."""
    yield heading("Neurons")
    paths = library("neurons")
    rows = [
        [f":doc:`{name}`", linked(ast.get_docstring(ast.parse(paths[name].read_text())).splitlines()[0])]
        for name in pages
    ]
    yield table(["neuron", "what it is"], rows)


def tasks_index(pages):
    """The list of tasks."""
    yield heading("Tasks")
    kinds = catalogue.tasks()
    yield table(
        ["task", "what it is"], [[f":doc:`{name}`", escaped(catalogue.first_line(kinds[name]))] for name in pages]
    )
    yield "Arrays of your own are a task, too (``ap.ArrayTask(x, y)``, or ``--task arrays.npz``).\n"


def benchmarks_index(pages):
    """The list of benchmarks, by family."""
    yield heading("Benchmarks")
    yield "Settings in which a rule is judged, in families.\n"
    found = benchmarks()
    rows = [[f":doc:`{name}`", found[name].family, escaped(found[name].title)] for name in pages]
    yield table(["benchmark", "family", "what a network has to do"], rows)


def reproductions_index(pages):
    """The list of what was repeated: the paper's claims, and numbers that others have published."""
    yield heading("Reproductions")
    yield "What Wang, Gray & Banerjee say of the autapse rule, claim by claim:\n"
    texts, known = claim_texts(), claims()
    rows = [
        [f":doc:`{name}`", escaped(module.SAYS), fresh(CLAIMS, name, texts[name]).get("answer", "")]
        for name, module in known.items()
    ]
    yield table(["claim", "the paper", "here"], rows)
    yield "What others have published (:doc:`../../explanation/published`); ``autapse reproduce --list`` lists it:\n"
    others = reproductions()
    rows = [[f":doc:`{name}`", escaped(one.title), in_words(one.minutes[0])] for name, one in others.items()]
    yield table(["name", "what was shown", "takes"], rows)
    yield "Programs of the paper's figures:\n"
    yield listed(f":doc:`{name}`" for name in pages if name not in known and name not in others)


INDEX = {
    "rules": rules_index,
    "neurons": neurons_index,
    "tasks": tasks_index,
    "benchmarks": benchmarks_index,
    "reproductions": reproductions_index,
}
