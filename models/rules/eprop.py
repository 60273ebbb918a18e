"""e-prop (Bellec et al. 2020, eqs. 1, 4, 23 and 28): a learning signal times a filtered eligibility trace.

For neurons without adaptation, spiking or not. The learning signal is the error through B (random, V^T, ...); with
update 'trajectory' or 'batch' the weights change at the end, with 'step' at every step. A regularisation (eq. 48 there)
pulls the mean of what each neuron sends towards `f_target`. The eligibility decays with the tau_m of the neuron that
receives. Not for neurons whose threshold adapts (`eprop_alif` is for these), nor for those without a tau_m (`adex`,
`hh`, `autaptic`), nor where the error comes back by way of other neurons: no rule of this form sees that.

Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons",
doi:10.1038/s41467-020-17236-y.

========= ======= ==== ==================================================================
Parameter Default Unit Description
========= ======= ==== ==================================================================
tau_e     30      ms   time constant of the filter of the eligibility, that of the read-out
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
        ebar : 1                                     # filtered eligibility
        S : 1                                        # sum of the eligibility
    """,
    update="""
        eligibility = f_prime_post*zbar
        ebar += (1 - exp(-dt/tau_e))*(eligibility - ebar)
        S += eligibility*dt/step
        w -= eta*feedback_post*ebar
    """,
    finish="w -= eta*c_reg*(sent_sum_post/steps - f_target*step)/steps*S",
    parameters={"tau_e": 30 * ms, "eta": 1e-4, "c_reg": 0.0, "f_target": 10 * Hz},
    tune={"tau_e": (0.1 * ms, 3 * ms, 10 * ms, 30 * ms)},
)
