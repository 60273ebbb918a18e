"""The paper's claims, each measured on the paper's case and answered by a rule that is written down here.

What decides is an interval on one side of a threshold; where an interval spans its threshold, the answer is
'undecided'. A claim may also hold and show nothing: what it says is true, and as true of a control.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter

import numpy as np
from scipy.stats import binomtest

from autapse_sim import discrete
from autapse_sim.checks import function, whole
from autapse_sim.circuit import Circuit
from autapse_sim.comparison import ETAS, RULES
from autapse_sim.controls import activity, stimulus_controls
from autapse_sim.declared import resolve_parameters
from autapse_sim.experiment import Drawn, choose_engine, draw, prepare, run, without_equations
from autapse_sim.job import STEP, Job, Outcome, Progress
from autapse_sim.protocol import Protocol, Schedule
from autapse_sim.scores import affine_r2, best_eta, median_interval
from autapse_sim.sizes import check_sizes
from autapse_sim.statistics import Interval, Paired, compare_all, holm
from autapse_sim.tasks.ball import BouncingBall
from autapse_sim.units import Amount
from autapse_sim.weights import EIGENVALUES, Weights

HOLDS, EMPTY, FAILS, OPEN = ANSWERS = ("holds", "holds, but shows nothing", "does not hold", "undecided")

FOLLOWS = 0.5
"""R2 after the best affine map from which on a prediction follows the trajectory."""
AGREES = 0.9
"""Share of networks with the order of the medians from which on rankings do not differ from run to run."""
SOMETIMES = 0.05
"""Share of networks that end worse than they began from which on a rule sometimes diverges."""
MATTERS = 0.01
"""Relative change of the test MSE from which on a parameter matters."""
OUTSIDE = 0.05
"""Share of predictions far outside the box by which a larger network must exceed a small one."""
FASTER = 2.0
"""Ratio of times from which on something is much faster."""
MAJORITY = 0.5

STATIC = ("untrained W", "W = 0", "training mean", "bias only", "persistence", "affine of x(t)")
"""Controls that know of no motion: who has learned the dynamics beats them all."""
MOVING = ("affine of 2 lags", "linear extrapolation")
ACTIVATIONS = ("tanh", "relu", "linear")
TAUS = (5, 10, 15)
SPECTRA: dict[str, Callable[[np.ndarray], bool]] = {
    "real and positive": EIGENVALUES["conditioned"],
    "complex with positive real part": lambda roots: np.iscomplex(roots).any() and (roots.real > 0).all(),
    "one of each sign": EIGENVALUES["mixed"],
    "real and negative": EIGENVALUES["negative"],
}
"""Kinds of eigenvalues of B. The paper speaks of the first, third and fourth."""


@dataclass(frozen=True)
class Claim:
    """What the paper says, and what is measured.

    Parameters
    ----------
    key : str
        'a' to 'j'.
    says : str
        What the paper says.
    measured : str
        The numbers, with 95% intervals.
    answer : str
        One of `ANSWERS`.
    """

    key: str
    says: str
    measured: str
    answer: str


@dataclass(frozen=True)
class Setting:
    """What is run for the table.

    Parameters
    ----------
    task : BouncingBall
        The ball.
    protocol : Protocol
        Its numbers of trajectories; replicates and seed are set by `claims`.
    etas : tuple of float
        The learning rates that every rule may choose from.
    gentle : tuple of float
        More of them for neurons whose slope may reach 1: with these, errors that are fed back may grow.
    pilots : int
        Networks on which they are chosen; none of them is tested.
    sizes : tuple of int
        n, from small to large, where it varies.
    engine : str
        For rules that have equations, see `train`.
    turns : int
        Times that each form of a rule is timed.
    """

    task: BouncingBall = field(default_factory=lambda: BouncingBall(horizon=5))
    protocol: Protocol = field(default_factory=lambda: Protocol(train=200, validate=20, test=50))
    etas: tuple[float, ...] = ETAS
    gentle: tuple[float, ...] = (1e-5, 1e-4, 1e-3)
    pilots: int = 50
    sizes: tuple[int, ...] = (2, 10, 50)
    engine: str = "auto"
    turns: int = 7


def claims(
    replicates: int = 200, seed: int = 0, progress: Progress | None = None, setting: Setting | None = None
) -> list[Claim]:
    """Measure and answer the paper's claims.

    Parameters
    ----------
    replicates : int
        Networks per rule, each with its own weights and trajectories, the same for every rule.
    seed : int
        All draws follow from it.
    progress : callable, optional
        Called with the completed share, 0 to 1.
    setting : Setting, optional
        The paper's case where not given.

    Returns
    -------
    list of Claim
        In the order of their keys.
    """
    setting, replicates, seed = setting or Setting(), whole("replicates", replicates, least=2), whole("seed", seed)
    function("progress", progress)
    largest = Circuit(neurons=max(setting.sizes), readout="random")
    check_sizes(largest, setting.task, replace(setting.protocol, replicates=replicates), together=replicates)
    trials = Trials(setting, replicates, seed)
    found = []
    for measure in MEASURES:
        found.append(measure(trials))
        if progress:
            progress(len(found) / len(MEASURES))
    return found


def claims_table(claims: Iterable[Claim], width: int = 120) -> str:
    """The claims as text: for each its answer, what the paper says, and what is measured."""
    lines = []
    for claim in claims:
        lines.append(f"({claim.key}) {claim.answer.upper()}: {claim.says}")
        lines += textwrap.wrap(claim.measured, width, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


# Rules of decision: True, False, or None where it cannot be told.


def above(found: Interval, threshold: float) -> bool | None:
    """Whether an interval lies above a threshold.

    Examples
    --------
    >>> [above(Interval(0.5, 0.4, 0.6), threshold) for threshold in (0.3, 0.7, 0.5)]
    [True, False, None]
    """
    return True if found.low > threshold else False if found.high < threshold else None


def below(found: Interval, threshold: float) -> bool | None:
    """Whether an interval lies below a threshold."""
    return None if above(found, threshold) is None else not above(found, threshold)


def lower(found: Paired) -> bool | None:
    """Whether an error is lower than that of the reference."""
    return {"lower": True, "higher": False, "undecided": None}[found.verdict]


def every(found: Iterable[bool | None]) -> bool | None:
    """Whether all are true: one that is false decides, else one that cannot be told leaves it open.

    Examples
    --------
    >>> every([True, True]), every([True, None, False]), every([True, None])
    (True, False, None)
    """
    found = list(found)
    return False if False in found else None if None in found else True


def answer(true: bool | None, telling: bool | None = True) -> str:
    """The answer to a claim that is true or not, and that tells more than a control does or not."""
    if true is None or (true and telling is None):
        return OPEN
    return FAILS if not true else HOLDS if telling else EMPTY


def decide_following(r2: Iterable[Interval], against: Iterable[Paired]) -> str:
    """(a) Predictions follow if R2 is above `FOLLOWS`; it tells something if they do so better than the controls."""
    return answer(every(above(one, FOLLOWS) for one in r2), every(map(lower, against)))


def decide_learning(against: Iterable[Paired]) -> str:
    """(b, j) The dynamics are learned if the error is lower than that of every control without motion."""
    return answer(every(map(lower, against)))


def decide_ranking(agreeing: Interval) -> str:
    """(c) Rankings differ if fewer than `AGREES` of the networks rank the rules as the medians do."""
    return answer(below(agreeing, AGREES))


def decide_divergence(share: Interval, more: Iterable[Interval]) -> str:
    """(d) A rule sometimes diverges above `SOMETIMES`; it tells something of the rule if it does so more than others.

    Parameters
    ----------
    share : Interval
        Of networks that diverged.
    more : iterable of Interval
        By how much it exceeds the share of each other rule.
    """
    return answer(above(share, SOMETIMES), every(above(one, 0) for one in more))


def decide_spectrum(fell: Mapping[str, Interval]) -> str:
    """(e) The error of most networks falls with the first spectrum, and rises with all others."""
    positive, *others = fell.values()
    return answer(every([above(positive, MAJORITY), *(below(one, MAJORITY) for one in others)]))


def decide_effect(changes: Iterable[Interval]) -> str:
    """(f) A parameter matters if a relative change of the error lies beyond `MATTERS`, and not if all lie within."""
    changes = list(changes)
    beyond = any(one.low > MATTERS or one.high < -MATTERS for one in changes)
    within = all(one.low > -MATTERS and one.high < MATTERS for one in changes)
    return answer(True if beyond else False if within else None)


def decide_size(excess: Interval, scaled: Interval) -> str:
    """(g) More predictions are far outside in large networks; it tells something if V ~ N(0, 1/n) does not cure it."""
    return answer(above(excess, OUTSIDE), above(scaled, OUTSIDE))


def decide_speed(plain: Iterable[Interval], best: Iterable[Interval]) -> str:
    """(h) The rule is faster than the others as defined; it tells something if it is than their best forms too."""
    return answer(every(above(one, FASTER) for one in plain), every(above(one, FASTER) for one in best))


def decide_readout(mended: Iterable[Paired], fixed: Iterable[Paired]) -> str:
    """(i) A trained V mends if errors fall; it tells something of the rules if they fall below those of a fixed W."""
    return answer(every(map(lower, mended)), every(map(lower, fixed)))


# What is run.


def _as_drawn(weights: Weights, rng: np.random.Generator) -> Weights:
    return weights


def _wide(weights: Weights, rng: np.random.Generator) -> Weights:
    """V ~ N(0, 1)."""
    return replace(weights, V=weights.V * np.sqrt(weights.V.shape[2]))


def _silent(weights: Weights, rng: np.random.Generator) -> Weights:
    """W = 0, and feedback that makes FA's gradient of the biases exact."""
    nothing = np.zeros_like(weights.W)
    return replace(weights, W=nothing, B=weights.V.transpose(0, 2, 1).copy(), B_rec=nothing.copy())


