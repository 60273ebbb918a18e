"""Modulators that cell types share, beside e-prop and the gradient: how often a network tells where more cues were.

81 excitatory neurons, of which 50 adapt, and 19 inhibitory ones keep Dale's law; a tenth of the synapses is there. They
are trained for 2,000 updates of 64 trials, each of seven cues in 2,000 steps; the loss is that of the last step alone.
Accuracies are those of 640 trials. The published numbers are those of the authors' own logs
(github.com/Helena-Yuhan-Liu/MDGL-main, five runs a rule): accuracies over the last 100 updates. Their e-prop lets the
eligibility feel the reset of its neuron, and so does this one.

Their MDGL sums over the synapses that leave a neuron what each did to the loss, step by step, which no rule that goes
forward in time can. Here it is their nonlocal online form (`models/rules/mdgl.py`), with gains that stay the mean
weights of the beginning; so its accuracy is told beside theirs, and decides nothing. Left out are the penalty on
weights (2.5e-5 in each update, a hundredth of the learning rate), a bias of the read-out, and that the 64 trials of a
batch have different cues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.agreement import UNSAID, Sample, lower, quartiles, same_mean
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.experiments.reproductions.diffusion_cues import tested
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.evidence import EvidenceAccumulation

NEURONS, EXCITATORY, REGULAR, INPUTS, EXCITATORY_INPUTS, DENSITY = 100, 81, 31, 40, 33, 0.1
"""Of the excitatory neurons, the first 31 do not adapt."""
TAU_A, BETA = 2000, 1.8
UPDATES, BATCH, TESTS, SEEDS = 2000, 64, 640, 6
FEW_UPDATES, FEW_BATCH, FEW_TESTS, FEW_SEEDS = 2, 4, 16, 1
MARGIN = 5
"""Percentage points by which mean accuracies may differ."""
PUBLISHED = {
    "gradient": (98.125, 97.96875, 97.5, 97.34375, 98.4375),
    "e-prop": (78.28125, 83.125, 80.15625, 78.125, 56.71875),
    "MDGL": (91.5625, 89.84375, 89.53125, 91.875, 88.125),
}
RULES = {"gradient": "bptt", "e-prop": "eprop_alif", "MDGL": "mdgl"}
CONSTRAINTS = ("sparse", "dale", "sparse-readout", "dale-readout")
BACK = """
    w = clip(w - int(w != 0)*eta_back*err_pre*activity_post, -1e-13 - 1e6*(1 - excites_post), 1e-13 + 1e6*excites_post)
