"""Hodgkin-Huxley neuron with the channels of Traub & Miles (1991), as in the benchmark of Brette et al. (2007).

The cell has 20000 um^2 of membrane of 1 uF/cm^2. A spike is the passage of v over v_th, once in each action potential.
It arrives at other neurons one integration step later, as a pulse of the charge that a current carries in one step of
the stimulus; the read-out reads the spikes through a low-pass filter, as with the neuron lif. The sodium channels need
dt of 0.05 ms or less (substeps=20). The cell rests without input, which the benchmark's E_L of -60 mV does not let it;
a current I_bias of 0.1 nA makes it fire 23 spikes a second.

Traub & Miles 1991, "Neuronal networks of the hippocampus", doi:10.1017/CBO9780511895401; Brette et al. 2007,
"Simulation of networks of spiking neurons: a review of tools and strategies", doi:10.1007/s10827-007-0038-6.

========= ======= ==== =================================================================
Parameter Default Unit Description
========= ======= ==== =================================================================
C         200     pF   membrane capacitance
g_L       10      nS   leak conductance
g_Na      20      uS   sodium conductance, all channels open
g_K       6       uS   potassium conductance, all channels open
E_L       -65     mV   leak reversal potential
E_Na      50      mV   sodium reversal potential
E_K       -90     mV   potassium reversal potential
V_T       -63     mV   where the rates of the channels are measured from
I_bias    0       nA   current that is injected
I_scale   0.2     nA   current of a drive, input or bias of 1
v_th      -20     mV   what v passes in a spike
tau_out   30      ms   time constant of the filter that the read-out sees
gamma     0.3     1    height of the pseudo-derivative, a triangle around V_T + 13 mV
========= ======= ==== =================================================================
"""

from brian2 import ms, mV, nA, nS, pF, uS

from autapse_sim import Neuron

neuron = Neuron(
    equations="""
        dv/dt = (g_L*(E_L - v) + g_Na*m**3*h*(E_Na - v) + g_K*n**4*(E_K - v) + I)/C : volt
        dm/dt = alpha_m*(1 - m) - beta_m*m : 1
        dh/dt = alpha_h*(1 - h) - beta_h*h : 1
        dn/dt = alpha_n*(1 - n) - beta_n*n : 1
        u = (v - V_T)/mV : 1
        alpha_m = 1.28/exprel((13 - u)/4)/ms : Hz
        beta_m = 1.4/exprel((u - 40)/5)/ms : Hz
        alpha_h = 0.128*exp((17 - u)/18)/ms : Hz
        beta_h = 4/(1 + exp((40 - u)/5))/ms : Hz
        alpha_n = 0.16/exprel((15 - u)/5)/ms : Hz
        beta_n = 0.5*exp((10 - u)/40)/ms : Hz
        do/dt = -o/tau_out : 1
        I = I_bias + I_scale*(drive + input + bias) : amp
        activity = o : 1
        sent = spiked*step/dt : 1
    """,
    threshold="(v - v_th)/(13*mV) > 0",
    reset="o += (1 - exp(-dt/tau_out))*step/dt",
    refractory="v > v_th",
    pseudo_derivative="gamma*clip(1 - abs(u - 13)/13, 0, 1)",
    initial={
        "v": "E_L",
        "m": "alpha_m/(alpha_m + beta_m)",
        "h": "alpha_h/(alpha_h + beta_h)",
        "n": "alpha_n/(alpha_n + beta_n)",
    },
    method="exponential_euler",
    parameters={
        "C": 200 * pF,
        "g_L": 10 * nS,
        "g_Na": 20 * uS,
        "g_K": 6 * uS,
        "E_L": -65 * mV,
        "E_Na": 50 * mV,
        "E_K": -90 * mV,
        "V_T": -63 * mV,
        "I_bias": 0 * nA,
        "I_scale": 0.2 * nA,
        "v_th": -20 * mV,
        "tau_out": 30 * ms,
        "gamma": 0.3,
    },
)
