"""Speed of what happens at spikes: 16 networks of 100 LIF neurons whose W learns by pair STDP.

    python tests/benchmarks/events.py [--json]

Prints the ns of a network-step as on_pre and on_post, as the same rule written in update, and in Brian2 as it comes
(standalone, event-driven traces), medians of runs taken in turns on one core, without compiling and start-up. All sides
have to agree on W before their time counts. Brian2's has no read-out and no feedback to compute, ours has.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from sides import Side, begin_brian2, build_brian2, in_turns, one_core, ours

import autapse_sim as ap
from autapse_sim.engines import choose as engine
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.model import read_rule
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

NEURONS, NETWORKS, STEPS, TURNS, TOLERANCE = 100, 16, 4000, 5, 1e-10
RATES = (5.0, 60.0)
"""Mean rates in Hz between which networks are worth timing."""
UPDATE = """
    Apre += A_plus*spiked_pre
    w = choose(spiked_pre, clip(w - Apost, 0, w_max), w)
    Apost += A_minus*spiked_post
    w = choose(spiked_post, clip(w + Apre, 0, w_max), w)
"""
"""The rule `stdp` as what happens in every synapse at every step."""
GIVEN = {"tau_m": 20e-3, "tau_out": 20e-3, "v_th": 1.0, "A_plus": 1e-4, "A_minus": 1.05e-4, "w_max": 0.1}


def make_job(update: bool) -> Job:
    """Networks with weights and stimuli of their own, one trajectory."""
    rule = read_rule("stdp")
    rule = rule.replace(on_pre="", on_post="", update=UPDATE) if update else rule
    circuit = ap.Circuit("lif", rule, neurons=NEURONS, readout="random", feedback="random", learn=("W",))
    rng = np.random.default_rng(0)
    shape = (NETWORKS, 1, STEPS, 2)
    task = ap.ArrayTask(1 + 0.5 * rng.normal(size=shape), np.zeros(shape))
    protocol = ap.Protocol(replicates=NETWORKS, train=1, validate=0, test=0, record=0)
    weights = ap.Weights(
        W=rng.uniform(0, 0.05, (NETWORKS, NEURONS, NEURONS)),
        U=rng.uniform(0.3, 0.9, (NETWORKS, NEURONS, 2)),
        V=rng.normal(size=(NETWORKS, 2, NEURONS)),
        B=rng.normal(size=(NETWORKS, NEURONS, 2)),
    )
    values = resolve_parameters(circuit, {}, NETWORKS) | {name: np.full(NETWORKS, v) for name, v in GIVEN.items()}
    return prepare(circuit, draw(circuit, task, protocol, weights), protocol, values, np.arange(NETWORKS))


def brian2(job: Job, folder: Path) -> Side:
    """The same neurons and synapses as a Brian2 script, with Brian2's own flags, build and clock."""
    import brian2 as b2

    begin_brian2()
    dt = STEP * b2.second
    seconds = ("tau_m", "tau_plus", "tau_minus")
    names = {name: values[0] * (b2.second if name in seconds else 1) for name, values in job.parameters.items()}
    given = np.einsum("rnm,rtm->trn", job.weights.U, job.x[:, 0]).reshape(STEPS, -1)
    names["current"] = b2.TimedArray(given, dt=dt)
    neurons = b2.NeuronGroup(
        NETWORKS * NEURONS,
        "dv/dt = (-v + drive + current(t, i))/tau_m : 1\ndrive : 1",
        threshold="v >= v_th",
        reset="v -= v_th*exp(dt/tau_m)",
        method="exponential_euler",
    )
    neurons.run_regularly("drive = 0", when="before_synapses")
    rule = read_rule("stdp")
    first = b2.TimedArray(job.weights.W.reshape(-1, NEURONS), dt=1 * b2.second)
    synapses = b2.Synapses(
        neurons,
        neurons,
        f"w : 1\n{rule.eligibility}",
        on_pre={"learn": rule.on_pre, "transmit": "drive_post += w"},
        on_post=rule.on_post,
        namespace={"first": first},
    )
    synapses.learn.order, synapses.post.order, synapses.transmit.order = -1, 1, 2
    synapses.connect(j=f"(i//{NEURONS})*{NEURONS} + k for k in range({NEURONS})")
    synapses.w = f"first(j*second, i%{NEURONS})"
    network = b2.Network(neurons, synapses)
    network.run(STEPS * dt, namespace=names)
    return build_brian2(job, synapses, folder)


def compare() -> dict[str, float]:
    """The row of the table."""
    job, other = make_job(update=False), make_job(update=True)
    expected = engine.simulate(job, "standalone", processes=1)
    rate, W = expected.spikes.mean() / (STEPS * STEP), expected.weights.W
    moved = np.abs(W - job.weights.W).mean()
    if not (RATES[0] < rate < RATES[1] and moved > 1e-4):
        raise SystemExit(f"nothing to time: {rate:.1f} spikes a second, W moved by {moved:.1e}")
    with tempfile.TemporaryDirectory() as temporary, one_core():
        sides = {"ns": ours(job), "update_ns": ours(other), "brian2_ns": brian2(job, Path(temporary))}
        found = in_turns({name: (side, job, W) for name, side in sides.items()}, TURNS, TOLERANCE)
    ratios = {"to_update": found["ns"] / found["update_ns"], "brian2_to_ours": found["brian2_ns"] / found["ns"]}
    return {"n": NEURONS, "R": NETWORKS, "rate": rate, **found, **ratios}


def main() -> None:
    """Print the table, or its row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the row as JSON")
    row = compare()
    print(json.dumps(row) if parser.parse_args().json else "  ".join(f"{k} {v:.4g}" for k, v in row.items()))


if __name__ == "__main__":
    main()
