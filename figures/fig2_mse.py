"""The paper's Fig. 2 from a saved comparison: python figures/fig2_mse.py RESULT.nc [FOLDER]"""

import sys

import autapse_sim as ap
from autapse_sim import plots

result, folder = [*sys.argv[1:], "."][:2]
plots.save(plots.figure2(ap.load(result)), folder, "fig2_mse")
