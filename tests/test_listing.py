"""What there is to learn is listed, whole, by the command line."""

from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.tasks import catalogue


def said(*arguments):
    """What a command prints, and its exit code."""
    result = CliRunner().invoke(main, arguments)
    return result.output, result.exit_code


def test_every_public_task_is_listed_with_a_line():
    public = {name for name in ap.__all__ if hasattr(getattr(ap, name), "sample")} - {"ArrayTask", "Stretched"}
    assert {kind.__name__ for kind in catalogue.tasks().values()} == public
    text, code = said("tasks")
    assert code == 0
    lines = text.splitlines()
    assert [line.split()[0] for line in lines] == sorted(catalogue.tasks())
    assert all(len(line.split()) > 5 for line in lines)


def test_every_option_of_a_task_is_listed_with_its_default():
    text, code = said("tasks", "chaotic-series")
    assert code == 0
    shown = [line.split()[:2] for line in text.splitlines()[1:]]
    assert shown == [["system", "'lorenz'"], ["steps", "100"], ["horizon", "5"], ["interval", "None"]]
    for name in catalogue.tasks():
        assert all(option.about for option in catalogue.options(name))


def test_a_task_that_is_added_as_a_file_is_listed(tmp_path, monkeypatch):
    text = (
        '"""New."""\nfrom dataclasses import dataclass\n\n\n@dataclass\nclass NewTask:\n    """New, in a line."""\n\n'
    )
    (tmp_path / "fresh.py").write_text(text + "    sample = None\n    size: int = 3\n")
    monkeypatch.setattr(catalogue.package, "__path__", [*catalogue.package.__path__, str(tmp_path)])
    assert "  new-task              New, in a line." in said("tasks")[0].splitlines()
    assert [option.default for option in catalogue.options("new-task")] == ["3"]


def test_an_unknown_task_is_refused_with_the_nearest():
    text, code = said("tasks", "flipflop")
    assert code == 2
    assert "did you mean 'flip-flop'?" in text


def test_every_benchmark_is_listed_with_what_has_to_be_done():
    text, code = said("benchmarks")
    assert code == 0
    families = {"leak-free", "continuous", "spiking"}
    assert {line for line in text.splitlines() if not line.startswith(" ")} == families
    assert sorted(line.split()[0] for line in text.splitlines() if line not in families) == sorted(benchmarks())
    assert all(each.title in text for each in benchmarks().values())
