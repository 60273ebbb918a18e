"""e-prop with adapting neurons on evidence accumulation, against losses that NEST and TensorFlow computed."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.experiments.reproductions.eprop_evidence import CIRCUIT, NEST, RHO, TENSORFLOW, UPDATES, drawn, trained

pytestmark = [
    pytest.mark.skipif(not compiler(), reason="no C++ compiler"),
    pytest.mark.usefixtures("fast_programs"),
]


@pytest.mark.parametrize("batch", [1, 2])
def test_losses_of_nest(batch):
    result, losses = trained(batch)
    data = result.data
    # NEST's own test holds NEST to 1e-8; here all 12 digits agree
    np.testing.assert_allclose(losses, NEST[batch], rtol=1e-11)
    if batch == 1:  # the tolerance of NEST's test against single precision
        np.testing.assert_allclose(losses, TENSORFLOW, rtol=1e-6)
    assert 5 < float(data.rate.mean()) < 30
    assert (np.diag(data.W.values[0]) == 0).all()
    for name in ("W", "U", "V"):
        moved = np.abs(data[name].values - getattr(drawn(batch)[1], name))
        assert 0.5e-2 < moved.max() < UPDATES * 2e-2, name


CONTROLS = {
    "threshold does not adapt": {"beta": 0.0},
    "every threshold adapts": {"beta": 1.7 * (1 - RHO)},
    "faster adaptation": {"tau_a": 1000 * ms},
    "no refractoriness": {"t_ref": 0 * ms},
    "slower filter of the eligibility": {"tau_e": 30 * ms},
    "weaker regularisation": {"c_reg": 200.0},
    "Adam in its first order": {"optimiser": "adam"},
    "eligibility without adaptation": {"circuit": replace(CIRCUIT, rule="eprop")},
}


@pytest.mark.parametrize(
    "control",
    [pytest.param(name, marks=[pytest.mark.slow] * ("Adam" in name or "eligibility" in name)) for name in CONTROLS],
)
def test_what_must_matter_matters(control):
    _, losses = trained(**CONTROLS[control])
    assert np.abs(losses / NEST[1] - 1).max() > 1e-4
