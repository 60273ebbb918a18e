"""Leaky integrate-and-fire neuron with an adaptive threshold (Bellec et al. 2020, eqs. 7 to 10), or without.

As `lif`, but each spike raises the threshold by beta, from which it returns with tau_a: the neuron spikes where
v >= v_th + beta a, with a(t) = rho a(t-1) + z(t-1) and rho = exp(-dt/tau_a) for dt = one step. With beta = 0 it is
`lif`; give beta as an array (1, n) to mix neurons with and without adaptation.

Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons",
doi:10.1038/s41467-020-17236-y.

========= ======= ==== ===================================================================
Parameter Default Unit Description
========= ======= ==== ===================================================================
tau_m     20      ms   membrane time constant
tau_out   20      ms   time constant of the filter that the read-out sees
tau_a     2000    ms   time constant of the adaptation
v_th      0.03    1    threshold of a neuron that has not spiked
beta      0.001   1    what a spike adds to the threshold
t_ref     0       ms   time after a spike in which there is no other, nor a pseudo-derivative
gamma     0.3     1    height of the pseudo-derivative, times v_th
========= ======= ==== ===================================================================
"""

from brian2 import ms

from autapse_sim import Neuron

neuron = Neuron(
    equations="""
        dv/dt = (-v + drive + input + bias)/tau_m : 1
        do/dt = -o/tau_out : 1
        da/dt = -a/tau_a : 1
        excess = v - v_th - beta*a : 1
        activity = o : 1
        sent = spiked*step/dt : 1
    """,
    threshold="excess >= 0",
    reset="""
        v -= v_th*exp(dt/tau_m)                      # alpha v - v_th in the next step
        o += (1 - exp(-dt/tau_out))*step/dt
        a += exp(dt/tau_a)                           # rho a + 1 in the next step
    """,
    refractory="t_ref",
    pseudo_derivative="int(not_refractory)*gamma/v_th*clip(1 - abs(excess)/v_th, 0, 1)",
    method="exponential_euler",
    parameters={
        "tau_m": 20 * ms,
        "tau_out": 20 * ms,
        "tau_a": 2000 * ms,
        "v_th": 0.03,
        "beta": 0.001,
        "t_ref": 0 * ms,
        "gamma": 0.3,
    },
)
