"""A circuit as a C++ program: Brian2 generates the code of every object, the loop over time steps is ours."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from brian2 import Function, second
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.groups.group import CodeRunner

from autapse_sim.engines.brian.assembly.assembler import Assembly, assemble
from autapse_sim.engines.brian.assembly.order import SLOTS, When, check_order
from autapse_sim.engines.brian.compiler import compile_program, identity
from autapse_sim.engines.brian.dense.layout import Layout
from autapse_sim.engines.brian.program import Program
from autapse_sim.engines.brian.session import building, tape_function
from autapse_sim.engines.brian.tape import FUNCTIONS
from autapse_sim.spec import vocabulary
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.library import Models

CONDITIONS = {
    When.STARTING: "tape.starting",
    When.LEARNS: "tape.learns",
    When.LEARNED: "tape.learns && tape.ending",
    When.FINISHES: "tape.learns && (tape.updating || tape.ending)",
    When.TRACING: "tape.tracing",
    When.FUSED: "driven = !tape.ending",
    When.FUSED_LEARNS: "driven = tape.learns && !tape.ending",
    When.ENDS: "tape.ending",
    When.ENDS_LEARNS: "tape.learns && tape.ending",
    When.UNDRIVEN: "!driven",
}
"""When an object runs, in C++."""
HEADERS = """
    algorithm climits cmath csignal cstdint ctime fstream iostream map random set string tuple utility vector
"""
"""What the generated sources include, once for all of them and outside of any namespace."""


def generate(job: Job, networks: int, dense: bool, folder: Path, command: str) -> tuple[Program, Callable]:
    """Generate the program of a job in a folder.

    Parameters
    ----------
    job : Job
        Its circuit, channels and kind of update count, its numbers do not.
    networks : int
        The networks that the program has to have places for; it may have some more.
    dense : bool
        Whether projections run as dense loops where they can, or all on Brian2's own path.
    folder : Path
        Where the sources go.
    command : str
        The compiler.

    Returns
    -------
    program : Program
    build : callable
        Compiles the sources to the path that it is given.
    """
    models = Models.of(job.circuit, job.sources)
    channels = max(job.x.shape[-1], job.y.shape[-1])
    layout = Layout.choose(networks, job.circuit.neurons, channels) if dense else Layout.plain(networks)
    device = CPPStandaloneDevice()
    with building(device, models, job.circuit.precision):
        assembly = assemble(job, models, _functions(), layout, program=True, dense=dense)
        assembly.network.run(STEP / job.circuit.substeps * second, namespace={})  # generates the code of a run
        check_order(assembly.network)
        loop = _loop(device, assembly, layout)
        device.build(directory=str(folder), compile=False, run=False, with_output=False)
    _one_source(folder, loop, _ending(device, assembly), assembly.names)
    digest = hashlib.sha256(identity(command).encode())
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".cpp", ".h"}:
            digest.update(f"\n{path.relative_to(folder)}\n".encode() + path.read_bytes())
    told = (assembly.inputs, assembly.learned, assembly.tables, assembly.lasting)
    program = Program(digest.hexdigest(), layout, job.circuit.precision, *told)
    return program, lambda path: compile_program(command, folder / "all.cpp", path)


def looked_at(job: Job) -> tuple[list[str], dict[str, str]]:
    """How a job would run as a program, which is not generated.

    Returns
    -------
    slots : list of str
        Those of a time step that its objects run in, in their order.
    apart : dict of str to str
        Why weights that learn do not change and get summed in one pass, by their names; '' where they do.
    """
    models = Models.of(job.circuit, job.sources)
    channels = max(job.x.shape[-1], job.y.shape[-1])
    layout = Layout.choose(len(job.source), job.circuit.neurons, channels)
    with building(CPPStandaloneDevice(), models, job.circuit.precision):
        assembly = assemble(job, models, _functions(), layout, program=True)
        used = {(each.when, each.order) for each in assembly.runners() if each.active}
    return [slot for slot, place in SLOTS.items() if place in used or slot == "stimulus"], assembly.apart


def _functions() -> dict[str, Function]:
    functions = {}
    for name in FUNCTIONS:
        function = tape_function(name, lambda *arguments: 0.0)
        method = FUNCTIONS[name][0]
        alias = f"template <class... A> inline auto {name}(A... a) {{ return autapse::{method}(a...); }}"
        code = f"using autapse::{name};" if name == method else alias
        function.implementations.add_implementation("cpp", {"support_code": code})
        functions[name] = function
    return functions


def _loop(device: CPPStandaloneDevice, assembly: Assembly, layout: Layout) -> str:
    """The loop over time steps, in the order of Brian2's own run, each object under its condition, for each tile."""
    lines = next(arguments[1] for kind, arguments in device.main_queue if kind == "run_network")
    runners = {
        runner.codeobj.name: runner.name
        for runner in assembly.network.sorted_objects
        if isinstance(runner, CodeRunner) and runner.codeobj is not None
    }
    array = {
        name: device.get_array_name(assembly.variable(name))
        for name in ("inputs.autapse_x", "outputs.target", "outputs.prediction", "outputs.err")
    }
    steps = [f"tape.show({array['inputs.autapse_x']}, {array['outputs.target']});"]
    for function in re.findall(r"\.add\(&steps, (\w+)\);", "\n".join(lines)):
        runner = runners.get(function.removeprefix("_run_"), "")
        when = assembly.conditions.get(runner, When.ALWAYS)
        steps.append(f"{function}();" if when is When.ALWAYS else f"if ({CONDITIONS[when]}) {function}();")
        if runner == "outputs_error":
            shown = ", ".join(array[f"outputs.{name}"] for name in ("prediction", "err", "target"))
            steps.append(f"tape.keep({shown});")
    begin, end = _telemetry(device, assembly)
    body = "\n".join(f"            {step}" for step in steps + end)
    first = "\n".join(f"    {line}" for line in begin)
    return f"""
void autapse_steps()
{{
    using namespace brian;
    using autapse::tape;
{first}
    bool driven = false;  // whether the drive of this step came with the update of the last one
    for (autapse::tile = 0; autapse::tile < {layout.replicates}; autapse::tile += {layout.tile})
    {{
        _array_steps_timestep[0] = 0, _array_steps_t[0] = 0, driven = false;
        tape.rewind(autapse::tile);
        while (tape.next())
        {{
            _array_steps_t[0] = tape.moment*_array_steps_dt[0];
{body}
            _array_steps_timestep[0]++;
        }}
    }}
}}
"""


