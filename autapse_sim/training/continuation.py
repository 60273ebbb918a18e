"""Training that goes on from a result, to the bits of a run that was never interrupted."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from autapse_sim.errors import InputError, in_a_line
from autapse_sim.names import shown
from autapse_sim.results.contents import check_contents
from autapse_sim.results.result import Result, dataset, versions
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Job
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.training.description import described, equations_text

if TYPE_CHECKING:
    from autapse_sim.training.draws import Drawn

ATTRIBUTE = "goes_on"
"""Of a result: what else has to be known to go on from it, as JSON."""
FREE = ("train", "validate", "test", "validate_every", "record", "record_tests", "checkpoints", "checkpoint_states")
"""What of a protocol may change where training goes on; all else belongs to what was learned."""
VERSIONS = ("autapse_sim", "numpy", "brian2")
"""Whose versions the last digits of a result may depend on."""


@dataclass(frozen=True)
class Shares:
    """How replicates share programs, on which the last digits may depend.

    Parameters
    ----------
    block : int
        Replicates that run at a time.
    processes : int
        That share a block.
    machine : str
        A digest of the compiler and of what it compiles for; '' where nothing is compiled.
    """

    block: int
    processes: int
    machine: str

    @classmethod
    def of(cls, block: int, job: Job, engine: str) -> Shares:
        """How the replicates of an experiment are shared, `block` at a time."""
        if engine not in ("standalone", "compiled"):
            return cls(block, 1, "")
        from autapse_sim.engines.brian.compiler import compiler, identity
        from autapse_sim.engines.playing import worthwhile

        machine = hashlib.sha256(identity(compiler() or "").encode()).hexdigest()[:16]
        return cls(block, worthwhile(job, block), machine)


@dataclass(frozen=True)
class Begun:
    """What training goes on from.

    Parameters
    ----------
    trained : int
        Training trajectories that the networks had.
    shares : Shares
        How their run was shared.
    shown : tuple of int
        Checksums of the initial weights and the training trajectories of each block of replicates.
    weights : Weights
        As they are now.
    states : mapping of str to array (R, ...)
        What goes on beside them.
    data : xarray.Dataset
        The result.
    """

    trained: int
    shares: Shares
    shown: tuple[int, ...]
    weights: Weights
    states: Mapping[str, np.ndarray]
    data: xr.Dataset

    @classmethod
    def of(cls, start: Result | xr.Dataset) -> Begun:
        """What a result says; an `InputError` where it cannot be gone on from."""
        data = dataset(start)
        if ATTRIBUTE not in data.attrs:
            raise InputError("start: the result does not say how to go on; give one that train has made")
        try:
            check_contents(data)
        except (LookupError, TypeError, ValueError) as error:
            raise InputError(f"start: the result is not as train made it: {in_a_line(error)}") from error
        try:
            told = json.loads(data.attrs[ATTRIBUTE])
            shares = Shares(**told["shares"])
            names = [field.name for field in fields(Weights) if field.name in data]
            weights = Weights(**{name: np.array(data[name].values, dtype=float) for name in names})
            states = {name: np.array(data[f"state_{name}"].values, dtype=float) for name in told["states"]}
            return cls(int(told["trained"]), shares, tuple(told["shown"]), weights, states, data)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"start: the result is damaged where it says how to go on ({shown(error)})") from error

    def check(
        self, circuit: Circuit, protocol: Protocol, engine: str, parameters: Mapping[str, np.ndarray], task: str
    ) -> None:
        """Refuse to go on otherwise than it was begun, with what differs."""
        before, now = (json.loads(self.data.attrs["protocol"]), json.loads(json.dumps(asdict(protocol))))
        pairs = {f"protocol.{name}": (before.get(name), now[name]) for name in now if name not in FREE}
        circuits = json.loads(self.data.attrs["circuit"]), json.loads(json.dumps(asdict(circuit)))
        pairs |= {f"circuit.{name}": (circuits[0].get(name), value) for name, value in circuits[1].items()}
        pairs["engine"] = self.data.attrs["engine"], engine
        values = json.loads(self.data.attrs["parameters"]), json.loads(json.dumps(described(parameters)))
        pairs |= {f"parameter {name}": (values[0].get(name), value) for name, value in values[1].items()}
        tasks = json.loads(self.data.attrs["task"]), json.loads(task)
        pairs |= {f"task.{name}": (tasks[0].get(name), value) for name, value in tasks[1].items()}
        for name, (then, given) in pairs.items():
            if then != given:
                raise InputError(
                    f"start: {name} is {shown(then)} in the result and {shown(given)} here; they must agree"
                )
        if not np.array_equal(self.data["replicate"], np.arange(protocol.replicates)):
            raise InputError(
                f"start: the result has the replicates {shown(self.data['replicate'].values.tolist())}; it must have "
                f"all {protocol.replicates} that were trained, in their order"
            )
        if not protocol.reset and (before["validate"] or protocol.validate):
            raise InputError(
                "start: without reset what is validated is part of what is learned; give validate=0 to both"
            )

    def checked(self, here: Shares) -> Shares:
        """How this run is shared: as that before, or an `InputError` where its last digits may come out otherwise."""
        before, now = json.loads(self.data.attrs["provenance"]), versions()
        for name in VERSIONS:
            if before.get(name) != now[name]:
                raise InputError(
                    f"start: the result was made with {name} {before.get(name)}, this is {now[name]}: the last digits "
                    "could differ"
                )
        if here.machine != self.shares.machine:
            raise InputError(
                "start: the result was made with another compiler or processor: the last digits could differ"
            )
        return self.shares

    def notes(self, block: int) -> list[str]:
        """What has to be said, where a run that was never interrupted would take `block` replicates at a time."""
        said = [f"goes on from a result after {self.trained} training trajectories"]
        if block != self.shares.block:
            said.append(
                f"{self.shares.block} replicates run at a time, as they did before; a run that was never interrupted "
                f"would take {block}, and may differ in its last digits"
            )
        return said

    def resumed(self, job: Job, first: int, drawn: Drawn) -> Job:
        """The job of the replicates from number `first` on, as it goes on; refused where what is shown differs."""
        if equations_text(job.circuit, job.sources) != self.data.attrs["equations"]:
            raise InputError("start: the texts of the models are others than those in the result")
        block = first // self.shares.block
        if self.shown[block : block + 1] != (checksum(drawn, self.trained),):
            raise InputError(
                f"start: the initial weights, or the first {self.trained} training trajectories, are others than those "
                "that the result comes from"
            )
        for name, values in drawn.weights.items():
            if getattr(self.weights, name) is None or getattr(self.weights, name).shape[1:] != values.shape[1:]:
                raise InputError(f"start: the result is damaged: it has no weights {name} of these networks")
        mine = slice(first, first + len(drawn.x))
        return replace(
            job,
            weights=self.weights.take(np.arange(mine.start, mine.stop)),
            origin=drawn.weights,
            done=self.trained,
            start={name: values[mine] for name, values in self.states.items()},
        )


def checksum(drawn: Drawn, trained: int) -> int:
    """A number that tells initial weights and the first training trajectories from others."""
    found = 0
    for values in (*(value for _, value in drawn.weights.items()), drawn.x[:, :trained], drawn.y[:, :trained]):
        found = zlib.crc32(np.ascontiguousarray(values).data, found)
    return found


def going_on(trained: int, shares: Shares, shown: list[int], data: xr.Dataset) -> dict[str, Any]:
    """The attribute of a result by which training can go on from it."""
    states = [str(name).removeprefix("state_") for name in data.data_vars if str(name).startswith("state_")]
    states = [name for name in states if not name.endswith("_checkpoint")]
    told = {"trained": trained, "shares": asdict(shares), "shown": shown, "states": states}
    return {ATTRIBUTE: json.dumps(told)}
