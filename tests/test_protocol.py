"""The protocol: what it refuses, and that today's defaults are the paper's."""

import pytest

from autapse_sim.engines.discrete.optimiser import OPTIMISERS
from autapse_sim.errors import InputError
from autapse_sim.spec.protocol import OPTIMISERS as NAMES
from autapse_sim.spec.protocol import Protocol


def test_defaults_are_the_papers():
    protocol = Protocol()
    assert (protocol.update, protocol.batch, protocol.optimiser, protocol.averaging) == ("step", 1, "sgd", True)


def test_every_optimiser_exists():
    assert set(NAMES) == OPTIMISERS.keys()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch": 0, "update": "batch"}, "batch is 0; it must be a whole number of at least 1"),
        ({"batch": 2.5, "update": "batch"}, "batch is 2.5; it must be a whole number"),
        ({"batch": 4}, "batch is 4, but update is 'step'; use update='batch'"),
        ({"batch": 16, "update": "batch"}, r"train is 100; it must be a multiple of batch \(16\)"),
        ({"optimiser": "adm"}, "unknown optimiser 'adm'; did you mean 'adam'"),
        ({"epsilon": -1e-8}, "epsilon is -1e-08; it must be a finite number of at least 0"),
        ({"averaging": "no"}, "averaging is 'no'; it must be True or False"),
        ({"update": "bach"}, "unknown update 'bach'; did you mean 'batch'"),
        ({"train": 0, "validate": 0, "test": 0}, "there is no trajectory to show"),
    ],
)
def test_bad_protocols_are_refused(fields, message):
    with pytest.raises(InputError, match=message):
        Protocol(**fields)


def test_good_ones_are_not():
    assert Protocol(update="batch").batch == 1
    assert Protocol(train=96, update="batch", batch=16).train == 96
    assert Protocol(train=0, update="batch", batch=16).train == 0
