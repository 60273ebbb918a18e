"""Which rules go with a benchmark is known before anything is trained."""

import re

import pytest

import autapse_sim as ap
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.experiments.verdict.going import check_goes, refusal

REFUSED = {
    ("stdp", "cues-alif"): "stdp.py, line 37: Adam needs the learning rate of the rule, which has none",
    ("inhibitory_stdp", "cues-alif"): "inhibitory_stdp.py, line 30: .* sets w, but here its changes are gathered",
    ("mdgl", "pattern-lif"): "mdgl.py, line 59: 'beta_post' means nothing",
    ("stdp", "bounce"): "stdp.py, line 29: on_pre of W never happens",
    ("snap1", "bounce-leaky"): "rule 'snap1' on engine .* it takes neuron='rate'",
}


@pytest.mark.parametrize(("rule", "name"), REFUSED)
def test_a_rule_that_does_not_go_with_a_benchmark_says_why(rule, name):
    with pytest.raises(ap.InputError, match=REFUSED[rule, name]):
        check_goes(rule, benchmarks()[name])
    assert re.search(REFUSED[rule, name], refusal(rule, benchmarks()[name]))


@pytest.mark.parametrize("name", ["cues-alif", "bounce"])
@pytest.mark.parametrize("rule", ["eprop", "node_perturbation", "miconi", "bptt"])
def test_a_rule_that_goes_with_it_is_not_refused(rule, name):
    assert refusal(rule, benchmarks()[name]) is None


def test_a_file_that_was_edited_is_looked_at_anew(tmp_path):
    path = tmp_path / "mine.py"
    text = "from autapse_sim import Rule\nrule = Rule(update='UPDATE', parameters={'eta': 0.1})\n"
    path.write_text(text.replace("UPDATE", "w -= eta*feedback_post*activity_pre**2"))
    assert refusal(str(path), benchmarks()["bounce"]) is None
    path.write_text(text.replace("UPDATE", "w = eta*tanh(w)"))
    assert "sets w" in refusal(str(path), benchmarks()["bounce"])
