"""The C++ compiler of this machine; no Brian2 here."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from autapse_sim.errors import InputError
from autapse_sim.machine.processes import Programs

FLAGS = [
    "-std=c++17",
    "-O3",
    "-ffast-math",
    "-fno-finite-math-only",  # NaN and infinity stay what they are ...
    "-D__FAST_MATH__",  # ... and the C library still offers its vector exp and tanh
    "-march=native",
    "-w",
]
ASKED, COMPILING = 60.0, 1800.0
"""Seconds in which a compiler says what it is, and in which it compiles; it takes a second, and some ten."""


def compiler() -> str | None:
    """The C++ compiler of this machine, or None; what the environment variable CXX names goes before all others.

    Where a program cannot be ended together with all that it started (not a POSIX system), none is used.
    """
    if not hasattr(os, "killpg"):
        return None
    asked = os.environ.get("CXX")
    if asked and not shutil.which(asked):
        raise InputError(
            f"the environment variable CXX is {asked!r}, and there is no such compiler; name one, or unset it"
        )
    return shutil.which(asked or "g++") or shutil.which("c++")


def flags() -> list[str]:
    """What the compiler is told: `FLAGS`, and after them those of the environment variable AUTAPSE_CXXFLAGS."""
    return FLAGS + shlex.split(os.environ.get("AUTAPSE_CXXFLAGS", ""))


def identity(command: str) -> str:
    """What a compiled program depends on beside its sources: compiler, flags, and what -march=native stands for."""
    asked = [command, "-march=native", "-Q", "--help=target", "--version"]
    with Programs() as programs:
        answer = programs.run(asked, "the C++ compiler", ASKED)
    return "\n".join([command, *flags(), answer.output])


def compile_program(command: str, source: Path, program: Path) -> None:
    """Compile one source file; RuntimeError with the compiler's first error where it fails."""
    arguments = [command, *flags(), "-I.", "-Ibrianlib", source.name, "-o", str(program)]
    with Programs() as programs:
        answer = programs.run(arguments, "the C++ compiler", COMPILING, source.parent)
    if answer.code:
        first = next((line for line in answer.errors.splitlines() if "error" in line), answer.errors)
        raise RuntimeError(f"the C++ compiler {command} failed, {answer._replace(errors=first).said()}")
    if not program.is_file() or not program.stat().st_size:
        raise RuntimeError(f"the C++ compiler {command} said that all is well, and wrote no program")
