"""My neuron (who proposed it, where, and which equations of the paper these are).

In a sentence or two: what it is, and what it is for.

========= ======= ==== ===============================
Parameter Default Unit Description
========= ======= ==== ===============================
tau_m     10      ms   membrane time constant
========= ======= ==== ===============================
"""

# See what the bench makes of it:      autapse check my_neuron.py
# Train networks of it:                autapse train --neuron my_neuron.py --rule rflo
# Hold the rule against the gradient:  autapse compare --neuron my_neuron.py --rule bptt --rule rflo

from brian2 import ms

from autapse_sim import Activation, Neuron

neuron = Neuron(
    # The circuit provides drive (W o), input (U x) and bias (b). `activity` has to be defined: the read-out reads it,
    # and the other neurons, too, where `sent` is not defined. Each line ends in its unit: 1 is a mere number.
    equations="""
        da/dt = (-a + drive + input + bias)/tau_m : 1
        activity = f : 1
    """,
    # What f may stand for, as a function of a; f_prime is its derivative.
    activations={
        "sigmoid": Activation(f="1/(1 + exp(-a))", f_prime="f*(1 - f)"),
        "tanh": Activation(f="tanh(a)", f_prime="1 - f**2"),
    },
    # A neuron that spikes has a threshold="v > v_th", a reset="v = 0", and a pseudo_derivative="..." in place of
    # activations; spiked is 1 in a step in which it does. `autapse check lif` shows one.
    # Where states start in each trajectory; 0 where nothing is said.
    initial={"a": 0.0},
    parameters={"tau_m": 10 * ms},
)
