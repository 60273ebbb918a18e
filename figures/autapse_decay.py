"""Decay time of a leaky integrator with an autapse, against its weight: python figures/autapse_decay.py [FOLDER]

The trace of the rule literal_autapse, made by a synapse from each neuron to itself, is driven by a pulse, then decays.
Dots are what one step of the decay says; the line is tau_0/(1 - w_a), in Euler's steps -dt/ln(w_a) for tau_0 = dt.
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

import autapse_sim as ap
from autapse_sim import plots
from autapse_sim.results.plots import script

PULSE, STEPS = 200, 500
w_a = np.array([0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99])


def draw() -> Figure:
    """Traces of one autapse after the other, and the times in which they decay."""
    stimulus = np.zeros((len(w_a), 1, STEPS, 1))
    stimulus[:, :, :PULSE] = 1
    nothing = np.zeros((len(w_a), 1, 1))
    result = ap.train(
        ap.Circuit(rule="literal_autapse", neurons=1, activation="linear"),
        ap.ArrayTask(stimulus, stimulus),
        ap.Protocol(replicates=len(w_a), train=1, validate=0, test=0, record=len(w_a)),
        weights=ap.Weights(W=nothing, U=nothing + 1, V=nothing + 1, B=nothing),
        parameters={"w_a": w_a, "eta": 0.0},
    )
    traces = result.data.trace_k.values[:, 0, :, 0]
    decay = -1 / np.log(traces[:, PULSE + 3] / traces[:, PULSE + 2])
    with plots.styled():
        figure = Figure(figsize=(7, 2.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for one, trace in zip(w_a, traces, strict=True):
            colour = colormaps["viridis"](0.9 * one**8)
            left.plot(np.arange(1, STEPS + 1), trace, color=colour, label=f"$w_a$ = {one:g}")
        left.axvspan(0, PULSE, color="0.92", zorder=0)
        left.set(xlabel="time (ms)", ylabel="trace k", xlim=(0, STEPS))
        left.legend(fontsize="x-small", labelspacing=0.2)
        line = np.linspace(0.2, 0.995, 300)
        right.semilogy(line, -1 / np.log(line), color="0.6", label="predicted")
        right.semilogy(w_a, decay, "o", label="measured")
        right.set(xlabel="weight of the autapse $w_a$", ylabel="decay time (ms)")
        right.legend()
    return figure


script.of_nothing("autapse_decay", draw)
