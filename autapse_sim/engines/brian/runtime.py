"""A circuit in Brian2's runtime mode, for machines without a compiler, and for the user's own monitors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from brian2 import Clock, NetworkOperation, prefs, second
from brian2.devices.device import runtime_device

from autapse_sim.engines.brian.assembly.assembler import Assembly, assemble
from autapse_sim.engines.brian.assembly.order import When, check_order
from autapse_sim.engines.brian.dense.layout import Layout
from autapse_sim.engines.brian.program import outcome, projections, telemetry
from autapse_sim.engines.brian.session import building, tape_function
from autapse_sim.engines.brian.tape import FUNCTIONS, Tape
from autapse_sim.errors import InputError
from autapse_sim.spec.job import STEP, Job, Outcome, Progress
from autapse_sim.spec.library import Models


@dataclass(frozen=True)
class Ready:
    """The Brian2 objects of a job, set to where it begins.

    Parameters
    ----------
    job : Job
        What is run.
    layout : Layout
        One network after the other.
    assembly : Assembly
        The objects; its network runs as it is, by anyone.
    tape : Tape
        What they are shown, and what is kept of it.
    """

    job: Job
    layout: Layout
    assembly: Assembly
    tape: Tape

    def learned(self) -> dict[str, np.ndarray]:
        """The weights that learn, as they are now, each (R, ...)."""
        assembly = self.assembly
        return {
            name: each.weights(np.array(assembly.variable(assembly.learned[name]).get_value(), dtype=float))
            for name, each in projections(assembly.inputs, assembly.learned).items()
        }


def simulate(job: Job, progress: Progress) -> Outcome:
    """Run a job in Brian2's runtime mode (NumPy)."""
    models = Models.of(job.circuit, job.sources)
    with building(runtime_device, models, job.circuit.precision), _numpy_code():
        ready = _made(job, models, progress)
        assembly, tape = ready.assembly, ready.tape
        kept = _keep(assembly, tape)
        with np.errstate(over="ignore"):  # Brian2 asks what is beyond 1e50, which single precision has not
            assembly.network.run(tape.presentations * tape.steps * STEP * second, namespace={})
        progress(1.0)
        total = np.array(assembly.variable("neurons.autapse_total").get_value()) if assembly.spiking else None
        learned = ready.learned()
    rows = {key: np.reshape(values, (len(values), assembly.variable(key).size)) for key, values in kept.items()}
    told = telemetry(assembly.inputs, assembly.learned, assembly.lasting, ready.layout, rows.__getitem__)
    return outcome(job, tape, learned, total, "runtime", told)


def ready(job: Job) -> Ready:
    """The Brian2 objects of a job, for a run outside of this package."""
    models = Models.of(job.circuit, job.sources)
    with building(runtime_device, models, job.circuit.precision), _numpy_code():
        made = _made(job, models, lambda share: None)
        made.assembly.network.run(0 * second, namespace={})  # what Brian2 finds wrong is told with file and line
    return made


def _made(job: Job, models: Models, progress: Progress) -> Ready:
    """Make the objects of a job and set them to where it begins."""
    layout = Layout.plain(len(job.source))
    box: list[Tape] = []
    functions = {
        name: tape_function(name, lambda *arguments, method=method: getattr(box[0], method)(*arguments))
        for name, (method, *_) in FUNCTIONS.items()
    }
    assembly = assemble(job, models, functions, layout, program=False)
    tape = Tape(job, assembly.tables, layout)
    tape.start()
    box.append(tape)
    for name, given in assembly.inputs.items():
        assembly.variable(name).set_value(given.values(job, layout))
    for name, values in job.started(assembly.lasting).items():
        each = assembly.lasting[name]
        assembly.variable(each.variable).set_value(each.flat(values, layout))
    check_order(assembly.network)
    _direct(assembly, tape, progress)
    return Ready(job, layout, assembly, tape)


def _keep(assembly: Assembly, tape: Tape) -> dict[str, list[np.ndarray]]:
    """Keep variables at the end of the trajectories that the tape says: their rows, by 'object.variable'."""
    rows = dict.fromkeys(assembly.learned.values(), tape.checkpoint_row)
    rows |= {each.variable: tape.state_row for each in assembly.lasting.values()}
    kept: dict[str, list[np.ndarray]] = {key: [] for key in rows}
    clock, length = assembly.clock, tape.steps * tape.substeps

    def keep() -> None:
        presentation, place = divmod(int(clock.variables["timestep"].get_value()[0]), length)
        for key, row in rows.items() if place == length - 1 else ():
            if row[presentation] >= 0:
                kept[key].append(np.array(assembly.variable(key).get_value()))

    assembly.network.add(NetworkOperation(keep, clock=clock, when="end", order=2, name="autapse_keep"))
    return kept


def _direct(assembly: Assembly, tape: Tape, progress: Progress) -> None:
    """Let every object of the network run where the tape says so only, in a time that begins anew with the states.

    For all else, such as monitors, time goes on from trajectory to trajectory.
    """
    clock, length = assembly.clock, tape.steps * tape.substeps
    moment = np.zeros(1)  # the time of the step, since the states last began anew

    def begin() -> None:
        done = int(clock.variables["timestep"].get_value()[0])
        if done >= length * tape.presentations:
            raise InputError(
                f"all {tape.presentations} trajectories of the protocol have been run: there is nothing to show"
            )
        moment[0] = tape.moment(done) * clock.dt_
        if done % length == 0:
            progress(done / (length * tape.presentations))

    assembly.network.add(NetworkOperation(begin, clock=clock, when="start", order=-1, name="autapse_time"))
    for runner in assembly.runners():
        when = assembly.conditions.get(runner.name, When.ALWAYS)
        runner.run = partial(_run_where, tape, when, clock, moment, runner.run)
        runner.before_run = partial(_in_numpy, runner.before_run)


def _run_where(tape: Tape, when: When, clock: Clock, moment: np.ndarray, run: Callable[[], None]) -> None:
    if when is When.ALWAYS or tape.holds(when, clock.variables["timestep"].get_value()):
        time = clock.variables["t"].get_value()
        now = float(time[0])
        time[0] = moment[0]
        try:
            with np.errstate(all="ignore"):  # networks that diverge go on with NaN or infinity
                run()
        finally:
            time[0] = now


def _in_numpy(before_run: Callable[[dict], None], namespace: dict) -> None:
    """Let Brian2 generate the code of an object for NumPy, whatever the user prefers for others."""
    with _numpy_code():
        before_run(namespace)


@contextlib.contextmanager
def _numpy_code() -> Iterator[None]:
    before = prefs.codegen.target, prefs.codegen.loop_invariant_optimisations
    # Brian2's NumPy code leaves `or` as it is where it simplifies an expression with a truth value
    prefs.codegen.target, prefs.codegen.loop_invariant_optimisations = "numpy", False
    try:
        yield
    finally:
        prefs.codegen.target, prefs.codegen.loop_invariant_optimisations = before