def _spectral(kind: str) -> Callable[[Weights, np.random.Generator], Weights]:
    """Weights with B = B_rec ~ N(0, 1), drawn again until its eigenvalues are of a kind."""

    def start(weights: Weights, rng: np.random.Generator) -> Weights:
        B = rng.normal(size=weights.B.shape)
        for matrix in B:
            while not SPECTRA[kind](np.linalg.eigvals(matrix)):
                matrix[...] = rng.normal(size=matrix.shape)
        return replace(weights, B=B, B_rec=B.copy())

    return start


@dataclass(frozen=True)
class Case:
    """What is trained.

    Parameters
    ----------
    circuit : Circuit
        With the rule.
    tau : int, optional
        In steps, where not the rule's own.
    eta_out : float, optional
        Of the read-out; None lets it be chosen with eta.
    start : callable
        What becomes of the weights as they were drawn.
    """

    circuit: Circuit
    tau: int | None = None
    eta_out: float | None = None
    start: Callable[[Weights, np.random.Generator], Weights] = _as_drawn


@dataclass(frozen=True)
class Trained:
    """How R networks did; a network that diverged has infinite errors.

    Parameters
    ----------
    eta : float
        Their learning rate.
    before, after : array (R,)
        Validation MSE before and after training.
    curve : array (R, K)
        Training MSE.
    mse, unexplained : array (R,)
        Test MSE, and 1 - R2 after the best affine map of each trajectory.
    with_x, with_y : array (R,)
        Correlation of predictions with the stimulus and with the target.
    outside : array (R,)
        Share of predictions outside [-0.5, 1.5].
    """

    eta: float
    before: np.ndarray
    after: np.ndarray
    curve: np.ndarray
    mse: np.ndarray
    unexplained: np.ndarray
    with_x: np.ndarray
    with_y: np.ndarray
    outside: np.ndarray


