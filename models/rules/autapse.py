"""Autapse rule (Wang, Gray & Banerjee, eqs. 7-11): the error re-weighted by the presynaptic low-pass trace.

The trace is that of eq. 8, the solution of eq. 7; the sign of the exponent in eq. 11 is a misprint.

When not to use it: where recurrence has to be learned: on the bounce it lowers the error by 1% against a random
reservoir, where the exact gradient lowers it by 86% (`autapse verdict autapse --benchmark bounce`). Nor with any
feedback B: with a random one the networks of `autapse compare --feedback random` end worse than untrained.

========= ======= ==== ======================================
Parameter Default Unit Description
========= ======= ==== ======================================
tau       10      ms   time constant of the autapse's trace k
eta       0.03    1    learning rate, per step
========= ======= ==== ======================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    trace="dk/dt = (activity - k)/tau : 1",  # eq. 7, in the presynaptic neuron
    update="w -= eta * feedback_post * k_pre",  # eqs. 9-11, without the misprinted sign
    parameters={"tau": 10 * ms, "eta": 0.03},
    tune={"tau": (1 * ms, 3 * ms, 10 * ms, 30 * ms)},
)
