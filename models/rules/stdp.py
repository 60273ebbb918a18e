"""Pair STDP (Song, Miller & Abbott 2000, doi:10.1038/78829): a window of spike times, all pairs, hard bounds.

A pair of spikes changes w by A_plus exp(-dt/tau_plus) where the presynaptic one comes first, else by
-A_minus exp(dt/tau_minus), with A_minus 5% larger; w is in units of their g_max.

When not to use it: where rates vary (pairs predict no potentiation at high rates, see `triplet_stdp`), or where what is
to be learned is told by an error, of which it knows nothing.

========= ======= ==== ===============================================
Parameter Default Unit Description
========= ======= ==== ===============================================
tau_plus  20      ms   width of the window, presynaptic spike first
tau_minus 20      ms   width of the window, postsynaptic spike first
A_plus    0.005   1    change by a pair, presynaptic spike first
A_minus   0.00525 1    change by a pair, postsynaptic spike first
w_max     1       1    largest weight
========= ======= ==== ===============================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    eligibility="""
        dApre/dt = -Apre/tau_plus : 1 (event-driven)
        dApost/dt = -Apost/tau_minus : 1 (event-driven)
    """,
    on_pre="""
        Apre += A_plus
        w = clip(w - Apost, 0, w_max)
    """,
    on_post="""
        Apost += A_minus
        w = clip(w + Apre, 0, w_max)
    """,
    parameters={"tau_plus": 20 * ms, "tau_minus": 20 * ms, "A_plus": 0.005, "A_minus": 0.00525, "w_max": 1.0},
)
