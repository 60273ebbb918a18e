"""What drawn models are made of: names, odd numbers, bounded expressions, comments, and the text of a model file."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

PLAIN = """
    alfa bravo charlie delta2 echo foxtrot golf hotel india juliett kilo lima mike november oscar papa quebec romeo
    sierra tango uniform_2 victor whiskey xray yankee zulu alfa_1 bravo_1 charlie_1 delta_1 echo_1 foxtrot_1 golf_1
    hotel_1 india_1 juliett_1 kilo_1 lima_1 mike_1 november_1 oscar_1 papa_1 quebec_1 romeo_1 sierra_1 tango_1
"""
"""Names that mean nothing to anyone."""
NASTY = """
    mean now ends change velocity moment square trace learning share psi total w_before S I E tile std gamma y0
    score cost readout offset counts keep late_0 steady_bias shown_input unit lane place index k o v p q m h z x y r
    autapse brian n_0 tau_1 g_L Q O beta zeta erf j0 time size starting perturbed corrected moment_mean fresh
    updating w_sign random normal uniform count x_column dx w_1 a_1 spike late numpy array group presentation tables
    model method indices signgam major minor stdin stderr data begin end distance rank hash left right fixed vector
    string map pair plus minus ratio byte lgamma hypot remainder list dict len sum any all print object str
    iter open range sinc where dot real flat shape value code unit_1 dim Lambda Rational diff N_1 pause signal
    environ index kill
"""
"""Names that code, a compiler or a computer algebra system may take for its own."""
RESERVED = """
    double main choose sent_sum returned err target prediction drive steps _idx autapse_w x_pre mV lambda xi e pi N
    i j dt spiked spikes lastspike w elapsed loss feedback activity f f_prime perturbation clip int not_refractory
    source variables events equations clock order when active state resetter thresholder namespace connect start
    stop owner pre post type block SIGINT
