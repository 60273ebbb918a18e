"""FORCE (Sussillo & Abbott 2009, eqs. 2 to 6): recursive least squares for the read-out V.

P, the running estimate of the inverse correlation of the activity, is a state of synapses between all neurons; here it
is kept as alpha P, which starts at the identity. With substeps each integration step counts dt/step in the sum of
squares that is least, so that P and V learn at the same pace.

Sussillo & Abbott 2009, "Generating coherent patterns of activity from chaotic neural networks",
doi:10.1016/j.neuron.2009.07.018.

When not to use it: where a rule has to be local (P joins all synapses of the read-out), for W (which stays as it was
drawn), or where what is to be learned changes late: it forgets nothing, so that its steps become ever smaller.

========= ======= ==== ====================================================
Parameter Default Unit Description
========= ======= ==== ====================================================
alpha     1       1    regularisation; 1/alpha is the first learning rate
========= ======= ==== ====================================================
"""

from autapse_sim import Connection, Rule

rule = Rule(
    connections=(
        Connection(
            equations="P : 1",
            initial="identity",
            sums={"gain": "P*activity_pre"},  # alpha P r
            update="P -= gain_pre*gain_post*(dt/step)/(alpha + power_post*(dt/step))",  # eq. 5
        ),
        Connection(sums={"power": "activity_pre*gain_pre"}),  # alpha r' P r
    ),
    update="w -= err_post*gain_pre*(dt/step)/(alpha + power_pre*(dt/step))",  # eq. 4
    parameters={"alpha": 1.0},
)
