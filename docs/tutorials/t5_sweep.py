"""
5. A sweep, here and on a cluster
=================================

Everything that a circuit, a protocol, a task or a model's parameter names can be crossed. Parameters ride with the
replicates of one compiled program; what is done is kept, and a study that was stopped goes on.
"""

# %%
# The sweep
# ---------
#
# On the command line:
#
# .. code-block:: console
#
#    $ autapse sweep --grid tau=5ms,10ms,15ms --grid neurons=2,8 --rule autapse --rule rflo --task flip-flop

import autapse_sim as ap

grid = {"tau": ["2 ms", "10 ms", "30 ms"], "neurons": [4, 16]}
circuit = ap.Circuit(rule="autapse", readout="random", activation="tanh", learn=("W", "V", "c"), feedback="symmetric")
what = {"circuit": circuit, "task": "flip-flop", "protocol": ap.Protocol(replicates=4, train=40, test=5)}

# %%
# On a cluster
# ------------
#
# ``on=`` takes the address of a dask scheduler (``--on tcp://HOST:PORT``), ``"slurm"``, or any executor of
# ``concurrent.futures``. Here a cluster on this machine stands for a real one, where the package ``distributed`` is
# installed (``pip install 'autapse-sim[cluster]'``), else a pool of processes; the program says which. Its processes
# read this file once more, which is why what starts them stands behind ``__name__``.


def swept():
    """The sweep, on a cluster where there is one."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        print("a pool of processes; distributed is not installed")
        return ap.sweep(grid, **what)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        print("a cluster of dask, with", len(cluster.workers), "workers")
        return ap.sweep(grid, on=client.get_executor(), **what)


if __name__ == "__main__":
    data = swept()

# %%
# One dataset with a dimension for each axis:

if __name__ == "__main__":
    print(data.mse.median(("replicate", "trajectory")).to_dataframe())

# %%
# A report of it, with lines over each axis, and heat maps over each two:

if __name__ == "__main__":
    ap.report(data, "sweep.html")

# %%
# With a folder the study is kept: the same call goes on where it was, and ``ap.open_study(folder)`` opens what there
# is.

if __name__ == "__main__":
    again = ap.sweep(grid, folder="study", **what)
    print(abs(again.mse - data.mse).max().item())
