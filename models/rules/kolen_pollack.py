"""Learned feedback (Kolen & Pollack 1994; Akrout et al. 2019): B moves as V does, so that it turns towards V^T.

With the delta rule, its learning rate and the same start of learning, B - V^T stays as it was while both grow.

Kolen & Pollack 1994, "Backpropagation without weight transport", doi:10.1109/ICNN.1994.374486; Akrout et al. 2019,
"Deep learning without weight transport", doi:10.48550/arXiv.1904.05391.

When not to use it: where V does not learn, or learns by another rate or optimiser than B: then B does not turn towards
V^T. Weights do not decay here, so that what B and V^T differ by stays, and counts less only as both grow.

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
