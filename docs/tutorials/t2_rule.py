"""
2. Write a rule
===============

From a template to a rule that is checked, trained and compared, in four steps. Each step is one command; in Python it
is one call.
"""

# %%
# A file to begin with
# --------------------
#
# ``autapse new rule my_rule.py`` writes a commented file that runs as it is. What it says, without its comments:

from pathlib import Path

_ = Path("my_rule.py").write_text('''"""Hebbian learning by the error: what comes in times what went wrong."""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    trace="dk/dt = (activity - k)/tau : 1",       # in the presynaptic neuron
    update="w -= eta * feedback_post * k_pre",    # at every step
    parameters={"tau": 10 * ms, "eta": 0.03},
)
''')

# %%
# Change it
# ---------
#
# The trace shall live in the synapse, and count only where the neuron that receives can still change: times f'. The
# words that may stand there are listed in :doc:`../meaning`; a word that means nothing is refused with the nearest one.

_ = Path("my_rule.py").write_text('''"""The error times a trace, in the synapse, of f' and what arrived."""

from brian2 import ms

from autapse_sim import Rule

rule = Rule(
    eligibility="dp/dt = (f_prime_post*activity_pre - p)/tau : 1",
    update="w -= eta * feedback_post * p",
    parameters={"tau": 3 * ms, "eta": 0.03},
    tune={"tau": (1 * ms, 3 * ms, 10 * ms)},      # what a verdict may try
)
''')

# %%
# Check it
# --------
#
# ``autapse check my_rule.py`` says what the bench understood: the equations, each variable with its place and unit,
# what the rule asks of a brain and which term asks it, and how a tiny run stands to a plain reference interpreter and
# to the exact gradient.

import subprocess
import sys
import textwrap

autapse = [sys.executable, "-m", "autapse_sim"]
print(subprocess.run([*autapse, "check", "my_rule.py"], capture_output=True, text=True).stdout)

# %%
# A mistake is one line, with file and line and the remedy:

wrong = Path("my_rule.py").read_text().replace("feedback_post", "feedbak_post")
_ = Path("wrong_rule.py").write_text(wrong)
refused = subprocess.run([*autapse, "check", "wrong_rule.py"], capture_output=True, text=True).stderr
print(textwrap.fill(refused, 88))

# %%
# Compare it
# ----------
#
# On a task that asks for memory, beside the exact gradient and the autapse rule.

import autapse_sim as ap

circuit = ap.Circuit(neurons=20, activation="tanh", readout="random", learn=("W", "b", "V", "c"), feedback="symmetric")
task = ap.FlipFlop(steps=40, probability=0.1)
protocol = ap.Protocol(replicates=8, train=160, validate=10, test=10, update="batch", batch=16, optimiser="adam")
result = ap.compare(("bptt", "autapse", "my_rule.py"), task=task, circuit=circuit, protocol=protocol)
result.data.mse.median(("replicate", "trajectory")).to_dataframe()

# %%
# Learning curves, with the controls as lines:

result.plot.fig2()

# %%
# A variant is a line of Python; the file stays as it is.

slower = ap.read_rule("my_rule.py").replace(update="w -= eta * feedback_post * p * (1 + abs(w))")
print(slower.update)
