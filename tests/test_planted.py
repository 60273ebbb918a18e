"""Rules of which the answer is known, in every family of benchmarks: the court has to find it."""

from dataclasses import replace

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.experiments.benchmark import Benchmark, plastic, spiking
from autapse_sim.experiments.verdict.answer import equivalent, judge, kind_of
from autapse_sim.experiments.verdict.judging import case_of, evidence
from autapse_sim.experiments.verdict.methods import FIXED, Method
from autapse_sim.experiments.verdict.trial import drawn
from autapse_sim.results.answers import LEARNS, NOT
from autapse_sim.studies.study import studying

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_workers")]

FEW = ap.Protocol(
    train=320, validate=8, test=8, validate_every=160, update="batch", batch=8, optimiser="adam", averaging=False
)
CUE = ap.EvidenceAccumulation(cues=1, cue=10, pause=0, delay=60, recall=10, population=4, probability=0.3)
"""The delay is so long that no reservoir with a refitted read-out comes near to solving it."""
ONLY = ("W",)
"""What learns: a read-out that learns too would turn round what a rule of the wrong sign has learned."""
LEAK_FREE = Benchmark(
    "remember a sign",
    ap.FlipFlop(steps=30, probability=0.1),
    replace(plastic(12), learn=ONLY),
    FEW,
    etas=(0.01, 0.03, 0.1),
    unscored=0,
    beside=("dfa",),
)
CONTINUOUS = replace(
    LEAK_FREE,
    task=ap.Stretched(ap.FlipFlop(steps=24, probability=0.1), 3),
    circuit=replace(LEAK_FREE.circuit, neuron="rate"),
    protocol=replace(FEW, train=640),
    parameters={"tau_m": "3 ms"},
    family="continuous",
)
SPIKING = spiking("remember a cue", CUE, replace(FEW, train=640, validate=32, test=32), "lif", 20)
SPIKING = replace(SPIKING, circuit=replace(SPIKING.circuit, learn=ONLY), etas=LEAK_FREE.etas, beside=("dfa",))
FAMILIES = {one.family: one for one in (LEAK_FREE, CONTINUOUS, SPIKING)}

COPY = """
from autapse_sim import Rule
rule = Rule(
    eligibility="ds/dt = f_prime_post * activity_pre / step : 1",
    update="w -= way * eta * feedback_post * s / elapsed",
    parameters={"way": 1.0, "eta": 0.03},
)
"""
"""dfa under another name; the other way it is wrong, and no way it does nothing."""


def planted(copy):
    """Exact gradients under another name, and the file's rule the other way and no way."""
    ways = {"flipped": -1.0, "nothing": 0.0}
    return {"oracle": Method("bptt")} | {name: Method(copy, parameters={"way": way}) for name, way in ways.items()}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("family", FAMILIES)
def test_planted_rules_get_the_answers_that_they_have_to(family, seed, tmp_path):
    copy = str(tmp_path / "mine.py")
    (tmp_path / "mine.py").write_text(COPY)
    case = case_of(copy, family, FAMILIES[family], seed, worthwhile=0.05)
    with studying(None) as study:
        data = evidence(replace(case, methods={**case.methods, **planted(copy)}), study, 32).data
    judged = {name: judge(data, name) for name in (copy, "dfa", "bptt", *planted(copy))}
    kinds = {name: kind_of(name, pairs)[0] for name, pairs in judged.items()}
    assert kinds["oracle"] == kinds["bptt"] == LEARNS
    assert kinds["flipped"] == kinds["nothing"] == NOT
    assert kinds[copy] == kinds["dfa"]
    same = {
        name: {other for other, each in pairs[name].items() if equivalent(each, 0.05)} for name, pairs in judged.items()
    }
    assert "bptt" in same["oracle"]
    assert "dfa" in same[copy]
    assert not same["nothing"] & {"oracle", "bptt", "dfa", copy}
    for against in judged["nothing"][FIXED]["nothing"].reduction, judged[copy][copy]["dfa"].reduction:
        assert abs(against.estimate) < 1e-6
    moved = data.singular.max("direction")
    assert float(moved.sel({"method": "nothing"}).max()) == 0
    assert (moved.sel({"method": ["oracle", "flipped", copy]}) > 1e-3).all()
    aligned = {name: data.alignment.sel({"method": name}) for name in ("oracle", "dfa", copy)}
    first = drawn(case.setting, Method("dfa"), (seed, 0)).x[:, case.setting.protocol.train]  # that of validation
    shown = first.any(axis=(1, 2))
    assert shown.sum() > len(shown) / 2
    finite = np.isfinite(aligned["dfa"].values)
    assert finite[:, shown].mean() > 0.9  # at every age; a network that is silent has no direction
    assert not finite[:, ~shown].any()  # nor has one without biases that is shown nothing
    exact = aligned["oracle"].values
    np.testing.assert_allclose(exact[np.isfinite(exact)], 1, atol=1e-6)
    np.testing.assert_allclose(aligned[copy], aligned["dfa"], atol=1e-6)
    assert (aligned["dfa"].median("aligned_seed") < 0.99).all()
