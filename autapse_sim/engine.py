"""Run a job in Brian2: as a compiled C++ program, or in runtime mode where there is no compiler."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from brian2 import Function, have_same_dimensions, prefs, second, set_device
from brian2.core.base import BrianObjectException
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import Device, reset_device, runtime_device

from autapse_sim.assembly import Assembly, Models, assemble, check_order, explain
from autapse_sim.cache import cached
from autapse_sim.errors import InputError
from autapse_sim.job import STEP, Job, Outcome, Progress
from autapse_sim.tape import FUNCTIONS, Tape
from autapse_sim.weights import Weights

FLAGS = ["-std=c++17", "-O3", "-ffast-math", "-fno-finite-math-only", "-march=native", "-w"]
"""Brian2's own flags, in one place: NaN and infinity stay what they are."""


def compiler() -> str | None:
    """The C++ compiler of this machine, or None."""
    return shutil.which(os.environ.get("CXX", "g++")) or shutil.which("c++")


def simulate(job: Job, models: Models, engine: str, progress: Progress | None = None) -> Outcome:
    """Run a job in Brian2.

    Parameters
    ----------
    job : Job
        What is run.
    models : Models
        The neuron and the rules, read and checked.
    engine : {'standalone', 'runtime'}
        A compiled C++ program, or Brian2's runtime mode (NumPy).
    progress : callable, optional
        Called with the completed share, 0 to 1.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        Where an equation names an unknown variable or has a wrong unit, with file and line.
    """
    run = {"standalone": _standalone, "runtime": _runtime}[engine]
    with _quiet_brian():
        try:
            return run(job, models, progress or (lambda share: None))
        except InputError:
            raise
        except (BrianObjectException, KeyError, SyntaxError, TypeError, ValueError, NotImplementedError) as error:
            failure = explain(error, models)
        gc.collect()  # Brian2 has a word to say about each half-built object; let it say it here
    raise failure


def _standalone(job: Job, models: Models, progress: Progress) -> Outcome:
    command = compiler()
    if command is None:
        raise InputError("engine 'standalone' needs a C++ compiler (g++); install one or use engine='runtime'")
    with tempfile.TemporaryDirectory(prefix="autapse_") as temporary:
        project, work = Path(temporary, "program"), Path(temporary, "run")
        work.mkdir()
        device = CPPStandaloneDevice()
        with _using(device):
            assembly = assemble(job, models, _compiled_functions())
            tape = Tape(job, assembly.tables)
            assembly.network.run(STEP / job.circuit.substeps * second, namespace={})  # generates the code of a run
            check_order(assembly.network)
            _read_duration_from_tape(device)
            device.insert_code("before_end", "autapse::tape.finish();")
            device.build(directory=str(project), compile=False, run=False, with_output=False)
            stored = {name: Path(device.get_array_filename(_variable(assembly, name))).name for name in assembly.values}
        program = _compile(project, command)
        tape.write(work)
        _play(program, project, work, assembly, progress)
        tape.read(work)
        learned = {name: np.fromfile(work / "results" / stored[key]) for name, key in assembly.weights.items()}
    return _outcome(job, tape, learned, "standalone")


def _runtime(job: Job, models: Models, progress: Progress) -> Outcome:
    before = prefs.codegen.target
    prefs.codegen.target = "numpy"
    try:
        with _using(runtime_device):
            box: list[Tape] = []
            functions = {
                name: _function(name, lambda *arguments, name=name: getattr(box[0], name)(*arguments))
                for name in FUNCTIONS
            }
            assembly = assemble(job, models, functions)
            tape = Tape(job, assembly.tables)
            tape.start()
            box.append(tape)
            for name, value in assembly.values.items():
                _variable(assembly, name).set_value(value)
            for done in range(tape.presentations):
                assembly.network.run(tape.steps * STEP * second, namespace={})
                if done == 0:
                    check_order(assembly.network)
                progress((done + 1) / tape.presentations)
            learned = {name: np.array(_variable(assembly, key).get_value()) for name, key in assembly.weights.items()}
    finally:
        prefs.codegen.target = before
    return _outcome(job, tape, learned, "runtime")


def _outcome(job: Job, tape: Tape, learned: dict[str, np.ndarray], engine: str) -> Outcome:
    networks, n, c = len(job.source), job.circuit.neurons, job.y.shape[-1]
    shapes = {"W": (n, n), "V": (n, c), "b": (n,), "c": (c,)}
    weights = {}
    for name, flat in learned.items():
        # synapses lie in pre-major order
        array = flat.reshape(networks, *shapes[name])
        weights[name] = np.ascontiguousarray(array.transpose(0, 2, 1)) if array.ndim == 3 else array
    after: Weights = replace(job.weights, **weights)
    return Outcome(tape.mse(), after, tape.predictions(), tape.traced_arrays(), engine)


def _variable(assembly: Assembly, name: str):
    owner, variable = name.split(".")
    found = next(thing for thing in assembly.network.objects if thing.name == owner)
    return found.variables[variable]


def _compiled_functions() -> dict[str, Function]:
    functions = {}
    for name in FUNCTIONS:
        function = _function(name, lambda *arguments: 0.0)
        function.implementations.add_implementation(
            "cpp", {"support_code": f"using autapse::{name};"}, compiler_kwds={"headers": ['"tape.h"']}
        )
        functions[name] = function
    return functions


