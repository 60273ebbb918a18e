"""The house: imports go one way, nothing is too long, and each folder's files are found by looking."""

import ast
from pathlib import Path

import pytest

import autapse_sim

ROOT = Path(autapse_sim.__file__).parent
ORDER = ("", "machine", "spec", "tasks", "results", "engines", "training", "studies", "experiments", "commands")
"""The wings; each may import those before it."""
MODULES = [path for path in ROOT.rglob("*.py") if "models" not in path.relative_to(ROOT).parts]
FILES = sorted(path for path in MODULES if path.parent != ROOT or path.stem not in ("__init__", "__main__"))


def wing(parts):
    return parts[0] if parts[0] in ORDER else ""


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("autapse_sim"):
            inside = node.module.split(".")[1:]
            yield from [inside] if inside else ([each.name] for each in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    here = ORDER.index(wing(path.relative_to(ROOT).parts))
    above = {".".join(each) for each in imported(ast.parse(path.read_text())) if ORDER.index(wing(each)) > here}
    assert not above - {"plots", "recordings", "export"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_short(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            said = node.body[0] if ast.get_docstring(node) else None
            lines = node.end_lineno - node.lineno + 1 - (said.end_lineno - said.lineno + 1 if said else 0)
            assert lines <= 60, node.name


def test_every_folder_is_a_package():
    listed = (ROOT.parent / "setup.cfg").read_text() if (ROOT.parent / "setup.cfg").exists() else ""
    for folder in {path.parent for path in FILES}:
        assert (folder / "__init__.py").exists()
        assert not listed or f"\n    {'.'.join(folder.relative_to(ROOT.parent).parts)}\n" in listed


def test_editors_see_all_public_names():
    tree = ast.parse((ROOT / "__init__.py").read_text())
    seen = {each.name for node in ast.walk(tree) if isinstance(node, ast.If) for each in _names(node)}
    assert seen == set(autapse_sim.__all__)


def _names(node):
    return [each for line in node.body if isinstance(line, ast.ImportFrom) for each in line.names]
