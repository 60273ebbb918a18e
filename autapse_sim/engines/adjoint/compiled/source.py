"""The C++ source of a neuron's programs: what every neuron of every lane does forward and backward in a step."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from autapse_sim.engines.adjoint.compiled.cpp import Writer, variable
from autapse_sim.engines.adjoint.numeric import KNOWN
from autapse_sim.engines.adjoint.program import Program
from autapse_sim.engines.adjoint.step import ARRIVING, SHOWN, Step
from autapse_sim.engines.reference.code import names, tree
from autapse_sim.spec.language import Statement

GIVEN = ("dt", "step", "N", "i")
"""What stands still beside the parameters."""
TIME = ("t", "steps")
HEADERS = ("kernels.h", "job.h", "recurrent.h", "returned.h", "penalty.h", "sweep.h", "program.h")
"""What is the same for all neurons, in the order of a program; what is generated stands behind the first."""


@dataclass(frozen=True)
class Source:
    """A program and how it is fed.

    Parameters
    ----------
    text : str
        C++.
    parameters : tuple of str
        Those of the neuron that it reads, in the order in which they are given.
    spiking : bool
        Whether neurons spike.
    """

    text: str
    parameters: tuple[str, ...]
    spiking: bool


def source_of(
    step: Step,
    each: Iterable[str],
    parameters: Iterable[str],
    lanes: str,
    number: str = "double",
    returned: bool = False,
) -> Source:
    """The program of a neuron.

    Parameters
    ----------
    step : Step
        What the neuron does.
    each : iterable of str
        The parameters that differ from neuron to neuron.
    parameters : iterable of str
        All parameters that there are.
    lanes : str
        The layout, a class of kernels.h.
    number : {'double', 'float'}
        What neurons and the products between them are computed in.
    returned : bool
        Whether neurons are told the prediction.
    """
    written = _Written(step, frozenset(each), sorted(parameters))
    functions = [written.begin(), written.forward(), written.backward(), written.start_back()]
    text = "\n".join([written.facts(lanes, returned), written.constants(), *functions])
    kernels, *others = (files("autapse_sim.engines.adjoint.compiled").joinpath(name).read_text() for name in HEADERS)
    return Source(
        "\n".join([f"typedef {number} Number;", kernels, text, *others]), tuple(written.parameters), written.spiking
    )


class _Written:
    """The parts of a program."""

    def __init__(self, step: Step, each: frozenset[str], parameters: list[str]):
        self.step, self.each = step, each | {"i"}
        program = step.step
        self.spiking = "spiked" in program.last
        read = {name for line in (*program.forward, *program.slopes) for name in names(tree(line.value))}
        begun = {name for line in step.start.forward for name in names(tree(line.value))}
        self.parameters = [name for name in parameters if name in read | begun]
        self.writer = Writer({*GIVEN, *self.parameters}, self.each)
        self.made: dict[str, ast.expr] = {
            line.name: tree(line.value) for line in (*program.forward, *program.slopes) if not line.operator
        }
        kept = {*read, *step.recorded} - ({"activity"} - read)
        self.states = [name for name in step.states if name in kept]
        outs = {program.out_of(name) for name in step.moving}
        asked = [name for line in program.backward for name in sorted(names(tree(line.value)))]
        lines = {line.name for line in program.backward}
        slopes = [name for name in dict.fromkeys(asked) if name not in outs | lines]
        self.roots = {name: self.root(name) for name in slopes}
        self.kept = [root for root in dict.fromkeys(self.roots.values()) if not self._still(root)]
        ways = {line.name: self._resolved(line.value) for line in program.backward if not line.operator}
        drive, shown = (
            [self._resolved(line.value) for line in program.backward if line.name == program.into(name)]
            for name in ARRIVING[:2]
        )
        self.same = drive == shown
        self.alike = self.root(program.last["sent"]) == self.root(program.last["activity"])
        self.begins = [line.value for line in step.start.backward if line.name == step.start.into("bias")] != ["0"]
        self.carried = [name for name in step.moving if ways.get(program.into(name)) != "0"]

    def root(self, name: str) -> str:
        """What a name stands for: the first that had its value."""
        while isinstance(node := self.made.get(name), ast.Name):
            name = node.id
        return name

    def _still(self, name: str) -> bool:
        """Whether a value stands still during a run; then lines that set it are not needed on the way back."""
        if name not in self.made:
            return name in self.writer.still
        return all(map(self._still, names(self.made[name]) - KNOWN.keys()))

    def _resolved(self, value: str) -> str:
        """An expression by the roots of what it reads."""
        node = ast.parse(value, mode="eval").body  # not the tree that others share
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                part.id = self.root(part.id)
        return ast.unparse(node)

    # -- the parts ----------------------------------------------------------------------------------------------------

    def facts(self, lanes: str, returned: bool) -> str:
        """What the sweeps know of the neuron."""
        numbers = {
            "PARAMETERS": len(self.parameters),
            "STATES": len(self.states),
            "SLOPES": len(self.kept),
            "BARS": len(self.carried),
        }
        truths = {
            "SPIKING": self.spiking,
            "ALIKE": self.alike,
            "SAME": self.same,
            "BEGINS": self.begins,
            "RETURNED": returned,
        }
        recorded = [str(self.states.index(name)) if name in self.states else "-1" for name in self.step.recorded]
        lines = [f"using Lanes = {lanes};", "constexpr bool OWN = Lanes::OWN;"]
        lines += [f"constexpr int {name} = {value};" for name, value in numbers.items()]
        lines += [f"constexpr bool {name} = {str(value).lower()};" for name, value in truths.items()]
        lines += [f"constexpr int RECORDED = {len(recorded)}, RECORDS[] = {{{', '.join([*recorded, '-1', '-1'])}}};"]
        files_ = [f'"{name}.trace"' for name in self.step.recorded] + ['"error.out"', '"spikes.out"']
        return "\n".join([*lines, f"const char *const FILES[] = {{{', '.join(files_)}}};"])

    def constants(self) -> str:
        """What stands still, for one neuron of one network; written last, since the others ask for it."""
        self.begin(), self.forward(), self.backward(), self.start_back()
        given = [f"const double {variable(name)} = {name};" for name in ("dt", "step", "N", "i")]
        given += [f"const double {variable(name)} = p[{q}];" for q, name in enumerate(self.parameters)]
        lines = [f"out[{q}] = {text};" for q, (text, _) in enumerate(self.writer.constants.values())]
        each = ", ".join([*(str(every).lower() for _, every in self.writer.constants.values()), "false"])
        return (
            f"constexpr int CONSTANTS = {len(lines)};\nconstexpr bool EACH[] = {{{each}}};\n"
            "static void constants(const double *p, double dt, double step, double N, double i, double *out)\n"
            + _block([*given, *lines])
        )

    def begin(self) -> str:
        """The states from which a trajectory starts."""
        program = self.step.start
        body = self._read({"bias": "bias"}, program.forward)
        body += self._lines(program.forward, lambda value: self.writer.number(tree(value)))
        body += [f"state_{q}[e] = {variable(program.last[name])};" for q, name in enumerate(self.states)]
        body += [f"{name}[e] = {variable(program.last[name])};" for name in SHOWN]
        arguments = "const Number *bias, Number *const *states, Number *activity, Number *sent"
        return self._function("begin", arguments, body, ["const Number v_t = 0.0, v_steps = 1.0;"])

    def forward(self) -> str:
        """One integration step; with KEEP what the way back needs is kept."""
        program = self.step.step
        lines = self._lines((*program.forward, *program.slopes), self._number)
        body = self._read({name: name for name in ARRIVING}, (*program.forward, *program.slopes)) + lines
        body += [f"state_{q}[e] = {variable(program.last.get(name, name))};" for q, name in enumerate(self.states)]
        if self.spiking:
            body.append(f"spiked[e] = {variable(program.last['spiked'])};")
        body.append(f"sent[e] = {variable(program.last['sent'])};")
        body.append("" if self.alike else f"activity[e] = {variable(program.last['activity'])};")
        body += [f"if (KEEP) slope_{q}[e] = {variable(name)};" for q, name in enumerate(self.kept)]
        arguments = "Number t, Number steps, const Number *drive, const Number *input, const Number *bias, "
        arguments += "Number *const *states, Number *activity, Number *sent, Number *spiked, Number *const *slopes"
        head = [f"const Number {variable(name)} = {name};" for name in TIME]
        return "template <bool KEEP> " + self._function(
            "forward", arguments, body, [*head, *self._rows("slope", len(self.kept))]
        )

    def backward(self) -> str:
        """The slopes of the loss one integration step back."""
        program = self.step.step
        body = [f"const Number {variable(name)} = slope_{q}[e];" for q, name in enumerate(self.kept)]
        body += self._back(program, lambda value: self._number(self._resolved(value)))
        body += [f"bar_{q}[e] = {variable(program.into(name))};" for q, name in enumerate(self.carried)]
        by = {name: variable(program.into(name)) for name in ARRIVING}
        body += [f"by_drive[e] = {by['drive']};", "" if self.same else f"by_input[e] = {by['input']};"]
        body += [f"if (BIAS) by_bias[e] += {by['bias']};"]
        arguments = "Number *const *bars, const Number *by_activity, const Number *by_sent, "
        arguments += "const Number *const *slopes, Number *by_drive, Number *by_input, Number *by_bias"
        head = [*self._rows("bar", len(self.carried)), *self._rows("slope", len(self.kept), "const ")]
        return "template <bool BIAS> " + self._function("backward", arguments, body, head, states=False)

    def start_back(self) -> str:
        """The slope of the loss by the bias from which a trajectory starts."""
        program = self.step.start

        def number(value: str) -> str:
            return self.writer.number(tree(value))

        body = ["const Number v_bias = bias[e];", *self._lines((*program.forward, *program.slopes), number)]
        body += [*self._back(program, number), f"by_bias[e] += {variable(program.into('bias'))};"]
        arguments = "const Number *bias, Number *const *bars, const Number *by_activity, const Number *by_sent, "
        head = ["const Number v_t = 0.0, v_steps = 1.0;", *self._rows("bar", len(self.carried))]
        return self._function(
            "start_back", arguments + "Number *by_bias", body if self.begins else [], head, states=False
        )

    def _back(self, program: Program, number: Callable[[str], str]) -> list[str]:
        """The lines of a way back, from the slopes by what goes on and by what was shown."""
        found = []
        for name in self.step.moving:
            shown = {"activity": "by_activity[e]", "sent": "by_sent[e]"}.get(name, "")
            carried = [f"bar_{self.carried.index(name)}[e]"] if name in self.carried else []
            value = " + ".join([*carried, *([shown] if shown else [])]) or "0.0"
            found.append(f"Number {variable(program.out_of(name))} = {value};")
        made = {program.out_of(name) for name in self.step.moving}
        for line in program.backward:
            sign = "+=" if line.operator else "="
            first = "" if line.name in made else "Number "
            found.append(f"{first}{variable(line.name)} {sign} {number(line.value)};")
            made.add(line.name)
        return found

    def _number(self, value: str) -> str:
        """An expression in which what stands still is what it is made of."""
        node = ast.parse(value, mode="eval").body
        return self.writer.number(_Whole(self.made, self._still).visit(node))

    # -- lines --------------------------------------------------------------------------------------------------------

    def _lines(self, statements: Iterable[Statement], number: Callable[[str], str]) -> list[str]:
        found, made = [], set[str]()
        for line in statements:
            found.append(f"{'' if line.name in made else 'Number '}{variable(line.name)} = {number(line.assigned)};")
            made.add(line.name)
        return found

    def _read(self, arriving: Mapping[str, str], statements: Iterable[Statement]) -> list[str]:
        read, made = set[str](), set[str]()
        for line in statements:
            read |= names(tree(line.assigned)) - made
            made.add(line.name)
        found = [f"const Number {variable(name)} = {array}[e];" for name, array in arriving.items()]
        states = [name for name in self.states if name in read or name not in made]
        return found + [f"Number {variable(name)} = state_{self.states.index(name)}[e];" for name in states]

    def _rows(self, name: str, count: int, const: str = "") -> list[str]:
        plural = f"{name}s"
        return [f"{const}Number *__restrict {name}_{q} = {plural}[{q}];" for q in range(count)]

    def _function(
        self,
        name: str,
        arguments: str,
        body: list[str],
        head: Iterable[str] = (),
        states: bool = True,
    ) -> str:
        """A loop over all neurons of all lanes."""
        first = [f"const Number *__restrict k_{q} = k[{q}];" for q in range(len(self.writer.constants))]
        first += self._rows("state", len(self.states)) if states else []
        first += [*head]
        loop = ["for (int e = 0; e < size / PACK * PACK; e++)", _block([line for line in body if line], 1)]
        fast = "#pragma GCC ivdep"
        return f"static void {name}(int size, const Number *const *k, {arguments})\n" + _block([*first, fast, *loop])


class _Whole(ast.NodeTransformer):
    """An expression in which names of what stands still are what they are made of."""

    def __init__(self, made: Mapping[str, ast.expr], still: Callable[[str], bool]):
        self.made, self.still = made, still

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.made and self.still(node.id):
            return self.visit(ast.parse(ast.unparse(self.made[node.id]), mode="eval").body)
        return ast.Name(node.id, ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(each) for each in node.args], [])


def _block(lines: Iterable[str], depth: int = 0) -> str:
    indent = "    " * (depth + 1)
    return "\n".join(["    " * depth + "{", *(f"{indent}{line}" for line in lines), "    " * depth + "}"])
