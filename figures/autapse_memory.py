"""A neuron whose slow autapse is tuned remembers what it was shown, one that is mistuned does not.

python figures/autapse_memory.py [FOLDER]
"""

import numpy as np
from matplotlib.figure import Figure

import autapse_sim as ap
from autapse_sim import plots
from autapse_sim.results.plots import script
from autapse_sim.spec.model import read_neuron

STEPS, PULSE, BEGINS = 5000, 150, (300, 1800, 3300)  # ms
TUNING = np.linspace(0.9, 1.1, 41)
SHOWN = {0.98: "#56B4E9", 1.0: "#D55E00", 1.02: "#0072B2"}


def draw() -> Figure:
    """Spikes of neurons with autapses of several weights, and the rates that they hold."""
    x = np.zeros((1, 1, STEPS, 1))
    for begin in BEGINS:
        x[:, :, begin : begin + PULSE] = 0.3
    n = len(TUNING)
    task = ap.ArrayTask(x, np.zeros_like(x))
    circuit = ap.Circuit(neuron="autaptic", neurons=n, readout="random", learn=(), substeps=20)
    protocol = ap.Protocol(replicates=1, train=0, validate=0, test=1, record=1)
    weights = ap.Weights(np.zeros((1, n, n)), np.ones((1, n, 1)), np.zeros((1, 1, n)), np.zeros((1, n, 1)))
    w_a = TUNING[None] * read_neuron(circuit.neuron).parameters["w_a"]
    data = ap.train(circuit, task, protocol, weights, {"w_a": w_a}).data.sel(recorded=0, phase="test 1")

    with plots.styled():
        figure = Figure(figsize=(6.5, 4.8))
        raster, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        spikes = data.trace_spikes.values
        trains = [np.flatnonzero(train) / 1e3 for train in spikes.T]
        raster.eventplot(trains, lineoffsets=TUNING, linelengths=0.004, linewidths=0.8, colors="k")
        for tuning, colour in SHOWN.items():
            times = trains[np.argmin(abs(TUNING - tuning))]
            rates.plot(times[1:], 1 / np.diff(times), ".", markersize=3, color=colour, label=f"{tuning:g}")
        for axes in (raster, rates):
            for begin in BEGINS:
                axes.axvspan(begin / 1e3, (begin + PULSE) / 1e3, color="0.85", zorder=0)
        raster.set(ylabel="weight of the autapse,\nshare of the tuned one")
        rates.set(xlabel="time (s)", ylabel="1/interspike interval (Hz)", xlim=(0, STEPS / 1e3), ylim=(0, 70))
        rates.legend(title="weight", loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


script.of_nothing("autapse_memory", draw)
