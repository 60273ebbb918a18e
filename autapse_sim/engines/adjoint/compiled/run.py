"""Jobs as C++ programs: which are covered, where the programs come from, and how they run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from autapse_sim.engines.adjoint import RULES, check_alike, check_feedback, teaches
from autapse_sim.engines.adjoint.compiled.files import Fed, read_back, write
from autapse_sim.engines.brian.compiler import compile_program, compiler, identity
from autapse_sim.engines.playing import asked_for, played, program_of, worthwhile
from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Job, Outcome, Progress, check_targets
from autapse_sim.spec.language import names
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import library, read_neuron, read_rule, texts, words_of
from autapse_sim.spec.reading import self_contained

TOLD = ("feedback", "loss")
"""What a neuron may read of the step before; no program has a way back through it."""
NUMBERS = {"double": ("double", 8), "single": ("float", 16)}
"""By precision: the type of numbers in C++, and how many lie in a vector."""
WIDE = {4: 4, 8: 2, 16: 1}
"""Up to so many neurons so many times eight networks are laid side by side, where trajectories are too few for it."""


def covers(circuit: Circuit) -> str | None:
    """Why a circuit does not run as a compiled program of exact gradients, or None where it does."""
    if circuit.rule not in RULES:
        return f"its rule is none of {', '.join(RULES)}"
    return _uncovered(circuit)


def covers_local(circuit: Circuit, sources: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """Why a circuit whose rule has equations does not run so, or None where it does: see `adjoint.local`."""
    if circuit.rule in RULES:
        return "its rule is an exact gradient"
    if reason := _uncovered(circuit):
        return reason
    from autapse_sim.engines.adjoint.local import uncovered

    return uncovered(Models.of(circuit, sources), circuit)


def _uncovered(circuit: Circuit) -> str | None:
    """What of a circuit but its rule no program has."""
    if circuit.readout_rule != "delta" or "B" in circuit.learn:
        return f"{circuit.rule} needs readout_rule='delta' and no B that learns"
    known = library("neurons").get(circuit.neuron)
    if known and not {*TOLD, "sums"} & words_of(known):
        return None  # without Brian2, which takes its time
    neuron = read_neuron(circuit.neuron)
    if neuron.sums:
        return "its neuron has sums of its own"
    return f"its neuron reads {' or '.join(TOLD)}" if {*TOLD} & names(*neuron.texts) else None


def simulate(
    job: Job, progress: Progress | None = None, processes: int | None = None, room: int | None = None
) -> Outcome:
    """Run a job in compiled programs.

    Parameters
    ----------
    job : Job
        Its circuit is one that `covers` has nothing against.
    progress : callable, optional
        Called with the completed share, 0 to 1.
    processes : int, optional
        Processes that share the networks; by default the cores of this machine, where the run is long enough.
    room : int, optional
        Programs have room for any number of networks: it only tells how many processes are worth it.

    Returns
    -------
    Outcome
        With engine 'compiled'; that of a network does not depend on those beside it.

    Raises
    ------
    InputError
        Where the circuit is not covered, or its neuron does what has no derivative, with file and line.
    """
    check_targets(job)
    check_feedback(job.circuit, job.weights)
    if _local(job):
        _check_local(job)
    command = compiler()
    if command is None:
        raise InputError("engine 'compiled' needs a C++ compiler (g++); install one or use engine='numpy'")
    parts = min(processes or worthwhile(job, max(room or 0, len(job.source))), len(job.source))
    pieces = np.array_split(np.arange(len(job.source)), parts)
    jobs = [job] if parts == 1 else [job.part(piece, len(piece)) for piece in pieces]
    outcomes = played(lambda folder: _program(job, folder, command), lambda fed: jobs, _play, progress)
    return outcomes[0] if parts == 1 else Outcome.joined(outcomes, [len(piece) for piece in pieces])


def lanes_of(job: Job) -> str:
    """The layout that suits a job; not by how many networks there are, on which the numbers of one must not depend."""
    pack = NUMBERS[job.circuit.precision][1]
    if job.batch >= 4:
        return f"Shared<{2 if job.batch > pack + 3 else 1}>"
    wide = next((wide for most, wide in WIDE.items() if job.circuit.neurons <= most), None)
    return f"Own<{max(1, wide * 8 // pack)}>" if wide else "Single"


def _program(job: Job, folder: Path, command: str) -> tuple[Fed, Path]:
    """The program of a job."""

    def made() -> tuple[Fed, Callable[[Path], None]]:
        fed, text = generate(job, command)
        source = folder / "all.cpp"
        source.write_text(text)
        return fed, lambda path: compile_program(command, source, path)

    return program_of(_asked(job, command), Fed.from_json, made, folder)


def generate(job: Job, command: str) -> tuple[Fed, str]:
    """The C++ source of a job's program: its circuit and layout count, its numbers do not."""
    from autapse_sim.engines.adjoint.compiled.source import source_of
    from autapse_sim.engines.adjoint.simulate import models_of
    from autapse_sim.engines.adjoint.step import step_of
    from autapse_sim.spec.scopes import check_neuron, neuron_words

    reason = covers_local(job.circuit, job.sources) if _local(job) else covers(job.circuit)
    if reason:
        raise InputError(f"engine 'compiled' does not run this circuit: {reason}; use engine='numpy'")
    timed = True
    if _local(job):
        from autapse_sim.engines.adjoint.local import filter_of, local_step

        models = Models.of(job.circuit, job.sources)
        way = filter_of(models.rule)
        assert way is not None  # it is covered
        step, timed = local_step(models, job.circuit, way), way.timed
    else:
        models = models_of(job)
        step = step_of(models, job.circuit, exact=teaches(job.circuit))
    check_neuron(models.neuron, job.circuit, neuron_words(models.neuron))
    number = NUMBERS[job.circuit.precision][0]
    source = source_of(step, _each(job), job.parameters, lanes_of(job), number, job.circuit.returned)
    key = hashlib.sha256(f"{identity(command)}\n{source.text}".encode()).hexdigest()
    return Fed(key, source.parameters, step.recorded, source.spiking, timed), source.text


def _local(job: Job) -> bool:
    """Whether the rule has equations of its own."""
    return job.circuit.rule not in RULES


def _check_local(job: Job) -> None:
    """Refuse what no sweep of a rule with equations has."""
    if job.update == "step":
        raise InputError("a rule with equations is swept where weights stand still: not with update='step'")
    check_alike(read_rule(job.circuit.rule, job.sources).parameters, job.parameters, "what is swept")


def _each(job: Job) -> list[str]:
    """The parameters that differ from neuron to neuron."""
    return sorted(name for name, values in job.parameters.items() if values.ndim > 1)


def _asked(job: Job, command: str) -> str | None:
    """The key of what is asked for; None where a model may read other files."""
    rule = job.circuit.rule if _local(job) else job.circuit.readout_rule
    models = texts(replace(job.circuit, rule=rule), job.sources)
    if not all(map(self_contained, models.values())):
        return None
    told = asdict(
        replace(
            job.circuit,
            rule=job.circuit.rule if _local(job) else RULES[0],
            neurons=1,
            delay=0,
            learn=(),
            loss="mse",
            feedback="random",
            readout="random",
        )
    )
    return asked_for(
        {
            "exact gradients": [models, told, teaches(job.circuit), _each(job), lanes_of(job), sorted(job.parameters)],
            "compiler": identity(command),
        }
    )


def _play(fed: Fed, job: Job, work: Path, run: Callable[[list[str]], None]) -> Outcome:
    """Run a program in a folder of its own."""
    write(job, fed, work)
    run([])
    return read_back(job, fed, work)
