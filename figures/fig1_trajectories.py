"""The paper's Fig. 1 from a saved comparison: python figures/fig1_trajectories.py RESULT.nc [FOLDER]"""

import sys

import autapse_sim as ap
from autapse_sim import plots

result, folder = [*sys.argv[1:], "."][:2]
plots.save(plots.figure1(ap.load(result)), folder, "fig1_trajectories")
