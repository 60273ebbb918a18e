"""Exploratory Hebbian rule (Legenstein, Chase, Schwartz & Maass 2010, eq. 16): pre, post and a global reward.

Noise is added to every neuron's input while it learns. The synapse keeps a trace of the presynaptic trace times the
deviation of the postsynaptic activity from its running mean; the loss, as far as it is above its own running mean,
turns it into a change.

"A reward-modulated Hebbian learning rule can explain experimentally observed network reorganization in a brain control
task", doi:10.1523/JNEUROSCI.4284-09.2010.

When not to use it: in large networks, or where the error of each output is known (see `node_perturbation`); nor where
the loss tells of an action later than tau_p: its trace is gone by then.

========= ======= ==== ===============================================
Parameter Default Unit Description
========= ======= ==== ===============================================
sigma     0.1     1    standard deviation of the noise
tau_k     1       ms   time constant of the presynaptic trace k
tau_p     10      ms   time constant of the synapse's trace p
tau_mean  10      ms   time constant of the postsynaptic running mean
tau_loss  20      ms   time constant of the running mean of the loss
eta       0.01    1    learning rate, per step
========= ======= ==== ===============================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    perturbation="sigma*randn()",
    trace="dk/dt = (activity - k)/tau_k : 1",
    postsynaptic="""
        dmean_activity/dt = (activity - mean_activity)/tau_mean : 1
        dbaseline/dt = (loss - baseline)/tau_loss : 1
    """,
    eligibility="p : 1",
    update="""
        p += ((activity_post - mean_activity_post)*k_pre - p)*dt/tau_p
        w -= eta*(loss_post - baseline_post)*p
    """,
    parameters={
        "sigma": 0.1,
        "tau_k": 1 * ms,
        "tau_p": 10 * ms,
        "tau_mean": 10 * ms,
        "tau_loss": 20 * ms,
        "eta": 0.01,
    },
    tune={"tau_p": (1 * ms, 3 * ms, 10 * ms, 30 * ms)},
)
