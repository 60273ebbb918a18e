"""What README and docs say runs: Python page by page in order, commands as far as they can be told without a run."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import click
import pytest

from autapse_sim.commands.main import main
from autapse_sim.spec.model import library

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if not {"_build", "library", "gallery", "learn"} & {*page.parts}]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("t*.py"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (?!`)(.+)$", re.MULTILINE)
HERE = {"figures/", "tests/", "docs/extensions/"}
"""What stands behind `python` in a command: files of this tree."""
NEEDED = {"howto/exchange.md": ("nir", "pandas"), "howto/figures.md": ("xarray",)}
BEFORE = {
    "howto/figures.md": """
import autapse_sim as ap
circuit = ap.Circuit(neuron="lif", rule="autapse", neurons=100, readout="random", learn=("W",))
values = {"v_th": 0.05}
ap.train(circuit, ap.BouncingBall(steps=50), ap.Protocol(replicates=1, train=1, validate=0, test=1),
         parameters=values, engine="runtime").save("run.nc")
"""
}
"""What a page takes for given."""


def name(page):
    return page.relative_to(ROOT).as_posix()


def blocks(page, language):
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def commands(page):
    """Every line of a shell block, and every indented line of README, with what is continued joined."""
    text = page.read_text()
    found = [block for kind, block in BLOCK.findall(text) if kind in ("sh", "console")]
    if page.name == "README.md":
        found.append("\n".join(INDENTED.findall(BLOCK.sub("", text))))
    lines = "\n".join(found).replace("\\\n", " ").splitlines()
    return [part.strip() for line in lines for part in line.split("&&") if part.strip()]


def test_there_is_something_to_run():
    assert sum(len(blocks(page, "python")) for page in PAGES) >= 8
    assert sum(len(commands(page)) for page in PAGES) >= 30
    assert len(TUTORIALS) >= 6
    assert (ROOT / "README.md").read_text().count("\n") < 150


PYTHON = [page for page in PAGES if blocks(page, "python")]
PYTHON = [pytest.param(page, marks=[pytest.mark.slow] * (page.name != "rules.md")) for page in PYTHON]


@pytest.mark.parametrize("page", PYTHON, ids=lambda page: name(page))
def test_python_of_a_page_runs_in_its_order(page, tmp_path):
    key = name(page).removeprefix("docs/")
    for package in NEEDED.get(key, ()):
        pytest.importorskip(package)
    text = BEFORE.get(key, "") + "\n".join(blocks(page, "python"))
    (tmp_path / "page.py").write_text(text)
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=name)
def test_commands_of_a_page_are_commands(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in commands(page):
        words = shlex.split(command, comments=True)
        words = [*words[words[0] == "$" :]] if words else []
        words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
        if words:
            check(words, command)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_command_stands_outside_of_a_block(page):
    assert not re.findall(
        r"^(?:\.venv/bin/|autapse \w+ --|pip install).*", BLOCK.sub("", page.read_text()), re.MULTILINE
    )


def check(words, command):
    """Fail where a command names a program, an option, a file or an extra that is not there."""
    program = Path(words[0]).name
    if program == "autapse":
        name, chosen, rest = main.resolve_command(click.Context(main), words[1:])
        assert chosen is not None, command
        chosen.make_context(name, [word for word in rest if word != "..."])
    elif program in ("python", "python3") and words[1] != "-m":
        assert (ROOT / words[1]).exists(), command
    elif program == "pip":
        extras = re.findall(r"\[([\w,]+)\]", command)
        known = (ROOT / "setup.cfg").read_text()
        assert all(f"\n{extra} =\n" in known for each in extras for extra in each.split(",")), command
    else:
        assert program in ("python", "python3", "pytest", "ruff", "mypy", "sphinx-build"), command


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", BLOCK.sub("", page.read_text())):
        if not target.startswith(("http", "mailto")):
            assert (page.parent / target).exists(), target


def test_every_rule_says_where_it_is_from_and_when_not_to_use_it(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs" / "extensions")
    from texts import DOI, cautions

    for rule, path in library("rules").items():
        said = ast.get_docstring(ast.parse(path.read_text()))
        assert cautions(said)[1], rule
        assert DOI.search(said) or "Wang, Gray & Banerjee" in said or "An ablation" in said, rule
    assert not cautions("A rule. The trace is a mean.")[1]


def test_what_is_said_of_models_was_measured_of_them():
    stored = json.loads((ROOT / "docs" / "data" / "checks.json").read_text())
    models = library("rules") | library("neurons")
    stale = [name for name, path in models.items() if stored[name]["sha256"] != sha256(path.read_bytes()).hexdigest()]
    assert not stale, f"python docs/extensions/measure.py measures {stale}"


def test_a_wrong_command_is_found():
    with pytest.raises(click.UsageError):
        check(["autapse", "train", "--nonsense", "1"], "")
    with pytest.raises(AssertionError):
        check(["pip", "install", ".[nonsense]"], "pip install '.[nonsense]'")


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=name)
def test_a_tutorial_runs_by_itself(page, tmp_path):
    (tmp_path / page.name).write_text(page.read_text())
    environment = {**os.environ, "MPLBACKEND": "agg"}
    command = [sys.executable, page.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900, env=environment)
    assert done.returncode == 0, done.stderr
