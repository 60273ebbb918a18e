"""Brian2's global state, borrowed for a while and given back."""

from __future__ import annotations

import contextlib
import gc
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from brian2 import Function, prefs, set_device
from brian2.core.base import BrianObject
from brian2.devices.device import Device, reset_device

from autapse_sim.engines.brian.blame import causes, explained
from autapse_sim.engines.brian.tape import FUNCTIONS
from autapse_sim.errors import InputError
from autapse_sim.spec.algebra import BRIAN, real_functions
from autapse_sim.spec.dimensions import unit_chosen
from autapse_sim.spec.library import Models


@contextlib.contextmanager
def building(device: Device, models: Models, precision: str = "double") -> Iterator[None]:
    """Build on `device`; afterwards the user's own device and preferences are back, untouched.

    What Brian2 finds wrong in the equations becomes an `InputError` with file and line. It writes no log or debug
    files, and gives no advice about code that the user did not write. Other threads wait.
    """
    with BRIAN:
        yield from _borrowed(device, models, precision)


def _borrowed(device: Device, models: Models, precision: str) -> Iterator[None]:
    brian = logging.getLogger("brian2")
    before = brian.level, prefs.logging.file_log, prefs.codegen.cpp.extra_compile_args, prefs.core.default_float_dtype
    prefs.logging.file_log = False
    prefs.codegen.cpp.extra_compile_args = []  # it would try each with the compiler, and compiles nothing here
    prefs.core.default_float_dtype = {"double": np.float64, "single": np.float32}[precision]
    brian.setLevel(logging.ERROR)
    gc.collect()
    set_device(device, build_on_run=False)
    known, failure = set(map(id, _objects())), None
    try:
        with real_functions():
            yield
    except (InputError, OSError):  # a full disk is no fault of the equations
        raise
    except Exception as error:
        if not _from_brian(error):
            raise
        failure = explained(error, models)
    finally:
        reset_device()
        _excuse(each for each in _objects() if id(each) not in known)
        level, prefs.logging.file_log, prefs.codegen.cpp.extra_compile_args, prefs.core.default_float_dtype = before
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


def _from_brian(error: BaseException) -> bool:
    """Whether Brian2, or what it reads equations with, refused them, and it is no mistake of ours or of the machine."""
    error = causes(error)[-1]
    place = traceback.extract_tb(error.__traceback__)[-1].filename
    if isinstance(error, OSError | MemoryError):
        return False
    if isinstance(error, SyntaxError) or (isinstance(error, ArithmeticError) and place == GENERATED):
        return True
    return bool({"brian2", "sympy", "pyparsing"} & set(Path(place).parts))


GENERATED = "(string)"
"""The file that Brian2 names for the code that it generates for NumPy."""


UNITS = {
    "choose": unit_chosen,
    "autapse_real_clip": lambda value, low, high: value,
    "autapse_real_remainder": lambda a, b: a,
    "autapse_positive": lambda value: value,
}
"""The units of what functions of the tape give, where these are no mere numbers."""


def tape_function(name: str, python: Callable) -> Function:
    """A function of the tape as Brian2 knows it; some keep the units of what they are given."""
    _, kinds, stateless = FUNCTIONS[name]
    function = Function(
        python,
        arg_units=[None] * len(kinds),
        return_unit=UNITS.get(name, 1),
        arg_types=list(kinds),
        return_type="float",
        stateless=stateless,
    )
    function.implementations.add_implementation("numpy", python)  # as it is: units were checked before
    return function
