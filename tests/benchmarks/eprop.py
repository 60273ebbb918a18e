"""Speed of e-prop against NEST's: the sine task of its example, 100 LIF neurons with 100 inputs, all weights plastic.

    python tests/benchmarks/eprop.py [--json] [--iterations N] [--turns N]

Needs nest-simulator (3.10; `pip install autapse-sim[benchmark]`). Prints us for a step of 1 ms of one network, side by
side: NEST on one core; ours with 1 network on one core; ours with 16 networks, which learn at rates of their own, on
all cores, divided by 16. Medians of runs taken in turns, of the steps alone: no start, no compiling. NEST records what
its example records (spikes, weights of 5 neurons, states of the read-out and of 1 neuron); ours records the read-out of
all iterations, and the states of all neurons of one network in the first and the last. Both sides are held to the
losses in `autapse reproduce eprop-sine` before their time counts. The bars: 1 network takes at most 1/5 of NEST's time,
each of 16 at most 1/8. --json prints the figures as JSON, the rest goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from time import perf_counter

import numpy as np

from autapse_sim.engines import choose as engine
from autapse_sim.experiments.reproductions.eprop_sine import CIRCUIT, PARAMETERS, SAME, TOLERANCE, WEIGHTS, reference
from autapse_sim.spec.job import Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights
from autapse_sim.training.declared import resolve_parameters

NEURONS, STEPS, NETWORKS = 100, 1000, 16
BARS = {1: 5, NETWORKS: 8}
"""How many times faster than NEST a network is meant to be, by the number of networks."""

Side = Callable[[], tuple[float, np.ndarray]]
"""Runs once; gives back the seconds of the steps, and the losses of the (first) network."""


def ours(data: dict[str, np.ndarray], iterations: int, networks: int, processes: int) -> Side:
    """The compiled engine; the first network learns at NEST's rate."""
    x = np.unpackbits(data["input_spikes"], axis=1).T[:STEPS].astype(float)
    eta = 1e-4 * np.linspace(1, 0.5, networks)
    order = np.arange(iterations)
    job = Job(
        circuit=CIRCUIT,
        x=x[None, None],
        y=data["target"][None, None, :, None],
        source=np.zeros(networks, dtype=int),
        weights=Weights(
            **{name: np.repeat(data[key][None].astype(float), networks, 0) for name, key in WEIGHTS.items()}
        ),
        parameters=resolve_parameters(CIRCUIT, {**PARAMETERS, "eta": eta, "eta_out": eta}, networks),
        schedule=Schedule(0 * order, order >= 0, order >= 0, np.isin(order, [0, iterations - 1])),
        update="trajectory",
        traced=np.array([0]),
        seeds=np.arange(networks),
        constraints=("sparse",),
    )
    engine.simulate(replace(job, schedule=Schedule(order[:1], *[order[:1] == 0] * 3)), "standalone")  # compiles

    def run() -> tuple[float, np.ndarray]:
        outcome = engine.simulate(job, "standalone", processes=processes)
        squares = (outcome.prediction[:, 0, :, 0] - data["target"]) ** 2
        return outcome.seconds, squares.sum(axis=1) / 2

    return run


