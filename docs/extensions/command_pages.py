"""A page of all commands, made of what they say of themselves."""

import click
from texts import code, heading, write

from autapse_sim.commands.main import found, main


def write_all(path):
    """Write the page."""
    context = click.Context(main, info_name="autapse", terminal_width=100, max_content_width=100)
    parts = [heading("Commands"), "What ``autapse COMMAND --help`` prints.\n"]
    for command in sorted(found(), key=lambda each: each.name):
        inside = click.Context(command, info_name=command.name, parent=context, max_content_width=100)
        parts += [heading(f"autapse {command.name}", "-"), code(command.get_help(inside), "text")]
    write(path, *parts)
