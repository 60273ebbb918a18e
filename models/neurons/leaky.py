"""Leaky rate neuron: a low-pass filtered input current a, and a rate that is a function of it.

tau_m da/dt = -a + W o + U x(t) + b, o = f(a): the network of Sompolinsky, Crisanti & Sommers 1988 and of FORCE. The
rate neuron filters the rate instead of the current.

Sompolinsky, Crisanti & Sommers 1988, "Chaos in random neural networks", doi:10.1103/PhysRevLett.61.259.

========= ======= ==== ==========================
Parameter Default Unit Description
========= ======= ==== ==========================
tau_m     10      ms   membrane time constant
a_0       0       1    a at the start of a trajectory
========= ======= ==== ==========================
"""

from brian2 import ms

from autapse_sim import Activation, Neuron

neuron = Neuron(
    equations="""
        da/dt = (-a + drive + input + bias)/tau_m : 1
        activity = f : 1
    """,
    activations={
        "sigmoid": Activation(f="1/(1 + exp(-a))", f_prime="f*(1 - f)"),
        "tanh": Activation(f="tanh(a)", f_prime="1 - f**2"),
        "relu": Activation(f="a*int(a > 0)", f_prime="int(a > 0)"),
        "linear": Activation(f="a", f_prime="1"),
    },
    initial={"a": "a_0"},
    parameters={"tau_m": 10 * ms, "a_0": 0.0},
)
