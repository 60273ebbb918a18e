"""
3. A spiking study with rasters
===============================

Leaky integrate-and-fire neurons learn by e-prop to foresee a ball; then one looks at their spikes. Here 3 networks of
30 neurons and few trajectories; the study at full size is in :doc:`../howto/spikes`.
"""

# %%
# Train
# -----
#
# A neuron, a rule and what learns make a circuit. Values of parameters may bear units as text.

import autapse_sim as ap

circuit = ap.Circuit(
    neuron="lif", rule="eprop", neurons=30, learn=("W", "U", "V", "c"), readout="random", feedback="symmetric"
)
values = {"v_th": 1, "tau_m": "10 ms", "tau_out": "3 ms", "tau_e": "3 ms", "eta": 0.3, "eta_out": 0.01}
result = ap.train(circuit, ap.BouncingBall(), ap.Protocol(replicates=3, train=100, test=5), parameters=values)
result.data.mse.median("trajectory")

# %%
# A network that is silent or saturated says nothing of a rule; it is marked, and never averaged away.

print(result.data.alive.values)

# %%
# Look
# ----
#
# Spikes, population rate, membranes, traces, stimulus and error, before learning beside after: on the command line
# ``autapse plot raster run.nc``. ``dir(result.plot)`` has all figures that a result can draw.

result.plot.raster()

# %%
# A figure of one's own
# ---------------------
#
# Every panel is a function of plain arrays on axes of yours.

from matplotlib import pyplot as plt

from autapse_sim import plots, recordings

counts = recordings.spikes(result, "test 1", replicate=0)  # (steps, neurons)
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(7, 5), height_ratios=(3, 1), layout="constrained")
plots.raster(counts, above, order="first spike")
plots.rate_histogram(counts, below, width=0.005)

# %%
# Is it more than a read-out?
# ---------------------------
#
# The honest question: what do the same networks reach whose read-out alone learns?

still = ap.train(
    circuit, ap.BouncingBall(), ap.Protocol(replicates=3, train=100, test=5), parameters=values | {"eta": 0}
)
print("all weights learn   ", result.data.mse.median().item())
print("the read-out alone  ", still.data.mse.median().item())
