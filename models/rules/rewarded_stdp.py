"""Reward-modulated STDP (Izhikevich 2007, doi:10.1093/cercor/bhl152): dopamine turns what pairs have left into changes.

dc/dt = -c/tau_c + STDP at spikes, dw/dt = c d, dd/dt = -d/tau_d + reward. A reward is how far the loss is below its
running mean (there it was given from outside): the loss told to all, and no error of their own. The author's program
(ModelDB 84167) pairs the nearest spikes, where here all count, keeps w from 0 to 4, and has some dopamine always.

When not to use it: where an error of each neuron is at hand, since one number for all neurons learns slowly, the more
so the more neurons there are; nor where a loss says nothing of what was done within tau_c.

========= ======= ==== ==================================================
Parameter Default Unit Description
========= ======= ==== ==================================================
tau_plus  20      ms   width of the window, presynaptic spike first
tau_minus 20      ms   width of the window, postsynaptic spike first
A_plus    1       1    eligibility of a pair, presynaptic spike first
A_minus   1.5     1    the same, postsynaptic spike first
tau_c     1000    ms   time constant of the eligibility c
tau_d     200     ms   time constant of the dopamine d
tau_loss  1000    ms   time constant of the running mean of the loss
eta       0.001   1    learning rate, per step
========= ======= ==== ==================================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    postsynaptic="""
        dbaseline/dt = (loss - baseline)/tau_loss : 1
        dd/dt = -d/tau_d + (baseline - loss)/step : 1
    """,
    eligibility="""
        dApre/dt = -Apre/tau_plus : 1 (event-driven)
        dApost/dt = -Apost/tau_minus : 1 (event-driven)
        dc/dt = -c/tau_c : 1 (event-driven)
    """,
    on_pre="Apre += A_plus; c -= Apost",
    on_post="Apost += A_minus; c += Apre",
    update="w += eta*c*d_post",
    lasting=("baseline",),
    parameters={"tau_plus": 20 * ms, "tau_minus": 20 * ms, "A_plus": 1.0, "A_minus": 1.5}
    | {"tau_c": 1000 * ms, "tau_d": 200 * ms, "tau_loss": 1000 * ms, "eta": 0.001},
)
