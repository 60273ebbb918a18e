"""What a published result is, and those that there are: built in, or a file of the user's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import xarray as xr

from autapse_sim.checks import function, instance, items, real, text
from autapse_sim.errors import InputError
from autapse_sim.experiments.agreement import ANSWERS, NOT, REPRODUCED, UNSAID
from autapse_sim.names import modules_in, one_of, shown
from autapse_sim.results.contents import check_contents
from autapse_sim.results.result import Result
from autapse_sim.showing import showing
from autapse_sim.spec.model import is_file
from autapse_sim.spec.reading import python_text, run
from autapse_sim.studies.unit import Unit


@dataclass(frozen=True)
class Finding:
    """One published number or statement, what came out here, and whether they agree.

    Parameters
    ----------
    what : str
        What was measured.
    published, here : str
        The numbers on both sides.
    answer : str
        One of `autapse_sim.experiments.agreement.ANSWERS`.
    by : str
        What decided. The functions of `autapse_sim.experiments.agreement` give the last two.
    """

    what: str
    published: str
    here: str
    answer: str
    by: str


@dataclass(frozen=True)
class Answer:
    """What came out of a reproduction.

    Parameters
    ----------
    findings : tuple of Finding
        All have to be reproduced.
    data : xarray.Dataset
        The numbers that they rest on, to be kept in the result.
    notes : tuple of str
        What else came out: controls, of which nothing was published.
    """

    findings: tuple[Finding, ...]
    data: xr.Dataset = field(default_factory=xr.Dataset)
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """One that is not reproduced decides, else one that cannot be told leaves it open."""
        found = {one.answer for one in self.findings}
        return NOT if NOT in found else REPRODUCED if found == {REPRODUCED} else UNSAID


@showing
@dataclass(frozen=True)
class Reproduction:
    """A published result, and how it is seen again.

    Parameters
    ----------
    title : str
        What was shown, in words.
    source : str
        Who published it, with its DOI.
    published : str
        The numbers or the statement.
    minutes : (float, float)
        How long it takes on 2 cores, and how long a quick run.
    quick : str
        What a quick run has less of, such as '6 of 20 seeds'.
    units : callable
        Called with the seed (int) and whether the run is quick (bool); gives the units (`autapse_sim.studies.unit`),
        each under a key. A `Call` is one.
    answer : callable
        Called with the datasets that the units gave, under their keys, and whether the run is quick; gives the
        `Answer`.
    shorter : bool
        Whether a quick run trains less than was published: it then answers nothing, whatever comes out.
    unknown : str
        What of the published setting is not known, and chosen here. What is not seen again may then be due to that, so
        that it cannot be said whether it is reproduced.
    """

    title: str
    source: str
    published: str
    minutes: tuple[float, float]
    quick: str
    units: Callable[[int, bool], Mapping[Any, Unit]]
    answer: Callable[[Mapping[Any, xr.Dataset], bool], Answer]
    shorter: bool = True
    unknown: str = ""

    def checked(self, where: str) -> Reproduction:
        """The same, or an `InputError` that says what is wrong with it, and where it stands."""
        try:
            for name in ("title", "source", "published", "quick"):
                text(name, getattr(self, name))
            given = items("minutes", self.minutes, "(minutes, minutes of a quick run)")
            if len([real("minutes", each, above=0) for each in given]) != 2:
                raise InputError(f"minutes is {shown(self.minutes)}; write (minutes, minutes of a quick run)")
            for name in ("units", "answer"):
                if function(name, getattr(self, name)) is None:
                    raise InputError(f"{name} is missing; write a function")
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return self

    def answered(self, found: Mapping[Any, xr.Dataset], quick: bool) -> Answer:
        """The answer to what the units gave, as far as the run and what is known of the setting allow for one."""
        answer = instance("the answer", self.answer(found, quick), Answer)
        return replace(answer, findings=tuple(self._allowed(one, quick) for one in answer.findings))

    def _allowed(self, one: Finding, quick: bool) -> Finding:
        """A finding, left open where a quick run trains less, or where the setting may be why it is not reproduced."""
        one_of("answer", one.answer, ANSWERS)
        if quick and self.shorter:
            return replace(one, answer=UNSAID, by=f"a quick run: {self.quick}")
        if self.unknown and one.answer == NOT:
            return replace(one, answer=UNSAID, by=f"{one.by}; it may be due to what is not known: {self.unknown}")
        return one


@dataclass(frozen=True)
class Call:
    """A unit: networks that a function trains and scores.

    Parameters
    ----------
    function : callable
        Gives an `xarray.Dataset`; what it gives follows from its arguments alone.
    given : mapping of str to value
        Its arguments: numbers, text, arrays, and the circuits, tasks and protocols that determine the result. A model
        that no circuit among them names is not known to determine it.
    networks : int
        How many networks it trains.
    """

    function: Callable[..., xr.Dataset]
    given: Mapping[str, Any]
    networks: int = 1

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return self.networks

    def parts(self) -> dict[str, Any]:
        """All that determines the result: the function with the file in which it stands, and its arguments."""
        file = inspect.getsourcefile(self.function)
        source = (
            Path(file).read_text(encoding="utf-8") if file and Path(file).exists() else inspect.getsource(self.function)
        )
        return {"function": self.function.__qualname__, "source": source, "given": self.given}

    def run(self) -> Result:
        """What the function gives; an `InputError` where a name in it stands for something else in results."""
        data = self.function(**self.given)
        try:
            check_contents(data)
        except ValueError as error:
            raise InputError(f"what {self.function.__qualname__} gives needs another name: {error}") from None
        return Result(data)


def reproductions() -> dict[str, Reproduction]:
    """Every published result that a module of the folder reproductions defines, by its name.

    Examples
    --------
    >>> "eprop-sine" in reproductions()
    True
    """
    from autapse_sim.experiments import reproductions as package

    return {name.replace("_", "-"): module.reproduction for name, module in modules_in(package).items()}


def reproduction_called(given: Any) -> tuple[str, Reproduction]:
    """The name of a published result and itself: by name, or from a file that defines ``reproduction = ...``.

    Parameters
    ----------
    given : Reproduction, str or Path
        The result.

    Raises
    ------
    InputError
        There is none of that name, the file defines none, or what it holds is none.
    """
    if isinstance(given, Reproduction):
        return "own", given.checked("reproduction")
    if isinstance(given, Path) or (isinstance(given, str) and is_file(given)):
        path = str(given)
        found = run(python_text(path), path).get("reproduction")  # code that the user chose to run
        if not isinstance(found, Reproduction):
            raise InputError(f"{path} defines no reproduction; write reproduction = ap.Reproduction(...)")
        return Path(path).stem, found.checked(path)
    known = reproductions()
    name = one_of("reproduction", given, known)
    return name, known[name]


def in_words(minutes: float) -> str:
    """A time in words.

    Examples
    --------
    >>> in_words(0.1), in_words(12), in_words(150)
    ('6 s', '12 min', '2.5 h')
    """
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.2g} h"
