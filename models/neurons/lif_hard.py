"""Leaky integrate-and-fire neuron with a hard reset: after a spike v is v_reset, whatever it was before.

The LIF of the neuromorphic intermediate representation, which many simulators and chips read (Pedersen et al. 2024,
"Neuromorphic intermediate representation", doi:10.1038/s41467-024-52259-9), with v_leak = 0 and R = 1. Otherwise it is
`lif`: a spike arrives at other neurons one step later, as a pulse of one step; the read-out reads the spikes through a
low-pass filter. Not where spikes shall keep what was above the threshold: `lif` does.

========= ======= ==== ===================================================================
Parameter Default Unit Description
========= ======= ==== ===================================================================
tau_m     30      ms   membrane time constant
tau_out   30      ms   time constant of the filter that the read-out sees
v_th      0.03    1    threshold
v_reset   0       1    v after a spike
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
    threshold="v > v_th",
    reset="""
        v = v_reset
        o += (1 - exp(-dt/tau_out))*step/dt
    """,
    pseudo_derivative="gamma/v_th*clip(1 - abs(v - v_th)/v_th, 0, 1)",
    method="exponential_euler",
    parameters={"tau_m": 30 * ms, "tau_out": 30 * ms, "v_th": 0.03, "v_reset": 0.0, "gamma": 0.3},
)
