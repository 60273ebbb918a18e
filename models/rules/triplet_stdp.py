"""Triplet STDP (Pfister & Gerstner 2006, eqs. 3 and 4, doi:10.1523/JNEUROSCI.1425-06.2006), all-to-all.

Defaults are those of the minimal model for the visual cortex (A2_plus = A3_minus = 0, so that tau_x does not count);
the full one (their Table 3) has A2_plus 5e-10, A2_minus 7e-3, A3_plus 6.2e-3, A3_minus 2.3e-4, tau_y 125 ms. Those of
nearest spikes are others: traces add up here.

When not to use it: where weights have to stay bounded by themselves (give the protocol a `bound`), or where the
voltage and not the spikes decides (`clopath`).

========= ======= ==== =========================================
Parameter Default Unit Description
========= ======= ==== =========================================
tau_plus  16.8    ms   of the fast presynaptic trace r1
tau_x     101     ms   of the slow presynaptic trace r2
tau_minus 33.7    ms   of the fast postsynaptic trace o1
tau_y     114     ms   of the slow postsynaptic trace o2
A2_plus   0       1    potentiation by pairs
A3_plus   6.5e-3  1    potentiation by triplets
A2_minus  7.1e-3  1    depression by pairs
A3_minus  0       1    depression by triplets
========= ======= ==== =========================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    eligibility="""
        dr1/dt = -r1/tau_plus : 1 (event-driven)
        dr2/dt = -r2/tau_x : 1 (event-driven)
        do1/dt = -o1/tau_minus : 1 (event-driven)
        do2/dt = -o2/tau_y : 1 (event-driven)
    """,
    on_pre="w -= o1*(A2_minus + A3_minus*r2); r1 += 1; r2 += 1",  # eq. 3: r2 as it was before this spike
    on_post="w += r1*(A2_plus + A3_plus*o2); o1 += 1; o2 += 1",  # eq. 4
    parameters={"tau_plus": 16.8 * ms, "tau_x": 101 * ms, "tau_minus": 33.7 * ms, "tau_y": 114 * ms}
    | {"A2_plus": 0.0, "A3_plus": 6.5e-3, "A2_minus": 7.1e-3, "A3_minus": 0.0},
)
