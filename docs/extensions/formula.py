"""Lines of models in pages, typeset as in reports: MathML, which browsers show without a script or a network.

In Markdown ``{formula}`dk/dt = (activity - k)/tau : 1``` within a line, and a directive of the same name for several.
"""

import html

from docutils import nodes
from docutils.parsers.rst import Directive

from autapse_sim.results.report.equations import formulas


def typeset(text):
    """Formulas of a text of equations, statements or expressions, one a line."""
    field = (
        "equations" if any(line.partition("#")[0].rstrip().endswith(": 1") for line in text.splitlines()) else "update"
    )
    source = f"# page.py\nthing = Rule({field}={text!r})\n"
    return [line for line in formulas(source) if line.startswith('<div class="formula">')]


class Formula(Directive):
    """Formulas that stand by themselves."""

    has_content = True

    def run(self):
        return [nodes.raw("", "\n".join(typeset("\n".join(self.content))), format="html")]


def formula(name, rawtext, text, line, inliner, options=None, content=None):
    """A formula within a line."""
    made = "".join(typeset(html.unescape(text))).replace('<div class="formula">', "").replace("</div>", "")
    return [nodes.raw("", f'<span class="formula-inline">{made}</span>', format="html")], []


def setup(app):
    app.add_role("formula", formula)
    app.add_directive("formula", Formula)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
