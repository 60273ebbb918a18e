"""One HTML file that needs nothing else, on a screen, a phone or paper: its look, and what it is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from string import Template
from typing import Any

from autapse_sim.names import short

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --soft: #5a5a5a; --line: #d5d5d5; --paper: #fff; --box: #f5f5f3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --soft: #a9a9a6; --line: #454545; --paper: #191919; --box: #242424; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 54rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 .75rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0; }
figure { margin: 1.5rem 0; break-inside: avoid; }
figure svg { display: block; width: 100%; height: auto; background: #fff; border-radius: 4px; padding: .4rem; }
figcaption, .soft { color: var(--soft); font-size: .9rem; }
pre { background: var(--box); padding: .75rem; white-space: pre-wrap; font: .75rem/1.45 ui-monospace, monospace; }
summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
.formula { margin: .35rem 0 .35rem 2.4rem; text-indent: -1.2rem; }
.formula math { text-indent: 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
th { overflow-wrap: break-word; }
tr.group th { color: var(--soft); font-weight: 400; padding-top: .8rem; }
dt { font-weight: 600; margin-top: .75rem; }
dd { margin: 0; white-space: pre-line; }
@media (max-width: 38rem) {
  h1 { font-size: 1.25rem; }
  thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table, tbody, tr, td, tbody th { display: block; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td, tbody th { border: 0; padding: .1rem 0; }
  td::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media print {
  :root { --ink: #000; --soft: #333; --line: #999; --paper: #fff; --box: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  pre { font-size: 6.5pt; padding: 0; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
}
</style>
</head>
<body>
<main>
<h1>$heading</h1>
$sections
</main>
</body>
</html>
""")
_SECTION = '<section id="{0}">\n<h2>{1}</h2>\n{2}\n</section>'


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading.

    Parameters
    ----------
    id : str
        Its place in the page, for links.
    heading : str
        As text.
    body : str
        As HTML; where it is empty the section is left out.
    """

    id: str
    heading: str
    body: str


def page(title: str, heading: str, sections: Iterable[Section]) -> str:
    """A whole page; the same parts give the same page."""
    written = [_SECTION.format(each.id, safe(each.heading), each.body) for each in sections if each.body]
    return _PAGE.substitute(title=safe(title), heading=safe(heading), sections="\n".join(written))


def safe(value: object) -> str:
    """Text made safe to stand in the page, in quotes too; characters that HTML forbids are left out.

    Examples
    --------
    >>> safe("a < b")
    'a &lt; b'
    """
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "", str(value)))


def paragraphs(lines: Iterable[object]) -> str:
    """Paragraphs of text; what is empty is left out."""
    return "\n".join(f"<p>{safe(line)}</p>" for line in lines if line)


def table(head: list[str], rows: Iterable[list | str]) -> str:
    """A table whose rows become blocks on a narrow screen; a row that is a text heads those after it."""
    top = "".join(f'<th scope="col">{safe(name)}</th>' for name in head)
    lines = ["<table>", f"<thead><tr>{top}</tr></thead>", "<tbody>"]
    for row in rows:
        if isinstance(row, str):
            lines.append(f'<tr class="group"><th scope="rowgroup" colspan="{len(head)}">{safe(row)}</th></tr>')
            continue
        first, *rest = row
        cells = "".join(
            f'<td data-label="{safe(name)}">{safe(cell)}</td>' for name, cell in zip(head[1:], rest, strict=True)
        )
        lines.append(f'<tr><th scope="row">{safe(first)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def listing(entries: object) -> str:
    """A list of names with their descriptions; line breaks are kept."""
    if not isinstance(entries, Mapping):
        return f"<p>{safe(entries)}</p>" if entries else ""
    pairs = (f"<dt>{safe(short(str(name)))}</dt>\n<dd>{safe(said)}</dd>" for name, said in entries.items())
    return "\n".join(["<dl>", *pairs, "</dl>"]) if entries else ""


def preformatted(text: object, summary: str = "") -> str:
    """A text as it is; behind its summary, where it has one."""
    shown = f'<pre tabindex="0">{safe(text)}</pre>'
    return f"<details>\n<summary>{safe(summary)}</summary>\n{shown}\n</details>" if summary else shown


def read(attribute: Any) -> object:
    """What an attribute holds as JSON, or its text where it is none."""
    try:
        return json.loads(attribute) if attribute else None
    except (TypeError, json.JSONDecodeError):
        return attribute
