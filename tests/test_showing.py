"""What values say of themselves: in few words, and as cards in notebooks."""

import json
from dataclasses import dataclass
from html.parser import HTMLParser

import brian2
import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.spec.model import library
from autapse_sim.tasks.catalogue import tasks
from autapse_sim.training.description import task_text

NAMES = {**vars(ap), **{name: getattr(ap, name) for name in ap.__all__}, **vars(brian2)}


class Balanced(HTMLParser):
    """Reads HTML, and fails where what was opened is not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.said = [], set(), ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said += data


@pytest.mark.parametrize(
    "value",
    [
        ap.Circuit(),
        ap.Circuit(rule="dfa", neurons=3, delay=(0, 1, 2), learn=("W", "V")),
        ap.Protocol(train=30, update="batch", batch=3, bound=2.0, constraints=("dale",)),
        ap.BouncingBall(occlusion=(5, 20)),
        ap.Stretched(ap.FlipFlop(probability=0.2), 3),
        ap.read_rule("autapse"),
        ap.read_rule("eprop_alif"),
        ap.read_neuron("rate"),
        ap.Connection({"total": "activity_pre"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_said_of_a_value_gives_it_back(value):
    back = eval(repr(value), dict(NAMES))
    if isinstance(value, ap.Rule | ap.Neuron):
        back, value = ([*each.texts, *map(str, each.parameters.values())] for each in (back, value))
    assert back == value


def test_other_values_say_other_things():
    assert repr(ap.Circuit(neurons=3)) == "Circuit(neurons=3)" != repr(ap.Circuit(neurons=4))
    assert "10. * msecond" in repr(ap.read_rule("autapse"))


def test_arrays_are_not_shown_number_by_number():
    task = ap.ArrayTask(np.zeros((1, 5, 2000, 3)), np.zeros((1, 5, 2000, 1)))
    assert repr(task) == "ArrayTask(x=<1 x 5 x 2000 x 3 numbers>, y=<1 x 5 x 2000 x 1 numbers>)"


def test_what_results_hold_of_a_task_is_as_it_was():
    """Training goes on from a result only where the task is the same text: it must not change with what is shown."""
    told = json.loads(task_text(ap.Stretched(ap.BouncingBall(horizon=3))))
    assert told["task"] == "BouncingBall(steps=100, horizon=3, spe...ise=0.0, occlusion=None, centred=False)"

    @dataclass(frozen=True)
    class Mine:
        steps: int = 5

        def __repr__(self):
            return "mine"

    assert json.loads(task_text(ap.Stretched(Mine())))["task"] == "mine"


@pytest.mark.parametrize("name", sorted(tasks()))
def test_the_card_of_a_task_shows_a_trajectory(name):
    card = Balanced(tasks()[name]()._repr_html_())
    assert "svg" in card.seen
    assert "one trajectory" in card.said


@pytest.mark.parametrize("kind", ["rules", "neurons"])
def test_the_card_of_a_model_has_its_equations(kind):
    for name in library(kind):
        model = (ap.read_rule if kind == "rules" else ap.read_neuron)(name)
        card = Balanced(model._repr_html_())
        assert {"math", "mfrac" if "/dt" in str(model.texts) else "math"} <= card.seen, name
        formula = model._repr_latex_()
        assert formula.startswith("$$\\begin{aligned}"), name
        assert formula.count("{") == formula.count("}"), name


def test_a_model_that_was_made_in_the_notebook_has_a_card():
    rule = ap.read_rule("autapse").replace(update="w -= eta*feedback_post*k_pre*f_prime_post")
    assert "f′" in Balanced(rule._repr_html_()).said
    assert "f′" not in Balanced(ap.read_rule("autapse")._repr_html_()).said


def test_the_card_of_a_circuit_tells_what_is_not_the_default_first():
    card = ap.Circuit(rule="dfa", neurons=3)._repr_html_()
    assert card.index(">neurons<") < card.index("<details>") < card.index(">substeps<")
    assert "math" in Balanced(card).seen
    assert "math" not in Balanced(ap.Circuit(rule="bptt")._repr_html_()).seen  # it has no equations


@pytest.mark.parametrize("value", [ap.Protocol(train=3), ap.Activation("a", "1"), benchmarks()["cues-alif"]])
def test_other_cards_are_whole(value):
    assert type(value).__name__ in Balanced(value._repr_html_()).said


@pytest.fixture(scope="module")
def trained():
    return ap.train(
        ap.Circuit(rule="dfa"),
        ap.BouncingBall(steps=20),
        ap.Protocol(replicates=3, train=5, validate=2, test=2),
        engine="numpy",
    )


def test_a_result_says_its_score(trained):
    median = float(trained.data.mse.mean("trajectory").median())
    assert repr(trained).startswith(f"Result of dfa: median test MSE {median:.4g}\ndimensions: ")
    assert len(repr(trained).splitlines()) < 10


def test_the_card_of_a_result_has_sentence_table_and_curves(trained):
    card = Balanced(trained._repr_html_())
    assert {"table", "svg"} <= card.seen
    assert "In median test MSE" in card.said
    assert "Learning curves" in card.said
    assert ".plot.fig1()" in card.said


def test_a_result_without_test_or_training_has_a_card():
    only = ap.Protocol(replicates=2, train=0, validate=0, test=1)
    bare = ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=20), only, engine="numpy")
    assert "Result of dfa" in repr(bare)
    assert "table" in Balanced(bare._repr_html_()).seen
    untested = ap.Protocol(replicates=2, train=2, validate=0, test=0, record=0)
    bare = ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=20), untested, engine="numpy")
    assert "table" not in Balanced(bare._repr_html_()).seen


def test_anything_in_a_dataset_has_a_card(spiking):
    import xarray as xr

    Balanced(spiking._repr_html_())
    Balanced(ap.Result(xr.Dataset({"a": ("t", [1.0])}))._repr_html_())
    assert repr(ap.Result(xr.Dataset())).startswith("Result")


def test_two_cards_on_one_page_do_not_share_names(trained):
    one, two = trained._repr_html_(), trained._repr_html_()
    names = [{part.split('"')[0] for part in text.split(' id="')[1:]} for text in (one, two)]
    assert names[0]
    assert not names[0] & names[1]
