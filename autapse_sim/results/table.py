"""The table of a result: one line per rule and control, with intervals, in one look."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from autapse_sim.errors import InputError
from autapse_sim.results.result import of_rule
from autapse_sim.results.result import rules as names_of_rules
from autapse_sim.results.scores import median_heading, median_interval

UNTRAINED = "untrained W"
"""The control in which nothing has learned."""
SHARES = ("accuracy", "alive")
"""What a verdict has of its methods beside errors, where it has it: shares of steps, and of networks."""
TUNED_AS = {"method": "tuned", "ablation": "ablation_tuned"}
"""Where a verdict keeps what else than a learning rate was tuned of each."""
ROUNDING = 1e-9
"""Relative difference of two median errors up to which neither beats the other."""


def rows(data: xr.Dataset) -> list[dict]:
    """One dictionary per rule and per control, each group sorted by median test MSE.

    `mse`, `r2_trajectory` and `r2_network` are [median, low, high] over replicates (95% interval); `mean_mse`
    leaves nothing out, so that it is None where a replicate diverged. None stands for infinite or not defined.
    """
    if "mse" not in data:
        raise InputError("the result has no test trajectories; run with test of at least 1")
    for dim in ("replicate", "trajectory"):
        if dim not in data.mse.dims:
            raise InputError(f"mse has no dimension {dim!r} any more; isel({dim}=[0]) picks one and keeps it")
    untrained = None
    if "control" in data.dims and UNTRAINED in data.control:
        untrained = data.control_mse.sel(control=UNTRAINED).mean("trajectory").values
    parameters = json.loads(data.attrs["parameters"])
    rules = []
    for rule in names_of_rules(data):
        one = of_rule(data, rule)
        row = _row("rule", rule, one.mse.values, one.r2_trajectory.values, one.r2_network.values)
        eta = one.eta if "eta" in one else np.median(parameters.get("eta", np.nan))
        bad = np.flatnonzero(one.diverged.values)
        row |= {"eta": float(eta), "diverged": one.replicate.values[bad].tolist()}
        if untrained is not None:
            mse = one.mse.mean("trajectory", skipna=False).values
            row["worse_than_untrained"] = float(np.mean(~(mse <= untrained * (1 + ROUNDING))))
        rules.append(row)
    controls = [
        _row(
            "control",
            name,
            data.control_mse.sel(control=name).values,
            data.control_r2_trajectory.sel(control=name).values,
            data.control_r2_network.sel(control=name).values,
        )
        for name in (data.control.values.tolist() if "control" in data.dims else [])
    ]
    return [row for group in (rules, controls) for row in sorted(group, key=lambda r: r["mse"][0] or np.inf)]


def _row(kind: str, name: str, mse: np.ndarray, r2_trajectory: np.ndarray, r2_network: np.ndarray) -> dict:
    per_replicate = mse.mean(axis=1)
    return {
        "kind": kind,
        "name": str(name),
        "mse": _finite(median_interval(per_replicate)),
        "mean_mse": _finite([per_replicate.mean()])[0],
        "r2_trajectory": _finite(median_interval(r2_trajectory, worst=-np.inf)),
        "r2_network": _finite(median_interval(r2_network, worst=-np.inf)),
    }


def _finite(values: Iterable[float | np.ndarray]) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def text(data: xr.Dataset) -> str:
    """The table as text, with what it means in a line below it."""
    lines = rows(data)
    replicates = data.sizes["replicate"]
    wide = max(len(row["name"]) for row in lines) + 2
    error = median_heading("test MSE", replicates)
    head = f"{'':{wide}}{'eta':>7}  {error:<27}{'mean':<9}{'R2 traj.':<9}{'R2 net.':<9}"
    compared = any("worse_than_untrained" in row for row in lines)
    shown = [head + (f"diverged  worse than {UNTRAINED}" if compared else "diverged")]
    for kind in ("rule", "control"):
        group = [row for row in lines if row["kind"] == kind]
        if not group:
            continue
        shown.append(f"-- {kind}s ".ljust(len(shown[0]), "-"))
        for row in group:
            median, low, high = (error_text(value) for value in row["mse"])
            line = (
                f"{row['name']:{wide}}{_eta(row):>7}  {f'{median} [{low}, {high}]':<27}{error_text(row['mean_mse']):<9}"
            )
            line += f"{_share(row['r2_trajectory'][0]):<9}{_share(row['r2_network'][0]):<9}"
            if kind == "rule":
                line += f"{len(row['diverged'])} of {replicates}".ljust(10)
                line += f"{row['worse_than_untrained']:.0%}" if "worse_than_untrained" in row else ""
            shown.append(line.rstrip())
    named = [f"{row['name']}: {', '.join(map(str, row['diverged']))}" for row in lines if row.get("diverged")]
    if named:
        shown.append("diverged replicates, counted as infinite: " + "; ".join(named))
    if "alive" in data:
        dead = int((~data.alive).sum())
        shown.append(f"{dead} of {data.alive.size} networks silent or saturated (not with a {data.alive.long_name})")
    if data.r2_trajectory.isnull().all() and not data.diverged.any():
        shown.append("R2 is not defined (-): the targets of a trajectory do not vary")
    shown += notes(data)
    shown += [f"peak memory {data.attrs['peak_memory']}"] if "peak_memory" in data.attrs else []
    sentence = summary(lines)
    shown += [sentence] if sentence else []
    return "\n".join([heading(data), *shown])


def columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as lines in which each column is as wide as its widest cell.

    Parameters
    ----------
    rows : sequence of sequences of str
        The cells.
    right : sequence of int
        The columns whose cells stand at the right.

    Examples
    --------
    >>> columns([["a", "bb"], ["ccc", "d"]])
    ['a    bb', 'ccc  d']
    >>> columns([["a", "1"], ["bcd", "10"]], right=(1,))
    ['a     1', 'bcd  10']
    """
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = [str.rjust if k in right else str.ljust for k in range(len(wide))]
    lines = ["  ".join(side(cell, width) for side, cell, width in zip(sides, row, wide, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]


def judged_by(data: xr.Dataset) -> str:
    """What the errors of a verdict are: 'test MSE' or 'test cross-entropy'."""
    return data.attrs.get("score", "test MSE")


def tuned(one: xr.Dataset, name: str = "tuned") -> str:
    """What else than a learning rate was tuned of a method of a verdict, in words; '' where nothing was."""
    return str(one[name].item()) if name in one else ""


def refitted(name: str) -> str:
    """How what is tuned is named among the edges of a verdict, where the refitted read-out does best at one."""
    return f"refitted {name}"


def heading(data: xr.Dataset) -> str:
    """What was run, in a line: circuit, feedback, averaging, protocol and engine."""
    circuit, protocol = json.loads(data.attrs["circuit"]), json.loads(data.attrs["protocol"])
    learn = ", ".join(circuit["learn"])
    size = f"{protocol['replicates']} replicates, {protocol['train']} training and {protocol['test']} test trajectories"
    kind = circuit["activation"] if circuit["neuron"] == "rate" else Path(circuit["neuron"]).stem
    return (
        f"n = {circuit['neurons']}, {kind}, read-out {circuit['readout']}, learning {learn} per "
        f"{protocol['update']}; B {circuit['feedback']}; {data.attrs['averaging']}; {size}, seed {protocol['seed']}"
    )


def notes(data: xr.Dataset) -> list[str]:
    """What has to be said of the controls, and which are left out."""
    return json.loads(data.attrs.get("notes", "[]"))


def summary(lines: list[dict]) -> str:
    """What the table says, in a sentence: which controls the rules beat in the median, all or some, and which none."""
    rules = [row for row in lines if row["kind"] == "rule"]
    controls = [row for row in lines if row["kind"] == "control"]
    if not rules or not controls:
        return ""
    groups: dict[tuple[str, ...], list[str]] = {tuple(row["name"] for row in rules): [], (): []}
    for row in controls:
        # what differs in its last digits alone is as good
        winners = tuple(each["name"] for each in rules if _median(each) * (1 + ROUNDING) < _median(row))
        groups.setdefault(winners, []).append(row["name"])
    several = len(rules) > 1
    said = []
    for winners, beaten in groups.items():
        if not beaten:
            continue
        if not winners:
            who = "no rule beats" if several else f"{rules[0]['name']} does not beat"
        elif len(winners) == len(rules):
            who = "every rule beats" if several else f"{rules[0]['name']} beats"
        else:
            who = f"{', '.join(winners)} alone {'beats' if len(winners) == 1 else 'beat'}"
        said.append(f"{who} {', '.join(repr(name) if ',' in name else name for name in beaten)}")
    return f"In median test MSE {'; '.join(said)}."


def _median(row: dict) -> float:
    return np.inf if row["mse"][0] is None else row["mse"][0]


def error_text(value: float | None) -> str:
    """An error in words, small and large ones with a power of ten; None is infinite.

    Examples
    --------
    >>> error_text(0.25), error_text(2.5e-7), error_text(None)
    ('0.2500', '2.5e-07', 'inf')
    """
    return "inf" if value is None else f"{value:.4f}" if 1e-3 <= value < 1e5 else f"{value:.1e}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _eta(row: dict) -> str:
    return f"{row['eta']:g}" if "eta" in row else ""
