"""e-prop for neurons with an adaptive threshold (Bellec et al. 2020, eqs. 1, 4, 24, 25 and 28), such as `alif`.

As `eprop`, with an eligibility of two components: what has arrived at the membrane (zbar), less what it did to the
threshold since then (epsilon), which a synapse remembers for as long as the adaptation does. Both decay with the time
constants of the neuron that receives. Not for neurons without `beta` and `tau_a`: `eprop` is the same without them.

Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons",
doi:10.1038/s41467-020-17236-y.

========= ======= ==== ==================================================================
Parameter Default Unit Description
========= ======= ==== ==================================================================
tau_e     20      ms   time constant of the filter of the eligibility, that of the read-out
eta       1e-4    1    learning rate
c_reg     0       1    strength of the regularisation
f_target  10      Hz   rate that it pulls to
========= ======= ==== ==================================================================
"""

from brian2 import Hz, ms

from autapse_sim import Rule

rule = Rule(
    eligibility="""
        dzbar/dt = (sent_pre - zbar)/tau_m_post : 1  # what has arrived, as the membrane remembers it
        epsilon : 1                                  # what has arrived, as the threshold remembers it
        ebar : 1                                     # filtered eligibility
        S : 1                                        # sum of the eligibility
    """,
    update="""
        eligibility = f_prime_post*(zbar - beta_post*epsilon)
        epsilon = exp(-dt/tau_a_post)*epsilon + eligibility*dt/step
        ebar += (1 - exp(-dt/tau_e))*(eligibility - ebar)
        S += eligibility*dt/step
        w -= eta*feedback_post*ebar
    """,
    finish="w -= eta*c_reg*(sent_sum_post/steps - f_target*step)/steps*S",
    parameters={"tau_e": 20 * ms, "eta": 1e-4, "c_reg": 0.0, "f_target": 10 * Hz},
    tune={"tau_e": (0.1 * ms, 3 * ms, 10 * ms, 20 * ms)},
)
