"""
4. Judge a rule
===============

*Does this rule learn recurrence where recurrence matters?* A verdict answers in a sentence, with the numbers behind it.
This one is tiny (8 seeds, few trajectories), so that it takes seconds and often *cannot say*. The numbers of the front
page come from the full one, ``autapse verdict autapse --benchmark bounce`` with 200 seeds.
"""

# %%
# The question
# ------------
#
# The read-out is trained for everyone. So the control that counts is the same network with recurrent weights as they
# were drawn, a random reservoir, and the same trained read-out. :doc:`../explanation/verdict` says why, and what else
# has to be beaten.

import textwrap

import autapse_sim as ap

result = ap.verdict("rflo", "copy", replicates=8, train=320)
print(textwrap.fill(result.data.attrs["sentence"], 88))

# %%

print(result.data.attrs["table"])

# %%
# The evidence
# ------------
#
# Every seed is a dot. On the right the ratio of errors in the same seed, with its interval: left of 1 is better than
# the fixed reservoir.

result.plot.scores()

# %%
# What was tried of each method, on 16 other seeds:

result.plot.learning_rates()

# %%
# One page with all of it, which needs no network and can be sent to a reviewer:

ap.report(result, "verdict.html")

# %%
# A full verdict, stored: 200 seeds a method, printed by ``autapse verdict autapse --benchmark bounce`` (5 minutes on
# two idle cores).
#
# .. literalinclude:: ../data/verdict_bounce.txt
#    :language: text
#
# An answer is one of its benchmark: ``autapse verdict autapse --benchmark flip-flop`` printed
#
# .. literalinclude:: ../data/verdict_flip_flop.txt
#    :language: text
