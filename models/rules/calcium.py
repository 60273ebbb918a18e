"""Calcium-based plasticity (Graupner & Brunel 2012, eq. 1, doi:10.1073/pnas.1109359109), with its noise.

Spikes of both sides add calcium; above theta_d it depresses, above theta_p it potentiates the efficacy, which is w and
drifts to 0 or 1. The noise is that of their correction (doi:10.1073/pnas.1220044110). Defaults are those of the curve
DP (their Table S1); its delay D of 13.7 ms is Circuit(delay="14 ms").

When not to use it: where w should go beyond 0 and 1, or within less than minutes (tau); nor where spikes
should be transmitted faster than the calcium of the presynaptic side comes.

========= ======= ==== ================================================
Parameter Default Unit Description
========= ======= ==== ================================================
tau_Ca    20      ms   time constant of the calcium
C_in      1       1    calcium of a presynaptic spike
C_out     2       1    calcium of a postsynaptic spike
theta_d   1       1    calcium above which there is depression
theta_p   1.3     1    calcium above which there is potentiation
gamma_d   200     1    rate of depression
gamma_p   321.808 1    rate of potentiation
sigma     2.8284  1    noise above the thresholds
tau       150000  ms   time constant of the efficacy
========= ======= ==== ================================================
"""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    eligibility="dCa/dt = -Ca/tau_Ca : 1 (event-driven)",
    on_pre="Ca += C_in",
    on_post="Ca += C_out",
    update="""
        up = int(Ca > theta_p); down = int(Ca > theta_d)
        w += (gamma_p*(1 - w)*up - gamma_d*w*down - w*(1 - w)*(0.5 - w))*dt/tau + sigma*sqrt((up + down)*dt/tau)*randn()
    """,  # eq. 1
    parameters={"tau_Ca": 20 * ms, "C_in": 1.0, "C_out": 2.0, "theta_d": 1.0, "theta_p": 1.3, "gamma_d": 200.0}
    | {"gamma_p": 321.808, "sigma": 2.8284, "tau": 150000 * ms},
)
