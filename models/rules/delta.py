"""Delta rule (Widrow & Hoff 1960) for the read-out V and its bias c: gradient descent on the error of this step.

Widrow & Hoff 1960, "Adaptive switching circuits", doi:10.21236/AD0241531.

When not to use it: where the read-out has to follow within a few trajectories: along directions in which activities
vary little it is slow (`force` is not). With eta_out above 2 over the squared length of the activity it diverges.

========= ======= ==== ======================================
Parameter Default Unit Description
========= ======= ==== ======================================
eta_out   0.03    1    learning rate of the read-out, per step
========= ======= ==== ======================================
"""

from autapse_sim import Rule

rule = Rule(
    update="w -= eta_out * err_post * activity_pre",
    parameters={"eta_out": 0.03},
)
