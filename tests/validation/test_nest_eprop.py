"""e-prop for 100 LIF neurons against NEST's, on its sine task."""

import numpy as np
import pytest
from brian2 import ms

from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.experiments.reproductions.eprop_sine import SAME, reference, trained

pytestmark = [
    pytest.mark.skipif(not compiler(), reason="no C++ compiler"),
    pytest.mark.usefixtures("fast_programs"),
]


@pytest.fixture(scope="module")
def nest():
    """What NEST was given, and its losses."""
    return reference()


def test_losses_of_nest(nest):
    result, losses = trained(nest, SAME)
    data = result.data
    np.testing.assert_allclose(losses, nest["loss"][:SAME], rtol=1e-9)
    assert (np.diag(data.W.values[0]) == 0).all()
    assert 10 < float(data.rate.mean()) < 60
    for name, key in {"W": "w_rec_rec", "U": "w_in_rec", "V": "w_rec_out"}.items():
        assert 1e-4 < np.abs(data[name].values[0] - nest[key]).max() < 0.1, name


@pytest.mark.parametrize("changed", [{"tau_e": 25 * ms}, {"c_reg": 250.0}, {"gamma": 0.25}], ids=lambda one: min(one))
def test_what_must_matter_matters(nest, changed):
    result, losses = trained(nest, SAME, **changed)
    assert np.abs(losses / nest["loss"][:SAME] - 1).max() > 1e-4
    assert 10 < float(result.data.rate.mean()) < 60


@pytest.mark.slow
def test_it_learns(nest):
    result, losses = trained(nest, 200)
    assert losses[0] == pytest.approx(101.964357, rel=1e-8)
    assert 55 < losses[-1] < 70
    assert losses[-20:].mean() < losses[90:110].mean() < losses[:20].mean()
    assert 5 < float(result.data.rate.mean()) < 60
