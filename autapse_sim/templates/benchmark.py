"""My benchmark: a setting in which rules are judged."""

# See what the bench makes of it:      autapse check my_benchmark.py
# Judge a rule in it:                  autapse verdict autapse --benchmark my_benchmark.py --replicates 16

import autapse_sim as ap

benchmark = ap.Benchmark(
    title="remember which way was flipped last",
    # What is shown: one of `autapse tasks`, or an object of yours as `autapse new task` writes one.
    task=ap.FlipFlop(steps=50, probability=0.1),
    # The networks. The rule that is judged is put in; W and b learn by it, the read-out V and c by the delta rule.
    circuit=ap.Circuit(
        neuron="rate", neurons=20, readout="random", activation="tanh", learn=("W", "b", "V", "c"), feedback="symmetric"
    ),
    # How they are trained: trajectories, and what becomes of a gradient. Seeds and replicates are put in.
    protocol=ap.Protocol(
        train=1600,
        validate=10,
        test=20,
        update="batch",
        batch=16,
        optimiser="adam",
        averaging=False,
        validate_every=320,
    ),
    # Learning rates to choose from, on seeds of their own.
    etas=(0.001, 0.003, 0.01, 0.03),
    # The first steps of a trajectory, whose error does not count.
    unscored=5,
)
