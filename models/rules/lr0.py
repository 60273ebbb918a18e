"""Reward minus its largest value, times eligibility (Jordan, Schmidt, Senn & Petrovici 2021, rule LR0).

The rule that evolution found for a neuron that has to spike in answer to one half of its input patterns, and that
Urbanczik & Senn had derived: dw = eta (R - 1) E at the end of a trial, so that a right answer (R = 1) changes
nothing. E filters what arrived (PSP) times what the neuron did beyond what was to be expected: its spike, less the
rate phi at which it would spike at random, at this distance from its threshold. Here R = 1 - 4 loss, with the loss
of the last step: 1 where the prediction is right, -1 where it is off by 1; and phi is that after the reset, where
there is a spike.

"Evolving interpretable plasticity for spiking networks", doi:10.7554/eLife.66273; Urbanczik & Senn 2009,
"Reinforcement learning in populations of spiking neurons", doi:10.1038/nn.2264.

When not to use it: where a trial lasts much longer than tau_E, where a perfect answer cannot be reached (weights
then never rest), or in large networks: all neurons hear the same reward.

========= ======= ==== =======================================================================
Parameter Default Unit Description
========= ======= ==== =======================================================================
tau_s     2       ms   time constant of the synaptic current that the PSP is made of
rho       10      Hz   rate at the threshold
delta     1/3     1    distance from the threshold, in thresholds, within which it is e times that
tau_E     500     ms   time constant of the eligibility E
eta       1       1    learning rate, per trial
========= ======= ==== =======================================================================
"""

from brian2 import Hz, ms

from autapse_sim import Rule

rule = Rule(
    trace="""
        dcurrent/dt = sent/step - current/tau_s : 1
        dPSP/dt = (current - PSP)/tau_m : 1
    """,
    postsynaptic="phi = clip(rho*exp((v/v_th - 1)/delta), 0*Hz, 1/dt) : Hz",
    eligibility="E : 1",
    update="E += (1 - exp(-dt/tau_E))*(PSP_pre/delta*(spiked_post*step/dt - phi_post*step) - E)",
    finish="R = 1 - 4*loss_post; w += eta*(R - 1)*E",
    parameters={"tau_s": 2 * ms, "rho": 10 * Hz, "delta": 1 / 3, "tau_E": 500 * ms, "eta": 1.0},
    tune={"tau_E": (10 * ms, 100 * ms, 500 * ms), "eta": (0.1, 1.0, 10.0)},
)
