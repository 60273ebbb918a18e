"""BCM (Bienenstock, Cooper & Munro 1982, doi:10.1523/JNEUROSCI.02-01-00032.1982): a threshold follows the activity.

What arrives is potentiated where the neuron is above its threshold theta, else depressed; theta is the running mean of
the square of the activity (Intrator & Cooper 1992; a power of the mean in 1982), over c_0. No error is read.

When not to use it: where tau_theta is longer than learning takes (weights then swing or grow without bound), or where
neurons are active all the time at about the same rate, so that there is nothing to select.

========= ======= ==== ======================================================
Parameter Default Unit Description
========= ======= ==== ======================================================
c_0       1       1    activity at which theta stands still, if it is steady
tau_theta 100     ms   time constant of the threshold
eta       0.001   1    learning rate, per step
========= ======= ==== ======================================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    postsynaptic="dtheta/dt = (activity**2/c_0 - theta)/tau_theta : 1",
    update="w += eta*activity_post*(activity_post - theta_post)*activity_pre",
    lasting=("theta",),
    parameters={"c_0": 1.0, "tau_theta": 100 * ms, "eta": 0.001},
    tune={"eta": (1e-4, 1e-3, 1e-2)},
)
