"""Movies: figures that grow, written as GIF, and as MP4 where ffmpeg is."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter
from matplotlib.figure import Figure

from autapse_sim import checks
from autapse_sim.errors import InputError
from autapse_sim.machine.files import made, write_whole
from autapse_sim.names import one_of
from autapse_sim.results.plots import style

FORMATS = ("gif", "mp4")
"""What a movie is written as."""
DPI = 100
"""Of its pictures."""


class Movie:
    """A figure that grows; notebooks play it.

    Parameters
    ----------
    figure : Figure
        What is shown.
    show : callable
        Brings the figure to a frame, by its number.
    frames : int
        How many there are.
    pace : int
        Frames a second.
    """

    def __init__(self, figure: Figure, show: Callable[[int], None], frames: int, pace: int) -> None:
        self.figure, self.show, self.frames, self.pace = figure, show, frames, pace

    def content(self, kind: str) -> bytes:
        """What a file of a kind, 'gif' or 'mp4', holds.

        Raises
        ------
        InputError
            There is no ffmpeg, which an MP4 needs.
        """
        one_of("format", kind, FORMATS)
        if kind == "mp4" and not FFMpegWriter.isAvailable():
            raise InputError("an mp4 needs ffmpeg, which is not installed; write a gif")
        writer = (FFMpegWriter if kind == "mp4" else PillowWriter)(fps=self.pace)
        with style.styled():
            played = FuncAnimation(self.figure, lambda frame: self.show(frame) or (), self.frames, repeat=False)
            return made(f"movie.{kind}", lambda path: played.save(path, writer, dpi=DPI))

    def save(self, folder: str | Path, name: str, formats: Sequence[str] = ("gif",)) -> list[Path]:
        """Write the movie, as GIF where nothing else is said, each file whole or not at all; the files written."""
        whole = checks.path("folder", folder) / checks.path("name", name)
        kinds = dict.fromkeys(checks.items("formats", formats, "gif, mp4"))
        drawn = {kind: self.content(kind) for kind in kinds}
        return [write_whole(whole.with_name(f"{whole.name}.{kind}"), held) for kind, held in drawn.items()]

    def _repr_html_(self) -> str:
        return f'<img alt="movie" src="data:image/gif;base64,{b64encode(self.content("gif")).decode()}">'
