"""A neuron that has to spike in answer to one half of its input patterns, and to the others not.

50 inputs of 6 Hz show one of 30 patterns of 500 ms, of which each asks for spikes or for silence; the neuron, which
spikes at random near its threshold, is told at the end of the pattern whether it was right (R = 1) or wrong (R = -1).
The fitness of a rule is the sum of R over 500 trials. Published are the 10 networks that the authors held the rule LR0
against after evolution had found it (github.com/Happy-Algorithms-League/e2l-cgp-snn, data/reward-driven), and the
fitness of R E, which takes no baseline off the reward, beside that of LR0 in the same networks. Numbers are those of
their simulation in NEST; input spikes fall on whole ms here, as pulses of 1 ms, and steps are of 0.1 ms, where there
they are of 0.01 ms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from autapse_sim.experiments.agreement import Sample, lower, quartiles, same_mean
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.training.train import train

INPUTS, STEPS, RATE, CONNECTED = 50, 500, 0.006, 0.8
PATTERNS, TRIALS, SEEDS = 30, 500, 40
FEW_TRIALS, FEW_SEEDS = 20, 2
VALIDATED = np.array([264, 206, 276, 112, 174, 156, 100, 226, 274, 184])
"""The published fitness of LR0 in ten networks that evolution had not seen."""
WITHOUT, WITH = 43.4, 210.2
"""Published fitness of R E and of LR0 in the ten networks of evolution."""
MARGIN = 50
"""A tenth of the fitness that there can be."""
MILLIVOLT = 10 / 250
"""A weight of 1 pA as it moves the potential: tau_m over the capacitance of 250 pF."""
ETA = 10 * MILLIVOLT * 0.01 * 1e9 * MILLIVOLT / 15
"""Their learning rate of 10, with the factors of their code (1e9, the step of 0.01 ms, PSPs in mV for 1 pA)."""


@dataclass(frozen=True, eq=False)
class Patterns:
    """Patterns of spikes, each of which asks for a spike (1) or for silence (0); what counts is the last step.

    Parameters
    ----------
    rng_seed : tuple of int
        What patterns and answers follow from.
    """

    rng_seed: tuple[int, ...]
    inputs: int = INPUTS
    outputs: int = 1
    steps: int = STEPS
    blanked: None = None

    @property
    def scored(self) -> np.ndarray:
        """The last step."""
        return np.arange(STEPS) == STEPS - 1

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """A pattern at random in each trial; one network."""
        own = np.random.default_rng(self.rng_seed)
        spikes = own.random((PATTERNS, STEPS, INPUTS)) < RATE
        answers = own.integers(2, size=PATTERNS)
        shown = own.integers(PATTERNS, size=trajectories)
        y = np.broadcast_to(answers[shown][:, None, None], (trajectories, STEPS, 1))
        return spikes[shown][None].astype(float), y[None].astype(float)


def circuit(rule: str) -> Circuit:
    """One neuron that spikes at random near its threshold, and remembers whether it has."""
    from brian2 import Hz, ms  # which takes its time

    from autapse_sim.spec.model import Neuron, read_rule

    neuron = Neuron(
        equations="""
            dI/dt = (drive + input + bias)/step - I/tau_syn : 1
            dv/dt = (I - v)/tau_m : 1 (unless refractory)
            fired : 1
            activity = fired : 1
            sent = spiked*step/dt : 1
        """,
        threshold="rand() < 1 - exp(-dt*escape*exp((v - v_th)/softness))",
        reset="v = 0; fired = 1",
        refractory="t_ref",
        method="exponential_euler",
        parameters={"tau_m": 10 * ms, "tau_syn": 2 * ms, "v_th": 15.0, "t_ref": 2 * ms}
        | {"escape": 0.01 * Hz, "softness": 0.2},
    )
    lr0 = read_rule("lr0")
    rules = {"LR0": lr0, "R E": lr0.replace(finish=lr0.finish.replace("(R - 1)", "R"))}
    return Circuit(neuron=neuron, rule=rules[rule], neurons=1, readout="random", learn="U", substeps=10)


def fitness(circuit: Circuit, trials: int, seed: int, number: int) -> xr.Dataset:
    """The sum of R over the trials of one network, and of the last tenth of them."""
    rng = np.random.default_rng([seed, number])
    U = rng.normal(0, 1000 * MILLIVOLT, (1, 1, INPUTS)) * (rng.random((1, 1, INPUTS)) < CONNECTED)
    nothing, one = np.zeros((1, 1, 1)), np.ones((1, 1, 1))
    protocol = Protocol(1, trials, 0, 0, record=0, constraints=("sparse",), seed=int(rng.integers(2**31)))
    weights = Weights(W=nothing, U=U, V=one, B=nothing)
    result = train(circuit, Patterns((seed, number)), protocol, weights, {"eta": ETA})
    R = 1 - 2 * result.data.mse_train.values[0]
    return xr.Dataset({"fitness": R.sum(), "late": R[-trials // 10 :].mean()})


def units(seed: int, quick: bool) -> dict[tuple[str, int], Call]:
    """A network each; both rules learn in the same ones."""
    trials, seeds = (FEW_TRIALS, FEW_SEEDS) if quick else (TRIALS, SEEDS)
    circuits = {rule: circuit(rule) for rule in ("LR0", "R E")}
    given = {"trials": trials, "seed": seed}
    return {
        (rule, number): Call(fitness, {"circuit": one, **given, "number": number})
        for number in range(seeds)
        for rule, one in circuits.items()
    }


def answer(found: Mapping[tuple[str, int], xr.Dataset], quick: bool) -> Answer:
    """Whether fitness is what was published, and the baseline of the reward makes the difference."""
    data = {rule: xr.concat([one for (its, _), one in found.items() if its == rule], "seed") for rule in ("LR0", "R E")}
    here = {rule: one.fitness.values for rule, one in data.items()}
    wrong = {rule: TRIALS - values for rule, values in here.items()}
    decided = same_mean(here["LR0"], Sample.of(VALIDATED), MARGIN)
    better = lower(wrong["LR0"], wrong["R E"], "R E", "distance from the largest fitness")
    told = (
        Finding("fitness of LR0, mean", f"{VALIDATED.mean():.4g}", f"{here['LR0'].mean():.4g}", *decided),
        Finding(
            "LR0 is fitter than R E", f"{WITH} and {WITHOUT}", " and ".join(map(quartiles, here.values())), *better
        ),
    )
    late = " and ".join(quartiles(one.late.values) for one in data.values())
    notes = (f"R in the last tenth of trials: {late}.",)
    return Answer(told, xr.concat(list(data.values()), "rule").assign_coords(rule=list(data)), notes)


reproduction = Reproduction(
    title="a reward rule that evolution found, LR0: a neuron tells 30 patterns of spikes apart",
    source="Jordan, Schmidt, Senn & Petrovici 2021, eLife 10:e66273, doi:10.7554/eLife.66273",
    published="fitness of LR0 in ten networks, mean 197.2, and in those of evolution 210.2, where R E has 43.4",
    minutes=(2, 0.5),
    quick=f"{FEW_SEEDS} of {SEEDS} networks, {FEW_TRIALS} of {TRIALS} trials",
    units=units,
    answer=answer,
)
