"""Oja's rule (Oja 1982, doi:10.1007/BF00275687): Hebb's, with a decay that keeps the norm of the weights at 1.

A linear neuron finds the first principal component of what arrives (of mean 0). No error is read.

When not to use it: for more than one neuron, which all find the same component unless something keeps them apart; nor
where what arrives has a mean, which is then found first.

========= ======= ==== =======================
Parameter Default Unit Description
========= ======= ==== =======================
eta       0.01    1    learning rate, per step
========= ======= ==== =======================
"""

from autapse_sim import Rule

rule = Rule(
    update="w += eta*activity_post*(activity_pre - activity_post*w)",
    parameters={"eta": 0.01},
    tune={"eta": (0.001, 0.01, 0.1)},
)
