"""Draws the house, wings and what each imports, as docs/_static/house.svg: python docs/extensions/house.py"""

import sys
from pathlib import Path

from matplotlib.figure import Figure

from autapse_sim.results.plots import style

OUT = Path(__file__).parents[1] / "_static" / "house.svg"
WINGS = (
    ("commands", "what is typed: one file a command"),
    ("experiments", "what is asked: compare, check, verdict, reproduce; one file each"),
    ("studies", "what is crossed, kept where, run where"),
    ("training", "one training run; controls/"),
    ("engines", "who runs a job: brian/, adjoint/, discrete/, reference/"),
    ("results", "what came out: files, scores, tables; plots/figures/, report/, export/"),
    ("tasks", "what is shown: one file a task"),
    ("spec", "what is simulated: circuit, protocol, what model files may say"),
    ("machine", "files, processes, signals, memory"),
)


def draw():
    """The wings as floors: each may import those below it."""
    with style.styled():
        figure = Figure(figsize=(7.2, 5.2))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set_axis_off()
        ax.set_xlim(0, 10)
        ax.set_ylim(-1.6, len(WINGS) + 1.2)
        for floor, (name, about) in enumerate(reversed(WINGS)):
            ax.add_patch(_box(1.3, floor, 8.4, style.PALETTE[0], 0.10 + 0.05 * (floor % 2)))
            ax.text(1.5, floor + 0.42, name, weight="bold", va="center", size=10)
            ax.text(3.4, floor + 0.42, about, va="center", size=8.5)
        ax.add_patch(_box(1.3, -1.3, 8.4, style.PALETTE[1], 0.15))
        ax.text(1.5, -0.88, "models/", weight="bold", va="center", size=10)
        ax.text(3.4, -0.88, "equations only: neurons/*.py, rules/*.py", va="center", size=8.5)
        ax.fill([1.1, 5.5, 9.9], [len(WINGS), len(WINGS) + 1, len(WINGS)], color=style.PALETTE[0], alpha=0.25, lw=0)
        ax.text(5.5, len(WINGS) + 0.4, "autapse_sim", ha="center", va="center", weight="bold", size=11)
        ax.annotate("", (0.6, 0), (0.6, len(WINGS)), arrowprops={"arrowstyle": "-|>", "color": "#444444"})
        ax.text(0.35, len(WINGS) / 2, "imports go down only", rotation=90, ha="center", va="center", size=9)
    return figure


def _box(x, y, width, colour, alpha):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, 0.84, color=colour, alpha=alpha, lw=0)


if __name__ == "__main__":
    draw().savefig(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT, metadata={"Date": None})
