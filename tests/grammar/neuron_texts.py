"""Neuron files that nobody wrote: rate and spiking, of one to four coupled states."""

from __future__ import annotations

from dataclasses import dataclass, field

from builder import Builder, equation, model_file, quoted

OWN = [
    "int({a} > 0.1319)",
    "({a})*int({a} > 0.0891 and {a} < 0.4717)",
    "choose({a} > 0.1093, -0.7, {a})",
    "({a} <= 0.0711)",
]
"""Conditions on a state in what the same state goes to."""
UNITS = {"1": "", "volt": "mV", "amp": "nA"}


@dataclass
class DrawnNeuron:
    """What rules and circuits have to know of a neuron.

    Parameters
    ----------
    text : str
        Of its file.
    spiking : bool
        Whether it has a threshold.
    f_prime : bool
        Whether it has an f'.
    states : list of str
        Its states in words of order 1, `{}` in place of a suffix.
    parameters : dict of str to str
        As Python expressions.
    """

    text: str = ""
    spiking: bool = False
    f_prime: bool = False
    states: list[str] = field(default_factory=list)
    parameters: dict[str, str] = field(default_factory=dict)


def draw_neuron(b: Builder, activation: str) -> DrawnNeuron:
    """Draw the text of a neuron file; `activation` is the one that the circuit asks for."""
    b.parameters = {}
    made = DrawnNeuron(spiking=b.use("spiking", 45))
    writer = _Writer(b, made, activation)
    fields = writer.spiking() if made.spiking else writer.rate()
    made.text = model_file("Neuron", fields | {"parameters": b.parameters, "method": [writer.method]})
    made.parameters = b.parameters
    return made


