"""Adam needs a rule's learning rate: a rule without one is refused before any work, wherever it is given."""

import pytest

import autapse_sim as ap
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import library, rules
from autapse_sim.spec.protocol import OPTIMISERS
from autapse_sim.training.declared import check_optimiser, learning_rate

pytestmark = pytest.mark.usefixtures("no_workers")

RULE = """from autapse_sim import *
rule = Rule(
    "w -= {}*feedback_post*activity_pre",
    parameters={},
)
"""
NONE, TWO = ("k", {"k": 0.1}), ("eta*eta_w", {"eta": 0.1, "eta_w": 1.0})


@pytest.fixture(params=[(NONE, "has none"), (TWO, "has eta and eta_w")], ids=["none", "two"])
def unfit(request, tmp_path, monkeypatch):
    """A rule file without the one learning rate, and what is said of it; nothing may be drawn or started."""
    fields, says = request.param
    (tmp_path / "mine.py").write_text(RULE.format(*fields))
    for place in ("training.train.draws", "experiments.compare.draw", "experiments.verdict.judging.studying"):
        monkeypatch.setattr(f"autapse_sim.{place}", None)
    return tmp_path / "mine.py", rf"mine\.py, line 4: Adam needs the learning rate of the rule, which {says}; name one"


@pytest.mark.parametrize("optimiser", [name for name in OPTIMISERS if name.startswith("adam")])
@pytest.mark.parametrize("engine", ["standalone", "runtime", "reference"])
def test_train_refuses_adam_without_a_learning_rate_before_any_work(unfit, optimiser, engine):
    rule, says = unfit
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0, optimiser=optimiser)
    with pytest.raises(ap.InputError, match=says):
        ap.train(ap.Circuit(rule=rule), ap.BouncingBall(steps=3), protocol, engine=engine)


def test_compare_and_verdict_refuse_it_before_any_work(unfit):
    rule, says = unfit
    protocol = ap.Protocol(replicates=1, train=1, validate=1, test=1, optimiser="adam")
    with pytest.raises(ap.InputError, match=says):
        ap.compare(["dfa", rule], ap.BouncingBall(steps=3), protocol)
    adam = next(name for name, each in benchmarks().items() if each.protocol.optimiser == "adam")
    with pytest.raises(ap.InputError, match=says):
        ap.verdict(rule, benchmark=adam)


def test_compare_says_which_rule_has_no_learning_rate_to_choose(tmp_path):
    (tmp_path / "mine.py").write_text(RULE.format(*NONE))
    with pytest.raises(ap.InputError, match=r"rule .*mine\.py has no parameter eta, the learning rate that is chosen"):
        ap.compare([tmp_path / "mine.py"], ap.BouncingBall(steps=3), ap.Protocol(2, 1, 1, 1))


def test_rules_of_the_package_are_told_apart_without_running_them():
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0, optimiser="adam")
    refused = set()
    for name in library("rules"):
        role = "readout_rule" if name not in rules() else "rule"
        circuit = ap.Circuit(**{role: name}, learn=("V",) if role == "readout_rule" else ("W",))
        try:
            check_optimiser(circuit, protocol)
            assert learning_rate(getattr(Models.of(circuit), role)).startswith("eta")
        except ap.InputError:
            refused.add(name)
    # what happens at spikes has amplitudes instead
    assert refused == {"force", "calcium", "clopath", "stdp", "triplet_stdp"}
