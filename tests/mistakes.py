"""Mistakes of authors: model files with one thing wrong each, by what is wrong."""

HEAD = "from brian2 import Hz, ms, mV\n\nfrom autapse_sim import Activation, Connection, Neuron, Rule\n\n"
RULE = {
    "trace": '"dk/dt = (activity - k)/tau : 1"',
    "update": '"w -= eta*feedback_post*k_pre"',
    "parameters": '{"tau": 10*ms, "eta": 0.03}',
}
EQUATIONS = '"""\n        dv/dt = (-v + drive + input + bias)/tau_m : 1\n        activity = v : 1\n%s    """'
NEURON = {"equations": EQUATIONS % "", "parameters": '{"tau_m": 10*ms}'}
SPIKES = {"threshold": '"v > 1"', "reset": '"v = 0"'}


def rule(**fields):
    """The text of the file of a rule."""
    return _file("rule = Rule", {**RULE, **fields})


def neuron(*lines, **fields):
    """The text of the file of a neuron, with more lines of equations."""
    more = "".join(f"        {line}\n" for line in lines)
    return _file("neuron = Neuron", {**NEURON, "equations": EQUATIONS % more, **fields})


def _file(what, fields):
    return f"{HEAD}{what}(\n" + "".join(f"    {name}={value},\n" for name, value in fields.items()) + ")\n"


