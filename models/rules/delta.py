"""Delta rule (Widrow & Hoff 1960) for the read-out V and its bias c: gradient descent on the error of this step.

Widrow & Hoff 1960, "Adaptive switching circuits", doi:10.21236/AD0241531.

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
