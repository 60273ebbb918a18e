"""Model files as Python: their text, and what they define when they are run.

A model file is code that its user chose to run; everything else that is read is data.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import signal
import sys
import threading
import tokenize
import traceback
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import autapse_sim
from autapse_sim.errors import InputError
from autapse_sim.names import refused
from autapse_sim.spec.language import UNPARSED

MOST_BYTES = 2**20
"""The longest model file."""


def python_text(path: str | Path) -> str:
    """The text of a Python file, in the encoding that it names (else UTF-8).

    Raises
    ------
    InputError
        It is no file, cannot be read, or is no text in that encoding.
    """
    if not os.path.isfile(path):
        raise InputError(f"{path} {'is no file' if os.path.lexists(path) else 'does not exist'}")
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{path} is no model file: it is longer than {MOST_BYTES} bytes")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise InputError(f"{path} is no Python text: {error}; save it as UTF-8") from None


def run(source: str, path: str) -> dict[str, Any]:
    """The names that the text of a Python file defines when it runs.

    Raises
    ------
    InputError
        It does not parse, or raises anything (`SystemExit`, too), with file and line. Ctrl-C goes through.
    """
    try:
        code = compile(ast.parse(source, path), path, "exec", dont_inherit=True)
    except UNPARSED as error:
        line = getattr(error, "lineno", None)
        said = getattr(error, "msg", None) or (str(error) if isinstance(error, ValueError) else "nested too deeply")
        raise InputError(f"{path}{f', line {line}' if line else ''}: does not parse as Python: {said}") from None
    # dataclasses look up the module that they are defined in; its name is no other's, and nobody finds it later
    module = types.ModuleType(f"file {Path(path).stem}")
    module.__file__ = path
    with _told_to_end() as told:
        sys.modules[module.__name__] = module
        try:
            exec(code, vars(module))
        except BaseException as error:
            if told:
                raise
            said = _said(error)
            raise InputError(f"{_where(error, path, source, said)}: {said}") from error
        finally:
            sys.modules.pop(module.__name__, None)
    return vars(module)


_FIELD = re.compile(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'")


def _where(error: BaseException, path: str, source: str, said: str) -> str:
    """The last line of the file that an error went through; of bad input that where its words stand, from there on."""
    lines = [frame.lineno or 1 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    if not lines:
        return path
    words = [*re.findall(r"'([^']+)'", said), *(f"{field}=" for field in re.findall(r"\w\((\w+)=", said))]
    written = [" ".join(line.split()) for line in source.split("\n")]
    for word in words if isinstance(error, InputError | TypeError) else ():
        for number in range(lines[-1], len(written) + 1):
            if word in written[number - 1]:
                return f"{path}, line {number}"
    return f"{path}, line {lines[-1]}"


def _said(error: BaseException) -> str:
    if isinstance(error, InputError):
        return str(error)
    said = " ".join(traceback.format_exception_only(error)[-1].split())  # also of errors that cannot say themselves
    wrong = _FIELD.search(said) if isinstance(error, TypeError) else None
    kind = getattr(autapse_sim, wrong[1], None) if wrong and wrong[1] in autapse_sim.__all__ else None
    if wrong and is_dataclass(kind):
        known = [each.name for each in fields(kind) if each.name not in ("path", "source")]
        return refused(f"field of {wrong[1]}", wrong[2], known)
    return f"{said}{_imported(error.name)}" if isinstance(error, NameError) and error.name else said


def _imported(name: str) -> str:
    """Where a name that a file uses and does not define can be had."""
    if name in autapse_sim.__all__:
        return f"; write from autapse_sim import {name}"
    from brian2.core.namespace import DEFAULT_UNITS

    near = [name] if name in DEFAULT_UNITS else get_close_matches(name, DEFAULT_UNITS, n=1, cutoff=0.7)
    return f"; for a unit write from brian2 import {near[0]}" if near else ""


@contextlib.contextmanager
def _told_to_end() -> Iterator[list[int]]:
    """The signals to end (Ctrl-C, SIGTERM) that came meanwhile, which are not the file's own doing."""
    told: list[int] = []
    with contextlib.ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            if callable(before) and threading.current_thread() is threading.main_thread():

                def tell(number: int, frame: Any, before: Any = before) -> None:
                    told.append(number)
                    before(number, frame)

                signal.signal(number, tell)
                stack.callback(signal.signal, number, before)
        yield told


_PLAIN = """
    Neuron Rule Connection Activation dict tuple list set range min max sum abs len float int str round array zeros
    ones linspace arange exp sqrt log
"""
PLAIN_CALLS = frozenset(_PLAIN.split())
"""What a model file may call and still say all by itself."""


def self_contained(text: str) -> bool:
    """Whether a model file says all by itself: what it imports and calls reads nothing else."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except UNPARSED:
        return False
    plain = {"brian2", "autapse_sim", "math", "numpy", "__future__"}
    for node in nodes:
        if isinstance(node, ast.Import | ast.With | ast.ClassDef | ast.Global | ast.Delete):
            return False
        if isinstance(node, ast.ImportFrom) and (node.module not in plain or any(a.asname for a in node.names)):
            return False
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in PLAIN_CALLS):
            return False
        if isinstance(node, ast.FunctionDef | ast.Name) and not isinstance(getattr(node, "ctx", None), ast.Load):
            name = node.name if isinstance(node, ast.FunctionDef) else node.id
            if name in PLAIN_CALLS:
                return False
    return True
