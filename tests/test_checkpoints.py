"""Weights, and what goes on beside them, as they were during training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import autapse_sim as ap
from autapse_sim.engines import playing
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.experiments.compare import compare
from autapse_sim.spec.protocol import Protocol
from autapse_sim.training import sizes

ENGINES = ["numpy", "runtime", "reference", *(["standalone"] if compiler() else [])]
TASK = ap.BouncingBall(steps=8)
SMALL = Protocol(replicates=3, train=6, validate=2, test=2, validate_every=2, record=1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("neurons", [2, 9])
def test_checkpoints_are_the_weights_of_shorter_runs(engine, neurons, tmp_path):
    readout = "identity" if neurons == 2 else "random"
    circuit = ap.Circuit(neurons=neurons, readout=readout, learn=("W", "U", "b", "V", "c"))
    ap.train(circuit, TASK, replace(SMALL, checkpoints=(1, 4, 6)), engine=engine).save(tmp_path / "run.nc")
    data = ap.load(tmp_path / "run.nc").data
    assert data.checkpoint.values.tolist() == [1, 4, 6]
    assert data.W_checkpoint.dims == ("replicate", "checkpoint", "post", "pre")
    for count in (1, 4):
        shorter = ap.train(circuit, TASK, replace(SMALL, train=count), engine=engine).data
        for name in circuit.learn:
            np.testing.assert_array_equal(data[f"{name}_checkpoint"].sel(checkpoint=count), shorter[name])
    for name in circuit.learn:
        np.testing.assert_array_equal(data[f"{name}_checkpoint"].sel(checkpoint=6), data[name])
    assert np.abs(data.W_checkpoint.diff("checkpoint")).min() > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_states_at_checkpoints_are_kept_where_they_are_asked_for(engine):
    protocol = replace(SMALL, optimiser="adam", checkpoints=(2, 4), checkpoint_states=True)
    data = ap.train(ap.Circuit(rule="dfa"), TASK, protocol, engine=engine).data
    shorter = ap.train(ap.Circuit(rule="dfa"), TASK, replace(protocol, train=4, checkpoints=()), engine=engine).data
    for name in ("state_W_moment", "state_W_square"):
        assert data[f"{name}_checkpoint"].dims[:2] == ("replicate", "checkpoint")
        np.testing.assert_array_equal(data[f"{name}_checkpoint"].sel(checkpoint=4), shorter[name])
        assert (data[name] != shorter[name]).all()
    plain = ap.train(ap.Circuit(rule="dfa"), TASK, replace(protocol, checkpoint_states=False), engine=engine).data
    assert "state_W_moment" in plain
    assert "state_W_moment_checkpoint" not in plain


@pytest.mark.parametrize("engine", ENGINES)
def test_within_a_batch_weights_are_those_of_the_batch_before(engine):
    protocol = replace(SMALL, update="batch", batch=3, checkpoints=1)
    kept = ap.train(ap.Circuit(rule="dfa"), TASK, protocol, engine=engine).data.W_checkpoint
    assert kept.checkpoint.values.tolist() == [1, 2, 3, 4, 5, 6]
    moved = np.abs(kept.diff("checkpoint")).max(("replicate", "post", "pre")).values > 0
    assert moved.tolist() == [False, True, False, False, True]


@pytest.mark.slow
@pytest.mark.skipif(not compiler(), reason="no compiler")
@pytest.mark.parametrize("circuit", [{}, {"neurons": 12, "readout": "random"}, {"precision": "single"}])
def test_tiles_and_processes_keep_each_network_in_its_place(circuit, monkeypatch):
    circuit, protocol = ap.Circuit(**circuit), replace(SMALL, replicates=37, checkpoints=3)
    whole = ap.train(circuit, TASK, protocol, engine="standalone").data
    np.testing.assert_array_equal(whole.W_checkpoint.sel(checkpoint=6), whole.W)
    assert len(np.unique(whole.W_checkpoint.sel(checkpoint=3))) == whole.W.size
    monkeypatch.setattr(playing, "WORTH_SPLITTING", 1)
    monkeypatch.setattr(playing, "cores", lambda: 2)
    shared = ap.train(circuit, TASK, protocol, engine="standalone").data
    tolerance = 1e-5 if circuit.precision == "single" else 1e-12
    np.testing.assert_allclose(shared.W_checkpoint, whole.W_checkpoint, rtol=0, atol=tolerance)


def test_comparisons_keep_checkpoints_of_every_rule(without_workers):
    data = compare(("dfa", "autapse"), TASK, replace(SMALL, checkpoints=(3,)), etas=[0.03, 0.1], engine="numpy").data
    assert data.W_checkpoint.dims == ("rule", "replicate", "checkpoint", "post", "pre")
    assert (data.W_checkpoint.sel(rule="dfa") != data.W_checkpoint.sel(rule="autapse")).all()


def test_looking_at_checkpoints_changes_nothing():
    plain, looked = (
        ap.train(ap.Circuit(), TASK, replace(SMALL, checkpoints=kept), engine="numpy").data for kept in ((), 1)
    )
    xr.testing.assert_identical(plain.drop_attrs(), looked.drop_vars(["W_checkpoint", "checkpoint"]).drop_attrs())


@pytest.mark.parametrize("given", [0, 7, -1, (3, 7), (0,), "3", 2.5, (1.5,), True, None, [[1, 2]]])
def test_wrong_checkpoints_are_refused_in_a_line(given):
    with pytest.raises(ap.InputError, match=r"checkpoints.* (from 1 to 6|train \(6\))"):
        replace(SMALL, checkpoints=given)


def test_checkpoints_are_in_order_and_each_once():
    assert replace(SMALL, checkpoints=[4, np.int64(2), 4]).checkpoints == (2, 4)
    assert replace(SMALL, checkpoints=np.array([2, 6])).kept_after == (2, 6)
    assert replace(SMALL, checkpoints=np.int32(4)).kept_after == (4,)
    assert replace(SMALL, train=0).kept_after == ()


def test_checkpoints_that_do_not_fit_into_memory_are_refused(monkeypatch):
    circuit, many = ap.Circuit(neurons=1000, readout="random"), replace(SMALL, train=1000, checkpoints=1)
    monkeypatch.setattr(sizes, "memory", lambda: 2**33)
    with pytest.raises(ap.InputError, match="most of it for the weights at 1000 checkpoints"):
        ap.train(circuit, TASK, many, engine="numpy")
