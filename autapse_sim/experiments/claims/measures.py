"""Each claim of the paper, measured on the paper's case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from autapse_sim.experiments.claims.decide import (
    decide_divergence,
    decide_effect,
    decide_following,
    decide_learning,
    decide_ranking,
    decide_readout,
    decide_size,
    decide_spectrum,
    decide_speed,
)
from autapse_sim.experiments.claims.setting import ACTIVATIONS, SPECTRA, TAUS, Claim
from autapse_sim.experiments.claims.speed import FORMS, compiled_run, in_turns, timed_run
from autapse_sim.experiments.claims.trials import PAPER, Case, Trials, as_drawn, paper_rules, spectral, wide
from autapse_sim.experiments.claims.words import (
    as_number,
    as_percent,
    as_ratio,
    families,
    listed,
    mean_of,
    median_of,
    negated,
    order_of,
    orders_of,
    share_of,
    told,
)
from autapse_sim.experiments.compare import RULES
from autapse_sim.results.statistics import compare_all
from autapse_sim.training.train import choose_engine

STATIC = ("untrained W", "W = 0", "training mean", "bias only", "persistence", "affine of x(t)")
"""Controls that know of no motion: who has learned the dynamics beats them all."""
MOVING = ("affine of 2 lags", "linear extrapolation")


def _etas(trials: Trials, cases: Mapping[str, Case]) -> str:
    """The learning rates of rules, in words."""
    chosen = {rule: trials.best(case) for rule, case in cases.items()}
    least = {rule: min(trials.etas(case)) for rule, case in cases.items()}
    marked = (f"{rule} {eta:g}{', the smallest tried' * (eta == least[rule])}" for rule, eta in chosen.items())
    return f"each at its best eta: {'; '.join(marked)}"


def measure_following(trials: Trials) -> Claim:
    """(a) Up to scale and shift."""
    trained = {rule: trials.trained(case) for rule, case in paper_rules().items()}
    still = {name: trials.still(Case(PAPER), silent) for name, silent in (("untrained W", False), ("W = 0", True))}
    r2 = {rule: median_of(1 - one.unexplained) for rule, one in trained.items()}
    errors = {rule: one.unexplained for rule, one in trained.items()}
    against = families({name: (errors, one["unexplained"]) for name, one in still.items()})
    controls = {name: median_of(1 - one["unexplained"]) for name, one in still.items()}
    nearer = {rule: share_of(one.with_x > one.with_y) for rule, one in trained.items()}
    measured = (
        f"R2 after the best affine map of each test trajectory: {listed(r2, as_number)}; without any learning: "
        f"{listed(controls, as_number)}. Better than these: {told(against)}. Correlation of predictions with x(t) / "
        "with the target: "
        + ", ".join(f"{rule} {np.median(t.with_x):.2f} / {np.median(t.with_y):.2f}" for rule, t in trained.items())
        + f"; networks in which it is higher with x(t): {listed(nearer, as_percent)}."
    )
    says = "Predictions follow the trajectory up to scale and shift."
    return Claim("a", says, measured, decide_following(r2.values(), against.values()))


def measure_learning(trials: Trials) -> Claim:
    """(b) All rules learn the dynamics."""
    mse = {rule: trials.trained(case).mse for rule, case in paper_rules().items()}
    controls = trials.controls(PAPER)
    compared = families({name: (mse, controls[name]) for name in (*STATIC, *MOVING)})
    shown = {name: median_of(controls[name]) for name in (*STATIC, *MOVING)}
    measured = (
        f"Test MSE: {listed({rule: median_of(one) for rule, one in mse.items()}, as_number)} "
        f"({_etas(trials, paper_rules())}); "
        f"controls: {listed(shown, as_number)}. Lower than these, paired and corrected: {told(compared)}."
    )
    decisive = [one for (name, _), one in compared.items() if name in STATIC]
    return Claim("b", "All rules learn the dynamics of the ball.", measured, decide_learning(decisive))


def measure_ranking(trials: Trials) -> Claim:
    """(c) Rankings from run to run."""
    mse = np.stack([trials.trained(case).mse for case in paper_rules().values()])
    agreeing = share_of(np.array(orders_of(mse)) == order_of(np.median(mse, axis=1)))
    grids = np.stack([trials.grid(case)[1] for case in paper_rules().values()])
    common = []
    for k, eta in enumerate(trials.setting.etas):
        order, count = Counter(orders_of(grids[:, k])).most_common(1)[0]
        common.append(f"{order} at {eta:g} ({count / grids.shape[2]:.0%})")
    measured = (
        f"Each rule at its best eta, {as_percent(agreeing)} of networks rank the rules as the medians do "
        f"({order_of(np.median(mse, axis=1))}). At one eta for all, the commonest order is "
        f"{'; '.join(common[::2])}."
    )
    return Claim("c", "MSE curves rank the rules differently from run to run.", measured, decide_ranking(agreeing))


def measure_divergence(trials: Trials) -> Claim:
    """(d) DFA sometimes diverges."""
    grids = {rule: trials.grid(case) for rule, case in paper_rules().items()}
    worse = {rule: ~(after < before) for rule, (before, after) in grids.items()}
    share = {rule: mean_of(one.mean(axis=0)) for rule, one in worse.items()}
    more = {rule: mean_of((worse["dfa"] * 1.0 - one).mean(axis=0)) for rule, one in worse.items() if rule != "dfa"}
    over = {rule: "/".join(f"{100 * one:.0f}" for one in found.mean(axis=1)) for rule, found in worse.items()}
    own = {rule: share_of(~((t := trials.trained(case)).after < t.before)) for rule, case in paper_rules().items()}
    measured = (
        "Networks that end with a higher validation MSE than they began with (NaN included), over all etas: "
        f"{listed(share, as_percent)}; in % at eta {'/'.join(f'{eta:g}' for eta in trials.setting.etas)}: "
        + ", ".join(f"{rule} {text}" for rule, text in over.items())
        + f"; at each rule's best eta: {listed(own, as_percent)}. DFA more than others by: {listed(more, as_percent)}."
    )
    return Claim("d", "DFA sometimes diverges.", measured, decide_divergence(share["dfa"], more.values()))


def measure_spectrum(trials: Trials) -> Claim:
    """(e) The eigenvalues of B."""
    eta = trials.best(Case(PAPER))
    circuit = replace(PAPER, feedback="random")
    fell, change = {}, {}
    for kind in SPECTRA:
        trained = trials.trained(Case(circuit, start=spectral(kind)), eta)
        tenth = max(1, trained.curve.shape[1] // 10)
        first, last = trained.curve[:, :tenth].mean(axis=1), trained.curve[:, -tenth:].mean(axis=1)
        fell[kind] = share_of(trained.after < trained.before)
        change[kind] = median_of(last / first - 1)
    measured = (
        f"The autapse rule at eta {eta:g}; networks whose validation MSE falls in training, by B's eigenvalues: "
        f"{listed(fell, as_percent)}; change of the training MSE from the first to the last tenth: "
        f"{listed(change, as_percent)}."
    )
    named = {kind: one for kind, one in fell.items() if not kind.startswith("complex")}
    says = "With B's eigenvalues positive the MSE falls, with negative ones it rises."
    return Claim("e", says, measured, decide_spectrum(named))


def measure_tau(trials: Trials) -> Claim:
    """(f) The time constant of the trace."""
    mse = {tau: trials.trained(Case(PAPER, tau=tau)).mse for tau in (1, *TAUS)}
    compared = compare_all({str(tau): mse[tau] for tau in mse if tau != 10}, mse[10])
    changes = {f"tau {tau}": negated(one.reduction) for tau, one in compared.items()}
    measured = (
        f"Test MSE: {listed({f'tau {tau}': median_of(one) for tau, one in mse.items()}, as_number)} (each at its best "
        f"eta). Paired change against tau 10: {listed(changes, lambda one: as_percent(one, 1))}."
    )
    answered = decide_effect(changes[f"tau {tau}"] for tau in TAUS if tau != 10)
    return Claim("f", "tau = 5, 10, 15 matters.", measured, answered)


def measure_size(trials: Trials) -> Claim:
    """(g) Larger networks."""
    parts, growth = [], []
    for name, start in (("V ~ N(0, 1)", wide), ("V ~ N(0, 1/n)", as_drawn)):
        cases = {n: Case(replace(PAPER, neurons=n, readout="random"), start=start) for n in trials.setting.sizes}
        trained = {n: trials.trained(case).outside for n, case in cases.items()}
        drawn = {n: trials.still(case) for n, case in cases.items()}
        growth.append(mean_of(trained[trials.setting.sizes[-1]] - trained[trials.setting.sizes[0]]))
        parts.append(
            f"with {name} {listed({f'n = {n}': mean_of(one) for n, one in trained.items()}, as_percent)} (untrained "
            + ", ".join(f"{one['outside'].mean():.0%}" for one in drawn.values())
            + "; untrained test MSE "
            + ", ".join(f"{np.median(one['mse']):.2g}" for one in drawn.values())
            + f"), from the smallest to the largest {as_percent(growth[-1])} more"
        )
    measured = f"Predictions outside [-0.5, 1.5] after training with the autapse rule: {'; '.join(parts)}."
    says = "Larger n gives predictions far outside [0, 1]."
    return Claim("g", says, measured, decide_size(*growth))


def measure_speed(trials: Trials) -> Claim:
    """(h) Times."""
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
    says = "The autapse rule computes much faster than the others."
    return Claim("h", says, measured, decide_speed(plain.values(), swept.values()))


def measure_readout(trials: Trials) -> Claim:
    """(i) A trained read-out."""
    only = {rule: trials.trained(case).mse for rule, case in paper_rules().items()}
    reservoir = trials.trained(Case(replace(PAPER, rule="fa", learn=("V", "c"))))
    whole = {
        rule: trials.trained(replace(case, eta_out=reservoir.eta)).mse
        for rule, case in paper_rules(learn=("W", "V", "c")).items()
    }
    mended = families({f"{rule}, W only": ({rule: whole[rule]}, only[rule]) for rule in RULES})
    fixed = families({"W fixed": (whole, reservoir.mse)})
    against = {rule: one.reduction for (_, rule), one in fixed.items()}
    measured = (
        f"Test MSE with W, V, c learning: {listed({rule: median_of(one) for rule, one in whole.items()}, as_number)}; "
        f"with W only: {listed({rule: median_of(one) for rule, one in only.items()}, as_number)}; with W fixed, V and "
        f"c learning: {as_number(median_of(reservoir.mse))}. Lower than with W only by "
        f"{listed({rule: one.reduction for (_, rule), one in mended.items()}, as_percent)}; lower than with W fixed by "
        f"{listed(against, lambda one: as_percent(one, 1))} ({told(fixed)})."
    )
    says = "A trained V would mend scale and shift."
    return Claim("i", says, measured, decide_readout(mended.values(), fixed.values()))


def measure_activations(trials: Trials) -> Claim:
    """(j) Other activations."""
    parts, decisive = [], []
    for activation in ACTIVATIONS:
        circuit = replace(PAPER, activation=activation)
        cases = paper_rules(activation=activation)
        mse = {rule: trials.trained(case).mse for rule, case in cases.items()}
        controls = trials.controls(circuit)
        compared = families({name: (mse, controls[name]) for name in STATIC})
        decisive += compared.values()
        shown = {name: median_of(controls[name]) for name in ("untrained W", "W = 0", "bias only", "affine of x(t)")}
        parts.append(
            f"{activation}: {listed({rule: median_of(one) for rule, one in mse.items()}, as_number)} "
            f"({_etas(trials, cases)}); controls: "
            f"{listed(shown, as_number)}; lower than these: {told(compared)}"
        )
    measured = "Test MSE. " + ". ".join(parts) + "."
    says = "(Not tried in the paper.) With tanh, relu or linear neurons all rules learn the dynamics."
    return Claim("j", says, measured, decide_learning(decisive))


MEASURES = (
    measure_following,
    measure_learning,
    measure_ranking,
    measure_divergence,
    measure_spectrum,
    measure_tau,
    measure_size,
    measure_speed,
    measure_readout,
    measure_activations,
)
