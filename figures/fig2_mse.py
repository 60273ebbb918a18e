"""The paper's Fig. 2 from a saved comparison: python figures/fig2_mse.py RESULT.nc [FOLDER]"""

from autapse_sim import plots
from autapse_sim.results.plots import script

script.of_result("fig2_mse", plots.figure2)
