"""Neo objects hold the spikes of a result, and where they came from."""

import sys

import numpy as np
import pytest

from autapse_sim import recordings
from autapse_sim.errors import InputError
from autapse_sim.results.export import spike_trains


def test_a_segment_for_each_phase_and_a_train_for_each_neuron(spiking):
    pytest.importorskip("neo")
    block = spike_trains(spiking, replicate=1)
    assert [segment.name for segment in block.segments] == ["training 1", "training 9", "test 1"]
    assert block.annotations["rule"] == "autapse"
    assert block.annotations["replicate"] == 1
    assert block.annotations["seed"] == 3
    for phase, segment in enumerate(block.segments):
        assert len(segment.spiketrains) == 5
        for neuron, train in enumerate(segment.spiketrains):
            assert train.annotations["neuron"] == neuron
            assert train.units.dimensionality.string == "ms"
            assert float(train.t_stop) == 40
            counts, _ = np.histogram(train.magnitude, np.arange(41) - 1e-9)
            np.testing.assert_array_equal(counts, spiking.data.trace_spikes[1, phase, :, neuron])


def test_one_phase_by_name(spiking):
    pytest.importorskip("neo")
    (segment,) = spike_trains(spiking, phases="test 1").segments
    times = recordings.spike_times(spiking.data.trace_spikes[0, 2].values)
    np.testing.assert_allclose(segment.spiketrains[0].rescale("s").magnitude, times[0])
    with pytest.raises(InputError, match="unknown phase"):
        spike_trains(spiking, phases="test")


def test_where_neo_is_not_installed(spiking, monkeypatch):
    monkeypatch.setitem(sys.modules, "neo", None)
    with pytest.raises(InputError, match=r"pip install autapse_sim\[neo\]"):
        spike_trains(spiking)
