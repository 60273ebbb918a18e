"""The autapse rule with its trace made by autapses (Wang, Gray & Banerjee, eqs. 7-11).

A leaky integrator k of short time constant `tau_0` has a synapse onto itself, of weight `w_a`:
tau_0 dk/dt = -k + w_a k + (1 - w_a) x. That is eq. 7 with tau = tau_0/(1 - w_a): a long memory out of a short one, lost
where w_a reaches 1.

When not to use it: where only the trace matters: `autapse` has the same one, without synapses to compute. Nor with w_a
at 1 or above, where k grows or never forgets.

========= ======= ==== ======================================
Parameter Default Unit Description
========= ======= ==== ======================================
tau_0     1       ms   time constant without the autapse
w_a       0.9     1    weight of the autapse
eta       0.03    1    learning rate, per step
========= ======= ==== ======================================
"""

from brian2 import ms

from autapse_sim import Connection, Rule

rule = Rule(
    trace="dk/dt = (-k + autapse + (1 - w_a)*activity)/tau_0 : 1",
    connections=(Connection(sums={"autapse": "w_a*k_pre"}, pairs="self", when="drive"),),
    update="w -= eta * feedback_post * k_pre",  # eqs. 9-11, without the misprinted sign
    parameters={"tau_0": 1 * ms, "w_a": 0.9, "eta": 0.03},
    tune={"w_a": (0.0, 0.67, 0.9, 0.967)},  # as tau of 1, 3, 10, 30 ms
)
