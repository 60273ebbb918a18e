"""Voltage-based STDP (Clopath et al. 2010, eqs. 1 and 2, doi:10.1038/nn.2479), without its homeostasis.

A presynaptic spike depresses as far as the slow voltage is above theta_minus; the trace of such spikes potentiates
while v is above theta_plus and the fast filtered voltage above theta_minus. Defaults: visual cortex (their Table 1b).
The filters see v 3 ms late, through three of 1 ms, as in the authors' program (ModelDB 144566, by 3 steps of 1 ms):
without that, which the paper does not print, a spike potentiates by what it has itself left in the fast voltage.

When not to use it: with neurons whose v has no spike in it (`lif`, `adex` reset within a step: v is never above
theta_plus for the 2 ms of an action potential) or is a mere number; `hh` has both.

=========== ======= ==== ================================================
Parameter   Default Unit Description
=========== ======= ==== ================================================
tau_x       15      ms   time constant of the presynaptic trace
tau_slow    10      ms   time constant of the voltage for depression
tau_fast    7       ms   time constant of the voltage for potentiation
tau_late    1       ms   time constant of each filter that makes v late
theta_minus -70.6   mV   voltage above which there is depression
theta_plus  -45.3   mV   voltage above which there is potentiation
A_LTD       14e-5   1    depression, per mV
A_LTP       8e-5    1    potentiation, per mV^2
=========== ======= ==== ================================================
"""

from brian2 import ms, mV

from autapse_sim import Rule

rule = Rule(
    postsynaptic="""
        dv_1/dt = (v - v_1)/tau_late : volt
        dv_2/dt = (v_1 - v_2)/tau_late : volt
        dv_3/dt = (v_2 - v_3)/tau_late : volt
        du_slow/dt = (v_3 - u_slow)/tau_slow : volt
        du_fast/dt = (v_3 - u_fast)/tau_fast : volt
    """,
    initial=dict.fromkeys(("v_1", "v_2", "v_3", "u_slow", "u_fast"), "v"),
    eligibility="dx/dt = -x/tau_x : 1 (event-driven)",
    on_pre="x += step/tau_x; w -= A_LTD*clip((u_slow_post - theta_minus)/mV, 0, inf)",  # eq. 1
    update="w += A_LTP*x*clip((v_post - theta_plus)/mV, 0, inf)*clip((u_fast_post - theta_minus)/mV, 0, inf)",  # eq. 2
    parameters={"tau_x": 15 * ms, "tau_slow": 10 * ms, "tau_fast": 7 * ms, "tau_late": 1 * ms}
    | {"theta_minus": -70.6 * mV, "theta_plus": -45.3 * mV, "A_LTD": 14e-5, "A_LTP": 8e-5},
)
