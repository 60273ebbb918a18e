"""RFLO (Murray 2019): the error fed back at random, times a low-pass trace of f'(a_i) o_j in the synapse.

"Local online learning in recurrent networks with random feedback", doi:10.7554/eLife.43299. The trace forgets as the
membrane of the neuron that receives does: its time constant is that neuron's tau_m, and with tau_m of one step it is f'
times what has just arrived. The same trace with a time constant of its own is `autapse_f_prime`. Not for neurons that
have no tau_m (`adex`, `hh`, `autaptic`), nor where errors have to be credited to what came round by other neurons.

========= ======= ==== =======================
Parameter Default Unit Description
========= ======= ==== =======================
eta       0.03    1    learning rate, per step
========= ======= ==== =======================
"""

from autapse_sim import Rule

rule = Rule(
    eligibility="dp/dt = (f_prime_post * activity_pre - p)/tau_m_post : 1",
    update="w -= eta * feedback_post * p",
    parameters={"eta": 0.03},
)
