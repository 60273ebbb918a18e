"""Sweeps whose workers are jobs of Slurm; a script that runs a job at once stands in for it."""

import os
import shutil
import time

import psutil
import pytest
from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main

pytest.importorskip("dask_jobqueue")

STUDY = """
[grid]
neurons = [2, 3]
eta = [0.01, 0.1]
[circuit]
rule = "dfa"
readout = "random"
[protocol]
replicates = 3
train = 4
validate = 0
test = 2
[run]
engine = "numpy"
on = "{on}"
[slurm]
jobs = {jobs}
cores = 1
processes = 1
memory = "1GB"
walltime = "00:05:00"
{more}
"""
SBATCH = """#!/bin/sh
[ "$1" = --test-only ] && exit 0
cp "$1" "{jobs}/$$.sh"
sh "{jobs}/$$.sh" > "{jobs}/$$.log" 2>&1 &
echo "Submitted batch job $$"
"""
REFUSES = "#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n"


def sweep(tmp_path, name="study", on="slurm", jobs=1, more=""):
    (tmp_path / f"{name}.toml").write_text(STUDY.format(on=on, jobs=jobs, more=more))
    return CliRunner().invoke(main, ["sweep", str(tmp_path / f"{name}.toml"), "--out", str(tmp_path / name)])


@pytest.fixture
def sbatch(tmp_path, monkeypatch):
    """Puts a script in the place of sbatch."""

    def put(text):
        folder = tmp_path / "bin"
        folder.mkdir()
        for name, content in {"sbatch": text, "scancel": "#!/bin/sh\n"}.items():
            (folder / name).write_text(content)
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return put


@pytest.mark.slow
def test_jobs_give_the_numbers_of_this_machine_and_end(tmp_path, sbatch):
    sbatch(SBATCH.format(jobs=tmp_path))
    done = sweep(tmp_path)
    assert done.exit_code == 0, done.output
    (job,) = tmp_path.glob("*.sh")
    assert "#SBATCH --mem=" in job.read_text()
    assert sweep(tmp_path, "here", on="local").exit_code == 0
    ours, here = (ap.open_study(tmp_path / name) for name in ("study", "here"))
    assert (ours.mse > 0).all()
    assert ours.equals(here)
    for _ in range(100):
        if not any("dask_worker" in " ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"])):
            return
        time.sleep(0.1)
    pytest.fail("a worker goes on")


@pytest.mark.parametrize(
    ("script", "how", "says"),
    [
        (None, {}, "sbatch, which is not in the PATH"),
        (REFUSES, {}, "Slurm does not take the job: sbatch: error: invalid partition"),
        ("#!/bin/sh\n", {"more": "queueue = 1"}, "unexpected keyword argument 'queueue'"),
        ("#!/bin/sh\n", {"jobs": 0}, "jobs is 0"),
    ],
)
def test_what_slurm_does_not_take_is_one_line(script, how, says, tmp_path, sbatch):
    if script:
        sbatch(script)
    elif shutil.which("sbatch"):
        pytest.skip("there is Slurm here")
    done = sweep(tmp_path, **how)
    assert done.exit_code == 2
    assert says in done.output
    assert "Traceback" not in done.output
