"""Rate neuron: the network of Wang, Gray & Banerjee (sec. IV) in continuous time.

A leaky unit whose rate relaxes to f of its input current. One Euler step of dt = tau_m is the discrete network
o(t) = f(W o(t-1) + U x(t) + b).

========= ======= ==== ==========================
Parameter Default Unit Description
========= ======= ==== ==========================
tau_m     1       ms   membrane time constant
========= ======= ==== ==========================
"""

from brian2 import ms

from autapse_sim import Activation, Neuron

neuron = Neuron(
    equations="""
        do/dt = (-o + f)/tau_m : 1            # o(t) = f(a(t))
        a = drive + input + bias : 1          # a(t) = W o(t-1) + U x(t) + b
        activity = o : 1
    """,
    activations={
        "sigmoid": Activation(f="1/(1 + exp(-a))", f_prime="f*(1 - f)"),
        "tanh": Activation(f="tanh(a)", f_prime="1 - f**2"),
        "relu": Activation(f="a*int(a > 0)", f_prime="int(a > 0)"),
        "linear": Activation(f="a", f_prime="1"),
    },
    parameters={"tau_m": 1 * ms},
)