"""
"""What comes back changes as the read-out does under its constraints; what has come to 0 is not missing."""
RESET = "\nzbar -= v_th_post*exp(dt/tau_m_post)*eligibility  # the spike takes it from the membrane in the next step"


@dataclass(frozen=True)
class LastStep(EvidenceAccumulation):
    """Cues at even odds, each with its pause behind it; the last step alone counts."""

    delay: int = 800
    minority: float = 0.5

    @property
    def scored(self) -> np.ndarray:
        """The last step, bool (T,)."""
        return np.arange(self.steps) == self.steps - 1

    def _starts(self) -> range:
        return range(0, self.cues * (self.cue + self.pause), self.cue + self.pause)


def signed(rng: np.random.Generator, signs: np.ndarray, post: int) -> np.ndarray:
    """Weights (post, pre) of one sign a presynaptic neuron, as the authors draw them.

    Of all to all, what a neuron receives sums to 0 and the spectral radius is 1; then a tenth is kept.
    """
    pre, excites = len(signs), signs > 0
    w = np.abs(rng.standard_normal((pre, pre))) * signs[:, None]
    w[~excites] *= w[excites].sum() / -w[~excites].sum()
    excess = w.sum(axis=0)
    w[excites] += np.where(excess < 0, -excess, 0) / excites.sum()
    w[~excites] -= np.where(excess > 0, excess, 0) / (~excites).sum()
    w /= np.abs(np.linalg.eigvals(w)).max()
    w = w[:, np.arange(post) if post <= pre else rng.choice(pre, post)]
    there, count = np.zeros(w.shape, dtype=bool), int(DENSITY * w.size)
    there[rng.choice(pre, count), rng.choice(post, count)] = True
    return (w * there).T


def drawn(rng: np.random.Generator) -> Weights:
    """Initial weights; the last neurons are the inhibitory ones."""
    types = np.where(np.arange(NEURONS) < EXCITATORY, 1.0, -1.0)
    heard = rng.permutation(np.where(np.arange(INPUTS) < EXCITATORY_INPUTS, 1.0, -1.0))
    W = signed(rng, types, NEURONS) * ~np.eye(NEURONS, dtype=bool)
    U, V = signed(rng, heard, NEURONS), signed(rng, types, 2)
    return Weights(W=W[None], U=U[None], V=V[None], B=V.T[None].copy())


def circuit(name: str) -> Circuit:
    """The network; errors of e-prop come back through weights of the read-out, which have the sign of their neuron."""
    if name == "gradient":
        return Circuit("alif", RULES[name], NEURONS, "random", learn=("W", "U", "V"), loss="cross-entropy")
    from autapse_sim.spec.model import read_neuron, read_rule  # Brian2 takes its time

    neuron, rule, back = read_neuron("alif"), read_rule(RULES[name]), read_rule("kolen_pollack")
    return Circuit(
        neuron.replace(equations=f"{neuron.equations}\nexcites = int(i < {EXCITATORY}) : 1"),
        rule.replace(update=rule.update.rstrip() + RESET),
        NEURONS,
        "random",
        learn=("W", "U", "V", "B"),
        loss="cross-entropy",
        feedback_rule=back.replace(update=BACK),
    )


def gains(W: np.ndarray) -> dict[str, float]:
    """Mean weights from type to type, of W (n, n), over all pairs."""
    of = {"E": slice(EXCITATORY), "I": slice(EXCITATORY, None)}
    return {f"g_{to}{by}": float(W[of[to], of[by]].mean()) for to in of for by in of}


def scores(name: str, circuit: Circuit, updates: int, batch: int, tests: int, seed: int, number: int) -> xr.Dataset:
    """Draw a network, train it and test it."""
    weights = drawn(np.random.default_rng([seed, number]))
    index = np.arange(NEURONS)
    adapts = (index >= REGULAR) & (index < EXCITATORY)
    given: dict[str, Any] = {"tau_m": "20 ms", "tau_out": "20 ms", "tau_a": f"{TAU_A} ms", "t_ref": "6 ms"}
    given |= {"v_th": 0.01, "gamma": 0.3, "beta": BETA * (1 - np.exp(-1 / TAU_A)) * adapts[None]}
    given |= {"eta": 0.0025, "eta_out": 0.0025}
    if name != "gradient":
        given |= {"tau_e": "20 ms", "eta_back": 0.0025}
    if name == "MDGL":
        given |= {"excitatory": EXCITATORY / NEURONS, **gains(weights.W[0])}
    protocol = Protocol(
        1,
        batch,
        0,
        0,
        update="batch",
        batch=batch,
        optimiser="adam-hat",
        constraints=CONSTRAINTS,
        averaging=False,
        record=0,
        seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]),
    )
    return tested(circuit, LastStep(), protocol, weights, given, updates, tests)


def units(seed: int, quick: bool) -> dict[tuple[str, int], Call]:
    """A network each."""
    updates, batch, tests, seeds = (
        (FEW_UPDATES, FEW_BATCH, FEW_TESTS, FEW_SEEDS) if quick else (UPDATES, BATCH, TESTS, SEEDS)
    )
    size = {"updates": updates, "batch": batch, "tests": tests, "seed": seed}
    given = {name: {"name": name, "circuit": circuit(name), **size} for name in RULES}
    return {(name, one): Call(scores, {**given[name], "number": one}) for one in range(seeds) for name in RULES}


def answer(found: Mapping[tuple[str, int], xr.Dataset], quick: bool) -> Answer:
    """Whether accuracies are those that were published, and the modulators help."""
    data = {name: xr.concat([one for (rule, _), one in found.items() if rule == name], "seed") for name in RULES}
    told = []
    for name, theirs in PUBLISHED.items():
        here = data[name].percent.values
        other = (UNSAID, "here it is its nonlocal online form")
        decided = other if name == "MDGL" else same_mean(here, Sample.of(np.array(theirs)), MARGIN)
        told.append(Finding(f"accuracy, {name}, in %", quartiles(np.array(theirs)), quartiles(here), *decided))
    errors = {name: 100 - one.percent.values for name, one in data.items()}
    there, here = quartiles(100 - np.array(PUBLISHED["MDGL"])), quartiles(errors["MDGL"])
    what = "MDGL (here nonlocal and online) errs less than e-prop, in % of trials"
    told.append(Finding(what, there, here, *lower(errors["MDGL"], errors["e-prop"], "e-prop")))
    notes = tuple(f"Mean rate, {name}, in Hz: {quartiles(one.hertz.values)}." for name, one in data.items())
    return Answer(tuple(told), xr.concat(list(data.values()), "rule").assign_coords(rule=list(data)), notes)


reproduction = Reproduction(
    title="the gradient, and e-prop with and without modulators of cell types (MDGL), 100 spiking neurons, cues",
    source="Liu, Smith, Mihalas, Shea-Brown & Sumbul 2021, PNAS 118:e2111821118, fig. 3C, doi:10.1073/pnas.2111821118",
    published="accuracy, means of 5 runs: gradient 97.9%, e-prop 75.3%, MDGL 90.2%",
    minutes=(200, 0.5),
    unknown="what the local sums, the penalty on weights and the bias would change, which are left out",
    quick=f"{FEW_SEEDS} of {SEEDS} seeds, {FEW_UPDATES} of {UPDATES} updates",
    units=units,
    answer=answer,
)
