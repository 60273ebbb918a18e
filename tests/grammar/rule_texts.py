"""Rule files that nobody wrote: for neurons, for read-outs and for feedback."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from builder import Builder, connection, equation, model_file, quoted
from neuron_texts import DrawnNeuron

BOUNDS = "-1.71317, 1.93719"


@dataclass
class DrawnRule:
    """The text of a rule file and its parameters as Python expressions."""

    text: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def draw_rule(
    b: Builder, neuron: DrawnNeuron, taught: Collection[str], gathers: bool, delayed: bool, spikes: bool = False
) -> DrawnRule:
    """Draw a rule for the neurons of a circuit that learns `taught`; where it `gathers` changes, w is changed only.

    With `spikes` those of the presynaptic side are there, whichever it is.
    """
    b.parameters = {}
    writer = _Writer(b, neuron, taught, gathers, delayed, spikes)
    fields = writer.fields(b.constant(0.004, 0.05, name="eta"))
    return DrawnRule(model_file("Rule", fields), b.parameters)


def draw_readout_rule(b: Builder, neuron: DrawnNeuron) -> DrawnRule:
    """Draw a rule for V and c."""
    b.parameters = {}
    eta = b.constant(0.004, 0.05, name="eta_out")
    fields, seen = {}, ["activity_pre"]
    if b.use("trace"):
        k, tau = b.name(), b.constant(1.3, 8, "ms")
        fields["trace"] = [equation(k, "", "activity", tau)]
        seen.append(f"{k}_pre")
    if b.use("eligibility"):
        p, tau = b.name(), b.constant(1.3, 8, "ms")
        fields["eligibility"] = [equation(p, "", b.bounded([*seen, "err_post"], 1), tau)]
        seen.append(p)
    fields["update"] = b.lines([f"w -= {eta}*err_post*({b.bounded(seen, 1)})"])
    if b.use("finish"):
        fields["finish"] = [f"w -= 0.1*{eta}*w/steps"]
    return DrawnRule(model_file("Rule", fields | {"parameters": b.parameters}), b.parameters)


def draw_feedback_rule(b: Builder) -> DrawnRule:
    """Draw a rule for B."""
    b.parameters = {}
    eta = b.constant(0.004, 0.05, name="eta_back")
    decay = f" - {eta}*0.1*w" if b.use("several terms") else ""
    fields = {"update": b.lines([f"w += -{eta}*err_pre*activity_post{decay}"]), "parameters": b.parameters}
    return DrawnRule(model_file("Rule", fields), b.parameters)


def bare(text: str) -> str:
    """A text in which variables of neurons have no suffix."""
    return re.sub(r"_(?:pre|post)\b", "", text)


class _Writer:
    """One rule for neurons while it is being written."""

    def __init__(
        self, b: Builder, neuron: DrawnNeuron, taught: Collection[str], gathers: bool, delayed: bool, spikes: bool
    ):
        self.gathers, self.delayed = gathers, delayed
        self.b, self.neuron, self.taught = b, neuron, {"W", "U", "b"} & set(taught)
        self.initial: dict[str, str] = {}
        self.states: list[str] = []
        self.receiver = ""
        self.spikes = spikes or self.taught == {"W"}
        self.events = ["spiked_post", *(["spiked_pre"] if self.spikes else [])] if neuron.spiking else []
        self.summed_early: list[str] = []
        self.pre = ["activity_pre", "sent_pre*dt/step" if neuron.spiking else "sent_pre"]
        self.post = ["activity_post", "tanh(feedback_post)"]
        if neuron.f_prime:
            self.post.append("f_prime_post")
        if b.use("loss", 30):
            self.post.append("loss_post/(1 + loss_post)")
        if neuron.states and b.use("neuron's states", 40):
            self.post.append(f"tanh({b.one(neuron.states).format('_post')})")
            if self.taught == {"W"} and not self.delayed:
                self.pre.append(f"tanh({b.one(neuron.states).format('_pre')})")
        if b.use("bare names", 25):
            self.post.append("activity")
        self.own: list[str] = []
        self.changes: list[str] = []
        """Statements of the update that change the synapse's own variables."""

    def fields(self, eta: str) -> dict:
        b, fields = self.b, {}
        drawn = [self.perturbation, self.connections, self.trace, self.postsynaptic, self.eligibility]
        for part in drawn:
            if b.use(part.__name__, 45) or (part == self.eligibility and self.receiver):
                fields |= part()
        happens = self.neuron.spiking and b.use("at spikes", 40)
        if happens:
            fields |= self.at_spikes(eta, fields.get("eligibility", []))
        if not (happens and b.use("several statements", 15)):
            fields["update"] = b.statements(self.update(eta))
        elif self.changes:
            fields["update"] = b.statements(self.changes)
        if b.use("finish", 30):
            fields["finish"] = b.statements(self.finish(eta))
        # what a synapse sums to a neuron has no state that lasts
        states = [state for state in self.states if not (self.receiver and state in self.own)]
        lasting = [state for state in states if b.use("lasting", 30)]
        if lasting:
            fields["lasting"] = tuple(map(quoted, lasting))
        return fields | {"initial": self.initial, "parameters": b.parameters}

    def begins(self, name: str, indices: str = "(i + 1)/N") -> None:
        """Note a state, which may have a start of its own."""
        b = self.b
        self.states.append(name)
        if b.use("initial", 35):
            number = b.number(-0.4, 0.4)
            self.initial[name] = b.one([number, quoted(number)])
            if b.use("indices", 30):
                self.initial[name] = quoted(f"{number}*{indices}")

    def made(self, text: str, name: str) -> None:
        """Note what a name is made of."""
        self.b.depends[name] = self.b.reads(bare(text))

    def perturbation(self) -> dict:
        b = self.b
        self.post.append("perturbation_post")
        terms = ["sin(t/(1.9*ms) + i)" if b.use("indices") else "sin(t/(1.9*ms))", "tanh(activity)"]
        if b.use("counters"):
            terms.append("cos(steps)")
        return {"perturbation": [f"{b.constant(0.05, 0.3)}*{b.one(terms)}"]}

    def trace(self) -> dict:
        """Equations of presynaptic neurons."""
        b, lines = self.b, []
        seen = ["activity", "sent*dt/step" if self.neuron.spiking else "sent", *self.driven()]
        for _ in range(b.whole(1, 2)):
            k = b.name()
            extra = f" - 0.2*({b.bounded(seen, 1)})" if b.use("expressions", 30) else ""
            flag = " (unless refractory)" if b.use("unless refractory", 25) else ""
            lines.append(equation(k, "", f"{b.one(seen)}{extra}", b.constant(1.3, 9, "ms"), flag=flag))
            seen.append(k)
            self.pre.append(f"{k}_pre")
            self.begins(k)
        if b.use("subexpressions", 30):
            name = b.name()
            lines.append(f"{name} = tanh({b.bounded(seen, 1)}) : 1")
            self.made(lines[-1], name)
            self.pre.append(f"{name}_pre")
        return {"trace": b.lines(lines)}

    def driven(self) -> list[str]:
        """What connections have summed with the drive, for equations of the neuron."""
        return [f"tanh({name})" for name in self.summed_early]

    def postsynaptic(self) -> dict:
        """Equations of the neurons taught, and what happens to them in the end."""
        b, lines, seen, finish = self.b, [], ["activity", "tanh(feedback)"], []
        for _ in range(b.whole(1, 2)):
            name = b.name()
            if b.use("finish_postsynaptic", 40):
                lines.append(f"{name} : 1")
                finish.append(f"{name} = 0.7*{name} + 0.3*({b.bounded(seen, 1)})")
            else:
                lines.append(equation(name, "", b.bounded(seen, 1), b.constant(1.3, 9, "ms")))
            seen.append(name)
            self.post.append(f"{name}_post")
            self.begins(name)
        if b.use("subexpressions", 30):
            name = b.name()
            lines.append(f"{name} = {b.bounded(seen, 1)} : 1")
            self.made(lines[-1], name)
            self.post.append(f"{name}_post")
        self.receiver = b.name() if len(self.taught) == 1 and b.use("summed", 40) else ""
        if self.receiver:
            lines.append(f"{self.receiver} : 1")
            self.post.append(f"tanh({self.receiver}_post)")
        return {"postsynaptic": b.lines(lines), "finish_postsynaptic": b.statements(finish) if finish else []}

    def eligibility(self) -> dict:
        """Equations of the synapse."""
        b, lines = self.b, []
        for _ in range(b.whole(1, 2)):
            name, both = b.name(), [*self.pre, *self.post, *self.own]
            kind = b.one(["ODE", "ODE", "event-driven", "plain"])
            signal = f"({b.bounded(self.pre, 1)})*({b.bounded(self.post, 1)})"
            if kind == "event-driven" and b.use("event-driven", 80):
                lines.append(f"d{name}/dt = -{name}/{b.constant(1.3, 9, 'ms')} : 1 (event-driven)")
                self.changes.append(f"{name} += 0.31*{signal}*dt/step")
            elif kind == "plain" and b.use("plain states", 80):
                lines.append(f"{name} : 1")
                self.changes.append(
                    b.one([f"{name} = 0.83*{name} + 0.17*{signal}", f"{name} += 0.23*({signal} - {name})*dt/step"])
                )
            else:
                lines.append(equation(name, "", b.one([signal, b.bounded(both)]), b.constant(1.3, 9, "ms")))
            self.own.append(name)
            self.begins(name, "(i + 1)/(j + 2)")
        if b.use("subexpressions", 30):
            name = b.name()
            lines.append(f"{name} = {b.bounded([*self.own, *self.pre, *self.post])} : 1")
            self.made(lines[-1], name)
            self.own.append(name)
        if self.receiver:
            term = b.one([f"0.3*tanh(w)*{b.one(self.pre)}", f"0.3*{b.one(self.own)}"])
            lines.append(f"{self.receiver}_post = {term} : 1 (summed)")
            self.made(term, self.receiver)
        return {"eligibility": b.lines(lines)}

    def connections(self) -> dict:
        """Synapses beside those that learn."""
        b, made = self.b, []
        for _ in range(b.whole(1, 2)):
            name, when = b.name(), b.one(["drive", "update"])
            pairs = b.one(["all", "self"])
            fields: dict = {"when": [when], "pairs": [pairs]}
            seen = "0.3*activity_pre"
            if b.use("plain states", 40):
                state = b.name()
                fields["equations"] = [f"{state} : 1"]
                change = f"0.05*(activity_pre*activity_post - {state})"
                fields["update"] = [b.one([f"{state} += {change}", f"{state} = {state} + {change}"])]
                fields["initial"] = [b.one(["zeros", "identity"])]
                seen = f"(0.2 + {state})*activity_pre"
            fields["sums"] = {name: quoted(seen)}
            if when == "drive":
                self.summed_early.append(name)
            self.post.append(f"tanh({name}_post)")
            if not self.delayed:  # what is sent arrives later, but not what others sum
                self.pre.append(f"tanh({name}_pre)")
            made.append(connection(fields))
        return {"connections": tuple(made)}

    def at_spikes(self, eta: str, before: list[str]) -> dict:
        """What happens where spikes arrive and where the neuron spikes that they reach; with traces of its own."""
        b, lines, traces = self.b, list(before), []
        sides = ["on_post", *(["on_pre"] if self.spikes else [])]
        # with a delay spikes alone arrive; and what is sent is the spike itself
        pre = [] if self.delayed else [each for each in self.pre if "sent" not in each]
        for _ in range(b.whole(1, 2)):
            traces.append(b.name())
            flag = b.one(["", " (event-driven)", " (clock-driven)"])
            lines.append(f"d{traces[-1]}/dt = -{traces[-1]}/{b.constant(1.3, 9, 'ms')} : 1{flag}")
            self.begins(traces[-1], "(i + 1)/(j + 2)")
            self.own.append(traces[-1])
        seen = [*pre, *self.post, *self.own, *traces, "tanh(w)"]
        code: dict[str, list[str]] = {side: [] for side in sides}
        for number, trace in enumerate(traces):
            jump = b.one([b.number(0.1, 0.9), f"0.3*({b.bounded(seen, 1)})", f"0.4*(1 - {trace})"])
            code[sides[number % len(sides)]].append(f"{trace} += {jump}")
        for mine in code.values():
            change = f"{b.one('+-')} {eta}*({b.bounded([*seen, *traces], 1)})"
            forms = [f"w = clip(w {change}, {BOUNDS})", f"w += 0 {change}"]
            forms += [] if self.gathers else [f"w = 0.97*w {change}", "w *= 0.99"]
            mine.insert(b.whole(0, len(mine)), b.one(forms))
            if b.use("temporaries", 30):
                name = b.name()
                mine[:0] = [f"{name} = {b.bounded(seen, 1)}"]
                mine.append(f"w -= {eta}*{name}")
        if len(sides) > 1 and b.use("several statements", 30):
            code.pop(b.one(sides))
        for trace in traces:  # what nothing feeds is refused
            if not any(f"{trace} +=" in line for each in code.values() for line in each):
                code[min(code)].append(f"{trace} += 0.27")
        return {"eligibility": lines} | {side: b.statements(each) for side, each in code.items()}

    def signals(self) -> list[str]:
        """All that an update may read, in words of order 1."""
        b, signals = self.b, [*self.pre, *self.post, *self.own, *self.own]
        if b.use("sent_sum", 20):
            signals.append("sent_sum_post/steps")
        if b.use("elapsed", 30):
            signals.append("1/elapsed")
        if b.use("indices", 25):
            signals += b.one([["(i + 1)/N_pre", "(j + 1)/N_post"], ["1/N_incoming"], ["1/N_outgoing", "cos(i - j)"]])
        if b.use("weights", 40):
            signals.append("tanh(w)")
        if b.use("time", 15):
            signals.append("cos(t/(5.3*ms))")
        return signals

    def update(self, eta: str) -> list[str]:
        """Statements of the update."""
        b, signals, lines, temporary = self.b, self.signals(), list(self.changes), ""
        if not b.use("mixtures", 15):  # with substeps, sums of what happens at spikes and of what does not are refused
            signals = [each for each in signals if not b.reads(bare(each)) & {"spiked", "dt"}]
        if b.use("temporaries", 45):
            temporary = b.name()
            lines.append(f"{temporary} = {b.bounded(signals)}")
            if b.use("several statements", 40):
                lines.append(f"{temporary} *= 0.9")
            signals.append(temporary)
        factor = b.bounded(signals, 1)
        if temporary:  # what is set has to be read
            factor = f"{temporary} + {factor}" if b.use("expressions") else temporary
        terms = [f"- {eta}*feedback_post*({factor})"]
        for _ in range(b.whole(0, 2) if b.use("several terms") else 0):
            terms.append(f"{b.one('+-')} 0.4*{eta}*({b.bounded(signals)})")
        if b.use("decay", 30):
            terms.append(f"- 0.3*{eta}*w")
        if self.events and b.use("events", 50):
            terms.append(f"{b.one('+-')} 0.6*{eta}*{b.one(self.events)}*({b.bounded(signals, 1)})")
        if b.use("dt terms", 25):
            terms.append(f"{b.one('+-')} 0.5*{eta}*dt/step*({b.bounded(signals, 1)})")
        changed = self.weight(terms)
        # the weight may change before what it changes by
        return [*changed, *lines] if not temporary and b.use("several statements", 30) else [*lines, *changed]

    def weight(self, terms: list[str]) -> list[str]:
        """The statements that change w by terms."""
        b = self.b
        kind = b.one(["one", "one", "each", "clip", "clipped after"])
        if kind == "each" and b.use("several statements", 80):
            return [f"w {term[0]}= {term[2:]}" for term in terms]
        change = " ".join(terms)
        if kind == "clip" and b.use("clip", 80):
            kept = f"clip(w {change}, {BOUNDS})"
            return [f"w = {b.one([kept, f'clip({kept}, -1.5, 2.1)'])}"]
        lines = [f"w = w {change}" if b.use("several statements") else f"w += {change.removeprefix('+ ')}"]
        if kind == "clipped after" and b.use("clip", 80):
            lines.append(f"w = clip(w, {BOUNDS})")
        elif not self.gathers and b.use("normalisation", 12):
            lines.append(b.one(["w = w/(1 + 0.001*abs(w))", "w *= 0.9973", "w = w*(1 - 0.003*activity_post**2)"]))
        return lines

    def finish(self, eta: str) -> list[str]:
        """Statements at the end of a trajectory."""
        b, signals = self.b, self.signals()
        lines, factor = [], b.bounded(signals, 1)
        if b.use("temporaries", 30):
            name = b.name()
            lines, factor = [f"{name} = {factor}"], name
        return [*lines, f"w -= {eta}*0.3*({factor})/steps"]
