"""What was recorded is found by name; times, rates and orders of spikes follow from counts."""

import numpy as np
import pytest

from autapse_sim import recordings
from autapse_sim.errors import InputError

COUNTS = np.array([[0, 1, 0], [1, 0, 0], [2, 0, 0], [0, 0, 0]])


def test_recording_is_that_of_the_replicate_and_the_phase(spiking):
    found = recordings.recording(spiking, "v", "training 9", replicate=1)
    assert found.dims == ("step", "neuron")
    assert found.attrs["units"] == "mV"
    np.testing.assert_array_equal(found, spiking.data.trace_v[1, 1])
    np.testing.assert_array_equal(recordings.spikes(spiking, "test 1"), spiking.data.trace_spikes[0, 2])
    np.testing.assert_array_equal(recordings.weights(spiking, "W", 2), spiking.data.W[2])


def test_a_rule_of_several(spiking):
    two = spiking.data.expand_dims(rule=["bptt", "eprop"], axis=2).copy()
    two["trace_spikes"] = two.trace_spikes.where(two.rule == "eprop")
    assert recordings.spikes(two, "test 1", rule="eprop").sum() == spiking.data.trace_spikes[0, 2].sum()
    with pytest.raises(InputError, match="the circuit of bptt has no spikes"):
        recordings.spikes(two, "test 1")


def test_a_replicate_is_meant_by_its_number(spiking):
    later = spiking.data.assign_coords(recorded=[4, 7])
    np.testing.assert_array_equal(recordings.recording(later, "v", "test 1", 7), spiking.data.trace_v[1, 2])
    some = spiking.data.isel(replicate=[2, 1])
    np.testing.assert_array_equal(recordings.weights(some, "W", 1), spiking.data.W[1])
    with pytest.raises(InputError, match="replicate is 0; this result holds 2, by number 2, 1"):
        recordings.weights(some, "W", 0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("spikes", "training 3"), "unknown phase 'training 3'; did you mean 'training"),
        (("spikes", "test 1", 2), "replicate 2 was not recorded; this result recorded 0, 1"),
        (("u", "test 1"), "no trace 'u'"),
        (("v", "test 1", 0, "fa"), "unknown rule 'fa'"),
    ],
)
def test_what_is_not_there_is_said(spiking, arguments, says):
    with pytest.raises(InputError, match=says):
        recordings.recording(spiking, *arguments)


def test_a_rate_circuit_has_no_spikes_but_an_activity(spiking):
    with pytest.raises(InputError, match=r"no spikes \(its neurons are rates\): draw its activity"):
        recordings.spikes(spiking.data.drop_vars("trace_spikes"), "test 1")
    with pytest.raises(InputError, match="no traces"):
        recordings.phases(spiking.data.isel(recorded=[]))
    with pytest.raises(InputError, match="no weights 'B_rec'"):
        recordings.weights(spiking, "B_rec")
    with pytest.raises(InputError, match="replicate is 3; this result holds 3"):
        recordings.weights(spiking, "W", 3)


def test_spike_times_count_and_stay_in_their_steps():
    times = recordings.spike_times(COUNTS)
    np.testing.assert_allclose(times[0], [0.001, 0.002, 0.0025])
    np.testing.assert_allclose(times[1], [0])
    assert times[2].size == 0


def test_population_rate_keeps_the_number_of_spikes():
    counts = (np.random.default_rng(1).random((103, 7)) < 0.2).astype(float)
    edges, rate = recordings.population_rate(counts, width=0.01)
    assert edges[-1] == pytest.approx(0.103)
    assert len(rate) == 11
    assert np.sum(rate * np.diff(edges)) * 7 == pytest.approx(counts.sum())
    assert rate[-1] == pytest.approx(counts[100:].sum() / 7 / 0.003)


def test_neurons_are_sorted():
    assert recordings.sorted_neurons(COUNTS).tolist() == [0, 1, 2]
    assert recordings.sorted_neurons(COUNTS, "first spike").tolist() == [1, 0, 2]
    assert recordings.sorted_neurons(COUNTS, "rate").tolist() == [2, 1, 0]
    assert recordings.sorted_neurons(COUNTS, np.array([2, 0])).tolist() == [2, 0]
    with pytest.raises(InputError, match="unknown order 'rates'; did you mean 'rate'"):
        recordings.sorted_neurons(COUNTS, "rates")
    with pytest.raises(InputError, match="whole numbers from 0 to 2"):
        recordings.sorted_neurons(COUNTS, np.array([0, 3]))


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((0, 3)), np.array([[np.nan, 1]]), np.array([[-1.0]])])
def test_what_are_no_counts(wrong):
    with pytest.raises(InputError, match="spikes h"):
        recordings.spike_times(wrong)
