"""Brian2's global state, borrowed for a while and given back."""

from __future__ import annotations

import contextlib
import gc
import logging
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from brian2 import Function, have_same_dimensions, prefs, set_device
from brian2.core.base import BrianObject
from brian2.devices.device import Device, reset_device

from autapse_sim.circuit_models import Models
from autapse_sim.errors import InputError
from autapse_sim.model import line_of
from autapse_sim.tape import FUNCTIONS


@contextlib.contextmanager
def building(device: Device, models: Models, precision: str = "double") -> Iterator[None]:
    """Build on `device`; afterwards the user's own device and preferences are back, untouched.

    What Brian2 finds wrong in the equations becomes an `InputError` with file and line. It writes no log or debug
    files, and gives no advice about code that the user did not write.
    """
    brian = logging.getLogger("brian2")
    before = brian.level, prefs.logging.file_log, prefs.core.default_float_dtype
    prefs.logging.file_log = False
    prefs.core.default_float_dtype = {"double": np.float64, "single": np.float32}[precision]
    brian.setLevel(logging.ERROR)
    gc.collect()
    set_device(device, build_on_run=False)
    known, failure = set(map(id, _objects())), None
    try:
        yield
    except (InputError, OSError):  # a full disk is no fault of the equations
        raise
    except Exception as error:
        if not _from_brian(error):
            raise
        failure = _explained(error, models)
    finally:
        reset_device()
        _excuse(each for each in _objects() if id(each) not in known)
        level, prefs.logging.file_log, prefs.core.default_float_dtype = before
        brian.setLevel(level)
    if failure is not None:
        raise failure


def _objects() -> list[BrianObject]:
    """All objects of Brian2 that there are."""
    return [each for each in (reference() for reference in list(BrianObject.__instances__())) if each is not None]


def _excuse(made: Iterable[BrianObject]) -> None:
    """Spare the user what Brian2 says of each object that a failure left half-built, whenever that goes."""
    for each in made:
        if getattr(each, "_network", "") is None:
            each._network = "none"


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what caused it, the innermost last."""
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    return causes


def _from_brian(error: BaseException) -> bool:
    """Whether Brian2, or what it reads equations with, refused them, and it is no mistake of ours or of the machine."""
    error = _causes(error)[-1]
    place = traceback.extract_tb(error.__traceback__)[-1].filename
    if isinstance(error, OSError | MemoryError):
        return False
    if isinstance(error, SyntaxError) or (isinstance(error, ArithmeticError) and place == GENERATED):
        return True
    return bool({"brian2", "sympy", "pyparsing"} & set(Path(place).parts))


GENERATED = "(string)"
"""The file that Brian2 names for the code that it generates for NumPy."""


def _explained(error: BaseException, models: Models) -> InputError:
    """What Brian2 found wrong in the equations, as one line with the file and line that the user wrote."""
    causes = _causes(error)
    text = str(causes[-1].args[0]) if isinstance(causes[-1], KeyError) else str(causes[-1])
    text = re.sub(r"\bautapse_(own_)?", "", " ".join(text.split()))
    if re.search(r'identifier "(zoo|oo|nan|I)"', text):  # as SymPy calls them
        text = "an equation divides by zero, or comes to what is no real number"
    if text.startswith("Refractory"):
        return InputError(f"{line_of(models.neuron, 'refractory')}: {text}")
    of_neurons = "neurons" in {str(getattr(cause, "_brian_objname", "")).partition("_")[0] for cause in causes}
    sources = [models.rule, models.neuron, models.readout_rule, models.feedback_rule]
    sources = sorted(sources, key=lambda model: model is not models.neuron) if of_neurons else sources
    for word in sorted(re.findall(r"['\"]([^'\"]+)['\"]", text), key=len):
        for model in sources:
            where = line_of(model, word)
            if ", line " in where:
                return InputError(f"{where}: {text}")
    return InputError(f"{models.neuron.path}, with {models.rule.path}: {text}")


def tape_function(name: str, python: Callable) -> Function:
    """A function of the tape as Brian2 knows it; `choose` keeps the units of what it chooses from."""
    _, kinds, stateless = FUNCTIONS[name]
    return Function(
        python,
        arg_units=[None] * len(kinds),
        return_unit=(lambda condition, yes, no: no if have_same_dimensions(yes, 1) else yes) if name == "choose" else 1,
        arg_types=list(kinds),
        return_type="float",
        stateless=stateless,
    )
