"""A learning signal that diffuses, beside e-prop and the gradient: how often a network tells where more cues were.

50 LIF and 50 adaptive neurons lie on a torus and are connected where they are near; a tenth of the synapses from the
input and to the read-out are there, so that the error reaches few neurons. They are trained for 2,000 updates of 64
trials by the gradient of the loss, with its penalty on rates, by e-prop, and by e-prop whose learning signal diffuses,
and tested on 512 trials. The published seeds are the authors' own logs (github.com/LevinaLab/neuromodRNNs, commit
36c03b3, BSD-3-Clause; the file beside this one). Coordinates for distances are scaled to [0, 1] as in their code, where
the first row and the last one lie in one place; the signal spreads on the torus of 10 by 10. Rates of the penalty and
Adam's epsilon are theirs times the steps of the decision, of which they take the mean, and the sum is taken here.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.agreement import Sample, lower, quartiles, same_mean
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.cued import Cued
from autapse_sim.tasks.evidence import EvidenceAccumulation
from autapse_sim.training.stretches import stretches
from autapse_sim.training.train import train

SIDE, NEURONS, SIGMA, DENSITY = 10, 100, 0.012, 0.1
BETA = 1.8
UPDATES, BATCH, TESTS, SEEDS = 2000, 64, 512, 20
FEW_UPDATES, FEW_BATCH, FEW_TESTS, FEW_SEEDS = 2, 4, 16, 1
STRETCH = 10
"""Updates that are drawn at a time."""
MARGIN = 5
"""Percentage points by which mean accuracies may differ."""
RULES = {"gradient": "bptt", "e-prop": "eprop_alif", "diffusion": "eprop_diffusion"}


@dataclass(frozen=True)
class Setting:
    """What the two tasks do not have in common.

    Parameters
    ----------
    task : Cued
        What is shown.
    tau_a : float
        Time constant of the adaptation, in ms.
    gains : (float, float, float)
        Of the initial weights of U, W and V.
    c_reg : mapping of str to float
        Strength of the penalty on rates, by what the rule is called.
    published : str
        What the task is called in the published file.
    """

    task: Cued
    tau_a: float
    gains: tuple[float, float, float]
    c_reg: Mapping[str, float]
    published: str


CUES = Setting(
    EvidenceAccumulation(delay=850, minority=0.5),
    2000,
    (1.0, 1.0, 1.0),
    {"gradient": 0.05, "e-prop": 0.005, "diffusion": 0.005},
    "cue_accumulation",
)


def drawn(rng: np.random.Generator, setting: Setting) -> tuple[Weights, np.ndarray]:
    """Initial weights, and which neurons adapt; neurons are numbered by their place, row by row."""
    inputs, outputs = setting.task.inputs, setting.task.outputs
    place = np.stack(np.divmod(np.arange(NEURONS), SIDE)) / (SIDE - 1)
    apart = np.abs(place[:, :, None] - place[:, None])
    squares = (np.minimum(apart, 1 - apart) ** 2).sum(axis=0)
    near = rng.random(squares.shape) < 1 / (1 + np.exp(squares / (4 * SIGMA)))
    U = he(rng, NEURONS, inputs) * some(rng, NEURONS, inputs) * setting.gains[0]
    W = he(rng, NEURONS, NEURONS) * near * ~np.eye(NEURONS, dtype=bool) * setting.gains[1]
    V = he(rng, outputs, NEURONS) * some(rng, outputs, NEURONS) * setting.gains[2]
    adapts = rng.permutation(NEURONS) < NEURONS // 2
    return Weights(W=W[None], U=U[None], V=V[None], B=V.T[None].copy()), adapts


def he(rng: np.random.Generator, post: int, pre: int) -> np.ndarray:
    """Weights of variance 2 over the neurons that send, normal but for what lies beyond two standard deviations."""
    values = rng.standard_normal((post, pre))
    while (far := np.abs(values) > 2).any():
        values[far] = rng.standard_normal(int(far.sum()))
    return np.sqrt(2 / pre) * values / 0.87962566103423978


def some(rng: np.random.Generator, post: int, pre: int) -> np.ndarray:
    """Which synapses there are: a tenth of them."""
    there = np.zeros(post * pre, dtype=bool)
    there[rng.choice(post * pre, int(DENSITY * post * pre), replace=False)] = True
    return there.reshape(post, pre)


def circuit(rule: str) -> Circuit:
    """The network."""
    return Circuit("alif", rule, NEURONS, "random", learn=("W", "U", "V"), loss="cross-entropy")


def parameters(setting: Setting, name: str, adapts: np.ndarray) -> dict[str, Any]:
    """Those of neurons and rule; a neuron spikes again from the sixth step on."""
    window = int(setting.task.scored.sum())
    beta = BETA * (1 - np.exp(-1 / setting.tau_a))
    taus = {"tau_m": "20 ms", "tau_out": "20 ms", "tau_a": f"{setting.tau_a} ms", "t_ref": "6 ms"}
    taus |= {} if RULES[name] == "bptt" else {"tau_e": "20 ms"}
    rates = {"eta": 0.005, "eta_out": 0.005, "c_reg": setting.c_reg[name] * window, "f_target": "10 Hz"}
    return {**taus, **rates, "v_th": 0.03, "beta": beta * adapts[None], "gamma": 0.3}


def scores(
    setting: Setting, name: str, circuit: Circuit, updates: int, batch: int, tests: int, seed: int, number: int
) -> xr.Dataset:
    """Draw a network, train it and test it."""
    weights, adapts = drawn(np.random.default_rng([seed, number]), setting)
    given = parameters(setting, name, adapts)
    window = int(setting.task.scored.sum())
    draws = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    protocol = Protocol(
        1,
        batch,
        0,
        0,
        update="batch",
        batch=batch,
        optimiser="adam",
        epsilon=1e-8 * window,
        constraints=("sparse", "sparse-readout"),
        averaging=False,
        record=0,
        seed=draws,
    )
    return tested(circuit, setting.task, protocol, weights, given, updates, tests)


def tested(
    circuit: Circuit,
    task: Cued,
    protocol: Protocol,
    weights: Weights,
    parameters: Mapping[str, Any],
    updates: int,
    tests: int,
) -> xr.Dataset:
    """Train a network by so many updates; accuracy in percent, loss in nats and rate in Hz on the test trials.

    Numbers are single, as in the programs of the authors.
    """
    circuit = replace(circuit, precision="single")
    share = min(STRETCH, updates)
    trained = stretches(circuit, task, replace(protocol, train=share * protocol.batch), weights, parameters)
    for _ in range(updates // share):
        weights = next(trained).weights
    look = Protocol(1, 0, 0, tests, record=1, seed=protocol.seed)
    test = train(circuit, task, look, weights, parameters).data
    sure = np.log(test.prediction.values[0][:, task.scored])
    right = sure.sum(axis=1).argmax(axis=-1) == test.target.values[0, :, -1].argmax(axis=-1)
    return xr.Dataset(
        {"percent": 100 * right.mean(), "nats": float(test.cross_entropy.mean()), "hertz": float(test.rate.mean())}
    )


def units_of(setting: Setting, seed: int, quick: bool) -> dict[tuple[str, int], Call]:
    """A network each."""
    updates, batch, tests, seeds = (
        (FEW_UPDATES, FEW_BATCH, FEW_TESTS, FEW_SEEDS) if quick else (UPDATES, BATCH, TESTS, SEEDS)
    )
    size = {"updates": updates, "batch": batch, "tests": tests, "seed": seed}
    circuits = {name: circuit(rule) for name, rule in RULES.items()}
    given = {name: {"setting": setting, "name": name, "circuit": circuits[name], **size} for name in RULES}
    return {(name, one): Call(scores, {**given[name], "number": one}) for one in range(seeds) for name in RULES}


def published(setting: Setting) -> dict[str, np.ndarray]:
    """The accuracies of all seeds, by what the rule is called."""
    called = {"BPTT": "gradient", "e_prop_hardcoded": "e-prop", "diffusion": "diffusion"}
    found: dict[str, list[float]] = {name: [] for name in RULES}
    with (Path(__file__).parent / "diffusion_seeds.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = called.get(row["rule"], "")
            if row["task"] == setting.published and name and float(row["c_reg"]) == setting.c_reg[name]:
                found[name].append(float(row["eval_accuracy_percent"]))
    return {name: np.array(values) for name, values in found.items()}


def answer_of(setting: Setting, found: Mapping[tuple[str, int], xr.Dataset]) -> Answer:
    """Whether accuracies are those that were published, and in the same order."""
    theirs = published(setting)
    data = {name: xr.concat([one for (rule, _), one in found.items() if rule == name], "seed") for name in RULES}
    told = []
    for name in RULES:
        here = data[name].percent.values
        decided = same_mean(here, Sample.of(theirs[name]), MARGIN)
        told.append(Finding(f"accuracy, {name}, in %", quartiles(theirs[name]), quartiles(here), *decided))
    errors = {name: 100 - data[name].percent.values for name in RULES}
    for one, other in (("diffusion", "e-prop"), ("gradient", "diffusion")):
        what = f"{one} errs less than {other}, in % of trials"
        there, here = quartiles(100 - theirs[one]), quartiles(errors[one])
        told.append(Finding(what, there, here, *lower(errors[one], errors[other], other)))
    notes = tuple(f"Mean rate, {name}, in Hz: {quartiles(one.hertz.values)}." for name, one in data.items())
    return Answer(tuple(told), xr.concat(list(data.values()), "rule").assign_coords(rule=list(data)), notes)


def units(seed: int, quick: bool) -> dict[tuple[str, int], Call]:
    """A network each."""
    return units_of(CUES, seed, quick)


def answer(found: Mapping[tuple[str, int], xr.Dataset], quick: bool) -> Answer:
    """Whether accuracies are those that were published."""
    return answer_of(CUES, found)


SOURCE = "Barretto-Bittar, Levina, Giannakakis & Zeraati 2026, arXiv 2603.08949, doi:10.48550/arXiv.2603.08949"
QUICK = f"{FEW_SEEDS} of {SEEDS} seeds, {FEW_UPDATES} of {UPDATES} updates"

reproduction = Reproduction(
    title="the gradient, and e-prop with and without a signal that diffuses, 100 spiking neurons, cue accumulation",
    source=SOURCE,
    published="accuracy, median of 20 seeds: gradient 98.5%, e-prop 84.9%, diffusion 93.1%",
    minutes=(430, 0.5),
    quick=QUICK,
    units=units,
    answer=answer,
)
