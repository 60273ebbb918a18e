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
# installed (``pip install 'autapse-sim[cluster]'``), and the program says which it was.

try:
    from distributed import Client, LocalCluster

    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    client = Client(cluster)
    on = client.get_executor()
    print("a cluster of dask, with", len(cluster.workers), "workers")
except ImportError:
    cluster, on = None, "local"
    print("a pool of processes; distributed is not installed")

data = ap.sweep(grid, on=on, **what)
if cluster:
    client.close()
    cluster.close()

# %%
# One dataset with a dimension for each axis:

data.mse.median(("replicate", "trajectory")).to_dataframe().reset_index()

# %%
# A report of it, with lines over each axis, and heat maps over each two:

ap.report(data, "sweep.html")

# %%
# With a folder the study is kept: the same call goes on where it was, and ``ap.open_study(folder)`` opens what there is.

again = ap.sweep(grid, folder="study", **what)
print(abs(again.mse - data.mse).max().item())