class Trials:
    """Everything that is run, once each: the claims share it.

    Parameters
    ----------
    setting : Setting
        What is run.
    replicates : int
        Networks that are tested.
    seed : int
        All draws follow from it; those of the pilots are others.
    """

    def __init__(self, setting: Setting, replicates: int, seed: int) -> None:
        self.setting, self.replicates = setting, replicates
        tested, pilots = np.random.SeedSequence(seed).generate_state(2).tolist()
        common = replace(setting.protocol, validate_every=max(1, setting.protocol.train), record=0)
        self.protocol = replace(common, replicates=replicates, seed=tested)
        self.pilot = replace(common, replicates=setting.pilots, seed=pilots, test=0)
        self.places = max(replicates, setting.pilots * len(setting.gentle + setting.etas))
        self._drawn: dict[tuple, Drawn] = {}
        self._grids: dict[Case, tuple[np.ndarray, np.ndarray]] = {}
        self._trained: dict[tuple[Case, float], Trained] = {}
        self._controls: dict[str, dict[str, np.ndarray]] = {}

    def drawn(self, case: Case, protocol: Protocol) -> Drawn:
        """Trajectories and initial weights; the trajectories do not depend on the case."""
        circuit = case.circuit
        key = (circuit.neurons, circuit.readout, circuit.feedback, protocol)
        if key not in self._drawn:
            new = draw(circuit, self.setting.task, protocol)
            alike = next((old for other, old in self._drawn.items() if other[-1] == protocol), new)
            self._drawn[key] = replace(new, x=alike.x, y=alike.y)
        found = self._drawn[key]
        return replace(found, weights=case.start(found.weights, np.random.default_rng(protocol.seed)))

    def etas(self, case: Case) -> tuple[float, ...]:
        """The learning rates to choose from."""
        gentle = () if case.circuit.activation == "sigmoid" else self.setting.gentle
        return gentle + self.setting.etas

    def grid(self, case: Case) -> tuple[np.ndarray, np.ndarray]:
        """Validation MSE (E, R) of the pilots before and after training, over the learning rates."""
        if case not in self._grids:
            etas, count = self.etas(case), self.pilot.replicates
            source = np.tile(np.arange(count), len(etas))
            outcome = self._run(case, self.pilot, source, np.repeat(etas, count))
            before, after = _validation(self.pilot, outcome)
            self._grids[case] = before.reshape(len(etas), count), after.reshape(len(etas), count)
        return self._grids[case]

    def best(self, case: Case) -> float:
        """The learning rate that is best on validation; the smallest, where most networks diverge at each of them."""
        etas, (_, after) = self.etas(case), self.grid(case)
        return etas[best_eta(after)] if np.isfinite(np.median(after, axis=1)).any() else min(etas)

    def trained(self, case: Case, eta: float | None = None) -> Trained:
        """The networks that are tested, by default at the best learning rate."""
        eta = self.best(case) if eta is None else eta
        if (case, eta) not in self._trained:
            everyone = np.arange(self.replicates)
            outcome = self._run(case, self.protocol, everyone, np.full(self.replicates, eta))
            schedule = Schedule.of(self.protocol)
            prediction = outcome.prediction.transpose(1, 0, 2, 3)
            self._trained[case, eta] = Trained(
                eta,
                *_validation(self.protocol, outcome),
                _infinite(outcome.mse[:, schedule.learn]),
                **self.score(self.drawn(case, self.protocol), prediction),
            )
        return self._trained[case, eta]

    def score(self, drawn: Drawn, prediction: np.ndarray) -> dict[str, np.ndarray]:
        """The scores of test predictions (R, K, T, c)."""
        x, y = (array[:, -self.protocol.test :] for array in (drawn.x, drawn.y))
        with np.errstate(all="ignore"):
            mse = ((prediction - y) ** 2).mean(axis=(1, 2, 3))
        unexplained = 1 - affine_r2(prediction, y).mean(axis=1)
        outside = ~((prediction >= -0.5) & (prediction <= 1.5))
        return {
            "mse": _infinite(mse),
            "unexplained": _infinite(unexplained),
            "with_x": _correlation(prediction, x),
            "with_y": _correlation(prediction, y),
            "outside": outside.mean(axis=(1, 2, 3)),
        }

    def still(self, case: Case, silent: bool = False) -> dict[str, np.ndarray]:
        """The scores of the networks as they were drawn, or with W = 0."""
        drawn = self.drawn(case, self.protocol)
        weights = replace(drawn.weights, W=np.zeros_like(drawn.weights.W)) if silent else drawn.weights
        o = activity(weights, drawn.x[:, -self.protocol.test :], case.circuit.activation)
        return self.score(drawn, np.einsum("rktn,rcn->rktc", o, weights.V))

    def controls(self, circuit: Circuit) -> dict[str, np.ndarray]:
        """Test MSE (R,) of the controls of a circuit in which W learns."""
        if circuit.activation not in self._controls:
            case, train = Case(circuit), self.protocol.train
            drawn, test = self.drawn(case, self.protocol), slice(-self.protocol.test, None)
            biased = Case(replace(circuit, rule="fa", learn=("b",)), start=_silent)
            networks = {
                "untrained W": self.still(case)["mse"],
                "W = 0": self.still(case, silent=True)["mse"],
                "bias only": self.trained(biased).mse,
            }
            if self._controls:
                stimulus = {k: v for k, v in next(iter(self._controls.values())).items() if k not in networks}
            else:
                seen = slice(0, train), test, self.setting.task.horizon
                shown = stimulus_controls(drawn.x, drawn.y, *seen)
                stimulus = {k: ((v - drawn.y[:, test]) ** 2).mean(axis=(1, 2, 3)) for k, v in shown.items()}
            self._controls[circuit.activation] = networks | stimulus
        return self._controls[circuit.activation]

    def _run(self, case: Case, protocol: Protocol, source: np.ndarray, etas: np.ndarray) -> Outcome:
        circuit = case.circuit
        engine = choose_engine(circuit, "auto" if without_equations(circuit) else self.setting.engine)
        given = {name: etas for name in resolve_parameters(circuit, {}, 1) if name.startswith("eta")}
        if case.eta_out is not None:
            given["eta_out"] = case.eta_out
        if case.tau is not None:
            given["tau"] = Amount(case.tau * STEP, "second", f"{case.tau} ms")
        values = resolve_parameters(circuit, given, len(source))
        return run(circuit, self.drawn(case, protocol), protocol, values, source, engine, room=self.places)


