"""My rule (who proposed it, where, and which equations of the paper these are).

In a sentence or two: what a synapse does, and what it has to know for that.

========= ======= ==== ===================================
Parameter Default Unit Description
========= ======= ==== ===================================
tau       10      ms   time constant of the trace k
eta       0.03    1    learning rate, per step
========= ======= ==== ===================================
"""

# See what the bench makes of it:      autapse check my_rule.py
# Train networks with it:              autapse train --rule my_rule.py --tau '5 ms'
# Does it learn recurrence?            autapse verdict my_rule.py --benchmark flip-flop --replicates 16

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    # In the presynaptic neuron: it remembers its own activity. A neuron's equations may read drive (W o), input (U x),
    # bias, activity, sent, feedback, loss, f_prime and all that the neuron defines.
    trace="dk/dt = (activity - k)/tau : 1",
    # In the synapse, where it remembers something itself; names in _pre and _post are those of its two neurons. This
    # would be a trace of f'(a) o, to read as p in update:
    # eligibility="dp/dt = (f_prime_post*activity_pre - p)/tau : 1",
    # What happens to the weight w at every step; feedback_post is (B err) of the postsynaptic neuron.
    update="w -= eta * feedback_post * k_pre",
    # Default values; with a unit where they have one. All can be set from outside, swept and tuned.
    parameters={"tau": 10 * ms, "eta": 0.03},
)
