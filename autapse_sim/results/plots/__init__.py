"""Plots of results, on the caller's axes or as whole figures; none needs a display."""

from autapse_sim.results.plots.circuits import raster, raster_trajectories, rate_histogram, time_courses
from autapse_sim.results.plots.figures import (
    CIRCUIT_FIGURES,
    FIGURES,
    figure1,
    figure2,
    figure_activity,
    figure_circuit,
    figure_raster,
    figure_traces,
)
from autapse_sim.results.plots.matrices import (
    activity_map,
    eigenvalues,
    principal_axes,
    principal_components,
    weight_matrix,
)
from autapse_sim.results.plots.panels import control_lines, learning_curve, trace_names, traces, trajectories
from autapse_sim.results.plots.style import save, styled

__all__ = [
    "CIRCUIT_FIGURES",
    "FIGURES",
    "activity_map",
    "control_lines",
    "eigenvalues",
    "figure1",
    "figure2",
    "figure_activity",
    "figure_circuit",
    "figure_raster",
    "figure_traces",
    "learning_curve",
    "principal_axes",
    "principal_components",
    "raster",
    "raster_trajectories",
    "rate_histogram",
    "save",
    "styled",
    "time_courses",
    "trace_names",
    "traces",
    "trajectories",
    "weight_matrix",
]
