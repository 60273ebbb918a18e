"""e-prop with a learning signal that diffuses (Barretto-Bittar, Levina, Giannakakis & Zeraati 2026).

As `eprop_alif`, but what the error tells a neuron stays there and spreads. Neurons sit on a torus, row by row with
`side` in a row; in each step a neuron hears, beside the error, k times the mean of what itself and its eight
neighbours heard in the step before. With k = 0 it is `eprop_alif`. Where the error reaches few neurons, their
neighbours learn of it.

"Diffusion of Neuromodulators for Temporal Credit Assignment", doi:10.48550/arXiv.2603.08949.

When not to use it: where the error reaches every neuron, or where neighbours on the torus have nothing to do with
each other (weights drawn without regard to it); nor where errors change their sign within some 1/(1 - k) steps.

========= ======= ==== ==================================================================
Parameter Default Unit Description
========= ======= ==== ==================================================================
k         0.75    1    what is left of the signal in the next step
side      10      1    neurons in a row, 3 or more
tau_e     20      ms   time constant of the filter of the eligibility, that of the read-out
eta       1e-4    1    learning rate
c_reg     0       1    strength of the regularisation
f_target  10      Hz   rate that it pulls to
========= ======= ==== ==================================================================
"""

from brian2 import Hz, ms

from autapse_sim import Connection, Rule

rule = Rule(
    connections=(
        Connection(
            sums={
                "spread": """k/9*signal_pre*int(abs(abs(row_pre - row_post) - rows_post/2) >= rows_post/2 - 1)
                    *int(abs(abs(column_pre - column_post) - side/2) >= side/2 - 1)"""
            },
            when="drive",
            among="taught",
        ),
        Connection(sums={"signal": "spread_pre + feedback_pre"}, pairs="self", among="taught"),
    ),
    postsynaptic="""
        row = floor((i + 0.5)/side) : 1
        column = i - side*row : 1
        rows = ceil(N/side) : 1
    """,
    eligibility="""
        dzbar/dt = (sent_pre - zbar)/tau_m_post : 1  # what has arrived, as the membrane remembers it
        epsilon : 1                                  # what has arrived, as the threshold remembers it
        ebar : 1                                     # filtered eligibility
        S : 1                                        # sum of the eligibility
    """,
    update="""
        eligibility = f_prime_post*(zbar - beta_post*epsilon)
        epsilon = exp(-dt/tau_a_post)*epsilon + eligibility*dt/step
        ebar += (1 - exp(-dt/tau_e))*(eligibility - ebar)
        S += eligibility*dt/step
        w -= eta*signal_post*ebar
    """,
    finish="w -= eta*c_reg*(sent_sum_post/steps - f_target*step)/steps*S",
    parameters={"k": 0.75, "side": 10, "tau_e": 20 * ms, "eta": 1e-4, "c_reg": 0.0, "f_target": 10 * Hz},
    tune={"k": (0.0, 0.5, 0.75, 0.9)},
)
