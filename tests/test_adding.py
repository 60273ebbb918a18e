"""What is added is one file: a rule, neuron, task or benchmark by its path, all else in the folder of its kind."""

import json
from textwrap import dedent

import numpy as np
import pytest
from click.testing import CliRunner
from here import Here

import autapse_sim as ap
from autapse_sim import commands
from autapse_sim.commands import main
from autapse_sim.engines.discrete import rules as references
from autapse_sim.experiments import benchmarks, claims
from autapse_sim.experiments.paper.setting import Setting
from autapse_sim.experiments.paper.table import claims as measured
from autapse_sim.results.plots import figures
from autapse_sim.results.plots.catalogue import figures_of
from autapse_sim.studies.workers import Workers
from autapse_sim.training import controls

SMALL = ap.Protocol(replicates=3, train=3, validate=2, test=2, validate_every=1, record=1)
TASK = ap.BouncingBall(steps=12)
HERE = Workers(Here(), lambda: 1)


@pytest.fixture
def add(tmp_path, monkeypatch):
    """Adds one file, to a folder of the package where one is given, and gives its path."""

    def added(name, text, package=None):
        path = tmp_path / f"{name}.py"
        path.write_text(dedent(text))
        if package:
            monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        return str(path)

    return added


def test_a_rule_and_a_neuron(add):
    rule = add(
        "mine", 'import autapse_sim as ap\nrule = ap.Rule(update="w -= eta * feedback_post", parameters={"eta": 0.1})\n'
    )
    neuron = add(
        "unit",
        """
        import autapse_sim as ap
        from brian2 import ms
        equations = "dv/dt = (tanh(drive + input + bias) - v)/tau_v : 1\\nactivity = v : 1"
        neuron = ap.Neuron(equations, parameters={"tau_v": 2 * ms})
        """,
    )
    data = ap.train(ap.Circuit(rule=rule, neuron=neuron), TASK, SMALL, engine="reference").data
    assert np.isfinite(data.mse).all()
    assert (data.mse.values != ap.train(ap.Circuit(rule=rule), TASK, SMALL, engine="reference").data.mse.values).all()


def test_a_discrete_rule(add):
    text = """
        "Half of the delta rule."
        import numpy as np
        from autapse_sim.engines.discrete.rule import Rule

        class Still(Rule):
            def delta(self):
                return 0.5 * self.network.slope * self.network.feedback(slice(None))
    """
    add("still", text, references)
    protocol = ap.Protocol(replicates=3, train=4, validate=1, test=1, update="trajectory")
    data = ap.train(ap.Circuit(rule="still"), TASK, protocol, engine="numpy").data
    assert len({float(value) for value in data.mse_train[0]}) == 4
    with pytest.raises(ap.InputError, match="still"):
        ap.train(ap.Circuit(rule="stil"), TASK, protocol)


@pytest.mark.slow
def test_a_task_and_a_benchmark(add, tmp_path):
    from autapse_sim.tasks.library import task_called

    task = add("again", "import autapse_sim as ap\ntask = ap.FlipFlop(steps=15, probability=0.2)\n")
    assert task_called(task).steps == 15
    text = """
        from dataclasses import dataclass
        import numpy as np
        import autapse_sim as ap

        @dataclass(frozen=True)
        class Echo:
            inputs: int = 1
            outputs: int = 1
            steps: int = 12
            blanked: None = None

            def sample(self, rng, replicates, trajectories):
                x = np.stack([child.normal(size=(trajectories, self.steps, 1)) for child in rng.spawn(replicates)])
                return x, np.roll(x, 1, axis=2)

        protocol = ap.Protocol(train=4, validate=2, test=2, validate_every=2)
        circuit = ap.Circuit(neurons=4, readout="random", learn=("W", "V", "c"))
        benchmark = ap.Benchmark("say what was said before", Echo(), circuit, protocol, etas=(0.03, 0.1), unscored=1)
    """
    path = add("echo", text)
    data = ap.verdict("dfa", path, replicates=2, on=HERE).data
    assert (data.attrs["benchmark"], data.attrs["title"]) == ("echo", "say what was said before")
    assert np.isfinite(data.mse_online.sel(method="dfa")).all()
    for wrong, says in (
        ("benchmark = 3", "defines no benchmark; write benchmark = ap.Benchmark"),
        (text + "    benchmark = ap.Benchmark('x', Echo(), circuit, ap.Protocol(test=0))", "test is empty"),
        (text + "    benchmark = ap.Benchmark('x', Echo(), circuit, protocol, unscored=12)", "unscored is 12"),
        (text + "    benchmark = ap.Benchmark('x', Echo(), circuit, protocol, blind=True)", "the task blanks none"),
        (text + "    benchmark = ap.Benchmark('x', 3, circuit, protocol)", "task is 3"),
        (text + "    benchmark = ap.Benchmark('x', Echo(), circuit, protocol, etas=())", "etas is empty"),
        (text.replace('"W", "V"', '"V"'), "learn is V, c, and what is judged is recurrence: W has to learn"),
        (text.replace("unscored=1", "unscored=1, parameters={'eta_out': 0.1}"), "parameter eta_out is chosen for each"),
    ):
        path = add("wrong", wrong)
        done = CliRunner().invoke(main.main, ["verdict", "dfa", "--benchmark", path, "--out", str(tmp_path / "out")])
        assert done.exit_code == 2, done.output
        line = done.stderr.splitlines()[-1]
        assert says in line
        assert "wrong.py" in line