def _function(name: str, python: Callable) -> Function:
    """A function of the tape as Brian2 knows it; `choose` keeps the units of what it chooses from."""
    kinds, stateless = FUNCTIONS[name]
    return Function(
        python,
        arg_units=[None] * len(kinds),
        return_unit=(lambda condition, yes, no: no if have_same_dimensions(yes, 1) else yes) if name == "choose" else 1,
        arg_types=list(kinds),
        return_type="float",
        stateless=stateless,
    )


def _read_duration_from_tape(device: CPPStandaloneDevice) -> None:
    """The duration is a literal in the generated main.cpp; let the tape tell it."""
    for kind, arguments in device.main_queue:
        if kind == "run_network":
            lines = arguments[1]
            place = next(k for k, line in enumerate(lines) if ".run(" in line)
            lines[place] = f"{arguments[0].name}.run(autapse::tape.duration(), NULL, 10.0);"


def _compile(project: Path, command: str) -> Path:
    """Compile a generated project as one translation unit, each code object in a namespace of its own.

    The program is kept in the user's cache, by what it is made of, and found there the next time.
    """
    (project / "tape.h").write_text(files("autapse_sim").joinpath("tape.h").read_text())
    objects = sorted(path.stem for path in (project / "code_objects").glob("*.cpp"))
    standard = (
        "algorithm climits cmath csignal cstdint ctime fstream iostream map random set string tuple utility vector"
    )
    lines = [f"#include <{name}>" for name in standard.split()] + ["#include <stdlib.h>", "#include <time.h>"]
    lines += ['#include "objects.h"', '#include "brianlib/common_math.h"', '#include "brianlib/stdint_compat.h"']
    lines += ['#include "tape.h"'] + [f'#include "code_objects/{name}.h"' for name in objects]
    for name in objects:
        lines += [f"namespace of_{name} {{", f'#include "code_objects/{name}.cpp"', "}"]
        function = name if name.startswith(("before_run_", "after_run_")) else f"run_{name}"
        lines += [f"void _{function}() {{ of_{name}::_{function}(); }}"]
    others = ("objects.cpp", "network.cpp", "synapses_classes.cpp", "run.cpp", "main.cpp")
    lines += [f'#include "{path}"' for path in others if (project / path).exists()]
    (project / "all.cpp").write_text("\n".join(lines) + "\n")

    def build(program: Path) -> None:
        arguments = [command, *FLAGS, "-I.", "-Ibrianlib", "all.cpp", "-o", str(program)]
        built = subprocess.run(arguments, cwd=project, capture_output=True, text=True, check=False)
        if built.returncode:
            first = next((line for line in built.stderr.splitlines() if "error" in line), built.stderr[:200])
            raise RuntimeError(f"the C++ compiler failed: {first}")

    program = cached(_fingerprint(project, command), build)
    if program is None:
        program = project / "main"
        build(program)
    return program


def _fingerprint(project: Path, command: str) -> str:
    """What a program depends on: its sources, the compiler, its flags and the processor that -march=native names."""
    asked = [command, "-march=native", "-Q", "--help=target", "--version"]
    digest = hashlib.sha256(" ".join([*FLAGS, command]).encode())
    digest.update(subprocess.run(asked, capture_output=True, check=False).stdout)
    for path in sorted(project.rglob("*")):
        if path.suffix in {".cpp", ".h"}:
            digest.update(f"\n{path.relative_to(project)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _play(program: Path, project: Path, work: Path, assembly: Assembly, progress: Progress) -> None:
    """Run a compiled program in its own folder, and refuse any sign that it did not run as told."""
    (work / "results").mkdir()
    (work / "static_arrays").symlink_to(project / "static_arrays")
    arguments = [str(program), "--results_dir", "results/"]
    for name, value in assembly.values.items():
        np.asarray(value, dtype=np.float64).tofile(work / f"{name}.in")
        arguments.append(f"{name}={name}.in")
    with (work / "errors").open("w+") as errors:
        process = subprocess.Popen(
            arguments, cwd=work, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        said = []
        try:
            for line in process.stdout:
                if line.startswith("progress "):
                    progress(float(line.split()[1]))
                else:
                    said.append(line)
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        errors.seek(0)
        wrong = errors.read().strip() or "".join(said).strip()
    if code or wrong:
        raise RuntimeError(f"the compiled program failed (exit code {code}): {wrong[:500]}")
    progress(1.0)


@contextlib.contextmanager
def _using(device: Device) -> Iterator[None]:
    """Brian2 builds on `device` for a while; afterwards the user's own device is back, untouched."""
    gc.collect()
    set_device(device, build_on_run=False)
    try:
        yield
    finally:
        reset_device()


@contextlib.contextmanager
def _quiet_brian() -> Iterator[None]:
    """No log or debug files, and no advice about code that the user did not write."""
    brian = logging.getLogger("brian2")
    level, before = brian.level, prefs.logging.file_log
    prefs.logging.file_log = False
    brian.setLevel(logging.ERROR)
    try:
        yield
    finally:
        brian.setLevel(level)
        prefs.logging.file_log = before
