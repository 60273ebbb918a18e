"""Multidigraph learning (MDGL): e-prop, and modulators that tell how others were of use (Liu et al. 2021).

Beside the error that comes back to it, a neuron hears a modulator: what every neuron that it may have driven was of
use, its pseudo-derivative times its own error, weighted by a gain that depends on the types of the two alone. So a
synapse also learns what its neuron did to the errors of others a step later. Types are excitatory, the first of the
neurons, and inhibitory. This is the non-local and online form of the paper (NL-MDGL, OnMDGL): modulators reach all
neurons, not only those that send to the one that releases them, and gains are constants, the mean weights from type
to type (g_EI: to excitatory neurons from inhibitory ones), which the paper's program takes anew from W in each
update.

"Cell-type-specific neuromodulation guides synaptic credit assignment in a spiking neural network",
doi:10.1073/pnas.2111821118.

When not to use it: where types have no mean weight of their own (gains of 0, with which it is `eprop_alif`), or
where what a neuron does matters to others only after many steps: modulators look one synapse ahead.

========== ======= ==== ==================================================================
Parameter  Default Unit Description
========== ======= ==== ==================================================================
excitatory 0.8     1    share of the neurons that are excitatory
g_EE       0.05    1    gain: mean weight to excitatory neurons from excitatory ones
g_EI       -0.2    1    to excitatory neurons from inhibitory ones
g_IE       0.05    1    to inhibitory neurons from excitatory ones
g_II       -0.2    1    to inhibitory neurons from inhibitory ones
tau_e      20      ms   time constant of the filter of the eligibility, that of the read-out
eta        1e-4    1    learning rate
c_reg      0       1    strength of the regularisation
f_target   10      Hz   rate that it pulls to
========== ======= ==== ==================================================================
"""

from brian2 import Hz, ms

from autapse_sim import Connection, Rule

rule = Rule(
    postsynaptic="""
        dpsi/dt = (f_prime - psi)/tau_e : 1          # filtered pseudo-derivative, up to the step before
        psi_now = exp(-dt/tau_e)*psi + (1 - exp(-dt/tau_e))*f_prime : 1  # and up to this one
        is_E = int(i < excitatory*N) : 1
    """,
    connections=(
        Connection(
            sums={
                "modulator": """psi_now_pre*feedback_pre*(is_E_pre*is_E_post*g_EE + is_E_pre*(1 - is_E_post)*g_EI
                    + (1 - is_E_pre)*is_E_post*g_IE + (1 - is_E_pre)*(1 - is_E_post)*g_II)"""
            },
            among="taught",
        ),
    ),
    eligibility="""
        dzbar/dt = (sent_pre - zbar)/tau_m_post : 1  # what has arrived, as the membrane remembers it
        epsilon : 1                                  # what has arrived, as the threshold remembers it
        ebar : 1                                     # filtered eligibility
        S : 1                                        # sum of the eligibility
    """,
    update="""
        before = ebar  # up to the step before: it has to arrive
        eligibility = f_prime_post*(zbar - beta_post*epsilon)
        epsilon = exp(-dt/tau_a_post)*epsilon + eligibility*dt/step
        ebar += (1 - exp(-dt/tau_e))*(eligibility - ebar)
        S += eligibility*dt/step
        w -= eta*feedback_post*ebar
        w -= eta*(1 - exp(-dt/tau_m_post))*modulator_post*before
    """,
    finish="w -= eta*c_reg*(sent_sum_post/steps - f_target*step)/steps*S",
    parameters={"excitatory": 0.8, "g_EE": 0.05, "g_EI": -0.2, "g_IE": 0.05, "g_II": -0.2}
    | {"tau_e": 20 * ms, "eta": 1e-4, "c_reg": 0.0, "f_target": 10 * Hz},
    tune={"tau_e": (0.1 * ms, 3 * ms, 10 * ms, 20 * ms)},
)
