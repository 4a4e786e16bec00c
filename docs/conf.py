"""How Sphinx builds the documentation: `sphinx-build -W --keep-going -b html docs docs/_build/html`.

Neither building nor reading needs the network: no other project's inventory is fetched, formulas become MathML, which
browsers typeset themselves, and notebooks are not run.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml

ROOT = Path(__file__).parents[1]
# The checkout that these pages belong to, whatever is installed.
sys.path.insert(0, str(ROOT))
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

project = _PROJECT["name"]
release = version = _PROJECT["version"]
author = "The hamexplorer authors"
copyright = author
html_title = f"{project} {release}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_design",
]
exclude_patterns = ["_build", "_templates", "examples"]
templates_path = ["_templates"]
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist", "substitution"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_member_order = "bysource"
# Annotations are written as in the source: their types come from packages whose pages are not linked.
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = ["Source"]


def _lessons() -> str:
    """The lessons as a table: what they say of themselves."""
    rows = ["| lesson | about | minutes |", "|---|---|---|"]
    for path in sorted((ROOT / "notebooks").glob("lesson_*.ipynb")):
        said = json.loads(path.read_text())["metadata"]
        rows.append(f"| {said['title']} | {said['about']} | {said['minutes']} |")
    return "\n".join(rows)


#: `{{ lessons }}` on a page.
myst_substitutions = {"lessons": _lessons()}

#: Pages that are files of the repository's root, whose links are relative to it.
_FROM_ROOT = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md"}
#: Where a link of those leads on this site.
_HERE = (
    (re.compile(r"\]\(docs/"), "]("),
    (re.compile(r"\]\(notebooks/[^)]*\)"), "](lessons.md)"),
    (re.compile(r"\]\(CHANGELOG\.md\)"), "](changelog.md)"),
    # hard_to_break.md stands in docs/ and is read in the repository as well.
    (re.compile(r"\]\(\.\./CONTRIBUTING\.md\)"), "](contributing.md)"),
)


def _read(app: Any, name: str, source: list[str]) -> None:
    if name in _FROM_ROOT:
        source[0] = (ROOT / _FROM_ROOT[name]).read_text()
        app.env.note_dependency(str(ROOT / _FROM_ROOT[name]))
    for pattern, instead in _HERE:
        source[0] = pattern.sub(instead, source[0])


#: Inline code, left as it is; and what means something else in reStructuredText than in our docstrings.
_LITERAL = re.compile(r"(:[a-z:]+:`[^`]*`|``[^`]*``)")


#: The names of several attributes or arguments that share a sentence.
_SEVERAL = re.compile(r"\s+\w+(, \w+)+(?=: )")


def _docstring(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings write formulas as $…$, code also as `…`, and bars and stars as they are."""
    for number, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            continue
        # Of "a, b: both" Sphinx would make b, of the type a: one word it takes as a name.
        if names := _SEVERAL.match(line):
            line = names[0].replace(", ", ",\N{NO-BREAK SPACE}") + line[names.end() :]
        pieces = _LITERAL.split(line)
        for place in range(0, len(pieces), 2):
            pieces[place] = _as_rst(pieces[place])
        lines[number] = "".join(pieces)


def _as_rst(text: str) -> str:
    found = re.split(r"(\$[^$]+\$|`[^`]+`)", text)
    for place, piece in enumerate(found):
        if piece.startswith("$") and len(piece) > 2:
            found[place] = rf":math:`{piece[1:-1]}`\ "
        elif piece.startswith("`") and len(piece) > 2:
            found[place] = f"`{piece}`"
        else:
            found[place] = piece.replace("|", r"\|").replace("*", r"\*")
    return "".join(found)


def _mathml(tex: str, *, as_block: bool) -> str:
    # docutils puts an index below a letter with an accent, and takes one argument of \frac12.
    tex = re.sub(r"\\(tilde|hat|bar) ?([A-Za-z])(?=[_^])", r"{{}\\\1 \2}", tex)
    tex = re.sub(r"\\t?frac ?(\d)(\d)", r"\\frac{\1}{\2}", tex)
    return latex2mathml.tex2mathml(tex, as_block=as_block)


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(_mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _display(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math">{_mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> None:
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.connect("source-read", _read)
    # Before napoleon, which reads sections and leaves the sentences in them.
    app.connect("autodoc-process-docstring", _docstring, priority=100)
