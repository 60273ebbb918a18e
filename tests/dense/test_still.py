"""Sums over pairs of neurons of which a factor stands still: it is computed once in a trajectory."""

from dataclasses import replace

import numpy as np
import precompiled
import pytest
from test_dense import EXACT, distance, moved

from autapse_sim.engines import reference
from autapse_sim.engines.brian.assembly import still
from autapse_sim.engines.brian.assembly.still import still_factor
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.engines.choose import simulate

SUMS = {
    "eprop_diffusion": {"k": np.array([0.3, 0.6, 0.9]), "side": 3.0},
    "mdgl": {"excitatory": 0.6, "g_EE": np.array([0.1, 0.2, 0.3]), "g_EI": -0.4, "g_IE": 0.2, "g_II": -0.1},
}
OTHER = {"eprop_diffusion": {"k": 0.1}, "mdgl": {"g_EI": -0.1}}


@pytest.mark.skipif(not compiler(), reason="no C++ compiler")
@pytest.mark.parametrize("reset", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rule", SUMS)
def test_it_is_the_sum(make_job, rule, reset, shared_folder, monkeypatch):
    monkeypatch.setenv("AUTAPSE_CXXFLAGS", precompiled.flags(shared_folder))
    shape = {"rule": rule, "neuron": "alif", "neurons": 9, "replicates": 3, "steps": 40, "train": 3}
    shape |= {"update": "trajectory", "learn": ("W", "U", "V"), "readout": "random"}
    given = {"v_th": 0.02, "eta": 1e-2, "eta_out": 1e-3}
    job = replace(make_job(parameters={**given, **SUMS[rule]}, **shape), reset=reset)
    found = []

    def seen(*given):
        found.append(still_factor(*given))
        return found[-1]

    monkeypatch.setattr(still, "still_factor", seen)
    outcome = simulate(job, "standalone")
    assert [each is not None for each in found] == [True] * reset
    assert distance(outcome, reference.simulate(job)) <= EXACT
    assert (moved(job, outcome) > 1e-4).all()
    assert (outcome.spikes.sum(axis=1) > 10).all()
    other = replace(make_job(parameters={**given, **SUMS[rule], **OTHER[rule]}, **shape), reset=reset)
    assert distance(outcome, simulate(other, "standalone")) > 1e-6


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("g*s_pre/(x_pre*y_post)", ("(g)/(x_pre)/(y_post)", "(s_pre)")),
        ("s_pre/x_post/x_pre", ("1/(x_post)/(x_pre)", "(s_pre)")),
        ("(x_pre - y_post)**2*s_pre*s_post", ("((x_pre - y_post) ** 2)", "(s_pre)*(s_post)")),
        ("-x_pre*y_post*s_pre", ("(-x_pre)*(y_post)", "(s_pre)")),
        ("g*s_pre*x_pre", None),  # one of each neuron is no matrix
        ("x_pre*y_post", None),  # nothing is left
        ("x_pre*y_post*s_pre + s_post", None),
        ("s_pre*rand()*x_pre", None),
    ],
)
def test_a_factor_of_both_neurons_that_stands_still_is_found(value, found):
    assert still_factor(value, {"g", "x_pre", "x_post", "y_pre", "y_post"}) == found
