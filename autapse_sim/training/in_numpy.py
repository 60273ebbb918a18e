"""Which circuits run without Brian2, and on what: the discrete network, or sweeps along their own equations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autapse_sim.engines import discrete
from autapse_sim.engines.adjoint import RULES as EXACT
from autapse_sim.engines.adjoint import check_alike, penalised
from autapse_sim.engines.discrete.network import ACTIVATIONS
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Job, Outcome, Progress
from autapse_sim.spec.protocol import Protocol

WITHOUT_BRIAN = ("numpy", "compiled")
"""The engines of rules without equations."""


def discretely(circuit: Circuit) -> bool:
    """Whether the discrete network is what a circuit does where nothing learns."""
    simple = replace(circuit, neuron="rate", substeps=1, precision="double", returned=False, delay=0)
    return circuit == simple and circuit.method in (None, "euler")


def one_for_all(parameters: Mapping[str, np.ndarray]) -> bool:
    """Whether all neurons of a network have the same parameters."""
    return all(values.ndim == 1 for values in parameters.values())


def along_equations(circuit: Circuit) -> bool:
    """Whether a rule without equations follows those of its circuit, which is another one than the discrete network."""
    return circuit.rule in EXACT and not _simple(circuit)


def _simple(circuit: Circuit) -> bool:
    return discretely(circuit) and circuit.readout_rule == "delta" and "B" not in circuit.learn


def check_numpy(circuit: Circuit) -> None:
    """Refuse a circuit that does not run in NumPy."""
    if circuit.rule not in discrete.references():
        raise InputError(f"engine 'numpy' knows no rule {circuit.rule!r}; it knows {', '.join(discrete.references())}")
    if circuit.rule in EXACT:
        if circuit.readout_rule != "delta" or "B" in circuit.learn:
            raise InputError(f"rule {circuit.rule!r} takes any neuron, but readout_rule='delta' and no B that learns")
    elif not _simple(circuit):
        raise InputError(
            f"rule {circuit.rule!r} on engine 'numpy' is the discrete network: it takes neuron='rate', substeps=1, "
            "method='euler', precision='double', readout_rule='delta', returned=False, delay=0 and no B that learns; "
            f"{' and '.join(EXACT)} take any neuron"
        )
    if _simple(circuit):
        one_of("activation", circuit.activation, ACTIVATIONS)


def check_protocol(circuit: Circuit, protocol: Protocol | Job, parameters: Mapping[str, np.ndarray]) -> None:
    """Refuse what no network in NumPy takes, or not that of this circuit."""
    if not protocol.reset:
        raise InputError("engine 'numpy' resets with each trajectory: give reset=True")
    if circuit.rule in EXACT:
        learns = protocol.train if isinstance(protocol, Protocol) else protocol.schedule.learn.any()
        if learns and protocol.update == "step" and penalised(circuit, parameters):
            raise InputError("c_reg pulls at the rates of whole trajectories: give update='trajectory' or 'batch'")
        check_alike(("eta", "eta_out"), parameters, f"rule {circuit.rule!r}")
        return
    if protocol.constraints or protocol.bound is not None:
        raise InputError(f"rule {circuit.rule!r} on engine 'numpy' has no constraints or bound on weights")
    for name, values in parameters.items():
        if values.ndim > 1:
            raise InputError(f"parameter {name} has one value per neuron; engine 'numpy' takes one per replicate")


def simulated_in_numpy(job: Job, progress: Progress | None = None) -> Outcome:
    """The outcome of a job: on the discrete network where that is the circuit, else along the circuit's equations."""
    plain = not job.constraints and job.bound is None and not penalised(job.circuit, job.parameters)
    if _simple(job.circuit) and one_for_all(job.parameters) and plain:
        return discrete.simulate(job, progress=progress)
    from autapse_sim.engines.adjoint.simulate import simulate

    return simulate(job, progress)


def compiled_or_numpy(circuit: Circuit, engine: str) -> str:
    """The engine of a circuit that runs in NumPy: a compiled program where there is one and NumPy was not asked for."""
    if circuit.rule not in EXACT or (engine == "numpy" and circuit.precision == "double"):
        return "numpy"
    from autapse_sim.engines.adjoint.compiled.run import covers
    from autapse_sim.engines.brian.compiler import compiler

    reason = covers(circuit) if compiler() else "there is no C++ compiler (g++)"
    if circuit.precision != "double" and (reason or engine == "numpy"):
        why = reason or "engine numpy was asked for"
        raise InputError(f"rule {circuit.rule!r} has single precision in compiled programs alone: {why}")
    if reason and engine == "compiled":
        raise InputError(f"engine 'compiled' does not run this circuit: {reason}; use engine='numpy'")
    return "numpy" if reason else "compiled"


def simulated_compiled(job: Job, progress: Progress | None = None, **options: Any) -> Outcome:
    """The outcome of a job in compiled programs; `options` are those of `engines.adjoint.compiled.run.simulate`."""
    from autapse_sim.engines.adjoint.compiled.run import simulate

    return simulate(job, progress, **options)
