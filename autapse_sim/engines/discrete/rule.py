"""What a learning rule gives: its gradient g(t), by the definition and by the cheapest form that is still exact."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.network import Network
from autapse_sim.names import modules_in
from autapse_sim.spec.audit import Audit


class Rule:
    """g(t) during one trajectory; W <- W - eta g(t) is the simulation's part.

    Parameters
    ----------
    network : Network
        The networks, as far as they have come.
    columns : slice
        The columns of [U W b] that learn; what is said of o(l-1) in a rule holds for x(l) in those of U.
    values : dict of str to array (L,)
        The parameters of the rule, with times in steps.
    averaging : bool
        Whether the 1/t of eq. 1 is in, for the rules whose g(t) sums over the past; without it bptt and rtrl are the
        exact gradient of a trajectory's summed squared error, halved.
    rngs : sequence of Generator
        One for each network, for the rules that are `random`.

    Attributes
    ----------
    share : array (T,)
        What g(t) is multiplied by: 1/t, or 1.
    parameters : dict of str to float or None
        The names of the parameters and their defaults (None: there is none).
    random : bool
        Whether g(t) is drawn.
    audit : Audit or None
        What the rule asks of a brain; None where equations in models/rules tell it, or nobody says.
    """

    audit: ClassVar[Audit | None] = None
    parameters: ClassVar[dict[str, float | None]] = {"eta": 0.03}
    random: ClassVar[bool] = False

    def __init__(
        self,
        network: Network,
        columns: slice,
        values: dict[str, np.ndarray],
        averaging: bool = True,
        rngs: Sequence[np.random.Generator] = (),
    ) -> None:
        self.network, self.layout, self.values, self.rngs = network, network.layout, values, rngs
        self.z = network.pre[:, :, columns]
        self.share = 1 / np.arange(1.0, network.steps + 1) if averaging else np.ones(network.steps)
        self.start()

    def start(self) -> None:
        """Set up what the fast form carries from step to step."""

    def plain(self, t: int) -> np.ndarray:
        """g(t) as the rule is defined."""
        raise NotImplementedError

    def fast(self, t: int) -> np.ndarray:
        """The same g(t) from what was carried along; called for every t in order."""
        return self.plain(t)

    def total(self) -> np.ndarray:
        """The sum (N, n, columns) of g(t) over the trajectories shown, W fixed: sum_l delta(l) z(l)^T."""
        return self.layout.over_time(self.delta(), self.z[:-1])

    def delta(self) -> np.ndarray:
        """The adjoint delta(l) (T, L, n) of a whole trajectory."""
        raise NotImplementedError

    def weighted(self, signal: np.ndarray) -> np.ndarray:
        """A signal (T, L, n) of every step, times the step's share (in place)."""
        signal *= self.share[:, None, None]
        return signal

    @staticmethod
    def traces(network: Network, values: dict[str, np.ndarray], which: np.ndarray) -> dict[str, np.ndarray]:
        """The rule's traces (T, Q, n) in the networks `which`, after a trajectory."""
        return {}


def _defined(module: ModuleType) -> type[Rule]:
    """The rule that a module defines."""
    (rule,) = (
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Rule) and each.__module__ == module.__name__
    )
    return rule


def references() -> dict[str, type[Rule]]:
    """The rules that have a discrete form, by name.

    Examples
    --------
    >>> sorted(references())
    ['autapse', 'bptt', 'bptt_random_feedback', 'dfa', 'fa', 'rflo', 'rflo_exact_feedback', 'rtrl', 'snap1', 'uoro']
    """
    from autapse_sim.engines.discrete import rules as package

    return {name: _defined(module) for name, module in modules_in(package).items()}
