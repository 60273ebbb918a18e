"""Direct feedback alignment, online (Nokland 2016; eqs. 1 and 6 of Wang, Gray & Banerjee).

In a network with one recurrent layer, eq. 6 summed over the past as in eq. 1 is the error of now times a running
mean of f'(a(l)) o(l-1)^T: the synapse needs to remember one number.

Nokland 2016, "Direct feedback alignment provides learning in deep neural networks",
doi:10.48550/arXiv.1609.01596.

When not to use it: where errors have to be credited to what came round by way of other neurons, of which it knows
nothing: on the bounce it is no better than a random reservoir (`autapse verdict dfa --benchmark bounce`).

========= ======= ==== =======================
Parameter Default Unit Description
========= ======= ==== =======================
eta       0.03    1    learning rate, per step
========= ======= ==== =======================
"""

from autapse_sim import Rule

rule = Rule(
    eligibility="ds/dt = f_prime_post * activity_pre / step : 1",  # sum over l of f'(a_i(l)) o_j(l-1)
    update="w -= eta * feedback_post * s / elapsed",  # eqs. 1 and 6
    parameters={"eta": 0.03},
)