def test_a_benchmark_that_comes_with_the_package(add):
    before = CliRunner().invoke(main.main, ["benchmarks"]).output
    text = """
        import autapse_sim as ap
        benchmark = ap.Benchmark("do nothing", ap.FlipFlop(), ap.Circuit(), ap.Protocol())
    """
    add("no_op", text, benchmarks)
    after = CliRunner().invoke(main.main, ["benchmarks"]).output
    assert set(after.splitlines()) - set(before.splitlines()) == {"  no-op             do nothing"}


def test_a_control(add):
    text = """
        "Nothing happens."
        import numpy as np
        PLACE, NEEDS = 1, "step"

        def predict(shown):
            return {"zero": np.zeros_like(shown.y[:, shown.test])}
    """
    add("zero", text, controls)
    own = ap.train(ap.Circuit(), TASK, SMALL, engine="numpy").data
    both = ap.compare(["dfa", "fa"], TASK, SMALL, etas=(0.1,), engine="numpy", on=HERE).data
    for data in (own, both):
        expected = (data.target.sel(trajectory=data.trajectory) ** 2).mean(("step", "coordinate"))
        np.testing.assert_allclose(data.control_mse.sel(control="zero")[:1], expected)


def test_a_control_that_is_a_network(add):
    text = """
        from dataclasses import replace
        import numpy as np
        from autapse_sim.training.trained import trained
        PLACE, NEEDS = 15, "network"

        def predict(networks):
            weights = networks.drawn.weights
            return {"half of W, biases": trained(networks, ("b",), replace(weights, W=weights.W / 2))}

        def note(networks):
            return ["control 'half of W, biases' is an example"]
    """
    add("half", text, controls)
    data = ap.compare(["dfa"], TASK, SMALL, etas=(0.1,), engine="numpy", on=HERE).data
    assert np.isfinite(data.control_mse.sel(control="half of W, biases")).all()
    assert "control 'half of W, biases' is an example" in json.loads(data.attrs["notes"])


def test_a_figure(add, tmp_path):
    text = """
        "Nothing but the MSE."
        from matplotlib.figure import Figure
        KIND, PLACE, NEEDS, CAPTION = "result", 5, ("mse",), "Look whether it is low."

        def draw(data):
            figure = Figure()
            figure.subplots().plot(data["mse"].mean("replicate"))
            return figure
    """
    add("errors", text, figures)
    result = ap.train(ap.Circuit(), TASK, SMALL, engine="numpy")
    assert next(iter(figures_of(result))) == "errors"
    result.save(tmp_path / "result.nc")
    arguments = ["plot", "errors", str(tmp_path / "result.nc"), "--out", str(tmp_path)]
    assert CliRunner().invoke(main.main, arguments).exit_code == 0
    assert (tmp_path / "errors.pdf").exists()
    assert "Look whether it is low." in ap.report(result, tmp_path / "page.html").read_text()


def test_a_claim(add, monkeypatch):
    text = """
        "More of the same."
        from autapse_sim.experiments.paper.decide import answer
        KEY, SAYS = "z", "Networks can be trained."

        def measure(trials):
            return "all of them", answer(True)
    """
    add("more", text, claims)
    monkeypatch.setattr(claims, "__path__", claims.__path__[-1:])
    (claim,) = measured(2, setting=Setting(task=TASK, protocol=SMALL), on=HERE)
    assert (claim.key, claim.says, claim.measured, claim.answer) == (
        "z",
        "Networks can be trained.",
        "all of them",
        "holds",
    )


def test_a_command(add):
    add("hello", '"Say hello."\nimport click\n\n@click.command()\ndef hello():\n    click.echo("hello")\n', commands)
    found = {command.name: command for command in main.found()}
    assert CliRunner().invoke(found["hello"], []).output == "hello\n"
    assert {"train", "compare", "verdict", "sweep"} <= found.keys()
