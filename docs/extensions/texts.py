"""What pages are written with: headings, tables and links of reStructuredText."""

import re

DOI = re.compile(r"doi:\s*(10\.\d{4,9}/[^\s,;]+[^\s,;.)])", re.IGNORECASE)
EMPTY = "\u2013"
"""What stands in a cell that holds nothing."""
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")


def heading(text, line="="):
    """A heading."""
    return f"{text}\n{line * max(3, len(text))}\n"


def linked(text):
    """A docstring in which every DOI is a link, and bars are bars."""
    text = text.replace("|", "\\|")
    return DOI.sub(lambda found: f"`doi:{found[1]} <https://doi.org/{found[1]}>`__", text)


def code(text, language="python", wraps=False):
    """A block of code, of which long lines may break."""
    inside = "\n".join(f"   {line}" if line else "" for line in text.rstrip().splitlines())
    return f".. code-block:: {language}\n{'   :class: wraps' if wraps else ''}\n\n{inside}\n"


def raw(html):
    """HTML as it is."""
    inside = "\n".join(f"   {line}" for line in html.splitlines())
    return f".. raw:: html\n\n{inside}\n"


def table(head, rows):
    """A table, of cells that are text."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [head, *rows]:
        for place, cell in enumerate(row):
            lines.append(f"   {'*' if place == 0 else ' '} - {str(cell).strip() or EMPTY}")
    return "\n".join(lines) + "\n"


def literal(text):
    """A text as code within a line."""
    return f"``{text}``" if str(text) else ""


def escaped(text):
    """Plain text in which nothing is markup."""
    return re.sub(r"([\\*`|_])", r"\\\1", str(text))


def listed(items):
    """A list."""
    return "\n".join(f"- {item}" for item in items) + "\n"


WHEN_NOT = re.compile(r"^When not to use it: (.*?)(?=\n\n|\Z)\s*", re.DOTALL | re.MULTILINE)


def cautions(text):
    """The docstring without its paragraph on when not to use a thing, and what is said there or in single sentences."""
    told = [" ".join(each.split()) for each in WHEN_NOT.findall(text)]
    rest = WHEN_NOT.sub("", text)
    sentences = SENTENCE.split(" ".join(rest.split()))
    said = [each for each in sentences if re.match(r"(Not |An ablation|No )", each)]
    return rest, [f"{each[0].upper()}{each[1:]}" for each in (*told, *said)]


def toctree(names, caption=""):
    """A table of contents that is not shown in the page."""
    inside = "\n".join(f"   {name}" for name in names)
    head = f"   :caption: {caption}\n" if caption else ""
    return f".. toctree::\n   :hidden:\n{head}\n{inside}\n"


def write(path, *parts):
    """Write a page, where it is not there already as it shall be."""
    text = "\n".join(part for part in parts if part) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path
