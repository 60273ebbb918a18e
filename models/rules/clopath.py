"""Voltage-based STDP (Clopath et al. 2010, eqs. 1 and 2, doi:10.1038/nn.2479), without its homeostasis.

A presynaptic spike depresses as far as the slow voltage is above theta_minus; the trace of such spikes potentiates
while v is above theta_plus and the fast filtered voltage above theta_minus. Defaults: visual cortex (their Table 1b).

When not to use it: with neurons whose v has no spike in it (`lif`, `adex` reset within a step: v is never above
theta_plus for the 2 ms of an action potential) or is a mere number; `hh` has both.

=========== ======= ==== =============================================
Parameter   Default Unit Description
=========== ======= ==== =============================================
tau_x       15      ms   time constant of the presynaptic trace
tau_slow    10      ms   time constant of the voltage for depression
tau_fast    7       ms   time constant of the voltage for potentiation
theta_minus -70.6   mV   voltage above which there is depression
theta_plus  -45.3   mV   voltage above which there is potentiation
A_LTD       14e-5   1    depression, per mV
A_LTP       8e-5    1    potentiation, per mV^2 and ms
=========== ======= ==== =============================================
"""

from brian2 import ms, mV

from autapse_sim import Rule

rule = Rule(
    postsynaptic="""
        du_slow/dt = (v - u_slow)/tau_slow : volt
        du_fast/dt = (v - u_fast)/tau_fast : volt
    """,
    initial={"u_slow": "v", "u_fast": "v"},
    eligibility="dx/dt = -x/tau_x : 1 (event-driven)",
    on_pre="""
        x += step/tau_x
        w -= A_LTD*clip((u_slow_post - theta_minus)/mV, 0, inf)
    """,  # eq. 1
    update="w += A_LTP*x*clip((v_post - theta_plus)/mV, 0, inf)*clip((u_fast_post - theta_minus)/mV, 0, inf)",  # eq. 2
    parameters={"tau_x": 15 * ms, "tau_slow": 10 * ms, "tau_fast": 7 * ms, "theta_minus": -70.6 * mV}
    | {"theta_plus": -45.3 * mV, "A_LTD": 14e-5, "A_LTP": 8e-5},
)
