"""The audits of the rules that come with the package: derived from equations, stated where there are none."""

from __future__ import annotations

from autapse_sim.engines import discrete
from autapse_sim.spec.audit import Audit
from autapse_sim.spec.auditing import audit_of
from autapse_sim.spec.model import library, read_neuron, read_rule


def audits() -> dict[str, Audit]:
    """What each rule asks of a brain, by its name, of neurons of the kind `rate`.

    Examples
    --------
    >>> audits()["node_perturbation"].signals[0].partition(";")[0]
    'loss: one number for all'
    """
    neuron = read_neuron("rate")
    stated = {name: rule.audit for name, rule in discrete.references().items() if rule.audit is not None}
    derived = {name: audit_of(read_rule(name), neuron) for name in library("rules")}
    return dict(sorted({**stated, **derived}.items()))