class _Writer:
    """One neuron while it is being written."""

    def __init__(self, b: Builder, made: DrawnNeuron, activation: str):
        self.b, self.made, self.activation = b, made, activation
        self.method = b.one(["euler", "exponential_euler", "rk2", "rk4"]) if b.use("methods") else "euler"
        self.equations: list[str] = []
        self.initial: dict[str, str] = {}
        self.sums: dict[str, str] = {}
        self.scales: dict[str, str] = {}
        self.counted = ""
        self.atoms = self.surroundings()
        self.current = "drive + input + bias"
        if b.use("expressions"):
            self.current = " + ".join(f"{b.constant(0.6, 1.4)}*{name}" for name in ("drive", "input", "bias"))

    def surroundings(self) -> list[str]:
        """What the circuit tells a neuron, in words of order 1."""
        b, atoms = self.b, ["tanh(drive)", "tanh(input)"]
        words = {
            "time": "sin(t/(7.3*ms))",
            "indices": "(i + 1)/N",
            "counters": "steps/(steps + 5)",
            "feedback": "tanh(feedback)",
            "loss": "loss/(1 + loss)",
        }
        atoms += [word for feature, word in words.items() if b.use(feature, 30)]
        if b.use("counters", 30):
            atoms.append("dt/step")
        if self.made.spiking and b.use("spiked", 30):
            atoms.append("spiked")
        if b.use("sums", 25):
            name = b.name()
            self.sums[name] = quoted(
                b.one(["clip(w, 0, inf)*sent_pre", "0.3*tanh(w)*activity_pre", "w*sent_pre*activity_post"])
            )
            atoms.append(f"tanh({name})")
        return atoms

    def state(self, target: str, tau: tuple[float, float] = (1.3, 9.0), name: str = "", flag: str = "") -> str:
        """A leaky state, which becomes an atom of what follows; its word of order 1."""
        b = self.b
        name = name or b.name()
        unit = b.one(list(UNITS)) if b.use("units", 60) and name != "activity" else "1"
        scale = b.constant(3, 9, UNITS[unit]) if UNITS[unit] else ""
        word = f"{name}/{scale}" if scale else name
        if self.method != "exponential_euler" and b.use("conditions of its own", 25):
            target = f"{target} + 0.2*{b.one(OWN).format(a=word)}"
        self.equations.append(equation(name, scale, target, b.constant(*tau, "ms"), unit, flag))
        if b.use("initial", 40):
            self.initial[name] = self.beginning(scale)
        b.depends[name] = {name}
        self.add(name, word)
        self.scales[name] = scale
        return word

    def couple(self, word: str) -> None:
        """Let the first state read a later one, which may read it."""
        first = next(iter(self.scales))
        if len(self.scales) > 1 and self.b.use("coupled", 70):
            own = f"{self.scales[first]}*" if self.scales[first] else ""
            start = f"d{first}/dt = ("
            self.equations = [line.replace(start, f"{start}{own}0.3*tanh({word}) + ", 1) for line in self.equations]

    def beginning(self, scale: str) -> str:
        """An initial value as Python."""
        b, number = self.b, self.b.number(-0.4, 0.4)
        if scale:
            return quoted(f"{number}*{scale}")
        others = [f"{name}/{its}" if its else name for name, its in self.scales.items()]
        if others and b.use("initial of others", 30):
            return quoted(f"{number} + 0.31*{b.one(others)}")
        return b.one([number, quoted(number), quoted(f"{number}*(i + 1)/N") if b.use("indices") else quoted(number)])

    def add(self, name: str, word: str) -> None:
        """Note what others may read."""
        self.atoms.append(word)
        self.made.states.append(word.replace(name, f"{name}{{}}", 1))

    def subexpression(self, text: str, name: str = "") -> str:
        """A name for an expression of order 1."""
        name = name or self.b.name()
        self.equations.append(f"{name} = {text} : 1")
        self.b.depends[name] = self.b.reads(text)
        self.add(name, name)
        return name

    def others(self, flag: str = "") -> None:
        """States and subexpressions beside the first."""
        b = self.b
        for _ in range(b.whole(1, 3) if b.use("coupled") else 0):
            # a linear integrator must not find the state in what it goes to
            self.state(b.bounded(self.atoms), flag=flag if b.use("unless refractory", 30) else "")
        if b.use("subexpressions"):
            self.subexpression(b.bounded(self.atoms))
        if b.use("booleans", 25):
            name = b.name()
            self.equations.append(f"{name} = {b.bounded(self.atoms, 1)} > {b.number(0.05, 0.3)} : boolean")
            b.depends[name] = b.reads(self.equations[-1])
            self.add(name, name)
        if self.made.spiking and b.use("plain states", 35):
            name = b.name()
            self.counted = name
            self.equations.append(f"{name} : 1")
            self.initial[name] = b.one([b.number(-0.5, 0.5), quoted("0.137*tanh(1 + 0.5)")])
            b.depends[name] = {name}
            self.add(name, name)

    def fields(self, **more: list[str] | dict) -> dict:
        b = self.b
        if b.use("sent", 30):
            words = ["0.7*activity", "activity*(1 - 0.2*activity)", "tanh(1.1*activity)"]
            self.equations.append(f"sent = {b.one(words)} : 1")
        elif self.made.spiking and b.use("spiked", 80):
            self.equations.append(f"sent = {b.one(['spiked*step/dt', 'spiked', '0.8*spiked + 0.1*activity'])} : 1")
        lines = b.one([self.equations, self.equations[::-1]])
        fields = {"equations": b.lines(lines), **more}
        return fields | {"initial": self.initial, "sums": self.sums}

    def rate(self) -> dict:
        """A rate neuron."""
        b = self.b
        self.others()
        if b.use("activations"):
            return self.with_activation()
        extra = f" + 0.4*({b.bounded(self.atoms)})" if b.use("expressions") else ""
        if b.use("activity state", 25):
            self.state(f"tanh({self.current}{extra})", (1.3, 4.0), "activity")
        else:
            word = self.state(self.current + extra, (1.3, 4.0))
            self.couple(word)
            shown = b.one([f"tanh({word})", f"{word}/(1 + abs({word}))", f"0.3 + 0.8*tanh({word})"])
            self.equations.append(f"activity = {shown} : 1")
        if b.use("shown", 40):
            self.state("tanh(activity)")
        return self.fields()

    def with_activation(self) -> dict:
        """A rate neuron with activations of its own."""
        b, gain = self.b, self.b.constant(0.5, 1.4)
        written = {
            f"tanh({gain}*a)": f"{gain}*(1 - f**2)",
            f"1/(1 + exp(-{gain}*a))": "f*(1 - f)",
            "a/(1 + abs(a))": "1/(1 + abs(a))**2",
            f"{gain}*sin(a)": f"{gain}*cos(a)",
        }
        f, f_prime = b.one(list(written.items()))
        self.made.f_prime = True
        if b.use("coupled"):  # a state that is called a
            self.equations.append(f"da/dt = ({self.current} - a)/{b.constant(1.3, 6, 'ms')} : 1")
            self.equations.append("activity = f : 1")
        else:
            self.equations.append(f"a = {self.current} : 1")
            self.equations.append(f"activity = {self.state('f', (1.3, 4.0))} : 1")
        return self.fields(activations={self.activation: f"Activation(f={quoted(f)}, f_prime={quoted(f_prime)})"})

    def spiking(self) -> dict:
        """A spiking neuron."""
        b, made = self.b, self.made
        refractory = b.one(["time", "condition"]) if b.use("refractory", 45) else ""
        flag = " (unless refractory)" if refractory else ""
        if refractory and b.use("lastspike", 40):
            self.atoms.append("exp((lastspike - t)/(3.1*ms))")
        if refractory and b.use("lastspike", 40):
            self.atoms.append("int(not_refractory)")
        self.others(flag)
        extra = f" + 0.4*({b.bounded(self.atoms)})" if b.use("expressions") else ""
        own = flag if b.use("unless refractory", 60) else ""
        before = list(made.states)
        v = self.state(f"{b.number(1.1, 1.9)}*({self.current} + 0.3{extra})", (1.5, 6.0), flag=own)
        v_name, _, scale = v.partition("/")
        self.couple(v)
        filtered, tau = b.name(), b.constant(1.5, 9, "ms")
        self.equations.append(f"d{filtered}/dt = -{filtered}/{tau} : 1")
        b.depends[filtered] = {filtered}
        shown = b.one([filtered, f"{filtered}", f"0.8*{filtered} + 0.2*tanh({v})"])
        self.equations.append(f"activity = {shown} : 1")
        v_th = b.constant(0.11, 0.42)
        condition = b.one([f"{v} > {v_th}", f"{v_th} < {v}", f"{v} - {v_th} >= 0"])
        if b.use("expressions", 30):
            condition += f" {b.one(['and', 'or'])} {b.bounded(self.atoms, 1)} > {b.number(0.9, 1.4)}"
        reset = [b.one([f"{v_name} = 0.0137*{scale or 1}", f"{v_name} -= {v_th}*{scale or 1}", f"{v_name} *= 0.217"])]
        reset.append(f"{filtered} += {b.one([f'(1 - exp(-dt/{tau}))*step/dt', '0.317'])}")
        if b.use("shown", 40):
            condition = b.one([f"{condition} and activity < {b.number(1.9, 2.5)}", f"activity + {v} > {v_th}"])
            reset.append(f"{filtered} += 0.0713*activity")
        reset += self.more_reset(v_name, before)
        fields = {"threshold": [condition], "reset": b.statements(reset)}
        if refractory:
            hold = b.constant(0.7, 3.3, "ms") if refractory == "time" else f"{v} > {b.number(0.05, 0.2)}"
            fields["refractory"] = [hold]
        if b.use("pseudo-derivative", 70):
            made.f_prime = True
            fields["pseudo_derivative"] = [f"{b.constant(0.2, 0.9)}*clip(1 - abs({v} - {v_th})/{v_th}, 0, 1)"]
        return self.fields(**fields)

    def more_reset(self, v: str, states: list[str]) -> list[str]:
        """What a spike changes beside the membrane."""
        b, lines = self.b, []
        for word in states:
            state, _, scale = word.partition("/")
            name = state.format("")
            defined = any(line.startswith(f"{name} =") for line in self.equations)
            if defined or name == self.counted or not b.use("several statements", 40):
                continue
            lines.append(f"{name} = 0.81*{name} + 0.113{f'*{scale}' if scale else ''}")
        if self.counted:
            lines.append(f"{self.counted} = 0.7*{self.counted} + 0.237")
        if b.use("temporaries", 40):
            name = b.name()
            lines += [f"{name} = 0.5*{v}", f"{v} -= 0.3*{name}"]
        return lines
