"""The paper's study as one file: its figures beside the authors', the comparison, and what was run and what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import plotly.graph_objects as go

from hamexplorer.panels.parts import basis_label, duration
from hamexplorer.panels.report import report_html
from hamexplorer.physics.targets import TARGETS
from hamexplorer.plots.comparison import HELP, comparison_figure
from hamexplorer.plots.learning_curve import HELP as CURVE_HELP
from hamexplorer.plots.learning_curve import LABEL as CURVE_LABEL
from hamexplorer.plots.learning_curve import learning_curve
from hamexplorer.plots.plot import number
from hamexplorer.train.paper import AUTHORS_SOURCE, Experiment
from hamexplorer.train.paper_summary import MEASURES, Figure, Line
from hamexplorer.train.rows import Row

#: Properties in the page's table; the CSV file has all of them.
_SHOWN = ("mo_energy", "dipole", "polarizability", "mayer_bond_order", "mulliken_charge")
_HEAD = ("Experiment", "Learned from", "Tested on", "Property", "Per atom", "Authors", "MAE", "RMSE", "Seeds")
_KINDS = {
    "raw": "the small basis itself",
    "direct": "ridge fit of the matrix",
    "hybrid": "Hamiltonian",
    "surrogate": "surrogate",
}


def paper_html(
    title: str,
    lines: Sequence[Line],
    rows: Sequence[Row],
    bases: Mapping[str, str],
    about: Mapping[str, str],
) -> str:
    """A page that opens without a server; energies in eV.

    Args:
        title: of the page.
        lines: of :func:`hamexplorer.train.paper_summary.summarise`.
        rows: of every planned run; those that were not run say why.
        bases: names of the "small" and the "large" basis.
        about: when, where and with what settings it was made, as name and text.
    """
    facts = "".join(
        f"<tr><th scope='row'>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in about.items()
    )
    legend = (
        "Polarizabilities are coupled (CPKS) where values of the large basis are learned, and uncoupled, as a fixed "
        "matrix has them, where those of the small basis are. "
        "Per atom: √(mean ‖Δ‖²/N²) over the tested molecules, as in the paper; MAE and RMSE of single values; mean ± "
        f"standard deviation over the seeds. Authors: {AUTHORS_SOURCE}, per atom, for the same experiment on QM7 and "
        "QM9, with the number of molecules learned from where they say it."
    )
    tables = (
        f"<table>{facts}</table><p class='muted'>{escape(legend)}</p>{_figures_table(lines, bases)}"
        f"<h2>Runs</h2>{_runs_table(rows)}"
    )
    return report_html(title, _drawn(lines, rows, bases), tables, [], None)


def _drawn(
    lines: Sequence[Line], rows: Sequence[Row], bases: Mapping[str, str]
) -> list[tuple[str, str, go.Figure]]:
    found = []
    for basis in ("large", "small"):
        mine = [
            row
            for row in rows
            if (e := Experiment.of(row.run.settings)).basis == basis and not e.train_at_most
        ]
        if any(not row.failed for row in mine):
            found.append(
                (f"Values of {basis_label(bases[basis])}", HELP, comparison_figure(mine, units="eV"))
            )
    if any(line.experiment.train_at_most for line in lines):
        found.append((CURVE_LABEL, CURVE_HELP, learning_curve(lines)))
    return found


def said(experiment: Experiment, bases: Mapping[str, str]) -> str:
    """An experiment in words: what was learned, and of which basis."""
    if experiment.kind == "raw":
        return f"raw {basis_label(bases['small'])} against {basis_label(bases['large'])}"
    of = f"of {basis_label(bases[experiment.basis])}"
    if experiment.kind == "direct":
        return f"{_KINDS['direct']} {of}"
    names = " + ".join(TARGETS[name].label.lower() for name in experiment.targets)
    return f"{_KINDS[experiment.kind]}: {names} {of}"


def _figures_table(lines: Sequence[Line], bases: Mapping[str, str]) -> str:
    body, last = [], None
    for line in lines:
        if line.target not in _SHOWN:
            continue
        key = (line.experiment, line.tested_on)
        cells = ("", "", "") if key == last else (said(line.experiment, bases), line.n_train, line.tested_on)
        last = key
        figures = [escape(_told(line.figures[measure])) for measure in MEASURES]
        named = f"{escape(line.label)} <small>{escape(line.unit)}</small>"
        numbers = (figures[0], _of_authors(line), *figures[1:], str(len(line.seeds)))
        words = "".join(f"<td>{escape(str(cell or ''))}</td>" for cell in cells)
        body.append(f"<tr>{words}<td>{named}</td>{''.join(f'<td>{cell}</td>' for cell in numbers)}</tr>")
    return _table(_HEAD, body)


def _of_authors(line: Line) -> str:
    if line.given is None:
        return ""
    size = f"<small>from {line.given.n_train}</small>" if line.given.n_train else ""
    return f"{line.authors:g} {size}"


def _runs_table(rows: Sequence[Row]) -> str:
    body = []
    for row in rows:
        state = row.sentence if row.failed else "finished" + (f"; {row.sentence}" if row.sentence else "")
        done = ("", "", "") if row.failed else (row.n_train, row.epochs, duration(row.seconds))
        cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in (*done, state))
        body.append(f"<tr><th scope='row'>{escape(row.run.label)}</th>{cells}</tr>")
    return _table(("Run", "Learned from", "Epochs", "Time", "What became of it"), body)


def _told(figure: Figure) -> str:
    spread = f" ± {number(figure.spread, 2)}" if figure.spread == figure.spread else ""
    return number(figure.mean) + spread


def _table(heads: Sequence[str], lines: Sequence[str]) -> str:
    head = "".join(f"<th scope='col'>{each}</th>" for each in heads)
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"