def _validation(protocol: Protocol, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Validation MSE (N,) before and after training."""
    schedule = Schedule.of(protocol)
    looks = outcome.mse[:, schedule.look].reshape(len(outcome.mse), -1, protocol.validate)
    return _infinite(looks[:, 0].mean(axis=1)), _infinite(looks[:, -1].mean(axis=1))


def _infinite(errors: np.ndarray) -> np.ndarray:
    """Errors with infinity for those of networks that diverged."""
    return np.where(np.isnan(errors), np.inf, errors)


def _correlation(prediction: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Pearson's correlation over all samples of a network, mean over coordinates, (R,); 0 where it is not defined."""
    with np.errstate(all="ignore"):
        p, s = (array - array.mean(axis=(1, 2), keepdims=True) for array in (prediction, signal))
        product = (p * s).sum(axis=(1, 2)) / np.sqrt((p**2).sum(axis=(1, 2)) * (s**2).sum(axis=(1, 2)))
    return np.where(np.isfinite(product), product, 0).mean(axis=1)


# The claims.

PAPER = Circuit()


def _rules(**changes: object) -> dict[str, Case]:
    return {rule: Case(replace(PAPER, rule=rule, **changes)) for rule in RULES}


def _etas(trials: Trials, cases: Mapping[str, Case]) -> str:
    """The learning rates of rules, in words."""
    chosen = {rule: trials.best(case) for rule, case in cases.items()}
    least = {rule: min(trials.etas(case)) for rule, case in cases.items()}
    marked = (f"{rule} {eta:g}{', the smallest tried' * (eta == least[rule])}" for rule, eta in chosen.items())
    return f"each at its best eta: {'; '.join(marked)}"


def measure_following(trials: Trials) -> Claim:
    """(a) Up to scale and shift."""
    trained = {rule: trials.trained(case) for rule, case in _rules().items()}
    still = {name: trials.still(Case(PAPER), silent) for name, silent in (("untrained W", False), ("W = 0", True))}
    r2 = {rule: _median(1 - one.unexplained) for rule, one in trained.items()}
    errors = {rule: one.unexplained for rule, one in trained.items()}
    against = _families({name: (errors, one["unexplained"]) for name, one in still.items()})
    controls = {name: _median(1 - one["unexplained"]) for name, one in still.items()}
    nearer = {rule: _share(one.with_x > one.with_y) for rule, one in trained.items()}
    measured = (
        f"R2 after the best affine map of each test trajectory: {_list(r2, _number)}; without any learning: "
        f"{_list(controls, _number)}. Better than these: {_verdicts(against)}. Correlation of predictions with x(t) / "
        "with the target: "
        + ", ".join(f"{rule} {np.median(t.with_x):.2f} / {np.median(t.with_y):.2f}" for rule, t in trained.items())
        + f"; networks in which it is higher with x(t): {_list(nearer, _percent)}."
    )
    says = "Predictions follow the trajectory up to scale and shift."
    return Claim("a", says, measured, decide_following(r2.values(), against.values()))


def measure_learning(trials: Trials) -> Claim:
    """(b) All rules learn the dynamics."""
    mse = {rule: trials.trained(case).mse for rule, case in _rules().items()}
    controls = trials.controls(PAPER)
    compared = _families({name: (mse, controls[name]) for name in (*STATIC, *MOVING)})
    shown = {name: _median(controls[name]) for name in (*STATIC, *MOVING)}
    measured = (
        f"Test MSE: {_list({rule: _median(one) for rule, one in mse.items()}, _number)} ({_etas(trials, _rules())}); "
        f"controls: {_list(shown, _number)}. Lower than these, paired and corrected: {_verdicts(compared)}."
    )
    decisive = [one for (name, _), one in compared.items() if name in STATIC]
    return Claim("b", "All rules learn the dynamics of the ball.", measured, decide_learning(decisive))


def measure_ranking(trials: Trials) -> Claim:
    """(c) Rankings from run to run."""
    mse = np.stack([trials.trained(case).mse for case in _rules().values()])
    agreeing = _share(np.array(_orders(mse)) == _order(np.median(mse, axis=1)))
    grids = np.stack([trials.grid(case)[1] for case in _rules().values()])
    common = []
    for k, eta in enumerate(trials.setting.etas):
        order, count = Counter(_orders(grids[:, k])).most_common(1)[0]
        common.append(f"{order} at {eta:g} ({count / grids.shape[2]:.0%})")
    measured = (
        f"Each rule at its best eta, {_percent(agreeing)} of networks rank the rules as the medians do "
        f"({_order(np.median(mse, axis=1))}). At one eta for all, the commonest order is "
        f"{'; '.join(common[::2])}."
    )
    return Claim("c", "MSE curves rank the rules differently from run to run.", measured, decide_ranking(agreeing))


def measure_divergence(trials: Trials) -> Claim:
    """(d) DFA sometimes diverges."""
    grids = {rule: trials.grid(case) for rule, case in _rules().items()}
    worse = {rule: ~(after < before) for rule, (before, after) in grids.items()}
    share = {rule: _mean(one.mean(axis=0)) for rule, one in worse.items()}
    more = {rule: _mean((worse["dfa"] * 1.0 - one).mean(axis=0)) for rule, one in worse.items() if rule != "dfa"}
    over = {rule: "/".join(f"{100 * one:.0f}" for one in found.mean(axis=1)) for rule, found in worse.items()}
    own = {rule: _share(~((t := trials.trained(case)).after < t.before)) for rule, case in _rules().items()}
    measured = (
        "Networks that end with a higher validation MSE than they began with (NaN included), over all etas: "
        f"{_list(share, _percent)}; in % at eta {'/'.join(f'{eta:g}' for eta in trials.setting.etas)}: "
        + ", ".join(f"{rule} {text}" for rule, text in over.items())
        + f"; at each rule's best eta: {_list(own, _percent)}. DFA more than others by: {_list(more, _percent)}."
    )
    return Claim("d", "DFA sometimes diverges.", measured, decide_divergence(share["dfa"], more.values()))


def measure_spectrum(trials: Trials) -> Claim:
    """(e) The eigenvalues of B."""
    eta = trials.best(Case(PAPER))
    circuit = replace(PAPER, feedback="random")
    fell, change = {}, {}
    for kind in SPECTRA:
        trained = trials.trained(Case(circuit, start=_spectral(kind)), eta)
        tenth = max(1, trained.curve.shape[1] // 10)
        first, last = trained.curve[:, :tenth].mean(axis=1), trained.curve[:, -tenth:].mean(axis=1)
        fell[kind] = _share(trained.after < trained.before)
        change[kind] = _median(last / first - 1)
    measured = (
        f"The autapse rule at eta {eta:g}; networks whose validation MSE falls in training, by B's eigenvalues: "
        f"{_list(fell, _percent)}; change of the training MSE from the first to the last tenth: "
        f"{_list(change, _percent)}."
    )
    named = {kind: one for kind, one in fell.items() if not kind.startswith("complex")}
    says = "With B's eigenvalues positive the MSE falls, with negative ones it rises."
    return Claim("e", says, measured, decide_spectrum(named))


def measure_tau(trials: Trials) -> Claim:
    """(f) The time constant of the trace."""
    mse = {tau: trials.trained(Case(PAPER, tau=tau)).mse for tau in (1, *TAUS)}
    compared = compare_all({str(tau): mse[tau] for tau in mse if tau != 10}, mse[10])
    changes = {f"tau {tau}": _negative(one.reduction) for tau, one in compared.items()}
    measured = (
        f"Test MSE: {_list({f'tau {tau}': _median(one) for tau, one in mse.items()}, _number)} (each at its best "
        f"eta). Paired change against tau 10: {_list(changes, lambda one: _percent(one, 1))}."
    )
    answered = decide_effect(changes[f"tau {tau}"] for tau in TAUS if tau != 10)
    return Claim("f", "tau = 5, 10, 15 matters.", measured, answered)


def measure_size(trials: Trials) -> Claim:
    """(g) Larger networks."""
    parts, growth = [], []
    for name, start in (("V ~ N(0, 1)", _wide), ("V ~ N(0, 1/n)", _as_drawn)):
        cases = {n: Case(replace(PAPER, neurons=n, readout="random"), start=start) for n in trials.setting.sizes}
        trained = {n: trials.trained(case).outside for n, case in cases.items()}
        drawn = {n: trials.still(case) for n, case in cases.items()}
        growth.append(_mean(trained[trials.setting.sizes[-1]] - trained[trials.setting.sizes[0]]))
        parts.append(
            f"with {name} {_list({f'n = {n}': _mean(one) for n, one in trained.items()}, _percent)} (untrained "
            + ", ".join(f"{one['outside'].mean():.0%}" for one in drawn.values())
            + "; untrained test MSE "
            + ", ".join(f"{np.median(one['mse']):.2g}" for one in drawn.values())
            + f"), from the smallest to the largest {_percent(growth[-1])} more"
        )
    measured = f"Predictions outside [-0.5, 1.5] after training with the autapse rule: {'; '.join(parts)}."
    says = "Larger n gives predictions far outside [0, 1]."
    return Claim("g", says, measured, decide_size(*growth))


def measure_speed(trials: Trials) -> Claim:
    """(h) Times."""
    forms = {(rule, *form): _timed(trials, rule, *form) for rule in RULES for form in FORMS}
    seconds = _in_turns(forms, trials.setting.turns)
    ratios = {key: _median(one / seconds["autapse", *key[1:]]) for key, one in seconds.items() if key[0] != "autapse"}
    as_defined = {rule: seconds[rule, "step", "plain"] / seconds["autapse", "step", "fast"] for rule in RULES}
    plain = {rule: _median(one) for rule, one in as_defined.items() if rule != "autapse"}
    swept, stepped = ({key[0]: one for key, one in ratios.items() if key[1:] == form} for form in (FORMS[2], FORMS[1]))
    measured = (
        "Time a trajectory over the autapse rule's (its trace carried along), n = 2: others summed over the past at "
        f"every step, {_list(plain, _ratio)}; others in their cheapest exact form, updates at every step: "
        f"{_list(stepped, _ratio)}; all with updates per trajectory, one sweep: {_list(swept, _ratio)}."
    )
    engine = choose_engine(PAPER, trials.setting.engine)
    if engine == "standalone":
        compiled = {rule: _compiled(trials, rule) for rule in ("dfa", "rflo", "autapse")}
        found = _in_turns(compiled, trials.setting.turns)
        shown = {rule: _median(found[rule] / found["autapse"]) for rule in ("dfa", "rflo")}
        measured += f" Compiled, updates at every step: {_list(shown, _ratio)}; bptt and fa have no equations."
    says = "The autapse rule computes much faster than the others."
    return Claim("h", says, measured, decide_speed(plain.values(), swept.values()))


def measure_readout(trials: Trials) -> Claim:
    """(i) A trained read-out."""
    only = {rule: trials.trained(case).mse for rule, case in _rules().items()}
    reservoir = trials.trained(Case(replace(PAPER, rule="fa", learn=("V", "c"))))
    whole = {
        rule: trials.trained(replace(case, eta_out=reservoir.eta)).mse
        for rule, case in _rules(learn=("W", "V", "c")).items()
    }
    mended = _families({f"{rule}, W only": ({rule: whole[rule]}, only[rule]) for rule in RULES})
    fixed = _families({"W fixed": (whole, reservoir.mse)})
    against = {rule: one.reduction for (_, rule), one in fixed.items()}
    measured = (
        f"Test MSE with W, V, c learning: {_list({rule: _median(one) for rule, one in whole.items()}, _number)}; with "
        f"W only: {_list({rule: _median(one) for rule, one in only.items()}, _number)}; with W fixed, V and c "
        f"learning: {_number(_median(reservoir.mse))}. Lower than with W only by "
        f"{_list({rule: one.reduction for (_, rule), one in mended.items()}, _percent)}; lower than with W fixed by "
        f"{_list(against, lambda one: _percent(one, 1))} ({_verdicts(fixed)})."
    )
    says = "A trained V would mend scale and shift."
    return Claim("i", says, measured, decide_readout(mended.values(), fixed.values()))


def measure_activations(trials: Trials) -> Claim:
    """(j) Other activations."""
    parts, decisive = [], []
    for activation in ACTIVATIONS:
        circuit = replace(PAPER, activation=activation)
        cases = _rules(activation=activation)
        mse = {rule: trials.trained(case).mse for rule, case in cases.items()}
        controls = trials.controls(circuit)
        compared = _families({name: (mse, controls[name]) for name in STATIC})
        decisive += compared.values()
        shown = {name: _median(controls[name]) for name in ("untrained W", "W = 0", "bias only", "affine of x(t)")}
        parts.append(
            f"{activation}: {_list({rule: _median(one) for rule, one in mse.items()}, _number)} "
            f"({_etas(trials, cases)}); controls: "
            f"{_list(shown, _number)}; lower than these: {_verdicts(compared)}"
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


# Times.

FORMS = (("step", "plain"), ("step", "fast"), ("trajectory", "fast"))
"""When the weights change, and the form in which the gradient is computed."""


def _job(trials: Trials, rule: str, update: str, networks: int, trajectories: int) -> Job:
    circuit = replace(PAPER, rule=rule)
    protocol = replace(trials.pilot, replicates=networks, train=trajectories, validate=0, update=update)
    values = resolve_parameters(circuit, {"eta": 0.001}, networks)
    return prepare(circuit, draw(circuit, trials.setting.task, protocol), protocol, values, np.arange(networks))


def _timed(trials: Trials, rule: str, update: str, form: str) -> Callable[[], float]:
    """What runs a rule on the discrete network and gives the seconds."""
    job = _job(trials, rule, update, networks=trials.places, trajectories=2 if form == "plain" else 4)

    def timed() -> float:
        start = perf_counter()
        discrete.simulate(job, form)
        return (perf_counter() - start) / len(job.schedule.trajectory)

    return timed


def _compiled(trials: Trials, rule: str) -> Callable[[], float]:
    """What runs a compiled rule and gives the seconds that its program took."""
    from autapse_sim.engine import simulate

    job = _job(trials, rule, "step", networks=trials.places, trajectories=200)
    return lambda: simulate(job, "standalone", processes=1).seconds


def _in_turns(functions: Mapping, turns: int) -> dict:
    """The seconds (turns,) that each function gives, all called in every turn, after a turn to warm up."""
    found = [{key: function() for key, function in functions.items()} for _ in range(turns + 1)]
    return {key: np.array([turn[key] for turn in found[1:]]) for key in functions}


# Statistics, and how they are written.


def _families(errors: Mapping[str, tuple[Mapping[str, np.ndarray], np.ndarray]]) -> dict[tuple[str, str], Paired]:
    """Rules compared with several references, all as one family, by (reference, rule)."""
    found = {
        (name, rule): one
        for name, (rules, reference) in errors.items()
        for rule, one in compare_all(rules, reference).items()
    }
    corrected = holm([one.p_wilcoxon for one in found.values()])
    return {key: replace(one, p=float(p)) for (key, one), p in zip(found.items(), corrected, strict=True)}


def _median(values: np.ndarray) -> Interval:
    return Interval(*(float(value) for value in median_interval(values)))


def _mean(values: np.ndarray) -> Interval:
    """Mean with a bootstrap interval."""
    resampled = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    return Interval(float(values.mean()), *(float(q) for q in np.quantile(resampled, (0.025, 0.975))))


def _share(found: np.ndarray) -> Interval:
    """Share with Wilson's interval."""
    count = int(np.sum(found))
    interval = binomtest(count, len(found)).proportion_ci(method="wilson")
    return Interval(count / len(found), interval.low, interval.high)


def _negative(found: Interval) -> Interval:
    return Interval(-found.estimate, -found.high, -found.low)


def _order(errors: np.ndarray) -> str:
    """The rules from the lowest error to the highest."""
    return " < ".join(RULES[k] for k in np.argsort(errors, kind="stable"))


def _orders(errors: np.ndarray) -> list[str]:
    """The order of every network, from errors (rules, R)."""
    return [_order(one) for one in errors.T]


def _verdicts(compared: Mapping[tuple[str, str], Paired]) -> str:
    """'untrained W: all (yes); persistence: bptt (yes), dfa (no)'."""
    parts = []
    for name in dict.fromkeys(name for name, _ in compared):
        group = {rule: lower(one) for (other, rule), one in compared.items() if other == name}
        words = {True: " (yes)", None: " (undecided)", False: " (no)"}
        alike = set(group.values())
        text = f"all{words[alike.pop()]}" if len(alike) == 1 else ", ".join(r + words[v] for r, v in group.items())
        parts.append(f"{name}: {text}")
    return "; ".join(parts)


def _list(found: Mapping[str, Interval], write: Callable[[Interval], str]) -> str:
    return ", ".join(f"{name} {write(one)}" for name, one in found.items())


def _number(found: Interval) -> str:
    estimate, low, high = (f"{v:.4f}" if abs(v) < 10 else f"{v:.1e}" for v in (found.estimate, found.low, found.high))
    return f"{estimate} [{low}, {high}]"


def _percent(found: Interval, digits: int = 0) -> str:
    estimate, low, high = (f"{100 * v:.{digits}f}" for v in (found.estimate, found.low, found.high))
    return f"{estimate}% [{low}, {high}]"


def _ratio(found: Interval) -> str:
    return f"{found.estimate:.2g} [{found.low:.2g}, {found.high:.2g}]"
