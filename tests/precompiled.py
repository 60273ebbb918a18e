"""The headers that every generated program includes, compiled once for the tests of a run: a third of each program."""

import fcntl
import re
import shlex
import subprocess
from importlib.resources import files
from pathlib import Path

from autapse_sim.engines.brian.compiler import FLAGS, compiler

CHEAP = "-O0"
"""Programs that compile fast, where their speed does not matter."""


def flags(folder: Path, more: str = "") -> str:
    """Flags of the compiler for programs of these tests; `more` are those that change what it does.

    Processes share what lies in `folder`; a compiler that takes no precompiled headers reads them as they are.
    """
    command = compiler()
    if command is None:
        return more
    home = folder / ("headers" + more.replace(" ", "").replace("/", "_"))
    home.mkdir(parents=True, exist_ok=True)
    header = home / "headers.h"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not header.exists():
            header.write_text(_included())
            arguments = [command, *FLAGS, *shlex.split(more), "-x", "c++-header", header.name, "-o", "headers.h.gch"]
            subprocess.run(arguments, cwd=home, check=False, capture_output=True)
    return f"{more} -include {shlex.quote(str(header))}".strip()


def _included() -> str:
    from autapse_sim.engines.brian.standalone import HEADERS

    tape = files("autapse_sim.engines.brian").joinpath("tape.h").read_text().partition("#if defined")[0]
    lines = [f"#include <{name}>" for name in HEADERS.split()] + re.findall(r"^#include <.*>$", tape, re.MULTILINE)
    return "\n".join(dict.fromkeys(lines)) + "\n"
