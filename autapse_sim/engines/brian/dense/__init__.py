"""All-to-all projections of many replicates as nested loops in Brian2's C++ standalone mode.

Brian2 gives every synapse the index of its two neurons and loads both for each. Where a projection joins all with all
within each replicate these indices are known: here they are computed by the loops, which the compiler then vectorises.
Equations stay Brian2's; only the loops around the code that it generates are ours.
"""