P = '"dp/dt = (activity_pre - p)/tau : 1"'
READ_P = '"w -= eta*feedback_post*p"'
LONE = '"dv/dt = (-v + drive + input + bias)/tau_m : 1"'
MISTAKES = {
    # names that mean nothing
    "a word of the bench, misspelt": rule(update='"w -= eta*feedbak_post*k_pre"'),
    "the side of the synapse, misspelt": rule(update='"w -= eta*feedback_post*k_prre"'),
    "another trace": rule(update='"w -= eta*feedback_post*kk_pre"'),
    "a constant without a value": rule(update='"w -= eta*gain*feedback_post*k_pre"'),
    "a parameter of the neuron, by another name": rule(
        eligibility=P.replace("tau", "tau_membrane_post"), update=READ_P
    ),
    "a state of the synapse, misspelt": rule(eligibility='"ebar : 1"', update='"ebra += k_pre; w -= eta*ebar"'),
    "a state that starts, misspelt": rule(initial='{"kk": 0.5}'),
    "a state that lasts, misspelt": rule(lasting='("kq",)'),
    "drive, misspelt": neuron(equations=EQUATIONS.replace("drive", "drvie") % ""),
    "a reset of nothing": neuron(threshold='"v > 1"', reset='"vv = 0"'),
    "tau_m without a value": neuron(parameters="{}"),
    "a field, misspelt": rule(updat='"w -= 1"'),
    "a field of Brian2": rule(model='"w : 1"'),
    "what transmits, in Brian2": rule(on_pre='"ge += w"'),
    "the spike of its own event": rule(on_post='"w += sent_post"'),
    "a neuron that a synapse would set": rule(on_pre='"v_post = 0"'),
    "a field of a neuron, misspelt": neuron(treshold='"v > 1"'),
    "an integrator, misspelt": neuron(method='"rk5"'),
    # functions
    "a function of Python": rule(update='"w -= eta*max(k_pre, 0)"'),
    "a function of machine learning": rule(update='"w -= eta*relu(k_pre)"'),
    "a function, misspelt": rule(update='"w -= eta*tahn(k_pre)"'),
    "a function of NumPy": rule(update='"w -= eta*np.exp(k_pre)"'),
    "too few arguments": rule(update='"w -= eta*clip(k_pre)"'),
    # what is not there to be read
    "the error, in a neuron": rule(update='"w -= eta*error_post*k_pre"'),
    "the target, in a neuron": rule(update='"w -= eta*(prediction_post - target_post)*k_pre"'),
    "f' of a neuron that has none": (rule(update='"w -= eta*feedback_post*f_prime_post*k_pre"'), neuron()),
    "spikes of a rate": (rule(update='"w -= eta*feedback_post*spiked_pre"'), neuron()),
    "f without activations": neuron("x = f : 1"),
    "activations without a": neuron(activations='{"tanh": Activation("tanh(a)", "1 - f**2")}'),
    "spiked without a threshold": neuron("x = spiked : 1"),
    "refractory words without refractory": neuron("x = int(not_refractory) : 1", **SPIKES),
    "noise that nobody makes": rule(update='"w -= eta*loss_post*perturbation_post"'),
    "no activity": neuron(equations=LONE),
    "activity, misspelt": neuron(equations=LONE[:-1] + '\\nactivty = v : 1"'),
    "a perturbation of no bias": (
        rule(perturbation='"0.1"'),
        neuron(equations=EQUATIONS.replace(" + bias", "") % ""),
    ),
    # what is not local
    "the weight, in a neuron": rule(trace='"dk/dt = (w*activity - k)/tau : 1"'),
    "the weight of other synapses": rule(update='"w -= eta*feedback_post*w_pre"'),
    "a state of synapses, in a neuron": rule(trace='"dk/dt = (p_ij - k)/tau : 1"', eligibility=P.replace("p", "p_ij")),
    "both sides, in a neuron": rule(trace='"dk/dt = (activity_pre - k)/tau : 1"'),
    "the other neuron, in a neuron": neuron("x = activity_post : 1"),
    "writing to a neuron": rule(update='"w -= eta*feedback_post*k_pre; k_post += 1"'),
    "writing to a parameter": rule(update='"w -= eta*feedback_post*k_pre; eta = 0.5*eta"'),
    "a sum for no variable": rule(eligibility='"total_post = w : 1 (summed)"'),
    "a sum of what is summed": neuron("f2 = tanh(drive) : 1", sums='{"gate": "w*f2_pre"}'),
    "what has no value yet": rule(initial='{"k": "drive"}'),
    "two event-driven states": rule(
        eligibility='"dp/dt = -q/tau : 1 (event-driven)\\ndq/dt = -q/tau : 1"', update='"p += 1; q += 1; w -= eta*p"'
    ),
    # reserved names
    "t": rule(trace='"dt/dt = (activity - t)/tau : 1"'),
    "i": rule(trace='"di/dt = (activity - i)/tau : 1"'),
    "e": rule(parameters='{"tau": 10*ms, "eta": 0.03, "e": 1.0}'),
    "lambda": rule(parameters='{"tau": 10*ms, "eta": 0.03, "lambda": 1.0}'),
    "lambda, a state": neuron("dlambda/dt = (v - lambda)/tau_m : 1"),
    "lambda, in an update": rule(update='"w -= lambda*feedback_post*k_pre"'),
    "a comparison of three": rule(update='"w -= eta*feedback_post*k_pre*(0 < w < 1)"'),
    "double": neuron("double = v : 1"),
    "ms": rule(parameters='{"tau": 10*ms, "eta": 0.03, "ms": 1.0}'),
    "drive": rule(trace='"ddrive/dt = (activity - drive)/tau : 1"'),
    "a name of the neuron": rule(trace='"do/dt = (activity - o)/tau : 1"'),
    "a parameter of the neuron": rule(parameters='{"tau": 10*ms, "eta": 0.03, "tau_m": 3*ms}'),
    "a name for synapses": neuron("v_pre = v : 1"),
    "a name of the harness": neuron("autapse_v = v : 1"),
    # units
    "10 for 10 ms": rule(parameters='{"tau": 10, "eta": 0.03}'),
    "10 ms in quotes": rule(parameters='{"tau": "10 ms", "eta": 0.03}'),
    "mV for ms": rule(parameters='{"tau": 10*mV, "eta": 0.03}'),
    "a learning rate with a unit": rule(parameters='{"tau": 10*ms, "eta": 0.03*ms}'),
    "no time constant": rule(trace='"dk/dt = activity - k : 1"'),
    "a time in exp": rule(trace='"dk/dt = exp(-tau)*(activity - k)/tau : 1"'),
    "a time and a number": rule(trace='"dk/dt = (activity - k)/(tau + 1) : 1"'),
    "no unit": rule(trace='"dk/dt = (activity - k)/tau"'),
    "a unit, misspelt": rule(trace='"dk/dt = (activity - k)/tau : milivolt"'),
    "a unit with a prefix": neuron("u = v*mV : mV"),
    "a unit that is not imported": rule(parameters='{"tau": 10*second, "eta": 0.03}'),
    "volts and numbers": neuron(threshold='"v > 10*mV"', reset='"v = 0"'),
    "a reset in volts": neuron(threshold='"v > 1"', reset='"v = 10*mV"'),
    "2 for 2 ms": neuron(refractory='"2"', **SPIKES),
    # the language
    "a bracket that is open": rule(update='"w -= eta*(feedback_post*k_pre"'),
    "a power as elsewhere": rule(update='"w -= eta*feedback_post*k_pre^2"'),
    "if": rule(update='"if k_pre > 0: w -= eta"'),
    "if in an expression": rule(update='"w -= eta if k_pre > 0 else 0"'),
    "an equation in update": rule(update='"dk/dt = -k\\nw -= eta*k_pre"'),
    "no d and no dt": rule(trace='"k = (activity - k)/tau : 1"'),
    "expressions in a ring": rule(trace='"dk/dt = (p - k)/tau : 1\\nq = p + activity : 1\\np = 2*q : 1"'),
    "no dt": rule(trace='"dk = (activity - k)/tau : 1"'),
    "one = for two": neuron(threshold='"v = 1"', reset='"v = 0"'),
    "a threshold that is none": neuron(threshold='"v"', reset='"v = 0"'),
    "a reset without a threshold": neuron(reset='"v = 0"'),
    "a division by zero": rule(update='"w -= eta*feedback_post/0"'),
    "an update of nothing": rule(update='"dw -= eta*feedback_post*k_pre"'),
    "an activation as text": neuron(activations='{"tanh": "tanh(a)"}'),
    # what never happens
    "a trace that nothing feeds": rule(trace='"dk/dt = -k/tau : 1"'),
    "an eligibility that nothing feeds": rule(eligibility='"dp/dt = -p/tau : 1"', update=READ_P),
    "a filter without a jump": neuron("do/dt = -o/tau_m : 1", **SPIKES),
    "a state that nothing sets": rule(eligibility='"p : 1"', update=READ_P),
    "what is set and never read": rule(update='"p = k_pre\\nw -= eta*feedback_post"'),
    # files
    "no rule": HEAD + "law = 3\n",
    "a rule that is none": HEAD + "rule = 3\n",
    "a task that is none": HEAD + "task = 3\n",
    "a class in place of a task": "import autapse_sim as ap\n\ntask = ap.FlipFlop\n",
    "a benchmark that is none": "import autapse_sim as ap\n\nbenchmark = ap.FlipFlop()\n",
}
