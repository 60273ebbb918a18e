"""Leaky integrate-and-fire neuron with a soft reset (Bellec et al. 2020, eqs. 7 and 8).

A spike arrives at other neurons one step later, as a pulse of one step; the read-out reads the spikes through a
low-pass filter. With dt = one step this is v(t) = alpha v(t-1) + (1-alpha) (W z(t-1) + U x(t) + b) - v_th z(t-1), with
alpha = exp(-dt/tau_m), and o(t) = kappa o(t-1) + (1-kappa) z(t), with kappa = exp(-dt/tau_out).

Bellec et al. 2020, "A solution to the learning dilemma for recurrent networks of spiking neurons",
doi:10.1038/s41467-020-17236-y.

========= ======= ==== ===================================================================
Parameter Default Unit Description
========= ======= ==== ===================================================================
tau_m     30      ms   membrane time constant
tau_out   30      ms   time constant of the filter that the read-out sees
v_th      0.03    1    threshold
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
        activity = o : 1
        sent = spiked*step/dt : 1
    """,
    threshold="v >= v_th",
    reset="""
        v -= v_th*exp(dt/tau_m)                      # alpha v - v_th in the next step
        o += (1 - exp(-dt/tau_out))*step/dt
    """,
    refractory="t_ref",
    pseudo_derivative="int(not_refractory)*gamma/v_th*clip(1 - abs(v - v_th)/v_th, 0, 1)",
    method="exponential_euler",
    parameters={"tau_m": 30 * ms, "tau_out": 30 * ms, "v_th": 0.03, "t_ref": 0 * ms, "gamma": 0.3},
)
