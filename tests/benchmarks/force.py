"""FORCE learning of Sussillo & Abbott (2009, Neuron 63:544), Fig. 2: python tests/benchmarks/force.py

N = 1000 chaotic neurons (g = 1.5, connection probability 0.1; tau = 10 ms in steps of 1 ms) learn to produce a sum of
four sines (period 120 tau) within 1440 tau, and then go on by themselves for as long again. The paper shows learning
within about 1000 tau; printed are the error while V learns, by tenths, and the test error after learning stops.
"""

import argparse
import time

import numpy as np

import autapse_sim as ap

TAU = 10  # steps
PERIOD = 120 * TAU


def sines(steps: int) -> np.ndarray:
    """The target: four sines of the period of one and of a half, a third and a quarter of it."""
    phase = 2 * np.pi * np.arange(steps) / PERIOD
    amplitudes = {1: 1, 2: 1 / 2, 3: 1 / 6, 4: 1 / 3}
    return 1.3 / 1.5 * sum(amplitude * np.sin(k * phase) for k, amplitude in amplitudes.items())


def chaotic(rng: np.random.Generator, replicates: int, neurons: int, gain: float, probability: float) -> ap.Weights:
    """Sparse recurrent weights of standard deviation gain/sqrt(probability N), silent read-outs, uniform feedback."""
    shape = (replicates, neurons, neurons)
    W = rng.normal(0, gain / np.sqrt(probability * neurons), shape) * (rng.random(shape) < probability)
    nothing = np.zeros((replicates, neurons, 1))
    F = rng.uniform(-1, 1, (replicates, neurons, 1))
    return ap.Weights(W=W, U=nothing, V=nothing.swapaxes(1, 2), B=nothing, F=F)


def main() -> None:
    """Learn, stop learning, print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--neurons", type=int, default=1000)
    options.add_argument("--replicates", type=int, default=1)
    options.add_argument("--duration", type=int, default=1440, help="of learning, in tau; the test is as long")
    options.add_argument("--alpha", type=float, default=1.0)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    rng = np.random.default_rng(given.seed)
    steps, R, n = given.duration * TAU, given.replicates, given.neurons
    target = np.broadcast_to(sines(2 * steps).reshape(1, 2, steps, 1), (R, 2, steps, 1)).copy()
    circuit = ap.Circuit(
        neuron="leaky", readout_rule="force", neurons=n, readout="random", activation="tanh", learn="V", returned=True
    )
    protocol = ap.Protocol(replicates=R, train=1, validate=0, test=1, reset=False, record=R)
    started = time.perf_counter()
    result = ap.train(
        circuit,
        ap.ArrayTask(np.zeros_like(target), target),
        protocol,
        weights=chaotic(rng, R, n, gain=1.5, probability=0.1),
        parameters={"alpha": given.alpha, "a_0": rng.normal(0, 0.5, (R, n))},
    )
    seconds = time.perf_counter() - started
    error = np.abs(result.data.trace_error.values[:, :, : steps // 10 * 10, 0]).reshape(R, 2, 10, -1).mean(axis=3)
    print(
        f"N = {n}, {R} network(s), {given.duration} tau of learning, then {given.duration} tau of test: {seconds:.0f} s"
    )
    for phase, name in enumerate(("learning", "test")):
        print(f"mean |error| by tenths, {name}: " + " ".join(f"{e:.4f}" for e in np.median(error[:, phase], axis=0)))
    share = result.data.mse.values[:, 0] / target.var()
    print(f"test error after learning stopped: {np.median(share):.2%} of the target's variance (each: {share})")


if __name__ == "__main__":
    main()
