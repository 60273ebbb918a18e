"""The fixed reservoir over the learning rate of its read-out: python tests/benchmarks/reservoir_rates.py copy 0.01 0.1

Median over 8 seeds of the test error of networks whose read-out alone learns, with a benchmark's circuit and protocol.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np

import autapse_sim as ap
from autapse_sim.experiments.benchmark import benchmarks


def error(name: str, eta: float) -> float:
    """The median test error at a learning rate of the read-out."""
    benchmark = benchmarks()[name]
    circuit = replace(benchmark.circuit, rule="fa", learn=("V", "c"))
    protocol = replace(benchmark.protocol, replicates=8, seed=5)
    data = ap.train(circuit, benchmark.task, protocol, parameters={**benchmark.parameters, "eta_out": eta}).data
    errors = data.cross_entropy if benchmark.circuit.loss == "cross-entropy" else data.mse
    return float(np.median(errors.mean("trajectory")))


if __name__ == "__main__":
    for rate in map(float, sys.argv[2:]):
        print(f"{sys.argv[1]}: read-out at {rate:g}, median test error {error(sys.argv[1], rate):.4g}", flush=True)
