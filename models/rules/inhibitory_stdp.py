"""Inhibitory STDP (Vogels et al. 2011, doi:10.1126/science.1211095): inhibition that keeps neurons at a target rate.

Each spike strengthens an inhibitory synapse by what the other side fired lately; each presynaptic one weakens it by
alpha = 2 rho_0 tau. Inhibitory are weights of at most 0, which stay so; those above 0 do not learn. tau, rho_0 and eta
are those of the authors' network (ModelDB 143751). With few synapses the rate stays above rho_0.

When not to use it: for excitatory synapses, for which it is unstable; where no spike arrives nothing balances a neuron.

========= ======= ==== ==========================================
Parameter Default Unit Description
========= ======= ==== ==========================================
tau       20      ms   time constant of both traces
rho_0     3       Hz   target rate of the postsynaptic neurons
eta       0.01    1    learning rate, in units of w
w_max     10      1    strongest inhibition
========= ======= ==== ==========================================
"""

from brian2 import Hz, ms

from autapse_sim import Rule

rule = Rule(
    eligibility="""
        dx_before/dt = -x_before/tau : 1 (event-driven)
        dx_after/dt = -x_after/tau : 1 (event-driven)
    """,
    on_pre="""
        x_before += 1
        w = choose(w > 0, w, clip(w - eta*(x_after - 2*rho_0*tau), -w_max, 0))
    """,
    on_post="""
        x_after += 1
        w = choose(w > 0, w, clip(w - eta*x_before, -w_max, 0))
    """,
    parameters={"tau": 20 * ms, "rho_0": 3 * Hz, "eta": 0.01, "w_max": 10.0},
    tune={"eta": (0.001, 0.01, 0.1)},
)
