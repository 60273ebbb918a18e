"""Writes the pages that are made of the package itself, before the site is read."""

from pathlib import Path

import command_pages
import library_pages
import pictures
import python_pages

from autapse_sim.machine.quiet import quiet


def write_pages(app, config):
    """Write the library, the gallery and the commands."""
    source = Path(app.srcdir)
    with quiet():
        pictures.draw_tasks(source / "library" / "tasks")
        pictures.draw_gallery(source / "gallery")
        library_pages.write_all(source / "library")
        python_pages.write_all(source / "reference" / "python.rst")
        command_pages.write_all(source / "reference" / "commands.rst")


def setup(app):
    app.connect("config-inited", write_pages)  # before Sphinx looks which pages there are
    return {"parallel_read_safe": True, "parallel_write_safe": True}
