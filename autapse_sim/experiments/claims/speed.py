"""Times."""

from __future__ import annotations

from autapse_sim.experiments.compare import RULES
from autapse_sim.experiments.paper.cases import PAPER
from autapse_sim.experiments.paper.decide import decide_speed
from autapse_sim.experiments.paper.timing import FORMS, compiled_run, in_turns, timed_run
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_ratio, listed, median_of
from autapse_sim.training.train import choose_engine

KEY = "h"
SAYS = "The autapse rule computes much faster than the others."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    forms = {(rule, *form): timed_run(trials, rule, *form) for rule in RULES for form in FORMS}
    seconds = in_turns(forms, trials.setting.turns)
    ratios = {key: median_of(one / seconds["autapse", *key[1:]]) for key, one in seconds.items() if key[0] != "autapse"}
    as_defined = {rule: seconds[rule, "step", "plain"] / seconds["autapse", "step", "fast"] for rule in RULES}
    plain = {rule: median_of(one) for rule, one in as_defined.items() if rule != "autapse"}
    swept, stepped = ({key[0]: one for key, one in ratios.items() if key[1:] == form} for form in (FORMS[2], FORMS[1]))
    measured = (
        "Time a trajectory over the autapse rule's (its trace carried along), n = 2: others summed over the past at "
        f"every step, {listed(plain, as_ratio)}; others in their cheapest exact form, updates at every step: "
        f"{listed(stepped, as_ratio)}; all with updates per trajectory, one sweep: {listed(swept, as_ratio)}."
    )
    engine = choose_engine(PAPER, trials.setting.engine)
    if engine == "standalone":
        compiled = {rule: compiled_run(trials, rule) for rule in ("dfa", "rflo", "autapse")}
        found = in_turns(compiled, trials.setting.turns)
        shown = {rule: median_of(found[rule] / found["autapse"]) for rule in ("dfa", "rflo")}
        measured += f" Compiled, updates at every step: {listed(shown, as_ratio)}; bptt and fa have no equations."
    return measured, decide_speed(plain.values(), swept.values())
