"""The C++ compiler of this machine; no Brian2 here."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

from autapse_sim.errors import InputError

FLAGS = [
    "-std=c++17",
    "-O3",
    "-ffast-math",
    "-fno-finite-math-only",  # NaN and infinity stay what they are ...
    "-D__FAST_MATH__",  # ... and the C library still offers its vector exp and tanh
    "-march=native",
    "-w",
]


def compiler() -> str | None:
    """The C++ compiler of this machine, or None; what the environment variable CXX names goes before all others."""
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
    answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return "\n".join([command, *flags(), answer])


def compile_program(command: str, source: Path, program: Path) -> None:
    """Compile one source file; RuntimeError with the compiler's first error where it fails."""
    arguments = [command, *flags(), "-I.", "-Ibrianlib", source.name, "-o", str(program)]
    with subprocess.Popen(arguments, cwd=source.parent, stderr=subprocess.PIPE, text=True) as process:
        import_module("scipy.stats")  # slow to load, and wanted after the run: it has the time of the compiler for it
        errors = process.communicate()[1]
    if process.returncode:
        first = next((line for line in errors.splitlines() if "error" in line), errors[:200])
        raise RuntimeError(f"the C++ compiler failed: {first}")
