"""Commands and threads at once: nothing is lost, nothing is left, and all get the same bits."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import xarray as xr
from brian2.parsing.rendering import SympyNodeRenderer

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler

TRAIN = ["train", "--replicates", "3", "--trajectories", "4", "--validate", "1", "--test", "2", "--steps", "12"]


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="needs a C++ compiler")
def test_four_trainings_at_once_of_a_new_circuit_into_one_folder_are_the_same_and_leave_nothing(tmp_path):
    (tmp_path / "temporary").mkdir()
    places = {"TMPDIR": str(tmp_path / "temporary"), "AUTAPSE_CACHE": str(tmp_path / "cache")}
    environment = {**os.environ, **places}
    command = [sys.executable, "-m", "autapse_sim", *TRAIN, "--engine", "standalone", "--neurons", "3", "--json"]

    def start(folder):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        arguments = [*command, "--readout", "random", "--out", folder]
        return subprocess.Popen(arguments, cwd=tmp_path, env=environment, **pipes)

    together = [start("out") for _ in range(4)]
    answers = [process.communicate(timeout=300) for process in together]
    assert [process.returncode for process in together] == [0] * 4
    assert {errors.splitlines()[-1] for _, errors in answers} == {"written to out: train.nc"}
    assert not [line for _, errors in answers for line in errors.splitlines() if "cache" in line]
    kinds = sorted(path.name.split(".", 1)[1][-16:] for path in (tmp_path / "cache").iterdir())
    assert len([kind for kind in kinds if kind == "manifest.autapse"]) == 2  # what is declared, and the program's
    assert len(kinds) == 3  # with one program, no lock and nothing half-written
    assert os.listdir(tmp_path / "temporary") == []
    assert os.listdir(tmp_path / "out") == ["train.nc"]
    alone = start("alone")
    printed, _ = alone.communicate(timeout=300)
    assert {output for output, _ in answers} == {printed}
    xr.testing.assert_identical(
        *(ap.load(tmp_path / folder / "train.nc").data.drop_attrs() for folder in ("out", "alone"))
    )


@pytest.mark.parametrize("engine", ["runtime", pytest.param("standalone", marks=pytest.mark.slow)])
def test_threads_take_turns_with_brian2_and_get_the_same_bits(engine, tmp_path, monkeypatch):
    if engine == "standalone" and compiler() is None:
        pytest.skip("needs a C++ compiler")
    monkeypatch.setenv("AUTAPSE_CACHE", str(tmp_path))
    task, few = ap.BouncingBall(steps=6), ap.Protocol(replicates=2, train=3, validate=0, test=1)
    circuits = [ap.Circuit(precision=precision, substeps=n) for n in (1, 2) for precision in ("double", "single")]

    def learned(circuit):
        return ap.train(circuit, task, few, engine=engine).data.W.values

    before = SympyNodeRenderer.render_func
    with ThreadPoolExecutor(len(circuits)) as pool:
        together = list(pool.map(learned, circuits))
    assert SympyNodeRenderer.render_func is before
    alone = [learned(circuit) for circuit in circuits]
    assert [(one == other).all() for one, other in zip(together, alone, strict=True)] == [True] * 4
    assert (alone[0] != alone[1]).any()  # single precision is another
