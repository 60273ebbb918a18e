"""Which rules go with a benchmark: found out before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from autapse_sim.engines.adjoint.compiled.run import covers_local
from autapse_sim.errors import InputError
from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.model import texts
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.training.declared import check_optimiser, declared, resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.in_numpy import WITHOUT_BRIAN
from autapse_sim.training.train import choose_engine, prepare


def refusal(rule: str, setting: Benchmark) -> str | None:
    """Why a rule does not go with the neuron, the optimiser or whatever else there is, or None where it does."""
    try:
        check_goes(rule, setting)
    except InputError as error:
        return str(error)
    return None


def check_goes(rule: str, setting: Benchmark) -> None:
    """Refuse a rule that does not go with a benchmark, and say why."""
    circuit = replace(setting.circuit, rule=rule)
    engine = choose_engine(circuit, "auto")
    declared(circuit)
    check_optimiser(circuit, setting.protocol)
    if engine not in WITHOUT_BRIAN and covers_local(circuit) is not None:
        # what is put together does not depend on how much there is of it
        neurons = 2 if isinstance(circuit.delay, int) else circuit.neurons
        one = replace(circuit, neurons=neurons)
        once = replace(
            setting.protocol,
            replicates=1,
            train=1,
            validate=0,
            test=0,
            validate_every=1,
            batch=1,
            record=0,
            checkpoints=(),
        )
        _put_together(one, once, tuple(texts(one).values()))


@lru_cache(maxsize=256)
def _put_together(circuit: Circuit, protocol: Protocol, written: tuple[str, ...]) -> None:
    """Make a circuit's objects, of which no program is generated; an `InputError` where that cannot be done.

    `written` are the texts of its models: a file that was edited is put together anew.
    """
    from autapse_sim.engines.brian.standalone import looked_at

    nothing = np.zeros((1, 1, 2, 2))
    drawn = draw(circuit, ArrayTask(nothing, nothing), protocol)
    looked_at(prepare(circuit, drawn, protocol, resolve_parameters(circuit, {}, 1), np.arange(1)))
