"""The networks that are trained to measure the claims, each case once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from autapse_sim.experiments.claims.setting import SPECTRA, Setting
from autapse_sim.experiments.compare import RULES
from autapse_sim.results.scores import affine_r2, best_eta
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Outcome
from autapse_sim.spec.protocol import Protocol, Schedule
from autapse_sim.spec.units import Amount
from autapse_sim.spec.weights import Weights
from autapse_sim.training.controls import activity, stimulus_controls
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.train import Drawn, choose_engine, draw, run, without_equations


def as_drawn(weights: Weights, rng: np.random.Generator) -> Weights:
    return weights


def wide(weights: Weights, rng: np.random.Generator) -> Weights:
    """V ~ N(0, 1)."""
    return replace(weights, V=weights.V * np.sqrt(weights.V.shape[2]))


def _silent(weights: Weights, rng: np.random.Generator) -> Weights:
    """W = 0, and feedback that makes FA's gradient of the biases exact."""
    nothing = np.zeros_like(weights.W)
    return replace(weights, W=nothing, B=weights.V.transpose(0, 2, 1).copy(), B_rec=nothing.copy())


def spectral(kind: str) -> Callable[[Weights, np.random.Generator], Weights]:
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
    start: Callable[[Weights, np.random.Generator], Weights] = as_drawn


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


PAPER = Circuit()


def paper_rules(**changes: object) -> dict[str, Case]:
    return {rule: Case(replace(PAPER, rule=rule, **changes)) for rule in RULES}