def nest_side(data: dict[str, np.ndarray], iterations: int) -> Side:
    """NEST on one thread, set up as in its example eprop_supervised_regression_sine-waves_bsshslm_2020."""
    os.environ["PYNEST_QUIET"] = "1"
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    task = iterations * STEPS
    before, after = 2.0, 4.0  # when neurons get their first input, and read-outs their first target

    def run() -> tuple[float, np.ndarray]:
        nest.ResetKernel()
        nest.set(
            eprop_learning_window=float(STEPS),
            eprop_reset_neurons_on_update=True,
            eprop_update_interval=float(STEPS),
            print_time=False,
            resolution=1.0,
            total_num_virtual_procs=1,
        )
        membrane = {"C_m": 1.0, "E_L": 0.0, "I_e": 0.0, "regular_spike_arrival": False, "tau_m": 30.0, "V_m": 0.0}
        spiking = membrane | {
            "V_th": 0.03,
            "t_ref": 0.0,
            "c_reg": 300.0,
            "f_target": 10.0,
            "flush_event_send_interval": float(STEPS),
            "surrogate_gradient_function": "piecewise_linear",
            "surrogate_gradient_height": 0.3 / 0.03,
            "surrogate_gradient_width": 0.03,
        }
        generators = nest.Create("spike_generator", NEURONS)
        inputs = nest.Create("parrot_neuron", NEURONS)
        neurons = nest.Create("eprop_iaf_bsshslm_2020", NEURONS, spiking)
        output = nest.Create("eprop_readout_bsshslm_2020", 1, membrane | {"loss": "mean_squared_error"})
        target = nest.Create("step_rate_generator", 1)
        states = {"interval": 1.0, "record_from": ["V_m", "surrogate_gradient", "learning_signal"]}
        states |= {"start": before, "stop": before + task}
        readout = ["V_m", "readout_signal", "readout_signal_unnorm", "target_signal", "error_signal"]
        readout = {"interval": 1.0, "record_from": readout, "start": after, "stop": after + task}
        weights = {"senders": inputs[:5] + neurons[:5], "targets": neurons[:5] + output}
        weights |= {"start": after, "stop": after + task}
        of_neuron, of_output = nest.Create("multimeter", states), nest.Create("multimeter", readout)
        of_weights = nest.Create("weight_recorder", weights)
        spikes = [nest.Create("spike_recorder", {"start": 1.0, "stop": after + task}) for _ in range(2)]
        optimiser = {"type": "gradient_descent", "batch_size": 1, "eta": 1e-4, "Wmin": -100.0, "Wmax": 100.0}
        plastic = {"optimizer": optimiser, "average_gradient": False, "weight_recorder": of_weights}
        nest.SetDefaults("eprop_synapse_bsshslm_2020", plastic)
        everyone, static = {"rule": "all_to_all", "allow_autapses": False}, {"synapse_model": "static_synapse"}
        static |= {"delay": 1.0}
        nest.Connect(generators, inputs, "one_to_one", static)
        for source, sink, key in (
            (inputs, neurons, "w_in_rec"),
            (neurons, neurons, "w_rec_rec"),
            (neurons, output, "w_rec_out"),
        ):
            synapse = {"synapse_model": "eprop_synapse_bsshslm_2020", "delay": 1.0, "tau_m_readout": 30.0}
            nest.Connect(source, sink, everyone, synapse | {"weight": data[key]})
        feedback = {"synapse_model": "eprop_learning_signal_connection_bsshslm_2020", "delay": 1.0}
        nest.Connect(output, neurons, everyone, feedback | {"weight": data["b_out_rec"]})
        shown = {"synapse_model": "rate_connection_delayed", "delay": 1.0, "receptor_type": 2}
        nest.Connect(target, output, "one_to_one", shown)
        for source, recorder in zip((inputs, neurons), spikes, strict=True):
            nest.Connect(source, recorder, everyone, static)
        nest.Connect(of_neuron, neurons[:1], everyone, static)
        nest.Connect(of_output, output, everyone, static)
        fired = np.unpackbits(data["input_spikes"], axis=1)[:, :STEPS]
        starts = 1.0 + STEPS * np.arange(iterations)
        generators.set([{"spike_times": np.add.outer(starts, np.flatnonzero(one)).ravel()} for one in fired])
        times = after + np.arange(task)
        target.set({"amplitude_times": times, "amplitude_values": np.tile(data["target"], iterations)})
        nest.Prepare()
        start = perf_counter()
        nest.Run(after + task + 1.0)
        seconds = perf_counter() - start
        nest.Cleanup()
        found = of_output.get("events")["readout_signal"].reshape(iterations, STEPS)
        return seconds, ((found - data["target"]) ** 2).sum(axis=1) / 2

    return run


def check(name: str, losses: np.ndarray, expected: np.ndarray) -> None:
    """Stop where a side computes something else, or does not learn."""
    count = min(SAME, len(losses))
    difference = np.abs(losses[:count] / expected[:count] - 1).max()
    if not difference <= TOLERANCE:
        raise SystemExit(f"{name}: losses are {difference:.1e} away from the reference")
    if len(losses) >= 200 and not losses[-20:].mean() < 0.8 * losses[0]:
        raise SystemExit(f"{name}: the loss went from {losses[0]:.4g} to {losses[-1]:.4g}, it did not fall")


def in_turns(sides: dict[str, tuple[Side, int, set[int]]], iterations: int, turns: int) -> dict[str, float]:
    """The median us of a step of one network of each side, one after the other on the cores of each."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    everywhere = os.sched_getaffinity(0)
    expected = reference()["loss"]
    for _ in range(turns):
        for name, (run, networks, cores) in sides.items():
            os.sched_setaffinity(0, cores)
            seconds, losses = run()
            os.sched_setaffinity(0, everywhere)
            check(name, losses, expected)
            taken[name].append(seconds * 1e6 / (iterations * STEPS * networks))
    return {name: median(values) for name, values in taken.items()}


def main() -> None:
    """Print the figures and the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--iterations", type=int, default=200, metavar="N", help="of 1000 steps; 200 by default")
    parser.add_argument("--turns", type=int, default=3, metavar="N", help="runs of each side; 3 by default")
    options = parser.parse_args()
    aside = sys.stderr if options.json else sys.stdout
    data = reference()
    cores = os.sched_getaffinity(0)
    one = {max(cores)}
    sides = {
        "nest": (nest_side(data, options.iterations), 1, one),
        "one": (ours(data, options.iterations, 1, processes=1), 1, one),
        "many": (ours(data, options.iterations, NETWORKS, processes=len(cores)), NETWORKS, cores),
    }
    us = in_turns(sides, options.iterations, options.turns)
    load = os.getloadavg()[0]
    print(f"{options.iterations} iterations; NEST on one core: {us['nest']:.4g} us a step", file=aside)
    for name, networks in (("one", 1), ("many", NETWORKS)):
        where = "one core" if networks == 1 else f"{len(cores)} cores"
        bar = f"bar 1/{BARS[networks]}"
        ratio = us["nest"] / us[name]
        print(f"ours, {networks} on {where}: {us[name]:.4g} us a step and network, 1/{ratio:.3g} ({bar})", file=aside)
    if load > len(cores) + 0.5:
        print(f"the load of this machine is {load:.3g}: others took part of the time", file=aside)
    if options.json:
        figures = {"iterations": options.iterations, "networks": NETWORKS, "cores": len(cores), "load": load}
        print(json.dumps(figures | {f"{name}_us": value for name, value in us.items()}), flush=True)


if __name__ == "__main__":
    main()
