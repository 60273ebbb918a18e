"""Adaptive exponential integrate-and-fire neuron (Brette & Gerstner 2005, eqs. 1 to 3; the parameters are theirs).

A spike arrives at other neurons one integration step later, as a pulse of the charge that a current carries in one step
of the stimulus; the read-out reads the spikes through a low-pass filter, as with the neuron lif. The upswing needs dt
of 0.1 ms or less (substeps=10). A spike counts where v passes v_cut = V_T + 5 Delta_T: from there to the paper's 20 mV
it takes less than 0.1 ms, and the upswing cannot be turned any more.

"Adaptive exponential integrate-and-fire model as an effective description of neuronal activity",
doi:10.1152/jn.00686.2005.

========= ======= ==== =================================================================
Parameter Default Unit Description
========= ======= ==== =================================================================
C         281     pF   membrane capacitance
g_L       30      nS   leak conductance
E_L       -70.6   mV   leak reversal potential
V_T       -50.4   mV   threshold of the upswing
Delta_T   2       mV   slope factor of the upswing
v_cut     -40.4   mV   where the upswing counts as a spike
v_reset   -70.6   mV   v after a spike
t_ref     0       ms   time for which v stays there
tau_w     144     ms   time constant of the adaptation
a         4       nS   adaptation below threshold
b         80.5    pA   adaptation of each spike
I_scale   1       nA   current of a drive, input or bias of 1
tau_out   30      ms   time constant of the filter that the read-out sees
gamma     0.3     1    height of the pseudo-derivative, a triangle around V_T
========= ======= ==== =================================================================
"""

from brian2 import ms, mV, nA, nS, pA, pF

from autapse_sim import Neuron

neuron = Neuron(
    equations="""
        dv/dt = (g_L*(E_L - v) + g_L*Delta_T*exp((v - V_T)/Delta_T) - I_w + I)/C : volt (unless refractory)   # eq. 1
        dI_w/dt = (a*(v - E_L) - I_w)/tau_w : amp                                                             # eq. 2
        do/dt = -o/tau_out : 1
        I = I_scale*(drive + input + bias) : amp
        activity = o : 1
        sent = spiked*step/dt : 1
    """,
    threshold="(v - v_cut)/(V_T - E_L) > 0",
    reset="""
        v = v_reset                                                                                           # eq. 3
        I_w += b
        o += (1 - exp(-dt/tau_out))*step/dt
    """,
    refractory="t_ref",
    pseudo_derivative="gamma*clip(1 - abs(v - V_T)/(V_T - E_L), 0, 1)",
    initial={"v": "E_L"},
    method="euler",
    parameters={
        "C": 281 * pF,
        "g_L": 30 * nS,
        "E_L": -70.6 * mV,
        "V_T": -50.4 * mV,
        "Delta_T": 2 * mV,
        "v_cut": -40.4 * mV,
        "v_reset": -70.6 * mV,
        "t_ref": 0 * ms,
        "tau_w": 144 * ms,
        "a": 4 * nS,
        "b": 80.5 * pA,
        "I_scale": 1 * nA,
        "tau_out": 30 * ms,
        "gamma": 0.3,
    },
)