def _telemetry(device: CPPStandaloneDevice, assembly: Assembly) -> tuple[list[str], list[str]]:
    """What a program does before its first step, to go on, and at the end of each, to keep what is asked for."""
    begin: list[str] = []
    end: list[str] = []
    going = {each.variable: "state" for each in assembly.lasting.values()}
    for key, row in {**dict.fromkeys(assembly.learned.values(), "checkpoint"), **going}.items():
        variable = assembly.variable(key)
        array, size = device.get_array_name(variable, access_data=False), str(variable.size)
        if isinstance(variable, DynamicArrayVariable):
            array, size = f"{array}.data()", f"{array}.size()"
        shelf = f"shelf_{len(end)}"
        begin.append(f'autapse::Shelf {shelf}("{key}.{row}");')
        end.append(f"if (tape.ending && tape.{row} >= 0) {shelf}.put(tape.{row}, {array}, {size});")
        if row == "state":
            begin.append(f'if (tape.done) autapse::resume("{key}.start", {array}, {size});')
    return begin, end


def _ending(device: CPPStandaloneDevice, assembly: Assembly) -> str:
    """What a program does after its last step."""
    written = [
        f'    autapse::write("{name}.out", brian::{device.get_array_name(assembly.variable(key), access_data=False)});'
        for name, key in assembly.learned.items()
    ]
    if assembly.spiking:
        total = assembly.variable("neurons.autapse_total")
        array = device.get_array_name(total, access_data=False)
        written.append(f'    autapse::write("total.out", brian::{array}, {total.size});')
    return "\n".join(["    autapse::tape.finish();", *written])


def _one_source(folder: Path, loop: str, ending: str, names: frozenset[str]) -> None:
    """Join a generated project to one source file, each code object in a namespace of its own.

    Names of the models may be those of macros in the headers, which are then taken away from the code objects.
    """
    for header in ("tape.h", "dense/arrays.h"):
        (folder / Path(header).name).write_text(files("autapse_sim.engines.brian").joinpath(header).read_text())
    main = (folder / "main.cpp").read_text()
    main, runs = re.subn(r"^\s*\w+\.run\(.*$", "        autapse_steps();", main, flags=re.MULTILINE)
    main, ends = re.subn(r"^.*\bbrian_end\(\);.*$", lambda _: ending, main, flags=re.MULTILINE)
    if (runs, ends) != (1, 1):
        raise RuntimeError("this version of Brian2 writes a main.cpp that autapse_sim does not know")
    (folder / "main.cpp").write_text(main)
    objects_cpp = (folder / "objects.cpp").read_text()
    written = re.compile(r"^void _write_arrays\(\).*?(?=^void _dealloc_arrays\(\))", re.MULTILINE | re.DOTALL)
    (folder / "objects.cpp").write_text(written.sub("void _write_arrays() {}\n", objects_cpp))
    objects = sorted(path.stem for path in (folder / "code_objects").glob("*.cpp"))
    lines = [f"#include <{name}>" for name in HEADERS.split()] + ["#include <stdlib.h>", "#include <time.h>"]
    lines += ['#include "objects.h"', '#include "brianlib/common_math.h"', '#include "brianlib/stdint_compat.h"']
    lines += ['#include "arrays.h"', '#include "tape.h"'] + [f'#include "code_objects/{name}.h"' for name in objects]
    own = sorted(names - vocabulary.everywhere())
    lines += [f'#pragma push_macro("{name}")\n#undef {name}' for name in own]
    for name in objects:
        lines += [f"namespace of_{name} {{", f'#include "code_objects/{name}.cpp"', "}"]
        function = name if name.startswith(("before_run_", "after_run_")) else f"run_{name}"
        lines += [f"inline void _{function}() {{ of_{name}::_{function}(); }}"]
    # what runs once is not worth the compiler's time
    lines += [loop, *(f'#pragma pop_macro("{name}")' for name in own)]
    lines += ["#pragma GCC push_options", "#pragma GCC optimize (0)"]
    others = ("objects.cpp", "network.cpp", "synapses_classes.cpp", "run.cpp", "main.cpp")
    lines += [f'#include "{path}"' for path in others if (folder / path).exists()]
    lines += ["#pragma GCC pop_options"]  # what templates ask for is compiled at the end
    (folder / "all.cpp").write_text("\n".join(lines) + "\n")
