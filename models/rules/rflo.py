"""RFLO (Murray 2019): the error fed back at random, times a low-pass trace of f'(a_i) o_j in the synapse.

Where f' is left out of the trace, this is the autapse rule: the two tell what f' is worth.

========= ======= ==== ======================================
Parameter Default Unit Description
========= ======= ==== ======================================
tau       10      ms   time constant of the synapse's trace p
eta       0.03    1    learning rate, per step
========= ======= ==== ======================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    eligibility="dp/dt = (f_prime_post * activity_pre - p)/tau : 1",
    update="w -= eta * feedback_post * p",
    parameters={"tau": 10 * ms, "eta": 0.03},
)
