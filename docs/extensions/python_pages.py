"""The list of all public names of the package, each with a page made of its docstring."""

import inspect
from types import ModuleType

from texts import heading, write

import autapse_sim


def write_all(path):
    """Write the list; autosummary writes the pages."""
    public = {name: getattr(autapse_sim, name) for name in autapse_sim.__all__}
    modules = {name: thing for name, thing in public.items() if isinstance(thing, ModuleType)}
    classes = [name for name, thing in public.items() if isinstance(thing, type)]
    functions = [name for name in public if name not in modules and name not in classes]
    parts = [heading("Python"), "``import autapse_sim as ap``; everything here is ``ap.NAME``.\n"]
    parts += section("What is called", [f"autapse_sim.{name}" for name in functions])
    parts += section("What is given and what comes back", [f"autapse_sim.{name}" for name in classes])
    for name, module in modules.items():
        inside = getattr(module, "__all__", None) or [each for each in vars(module) if _own(module, each)]
        parts += section(f"ap.{name}", [f"{module.__name__}.{each}" for each in sorted(inside)])
    write(path, *parts)


def section(title, names):
    """A heading and a table of names."""
    inside = "\n".join(f"   {name}" for name in names)
    return heading(title, "-"), f".. autosummary::\n   :toctree: api\n   :nosignatures:\n\n{inside}\n"


def _own(module, name):
    thing = getattr(module, name)
    return inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
