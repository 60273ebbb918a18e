"""The program `autapse`: each command is the module of its name in this folder."""

from __future__ import annotations

from collections.abc import Iterator

import click

import autapse_sim as ap
from autapse_sim import commands
from autapse_sim.machine.session import Commands
from autapse_sim.names import modules_in


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ap.__version__, prog_name="autapse")
def main() -> None:
    """A bench that settles whether a learning rule works in a recurrent circuit."""


def found() -> Iterator[click.Command]:
    """The commands: what the modules of this folder define under their own names."""
    for name, module in modules_in(commands).items():
        command = getattr(module, name, None)
        if isinstance(command, click.Command) and name != "main":
            yield command


for _command in found():
    main.add_command(_command)
