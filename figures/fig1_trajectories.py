"""The paper's Fig. 1 from a saved comparison: python figures/fig1_trajectories.py RESULT.nc [FOLDER]"""

from autapse_sim import plots
from autapse_sim.results.plots import script

script.of_result("fig1_trajectories", plots.figure1)
