"""The error times a trace, in the synapse, of f' and what arrived."""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    eligibility="dp/dt = (f_prime_post*activity_pre - p)/tau : 1",
    update="w -= eta * feedback_post * p",
    parameters={"tau": 3 * ms, "eta": 0.03},
    tune={"tau": (1 * ms, 3 * ms, 10 * ms)},      # what a verdict may try
)
