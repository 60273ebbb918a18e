"""The tape of a run: what every network is shown, step by step, and what is kept of it.

Both engines play the same tape: Brian2's runtime mode calls the methods of `Tape`, the compiled program the functions
of the same names in tape.h, which reads the arrays that `Tape.write` lays into the working folder of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from autapse_sim.engines.arrays import read_array, write_array
from autapse_sim.engines.brian import reals
from autapse_sim.engines.brian.assembly.order import When
from autapse_sim.engines.brian.dense.layout import Layout
from autapse_sim.spec.job import Job

FUNCTIONS = {
    # name: (method here, function in tape.h; kinds of the arguments, stateless)
    "autapse_stimulus": ("stimulus", ("integer", "integer"), True),
    "autapse_target": ("shown", ("integer", "integer"), True),
    "autapse_learns": ("learns", ("integer",), True),
    "autapse_elapsed": ("since_start", ("integer",), True),
    "autapse_steps": ("steps_shown", ("integer",), True),
    "autapse_fresh": ("fresh", ("integer",), True),
    "autapse_starting": ("starting", ("integer",), True),
    "autapse_first": ("first_of_all", ("integer",), True),
    "autapse_ending": ("ending", ("integer",), True),
    "autapse_updating": ("updating", ("integer",), True),
    "autapse_updates": ("updates", ("integer",), True),
    "autapse_share": ("share", ("integer",), True),
    "autapse_known": ("known", ("any",), True),
    "autapse_uniform": ("uniform", ("integer",) * 4, True),
    "autapse_normal": ("normal", ("integer",) * 4, True),
    "autapse_pair_uniform": ("pair_uniform", ("integer",) * 6, True),
    "autapse_pair_normal": ("pair_normal", ("integer",) * 6, True),
    "autapse_keep": ("keep", ("integer", "integer", "any", "any", "any"), False),
    "autapse_trace": ("trace", ("integer", "integer", "integer", "any"), False),
    "autapse_only": ("only", ("any", "any"), True),
    "autapse_real_int": ("whole", ("any",), True),
    "autapse_real_sign": ("signum", ("any",), True),
    "autapse_real_clip": ("clipped", ("any",) * 3, True),
    "autapse_real_timestep": ("timesteps", ("any", "any"), True),
    "autapse_real_quotient": ("quotient_of", ("any", "any"), True),
    "autapse_real_remainder": ("remainder_of", ("any", "any"), True),
    "autapse_positive": ("positive", ("any",), True),
    "choose": ("choose", ("any", "any", "any"), True),
}
"""The functions that equations may call, in the order of their arguments."""
Number = int | np.ndarray
"""A number that is the same for all elements: NumPy code gives it by itself, or in an array."""


class Tape:
    """The tape of one job.

    Parameters
    ----------
    job : Job
        What is run.
    tables : mapping of str to str
        The units of the records of traced networks by their names, 'error' first.
    layout : Layout
        How the networks lie in memory.
    """

    def __init__(self, job: Job, tables: Mapping[str, str], layout: Layout):
        self.tables, self.layout = list(tables), layout
        self.units = {name: unit for name, unit in tables.items() if unit != "1"}
        self.entropy = job.circuit.loss == "cross-entropy"
        self.substeps = job.circuit.substeps
        self.steps, self.inputs = job.x.shape[2:]
        self.outputs, self.neurons = job.y.shape[-1], job.circuit.neurons
        self.networks = len(job.source)
        self.job = job
        self.straight = np.array_equal(job.source, np.arange(len(job.x)))
        self.x_column, self.y_column = self._columns(job.x), self._columns(job.y)
        self.trajectory, self.learn = job.schedule.trajectory, job.schedule.learn
        self.keep_row, self.trace_row = _rows(job.schedule.keep), _rows(job.schedule.trace)
        self.learned = job.done + np.cumsum(self.learn)
        self.checkpoint_row, self.state_row = map(_rows, job.kept)
        # what tells the random numbers of a presentation from those of others, however often one looks at other data
        self.stamp = ((self.learned - self.learn) << 32) + job.done + self.trajectory
        self.per_step, self.batch, self.averaging = job.update == "step", job.batch, job.averaging
        self.traced = np.full(self.networks, -1)
        self.traced[job.traced] = np.arange(len(job.traced))
        self.seconds, self.memory = 0.0, 0
        self.widths = [len(job.traced) * (self.outputs if name == "error" else self.neurons) for name in tables]

    def _columns(self, shown: np.ndarray) -> np.ndarray:
        """Where each element of a group finds what it is shown in a row."""
        channels = shown.shape[-1]
        if self.straight:
            return np.arange(self.networks * channels)
        return self.layout.flat(self.job.source[:, None] * channels + np.arange(channels))

    @property
    def presentations(self) -> int:
        """P, the number of presentations."""
        return len(self.trajectory)

    # -- the compiled program -----------------------------------------------------------------------------------------

    def write(self, folder: Path) -> None:
        """Lay the tape into the working folder of a compiled program."""
        kept, tracked = int((self.keep_row >= 0).sum()), int((self.trace_row >= 0).sum())
        size = [self.outputs, self.neurons, self.networks, self.steps, self.substeps, self.layout.tile]
        size += [self.job.x.shape[0] * self.inputs, self.job.y.shape[0] * self.outputs, kept, tracked]
        size += [int(self.layout.lanes), int(self.straight)]
        size += [self.batch, int(self.per_step), int(self.averaging), int(self.entropy), int(self.job.reset)]
        size += [self.job.done, self.job.ticks, *self.widths]
        integers = {
            "size": size,
            "trajectory": self.trajectory,
            "learn": self.learn,
            "stamp": self.stamp,
            "keep": self.keep_row,
            "trace": self.trace_row,
            "checkpoint": self.checkpoint_row,
            "state": self.state_row,
            "traced": self.traced,
            "x_column": self.x_column,
            "y_column": self.y_column,
        }
        for name, values in integers.items():
            write_array(folder / f"{name}.bin", np.asarray(values, dtype=np.int64))
        write_array(folder / "seeds.bin", self.job.seeds.astype(np.uint64))
        for name, values in {"x": self.job.x, "y": self.job.y}.items():
            with (folder / f"{name}.bin").open("wb") as file:
                for part in self._shown(values):
                    file.write(part.data)

    def _shown(self, values: np.ndarray) -> Iterator[np.ndarray]:
        """What is shown, a row for each step of each trajectory.

        Where each network has a source of its own, the rows of a tile of networks lie together, in the order of the
        group; else one row holds all sources, and the networks look up theirs (`_columns`).
        """
        values = values.transpose(1, 2, 0, 3)
        if not self.straight:
            yield from (np.ascontiguousarray(trajectory, dtype=np.float64) for trajectory in values)
            return
        tile = self.layout.tile
        for first in range(0, self.networks, tile):
            part = values[:, :, first : first + tile]
            yield np.ascontiguousarray(part.swapaxes(2, 3) if self.layout.lanes else part, dtype=np.float64)

    def read(self, folder: Path) -> None:
        """Take back what a compiled program kept."""
        self.start()
        arrays = {"error": self.error, "surprise": self.surprise, "prediction": self.prediction}
        arrays |= {f"trace_{k}": values for k, values in enumerate(self.traces)}
        for name, values in arrays.items():
            values.ravel()[:] = read_array(folder / f"{name}.bin", values.size)
        self.seconds, kilobytes = read_array(folder / "usage.bin", 2)
        self.memory = int(kilobytes) * 1024

    # -- the results --------------------------------------------------------------------------------------------------

    def mse(self) -> np.ndarray:
        """Mean squared error per network and presentation, (N, P)."""
        squares = self.layout.unflat(self.error, self.outputs)
        return squares.sum(axis=2).T / self.job.counted

    def cross_entropy(self) -> np.ndarray | None:
        """Mean cross-entropy per network and presentation in nats, (N, P), where that is the loss."""
        if not self.entropy:
            return None
        nats = self.layout.unflat(self.surprise, self.outputs).sum(axis=2).T
        return nats / (self.job.counted // self.outputs)

    def predictions(self) -> np.ndarray:
        """Kept predictions, (kept presentations, N, T, c)."""
        return self.layout.unflat(self.prediction, self.outputs).transpose(0, 2, 1, 3)

    def traced_arrays(self) -> dict[str, np.ndarray]:
        """Kept traces by name, (traced presentations, Q, T, n or c)."""
        arrays = {}
        for name, values in zip(self.tables, self.traces, strict=True):
            width = self.outputs if name == "error" else self.neurons
            shape = (len(values), self.steps, len(self.job.traced), width)
            arrays[name] = values.reshape(shape).transpose(0, 2, 1, 3)
        return arrays

    # -- the functions of the same names in tape.h, for the runtime mode -----------------------------------------------

    def start(self) -> None:
        """Make room for what is kept."""
        width = self.networks * self.outputs
        self.error = np.zeros((self.presentations, width))
        self.surprise = np.zeros((self.presentations if self.entropy else 0, width))
        self.prediction = np.zeros(((self.keep_row >= 0).sum(), self.steps, width))
        self.traces = [np.zeros(((self.trace_row >= 0).sum(), self.steps, width)) for width in self.widths]

    def functions(self) -> dict[str, Callable]:
        """The functions that equations may call."""
        return {name: getattr(self, method) for name, (method, *_) in FUNCTIONS.items()}

    def holds(self, when: When, timestep: int) -> bool:
        """Whether an object runs in this time step."""
        presentation = self._at(timestep)[0]
        learns, ending = bool(self.learn[presentation]), bool(self.ending(timestep))
        if when is When.TRACING:
            return bool(self.trace_row[presentation] >= 0)
        return {
            When.ALWAYS: True,
            When.STARTING: bool(self.starting(timestep)),
            When.LEARNS: learns,
            When.LEARNED: learns and ending,
            When.FINISHES: learns and (ending or bool(self.updating(timestep))),
        }[when]

    def moment(self, timestep: Number) -> int:
        """Time steps since the states last began anew."""
        timestep = int(np.ravel(timestep)[0])
        length = self.steps * self.substeps
        return timestep % length if self.job.reset else self.job.ticks + timestep

    def _at(self, timestep: Number) -> tuple[int, int, int]:
        timestep = int(np.ravel(timestep)[0])
        return timestep // self.substeps // self.steps, timestep // self.substeps % self.steps, timestep % self.substeps

    def stimulus(self, channel: np.ndarray, timestep: Number) -> np.ndarray:
        return self._row_now(self.job.x, timestep)[channel]

    def shown(self, channel: np.ndarray, timestep: Number) -> np.ndarray:
        return self._row_now(self.job.y, timestep)[channel]

    def _row_now(self, values: np.ndarray, timestep: Number) -> np.ndarray:
        presentation, step, _ = self._at(timestep)
        return self.layout.flat(values[self.job.source, self.trajectory[presentation], step])

    def learns(self, timestep: Number) -> float:
        return float(self.learn[self._at(timestep)[0]])

    def since_start(self, timestep: Number) -> float:
        _, step, substep = self._at(timestep)
        return step + (substep + 1) / self.substeps if self.averaging else 1.0

    def steps_shown(self, timestep: Number) -> float:
        return float(self._at(timestep)[1] + 1)

    def fresh(self, timestep: Number) -> float:
        return float(self._at(timestep)[2] == 0)

    def starting(self, timestep: Number) -> float:
        presentation, step, substep = self._at(timestep)
        return float(step == 0 and substep == 0 and (self.job.reset or (presentation == 0 and not self.job.done)))

    def first_of_all(self, timestep: Number) -> float:
        return float(np.ravel(timestep)[0] == 0 and not self.job.done)

    def ending(self, timestep: Number) -> float:
        _, step, substep = self._at(timestep)
        return float(step == self.steps - 1 and substep == self.substeps - 1)

    def updating(self, timestep: Number) -> float:
        presentation, _, substep = self._at(timestep)
        if not self.learn[presentation]:
            return 0.0
        if self.per_step:
            return float(substep == self.substeps - 1)
        return float(self.ending(timestep) and self.learned[presentation] % self.batch == 0)

    def updates(self, timestep: Number) -> float:
        presentation, step, _ = self._at(timestep)
        done = self.learned[presentation]
        return float((done - 1) * self.steps + step + 1 if self.per_step else done // self.batch)

    def share(self, timestep: Number) -> float:
        return 1.0 / self.batch

    known = staticmethod(reals.known)
    choose = staticmethod(reals.choose)
    only = staticmethod(reals.only)
    whole = staticmethod(reals.whole)
    signum = staticmethod(reals.signum)
    clipped = staticmethod(reals.clipped)
    timesteps = staticmethod(reals.timesteps)
    quotient_of = staticmethod(reals.quotient)
    remainder_of = staticmethod(reals.remainder)
    positive = staticmethod(reals.positive)

    def uniform(self, place: Number, element: np.ndarray, size: np.ndarray, timestep: Number) -> np.ndarray:
        return self._uniform(place, element // size, element % size, timestep)

    def normal(self, place: Number, element: np.ndarray, size: np.ndarray, timestep: Number) -> np.ndarray:
        return self._normal(place, element // size, element % size, timestep)

    def pair_uniform(
        self,
        place: Number,
        pre: np.ndarray,
        post: np.ndarray,
        many_pre: np.ndarray,
        many_post: np.ndarray,
        timestep: Number,
    ) -> np.ndarray:
        return self._uniform(place, *_cell(pre, post, many_pre, many_post), timestep)

    def pair_normal(
        self,
        place: Number,
        pre: np.ndarray,
        post: np.ndarray,
        many_pre: np.ndarray,
        many_post: np.ndarray,
        timestep: Number,
    ) -> np.ndarray:
        return self._normal(place, *_cell(pre, post, many_pre, many_post), timestep)

    def _uniform(self, place: Number, network: np.ndarray, cell: np.ndarray, timestep: Number) -> np.ndarray:
        presentation, step, substep = self._at(timestep)
        number = np.uint64(int(np.ravel(place)[0]))
        within = np.uint64(step * self.substeps + substep + 1)
        with np.errstate(over="ignore"):
            when = _mixed(self.job.seeds.astype(np.uint64)[network] + _GOLDEN * np.uint64(self.stamp[presentation] + 1))
            when = _mixed(when + _GOLDEN * within)
            drawn = _mixed(_mixed(when + _GOLDEN * (cell.astype(np.uint64) + np.uint64(1))) + _GOLDEN * number)
        return (drawn >> np.uint64(11)) * 2.0**-53

    def _normal(self, place: Number, network: np.ndarray, cell: np.ndarray, timestep: Number) -> np.ndarray:
        place = int(np.ravel(place)[0])
        radius = 1 - self._uniform(2 * place, network, cell, timestep)
        angle = self._uniform(2 * place + 1, network, cell, timestep)
        return np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)

    def keep(
        self, channel: np.ndarray, timestep: Number, prediction: np.ndarray, err: np.ndarray, target: np.ndarray
    ) -> float:
        presentation, step, substep = self._at(timestep)
        if substep == self.substeps - 1:
            self.error[presentation, channel] += err**2
            if self.entropy:
                wanted = np.where(np.isnan(target), 0, target)
                self.surprise[presentation, channel] -= wanted * np.log(np.maximum(prediction, 1e-300))
            if self.keep_row[presentation] >= 0:
                self.prediction[self.keep_row[presentation], step, channel] = prediction
        return 0.0

    def trace(self, table: Number, unit: np.ndarray, timestep: Number, value: np.ndarray) -> float:
        presentation, step, substep = self._at(timestep)
        row = self.trace_row[presentation]
        if row >= 0 and substep == self.substeps - 1:
            table = int(np.ravel(table)[0])
            width = self.outputs if table == 0 else self.neurons
            place = self.traced[unit // width]
            chosen = place >= 0
            column = place[chosen] * width + unit[chosen] % width
            self.traces[table][row, step, column] = np.broadcast_to(value, place.shape)[chosen]
        return 0.0


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _cell(
    pre: np.ndarray, post: np.ndarray, many_pre: np.ndarray, many_post: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The network of a synapse, and its number within that."""
    return post // many_post, pre % many_pre * many_post + post % many_post


def _mixed(z: np.ndarray) -> np.ndarray:
    """SplitMix64 (Steele, Lea & Flood 2014), as in tape.h."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _rows(flags: np.ndarray) -> np.ndarray:
    """Number the presentations that are flagged, -1 for the others."""
    return np.where(flags, np.cumsum(flags) - 1, -1)
