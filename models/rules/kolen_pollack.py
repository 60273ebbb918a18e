"""Learned feedback (Kolen & Pollack 1994; Akrout et al. 2019): B moves as V does, so that it turns towards V^T.

With the delta rule, its learning rate and the same start of learning, B - V^T stays as it was while both grow.

========= ======= ==== ========================================
Parameter Default Unit Description
========= ======= ==== ========================================
eta_back  0.03    1    learning rate of the feedback, per step
========= ======= ==== ========================================
"""

from autapse_sim import Rule

rule = Rule(
    update="w -= eta_back * err_pre * activity_post",
    parameters={"eta_back": 0.03},
)
