"""A published result that was run again, on one page."""

from __future__ import annotations

import xarray as xr

from autapse_sim.results.report.html import Section, listing, paragraphs, read, table
from autapse_sim.results.report.html import page as page_of

COLUMNS = {"what": "what", "published": "published", "here": "here", "answer": "answer", "by": "what decided"}
"""What is told of a finding, and the heads of the table."""


def page(data: xr.Dataset) -> str:
    """The text of the page: the answer first, then each finding with what decided; the same result, the same text."""
    about = data.attrs
    findings = read(about.get("findings"))
    rows = [
        [each.get(name, "") for name in COLUMNS]
        for each in (findings if isinstance(findings, list) else [])
        if isinstance(each, dict)
    ]
    notes = read(about.get("notes"))
    told = {name: about[name] for name in ("title", "source", "published", "seed", "name") if name in about}
    sections = [
        Section("findings", "What was published, and what came out here", table([*COLUMNS.values()], rows)),
        Section("notes", "What else came out", paragraphs(notes if isinstance(notes, list) else [])),
        Section("run", "What was run", listing(told)),
        Section("provenance", "Provenance", listing(read(about.get("provenance")))),
    ]
    name = f"Reproduction of {about.get('name', 'a published result')}"
    return page_of(name, about.get("sentence") or name, sections)
