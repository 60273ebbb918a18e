"""What the claims are measured on: networks that are trained once each, from the store where they are there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import xarray as xr

from autapse_sim.experiments.paper.cases import BLOCK, PAPER, Case, Networks
from autapse_sim.experiments.paper.setting import Setting
from autapse_sim.experiments.paper.units import Beside, Piloted, Still, Tested
from autapse_sim.studies.study import Study
from autapse_sim.studies.unit import Unit, name_of
from autapse_sim.training.grid import Grid

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Trained:
    """How R networks did; a network that diverged has infinite errors.

    Parameters
    ----------
    eta : float
        Their learning rate.
    before, after : array (R,)
        Validation MSE before and after training.
    learning_curve : array (R, K)
        Training MSE.
    test_mse, unexplained : array (R,)
        Test MSE, and 1 - R2 after the best affine map of each trajectory.
    with_x, with_y : array (R,)
        Correlation of predictions with the stimulus and with the target.
    outside : array (R,)
        Share of predictions outside [-0.5, 1.5].
    """

    eta: float
    before: np.ndarray
    after: np.ndarray
    learning_curve: np.ndarray
    test_mse: np.ndarray
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
    study : Study
        Who runs it and where it is kept.
    """

    def __init__(self, setting: Setting, replicates: int, seed: int, study: Study) -> None:
        self.setting, self.replicates, self.seed, self.study = setting, replicates, seed, study
        tested, pilots = np.random.SeedSequence(seed).generate_state(2).tolist()
        self.pilots = Networks(setting, pilots, False, 0, setting.pilots)
        self.blocks = [
            Networks(setting, tested, True, first, min(BLOCK, replicates - first))
            for first in range(0, replicates, BLOCK)
        ]
        self._known: dict[str, xr.Dataset] = {}

    def slower(self, times: int) -> Trials:
        """The same networks with a ball that takes so many times as long for everything."""
        return Trials(self.setting.slower(times), self.replicates, self.seed, self.study)

    def _results(self, units: Sequence[Unit]) -> list[xr.Dataset]:
        """What units give, in order; each is run and read once."""
        named = {name_of(unit): unit for unit in units}
        new = {name: unit for name, unit in named.items() if name not in self._known}
        found = self.study.results(list(new.values()))
        self._known |= {name: result.data for name, result in zip(new, found, strict=True)}
        return [self._known[name] for name in map(name_of, units)]

    def _tested(self, units: Mapping[Name, Sequence[Unit]]) -> dict[Name, xr.Dataset]:
        """What units give, of all replicates, from the units of their blocks."""
        found = iter(self._results([unit for blocks in units.values() for unit in blocks]))
        return {name: xr.concat([next(found) for _ in blocks], "replicate") for name, blocks in units.items()}

    def grids(self, cases: Mapping[Name, Case]) -> dict[Name, tuple[np.ndarray, np.ndarray]]:
        """Validation MSE (E, R) of the pilots of cases before and after training, over the learning rates."""
        found = self._results([Piloted(case, self.pilots) for case in cases.values()])
        return {name: (data.before.values, data.after.values) for name, data in zip(cases, found, strict=True)}

    def best(self, cases: Mapping[Name, Case]) -> dict[Name, float]:
        """The learning rates that are best on validation; the smallest, where most networks diverge at each of them."""
        return {
            name: Grid.of(cases[name].etas(self.setting), self.pilots.count).choose(after)
            for name, (_, after) in self.grids(cases).items()
        }

    def trained(self, cases: Mapping[Name, Case], eta: float | None = None) -> dict[Name, Trained]:
        """The networks of cases that are tested, each at its best learning rate where none is given."""
        etas = self.best(cases) if eta is None else dict.fromkeys(cases, eta)
        units = {name: [Tested(case, block, etas[name]) for block in self.blocks] for name, case in cases.items()}
        return {
            name: Trained(etas[name], **{str(key): values.values for key, values in data.data_vars.items()})
            for name, data in self._tested(units).items()
        }

    def still(self, cases: Mapping[Name, Case], silent: bool = False) -> dict[Name, dict[str, np.ndarray]]:
        """The scores of the networks of cases as they were drawn, or with W = 0."""
        units = {name: [Still(case, block, silent) for block in self.blocks] for name, case in cases.items()}
        found = self._tested(units)
        return {
            name: {str(key): values.values for key, values in data.data_vars.items()} for name, data in found.items()
        }

    def controls(self, activation: str, tau_m: int = 1) -> dict[str, np.ndarray]:
        """Test MSE (R,) of the controls of the paper's circuit with some neurons."""
        circuit = replace(PAPER, activation=activation)
        drawn = {"": Case(circuit, tau_m=tau_m)}
        biased = {"": Case(replace(circuit, rule="fa", learn=("b",)), start="silent", tau_m=tau_m)}
        beside = self._tested({"": [Beside(Case(PAPER), block) for block in self.blocks]})[""]
        return {
            "untrained W": self.still(drawn)[""]["test_mse"],
            "W = 0": self.still(drawn, silent=True)[""]["test_mse"],
            "bias only": self.trained(biased)[""].test_mse,
            **{name: beside.control_mse.sel(control=name).values for name in beside.control.values.tolist()},
        }
