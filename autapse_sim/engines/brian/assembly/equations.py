"""Equations of models as Brian2 is given them: other names, other functions, other integrators."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count

from brian2 import Equations, StateUpdateMethod
from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION
from brian2.groups.group import CodeRunner

from autapse_sim.spec.algebra import real_functions
from autapse_sim.spec.integration import stepper
from autapse_sim.spec.language import Statement, renamed
from autapse_sim.spec.quantities import unit_of

_DRAW = re.compile(r"(?<![\w.])(randn?)\(\s*\)")


def rebuilt(equations: Equations, new: Mapping[str, str], own: Mapping[str, str] | None = None) -> Iterator[str]:
    """Equations line by line: what they read in `new` names, what they define in those of `own`.

    Marks of how a synapse's equation is driven are left out; see `integrator`.
    """
    own = own or {}
    for name in equations:
        equation = equations[name]
        kind = equation.var_type if equation.var_type != "float" else unit_of(equation.unit)
        flags = [flag for flag in equation.flags if flag not in ("event-driven", "clock-driven")]
        mark = f" ({', '.join(flags)})" if flags else ""
        target = own.get(name, name)
        if equation.expr is None:
            yield f"{target} : {kind}{mark}"
            continue
        value = renamed(equation.expr.code, {**new, **own})
        left = f"d{target}/dt" if equation.type == DIFFERENTIAL_EQUATION else target
        yield f"{left} = {value} : {kind}{mark}"


def integrator(method: str, exactly: Iterable[str]) -> Callable[..., str]:
    """The integrator of a group in which some equations, each linear in its own variable, are integrated exactly."""
    exactly = set(exactly)

    @real_functions()  # a plain network of Brian2 asks for the code when it runs, outside of a session
    def integrated(equations: Equations, variables: Mapping, method_options: Mapping | None = None) -> str:
        kinds = {name: equations[name].type for name in equations}
        code = []
        others = [name for name, kind in kinds.items() if kind == DIFFERENTIAL_EQUATION and name not in exactly]
        solved = [name for name in kinds if name in exactly]
        for names, how in ((others, stepper(method)), (solved, stepper("exponential_euler"))):
            beside = [name for name, kind in kinds.items() if kind == SUBEXPRESSION]
            part = Equations([equations[name] for name in (*names, *beside)])
            code += [StateUpdateMethod.apply_stateupdater(part, variables, how)] if names else []
        # where Brian2 keeps the next value of a state idx, its C++ keeps _idx; nothing is called like these names
        return renamed("\n".join(code), {f"_{name}": f"_autapse_{name}" for name in (*others, *solved)})

    return integrated


def draws_in(code: str) -> bool:
    """Whether code draws random numbers."""
    return bool(_DRAW.search(code))


class Draws:
    """Random numbers of texts as functions of the seed of the network, the time and the place.

    Parameters
    ----------
    where : str
        Name of the texts, which tells their numbers from those of others.
    size : tuple of int
        Neurons of a network in the group, or presynaptic and postsynaptic neurons of a synapse.
    """

    def __init__(self, where: str, *size: int):
        self.where, self.size = where, size
        self.count = count()
        """One number after the other, whichever of the texts it stands in."""

    def __call__(self, code: str) -> str:
        """The code with every ``rand()`` and ``randn()`` as a call of the tape."""

        def call(match: re.Match) -> str:
            place = zlib.crc32(f"{self.where}.{next(self.count)}".encode()) >> 1
            kind = {"rand": "uniform", "randn": "normal"}[match[1]]
            if len(self.size) == 1:
                return f"autapse_{kind}({place}, i, {self.size[0]}, t_in_timesteps)"
            return f"autapse_pair_{kind}({place}, i_pre, i_post, {self.size[0]}, {self.size[1]}, t_in_timesteps)"

        return _DRAW.sub(call, code)

    def drawn(self, code: Iterable[Statement]) -> list[Statement]:
        """The same of assignments."""
        return [replace(each, value=self(each.value)) for each in code]

    def rewrite(self, updater: CodeRunner) -> None:
        """Let the code of a state updater draw so, too (``xi`` becomes ``randn()`` there)."""
        original = updater.update_abstract_code

        def update(run_namespace: Mapping) -> None:
            original(run_namespace)
            # Brian2 may ask again, for the same numbers
            updater.abstract_code = Draws(self.where, *self.size)(updater.abstract_code)

        updater.update_abstract_code = update
