"""The autapse rule with f' put back: its trace, with a time constant of its own, is of f'(a_i) o_j, in the synapse.

An ablation: beside `autapse` it tells what f' is worth, beside `rflo`, whose trace shares the membrane's time constant,
what that time constant is worth. Not for results about a published rule: it is neither of the two.

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
    tune={"tau": (1 * ms, 3 * ms, 10 * ms, 30 * ms)},
)
