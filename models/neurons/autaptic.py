"""Conductance-based neuron with a slow excitatory autapse (Seung, Lee, Reis & Tank 2000): a memory for a rate.

Each spike of the neuron opens a share a_s of what is still closed of its autapse, which closes slowly; the autapse
drives the neuron itself with a current w_a s, and s is what the read-out reads. The membrane is of the kind of Shriki,
Hansel & Sompolinsky (2003), whose neuron the paper uses, too: an A-current (gates p and q) makes the rate an almost
linear function of the current. All gates have time constants, and the cell has a membrane of 10^-4 cm^2.

Where the rate that w_a s(f) + I_bias brings about is f itself for all f, every rate persists. w_a, a_s and I_bias are
tuned to that: rates f(I) were measured for currents from 0.08 to 0.3 nA (5.3 Hz at 0.104, 19.5 at 0.16, 41.1 at 0.24;
the threshold lies at 0.09), I was fitted by w_a s(f) + I_bias, with s(f) the mean of s at that rate, and the three were
then searched nearby for the least drift of 8, 21 and 35 Hz over a second. Less than 1% is left; with w_a 1% off, rates
drift by 1% in 0.1 s: as in a linear reduced model, the time constant of the memory is tau_s/|1 - w_a/2.506 nA|, like
tau = tau_0/(1 - w) of a rate neuron with an autapse. Spikes need dt of 0.05 ms (substeps=20).

Seung et al. 2000, "The autapse: a simple illustration of short-term analog memory storage by tuned synaptic feedback",
doi:10.1023/A:1008971908649; Shriki et al. 2003, "Rate models for conductance-based cortical neuronal networks",
doi:10.1162/08997660360675053.

========= ======= ==== =======================================================================================
Parameter Default Unit Description
========= ======= ==== =======================================================================================
C         100     pF   membrane capacitance
g_L       5       nS   leak conductance
g_Na      10      uS   sodium conductance, all channels open
g_K       4       uS   potassium conductance, all channels open
g_A       2       uS   conductance of the A-current, all channels open
E_L       -65     mV   leak reversal potential
E_Na      55      mV   sodium reversal potential
E_K       -80     mV   potassium reversal potential
tau_p     0.5     ms   time constant of the activation of the A-current
tau_q     20      ms   time constant of its inactivation
tau_s     100     ms   time constant of the autapse
a_s       0.016   1    share of the autapse that a spike opens
w_a       2.506   nA   current of the autapse, all open
I_bias    0.08204 nA   current that is injected
I_scale   0.1     nA   current of a drive, input or bias of 1
v_th      0       mV   what v passes in a spike
gamma     0.3     1    height of the pseudo-derivative, a triangle around -55 mV, from where v rises by itself
========= ======= ==== =======================================================================================
"""

from brian2 import ms, mV, nA, nS, pF, uS

from autapse_sim import Neuron

neuron = Neuron(
    equations="""
        dv/dt = (I_L + I_Na + I_K + I_A + w_a*s + I)/C : volt
        I_L = g_L*(E_L - v) : amp
        I_Na = g_Na*m**3*h*(E_Na - v) : amp
        I_K = g_K*n**4*(E_K - v) : amp
        I_A = g_A*p**3*q*(E_K - v) : amp
        dm/dt = 10*(alpha_m*(1 - m) - beta_m*m) : 1
        dh/dt = 10*(alpha_h*(1 - h) - beta_h*h) : 1
        dn/dt = 10*(alpha_n*(1 - n) - beta_n*n) : 1
        dp/dt = (1/(1 + exp(-(u + 50)/20)) - p)/tau_p : 1
        dq/dt = (1/(1 + exp((u + 80)/6)) - q)/tau_q : 1
        ds/dt = -s/tau_s : 1
        u = v/mV : 1
        alpha_m = 1/exprel(-(u + 30)/10)/ms : Hz
        beta_m = 4*exp(-(u + 55)/18)/ms : Hz
        alpha_h = 0.07*exp(-(u + 44)/20)/ms : Hz
        beta_h = 1/(1 + exp(-(u + 14)/10))/ms : Hz
        alpha_n = 0.1/exprel(-(u + 34)/10)/ms : Hz
        beta_n = 0.125*exp(-(u + 44)/80)/ms : Hz
        I = I_bias + I_scale*(drive + input + bias) : amp
        activity = s : 1
        sent = spiked*step/dt : 1
    """,
    threshold="(v - v_th)/(10*mV) > 0",
    reset="s += a_s*(1 - s)",
    refractory="v > v_th",
    pseudo_derivative="gamma*clip(1 - abs(u + 55)/10, 0, 1)",
    initial={
        "v": "E_L",
        "m": "alpha_m/(alpha_m + beta_m)",
        "h": "alpha_h/(alpha_h + beta_h)",
        "n": "alpha_n/(alpha_n + beta_n)",
        "p": "1/(1 + exp(-(u + 50)/20))",
        "q": "1/(1 + exp((u + 80)/6))",
    },
    method="exponential_euler",
    parameters={
        "C": 100 * pF,
        "g_L": 5 * nS,
        "g_Na": 10 * uS,
        "g_K": 4 * uS,
        "g_A": 2 * uS,
        "E_L": -65 * mV,
        "E_Na": 55 * mV,
        "E_K": -80 * mV,
        "tau_p": 0.5 * ms,
        "tau_q": 20 * ms,
        "tau_s": 100 * ms,
        "a_s": 0.016,
        "w_a": 2.506 * nA,
        "I_bias": 0.08204 * nA,
        "I_scale": 0.1 * nA,
        "v_th": 0 * mV,
        "gamma": 0.3,
    },
)