"""
"""Names that mean something, which most models may not define."""
EVIL = [
    "# the plain truth",
    "# w += 100; v = 3",
    '# it\'s "quoted", and # twice',
    "#: 1",
    "#",
    "# μ dτ/dt → ∞, é",
    "# (unless refractory",
    "# {braces} [brackets] $@!?`~^ % lambda class",
    "#dw/dt = 1 : 1; activity = 7 : 1",
]
FORMS = [
    "tanh({a})",
    "0.61*({a}) + 0.37*({b})",
    "({a})*tanh({b})",
    "clip({a}, -0.713, 0.829)",
    "1/(1 + exp(-({a})))",
    "sin(1.3*({a}))",
    "({a})/(1 + abs({b}))",
    "({a}) - 0.31*({b})",
    "-({a})",
    "exp(-({a})**2)",
    "({a})**2/(1 + ({b})**2 + ({a})**2)",
    "sqrt(0.13 + ({a})**2)",
    "log(1 + ({a})**2)",
    "cos({a})",
    "arctan({a})",
]
"""Expressions of expressions of order 1 that are of order 1 again."""
JUMPS = ["int({a} > 0.1237)*({b})", "({a})*int({b} <= 0.0731 and {a} > -0.3719)", "sign({a} - 0.0917)*0.3"]
"""The same where rounding might decide; it takes a number that nothing is likely to hit."""
NOISE = "noise"
"""The feature of cases that draw random numbers."""
CONDITIONS = [
    "(({a}) > 0.1237) + 0.3*(({b}) > -0.2191)",
    "0.4*(({a}) > 0.0713 and ({b}) < 0.5917)",
    "exp(-(({a}) <= 0.1137))",
    "0.7 - (not ({a}) > 0.0917)",
    "clip(({a}) > 0.1093, 0.117, 0.713)",
    "choose(({a}) > 0.1171, ({b}) > 0.2113, -0.3)",
]
"""The same, of conditions that are calculated with."""
WHOLE = [
    "clip(sign(({a}) - 0.0917), -0.513, 0.613)",
    "clip(int(3.1*({a}) + 0.0371), -0.817, 1.219)",
    "0.6*2.1**(-abs(int(2.3*({a}) + 0.0371)))",
    "int(2.9*({a}) + 0.0371)/3",
    "2**-1*({a})",
    "({a})/(7//2) - 10**(1 - 2)*({b})",
    "(-7 % 4)*({a})/5*3**(-1)",
]
"""The same, of whole numbers."""
DRAWS = ["({a}) + 0.31*rand()", "0.23*randn() - ({a})", "({a})*int(rand() < 0.4137)"]
"""The same, with random numbers."""
IMPORTS = "from brian2 import ms, mV, nA\nfrom autapse_sim import Activation, Connection, Neuron, Rule\n"


class Builder:
    """Draws of one case, as far as its features go; `whole` draws a whole number, both ends among them."""

    def __init__(self, whole: Callable[[int, int], int], features: Collection[str]):
        self.whole, self.features = whole, frozenset(features)
        self.names = PLAIN.split()
        if self.use("names", 60):
            self.names = NASTY.split()
            random.Random(whole(0, 2**16)).shuffle(self.names)
            self.names = [*dict.fromkeys(self.names)]
        if self.use("reserved names", 4):
            self.names.insert(whole(0, 4), self.one(RESERVED.split()))
        self.taken: list[str] = []
        self.parameters: dict[str, str] = {}
        """Those of the model that is being made, as Python expressions."""
        self.depends: dict[str, set[str]] = {}
        """The states that a defined name depends on."""

    def use(self, feature: str, percent: int = 50) -> bool:
        """Whether something optional is there; never where its feature is off."""
        return feature in self.features and self.whole(0, 99) >= 100 - percent

    def one(self, options: Sequence) -> Any:
        """One of some options."""
        return options[self.whole(0, len(options) - 1)]

    def name(self) -> str:
        """A name that is not taken yet."""
        self.taken.append(self.names.pop(0))
        return self.taken[-1]

    def number(self, low: float, high: float) -> str:
        """A number that nothing is likely to hit."""
        return f"{low + (high - low) * (self.whole(0, 996) + 0.37) / 997:.5g}"

    def constant(self, low: float, high: float, unit: str = "", name: str = "") -> str:
        """A number with a unit: as it stands, or a parameter of the model."""
        text = f"{self.number(low, high)}*{unit}" if unit else self.number(low, high)
        if not name and not self.use("parameters"):
            return f"({text})" if unit else text
        name = name or self.name()
        self.parameters[name] = text
        return name

    def bounded(self, atoms: Iterable[str], depth: int = 2, without: str = "") -> str:
        """An expression of order 1 of such; `without` is a state that it must not depend on."""
        atoms = [atom for atom in atoms if without not in self.reads(atom)]
        if not atoms:
            return self.number(-0.5, 0.5)
        if depth == 0 or not self.use("expressions", 75):
            return self.one(atoms)
        forms = [*FORMS]
        more = {"jumps": JUMPS, "conditions": CONDITIONS, "whole numbers": WHOLE, NOISE: DRAWS}
        forms += [form for feature, those in more.items() if feature in self.features for form in those]
        parts = {part: self.bounded(atoms, depth - 1, without) for part in ("a", "b")}
        return self.one(forms).format(**parts)

    def reads(self, text: str) -> set[str]:
        """The names in a text and the states that they depend on."""
        names = set(re.findall(r"[A-Za-z_]\w*", text))
        return names.union(*(self.depends.get(name, ()) for name in names))

    def lines(self, lines: Iterable[str]) -> list[str]:
        """Lines with comments here and there."""
        written = []
        for line in lines:
            if self.use("comments", 12):
                written.append(self.one(EVIL))
            written.append(f"{line}  {self.one(EVIL)}" if self.use("comments", 15) else line)
        return written

    def statements(self, lines: Iterable[str]) -> list[str]:
        """Statements, some of them on one line."""
        joined: list[str] = []
        for line in lines:
            if joined and self.use("semicolons", 25):
                joined[-1] += f"; {line}"
            else:
                joined.append(line)
        return self.lines(joined)


def equation(state: str, scale: str, target: str, tau: str, unit: str = "1", flag: str = "") -> str:
    """A leaky state that goes to `target` times its scale."""
    aim = f"{scale}*({target})" if scale else f"({target})"
    return f"d{state}/dt = ({aim} - {state})/{tau} : {unit}{flag}"


def model_file(kind: str, fields: Mapping[str, Any]) -> str:
    """The text of a model file; lists are lines of a text, other texts stand as they are (`Python`)."""
    body = "".join(f"    {name}={_written(value)},\n" for name, value in fields.items() if value)
    return f"{IMPORTS}\n{kind.lower()} = {kind}(\n{body})\n"


def connection(fields: Mapping[str, Any]) -> str:
    """A connection as Python."""
    body = ", ".join(f"{name}={_short(value)}" for name, value in fields.items() if value)
    return f"Connection({body})"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f'"{name}": {text}' for name, text in value.items()) + "}"
    return quoted("; ".join(value))


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{\n" + "".join(f'        "{name}": {text},\n' for name, text in value.items()) + "    }"
    if isinstance(value, tuple):
        return "(\n" + "".join(f"        {text},\n" for text in value) + "    )"
    if len(value) == 1 and "#" not in value[0]:
        return f'"{value[0]}"'
    return '"""\n' + "".join(f"        {line}\n" for line in value) + '    """'


def quoted(value: str) -> str:
    """An expression as a Python string."""
    return f'"{value}"'
