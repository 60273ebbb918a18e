"""Brian2's global state, borrowed for a while and given back."""

from __future__ import annotations

import contextlib
import gc
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from brian2 import Function, have_same_dimensions, prefs, set_device
from brian2.devices.device import Device, reset_device

from autapse_sim.assembly import explain
from autapse_sim.circuit_models import Models
from autapse_sim.errors import InputError
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
    failure = None
    try:
        yield
    except (InputError, OSError):  # a full disk is no fault of the equations
        raise
    except Exception as error:
        if not _from_brian(error):
            raise
        failure = explain(error, models)
    finally:
        reset_device()
        if failure is not None:
            gc.collect()  # Brian2 has a word to say about each half-built object; let it say it here
        level, prefs.logging.file_log, prefs.core.default_float_dtype = before
        brian.setLevel(level)
    if failure is not None:
        raise failure


def _from_brian(error: BaseException) -> bool:
    """Whether an error was raised within Brian2, or what it reads equations with, and not by a mistake of ours."""
    while error.__cause__ is not None:
        error = error.__cause__
    places = traceback.extract_tb(error.__traceback__)
    return bool({"brian2", "sympy", "pyparsing"} & set(Path(places[-1].filename).parts)) or isinstance(
        error, SyntaxError
    )


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
